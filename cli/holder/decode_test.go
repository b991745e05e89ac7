package holder

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"conclave/ceremony/leak"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/paste"
	"conclave/cli"
	"conclave/host"
)

// A one-time password, and a token of the same length.
const (
	padOfTest   = "Kq7vXb2ZrT9mWc4YpL8nHd3JsG6f"
	tokenOfTest = "hvs.3bXq0dA9sLkTz81VnRyEwPcU"
)

// encoded returns what a server makes of a token and a one-time password.
func encoded(token, password string) string {
	mixed := make([]byte, len(token))
	for i := range mixed {
		mixed[i] = token[i] ^ password[i]
	}
	return base64.RawStdEncoding.EncodeToString(mixed)
}

func TestTokenIsDecodedFromWhateverItStandsIn(t *testing.T) {
	word := encoded(tokenOfTest, padOfTest)
	for name, text := range map[string]string{
		"alone":          word,
		"with a newline": word + "\r\n",
		"padded":         word + "==",
		"with a mark":    "\ufeff" + word,
		"in UTF-16":      "\xff\xfe" + strings.Join(strings.Split(word, ""), "\x00") + "\x00",
		"quoted":         "> `" + word + "`",
		"a field":        `{"encoded_token":"` + word + `","otp_length":0}`,
		"a message": "*The root token for prod*\nIt is useless without your one-time password.\n```conclave decode --otp otp.txt " + word +
			"```\n`prod-generate-root-k7m2` · signed by " + strings.Repeat("AB12", 10) + "\n",
		// A word as long as the right one, and another password's token.
		"among others": strings.Repeat("A", len(word)) + " " + encoded(tokenOfTest, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa") + " " + word,
	} {
		token, err := decodeToken([]byte(paste.Text([]byte(text))), []byte(padOfTest))
		if err != nil || string(token) != tokenOfTest {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
}

func TestEveryKindOfTokenIsRecognised(t *testing.T) {
	for _, token := range []string{
		tokenOfTest, "hvr.3bXq0dA9sLkTz81VnRyEwPcU", "hvb.AAAAAQJ0_bXq0dA9-LkTz81VnRyEwPcU",
		"s.3bXq0dA9sLkTz81VnRyEwPcU", "s.3bXq0dA9sLkTz81VnRyEwPcU.4nsid", "r.3bXq0dA9sLkTz81VnRyEwPcU",
	} {
		pad, err := openpgp.NewPassword(len(token))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeToken([]byte(encoded(token, string(pad))), pad); err != nil || string(got) != token {
			t.Errorf("%s: %q, %v", token, got, err)
		}
	}
}

func TestWhatIsNoTokenIsNotPrinted(t *testing.T) {
	word := encoded(tokenOfTest, padOfTest)
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"another password":  {encoded(tokenOfTest, strings.Repeat("x", 28)), errNoToken},
		"a changed letter":  {strings.ToUpper(word[:1]) + "/" + word[2:], errNoToken},
		"cut short":         {word[:30], errNoEncoded},
		"for a shorter one": {encoded("s.3bXq0dA9sLkTz81VnRyEwPcU", padOfTest[:26]), errNoEncoded},
		"the token itself":  {tokenOfTest, errNoEncoded},
		"the password":      {padOfTest, errNoEncoded},
		"small talk":        {"I have my token, what now?", errNoEncoded},
		"nothing":           {"", errNoEncoded},
		"a PGP message":     {"-----BEGIN PGP MESSAGE-----\n\nwV4D" + strings.Repeat("Ab3/", 15) + "\n=abcd\n-----END PGP MESSAGE-----\n", errNoEncoded},
	} {
		token, err := decodeToken([]byte(tt.text), []byte(padOfTest))
		if token != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: %q, %v", name, token, err)
		}
		if err != nil && (strings.Contains(err.Error(), tokenOfTest) || strings.Contains(err.Error(), padOfTest)) {
			t.Errorf("%s: %v shows a secret", name, err)
		}
	}
}

// FuzzDecode: whatever is given, what comes out is as long as the password, looks
// like a token, and stands encoded in what was given.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(encoded(tokenOfTest, padOfTest)), []byte(padOfTest))
	f.Add([]byte("Your token: `"+encoded(tokenOfTest, padOfTest)+"`\n"), []byte(padOfTest))
	f.Add([]byte(encoded("s.3bXq0dA9sLkTz81VnRyEwPcU", padOfTest[:26])), []byte(padOfTest[:26]))
	f.Add([]byte(padOfTest), []byte(padOfTest))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, text, password []byte) {
		if openpgp.CheckPassword(password) != nil {
			return
		}
		before := bytes.Clone(password)
		token, err := decodeToken(text, password)
		if !bytes.Equal(before, password) {
			t.Error("the password was changed")
		}
		switch {
		case err != nil && token != nil, err == nil && len(token) != len(password):
			t.Errorf("%q, %v", token, err)
		case err != nil:
			if strings.Contains(err.Error(), string(password)) {
				t.Errorf("%v shows the password", err)
			}
		case !leak.IsToken(token):
			t.Errorf("%q is no token", token)
		case !bytes.Contains(text, []byte(encoded(string(token), string(password)))):
			t.Errorf("%q does not hold %q", text, token)
		}
	})
}

// TestWhatIsPastedIsReadToItsEnd: what a program leaves of a paste is typed into the shell.
func TestWhatIsPastedIsReadToItsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		read func(std cli.Streams) error
		want error
	}{
		"too long": {strings.Repeat("A long message.\n", host.MaxFile/8), func(std cli.Streams) error {
			_, err := readPasted(std)
			return err
		}, host.ErrOverlong},
		"without the password's file": {encoded(tokenOfTest, padOfTest), func(std cli.Streams) error {
			return decode(std, nil, host.Path(t.TempDir()+"/otp.txt"), false)
		}, fs.ErrNotExist},
	} {
		in := strings.NewReader(c.text + "\ntouch pwned\n")
		if err := c.read(cli.Streams{In: in, Out: io.Discard, Err: io.Discard}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if in.Len() > 0 {
			t.Errorf("%s: %d bytes are left to the shell", name, in.Len())
		}
	}
}
