package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/leak"
	"conclave/ceremony/openpgp"
	"conclave/cli"
	"conclave/cli/holder"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/realvault"
)

// The pair of a password and what a server makes of a token with it.
const (
	padOfTest   = "Kq7vXb2ZrT9mWc4YpL8nHd3JsG6f"
	tokenOfTest = "hvs.3bXq0dA9sLkTz81VnRyEwPcU"
)

func encoded(token, password string) string {
	mixed := make([]byte, len(token))
	for i := range mixed {
		mixed[i] = token[i] ^ password[i]
	}
	return base64.RawStdEncoding.EncodeToString(mixed)
}

// typed runs the program as somebody types it, with this on standard input.
func typed(t testing.TB, stdin string, args ...string) (code int, out, said string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, cli.Streams{In: strings.NewReader(stdin), Out: &o, Err: &e})
	return code, o.String(), e.String()
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
		token, err := holder.DecodeToken([]byte(openpgp.Text([]byte(text))), []byte(padOfTest))
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
		if got, err := holder.DecodeToken([]byte(encoded(token, string(pad))), pad); err != nil || string(got) != token {
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
		"another password":  {encoded(tokenOfTest, strings.Repeat("x", 28)), holder.ErrNoToken},
		"a changed letter":  {strings.ToUpper(word[:1]) + "/" + word[2:], holder.ErrNoToken},
		"cut short":         {word[:30], holder.ErrNoEncoded},
		"for a shorter one": {encoded("s.3bXq0dA9sLkTz81VnRyEwPcU", padOfTest[:26]), holder.ErrNoEncoded},
		"the token itself":  {tokenOfTest, holder.ErrNoEncoded},
		"the password":      {padOfTest, holder.ErrNoEncoded},
		"small talk":        {"I have my token, what now?", holder.ErrNoEncoded},
		"nothing":           {"", holder.ErrNoEncoded},
		"a PGP message":     {"-----BEGIN PGP MESSAGE-----\n\nwV4D" + strings.Repeat("Ab3/", 15) + "\n=abcd\n-----END PGP MESSAGE-----\n", holder.ErrNoEncoded},
	} {
		token, err := holder.DecodeToken([]byte(tt.text), []byte(padOfTest))
		if token != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: %q, %v", name, token, err)
		}
		if err != nil && (strings.Contains(err.Error(), tokenOfTest) || strings.Contains(err.Error(), padOfTest)) {
			t.Errorf("%s: %v shows a secret", name, err)
		}
	}
}

func TestP1PasswordOnTheCommandLineIsNotRepeated(t *testing.T) {
	for _, args := range [][]string{
		{"decode", "--otp", padOfTest, encoded(tokenOfTest, padOfTest)},
		{"otp", "show", padOfTest},
		{"decode", "--otp", "decode_test.go", padOfTest},
		{"decode", "--otp", "decode_test.go", tokenOfTest},
	} {
		code, out, said := typed(t, "", args...)
		if code == cli.ExitOK || out != "" || strings.Contains(said, padOfTest) || strings.Contains(said, tokenOfTest) {
			t.Errorf("%v: %d %s%s", args, code, out, said)
		}
	}
}

func TestPasswordStaysWhenTheTokenCouldNotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "otp.txt")
	if err := os.WriteFile(file, []byte(padOfTest), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	args := []string{"decode", "--remove", "--otp", file, encoded(tokenOfTest, padOfTest)}
	if code := run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: full{}, Err: &said}); code != cli.ExitFailed {
		t.Errorf("exit code %d\n%s", code, &said)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// full is a disk with no room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestTokenThatARealVaultHasMadeIsDecoded(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "otp.txt")
	if code, _, said := typed(t, "", "otp", "new", file); code != cli.ExitOK {
		t.Fatal(said)
	}
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	op, keys := vaulttest.Open(t, realvault.StartReal(t, realvault.RealOptions{Storage: "inmem"}), 3, 2)
	start, err := op.Do(t.Context(), "PUT", "sys/generate-root/attempt", map[string]string{"otp": string(password)})
	if err != nil || start.Status != 200 || start.Int("otp_length") != len(password) {
		t.Fatalf("%+v, %v", start, err)
	}
	var last operator.Answer
	for _, share := range keys.Shares[:2] {
		last, err = op.Do(t.Context(), "PUT", "sys/generate-root/update", map[string]string{"key": share, "nonce": start.String("nonce")})
		if err != nil || last.Status != 200 {
			t.Fatalf("%+v, %v", last, err)
		}
	}
	code, out, said := typed(t, "Your token:\n"+last.String("encoded_token")+"\n", "decode", "--otp", file, "--remove")
	if code != cli.ExitOK {
		t.Fatal(said)
	}
	if root, err := op.IsRootToken(t.Context(), strings.TrimSuffix(out, "\n")); !root || err != nil {
		t.Errorf("a root token: %t, %v", root, err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the password is still there: %v", err)
	}
	if strings.Contains(said, strings.TrimSpace(out)) || strings.Contains(said, string(password)) {
		t.Error("standard error shows a secret")
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
		token, err := holder.DecodeToken(text, password)
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
