package holder

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"conclave/ceremony/openpgp"
)

// grouped writes a text in groups of n characters.
func grouped(text string, n int, between string) string {
	var groups []string
	for ; len(text) > n; text = text[n:] {
		groups = append(groups, text[:n])
	}
	return strings.Join(append(groups, text), between)
}

// sharesOfTest are a share of a divided key and a whole key, which have every digit, and in base64
// the characters that differ between alphabets.
func sharesOfTest(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for name, digits := range map[string]string{
		"a share":     "0f1e2d3c4b5a69788796a5b4c3d2e1f0fbefbe0123456789abcdeffffffff00101",
		"a whole key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0fbefbe0123456789abcdeffffffff001",
	} {
		raw, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = raw
	}
	return all
}

func TestShareIsReadInEveryFormInWhichPeopleHaveIt(t *testing.T) {
	for what, raw := range sharesOfTest(t) {
		digits, b64 := hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw)
		forms := map[string]string{
			"digits":                    digits,
			"capitals":                  strings.ToUpper(digits),
			"base64":                    b64,
			"base64 of URLs":            base64.URLEncoding.EncodeToString(raw),
			"pairs":                     grouped(digits, 2, " "),
			"fours":                     grouped(digits, 4, " "),
			"eights with dashes":        grouped(digits, 8, "-"),
			"typographic dashes":        grouped(digits, 8, "–"),
			"no-break spaces":           grouped(digits, 6, "\u00a0"),
			"colons":                    grouped(digits, 2, ":"),
			"several lines":             grouped(digits, 16, "\n"),
			"irregular groups":          digits[:10] + " " + digits[10:30] + " " + digits[30:34] + "  " + digits[34:],
			"base64 in groups":          grouped(b64, 4, " "),
			"base64 in lines":           grouped(b64, 20, "\r\n"),
			"quotes":                    `"` + digits + `"`,
			"curly quotes":              "“" + digits + "”",
			"backticks":                 "`" + b64 + "`",
			"full width":                strings.Map(func(r rune) rune { return r + 0xfee0 }, digits),
			"letters for digits":        strings.NewReplacer("0", "O", "1", "l").Replace(digits),
			"other letters for digits":  strings.NewReplacer("0", "o", "1", "I").Replace(grouped(digits, 4, " ")),
			"a line of operator init":   "Unseal Key 1: " + b64,
			"of a recovery key":         "Recovery Key 12: " + b64 + "\n",
			"of operator rekey":         "Key 1: " + b64,
			"that line in digits":       "Unseal Key 1: " + digits,
			"that line in groups":       "Unseal Key 1: " + grouped(digits, 4, " "),
			"a label of one's own":      "share of prod: " + grouped(digits, 11, " "),
			"a variable":                "UNSEAL_KEY=" + b64,
			"a variable in quotes":      `export UNSEAL_KEY="` + digits + `"`,
			"an answer of the API":      `{"keys":["` + digits + `"],"keys_base64":["` + b64 + `"],"root_token":""}`,
			"-format=json":              "{\n  \"unseal_keys_b64\": [\n    \"" + b64 + "\"\n  ],\n  \"unseal_keys_hex\": [\n    \"" + digits + "\"\n  ],\n  \"unseal_shares\": 1\n}\n",
			"a request of the API":      `{"key": "` + b64 + `", "reset": false}`,
			"between other words":       "Unseal Key 1: " + b64 + "\n\nInitial Root Token: none\n\nVault initialized with 1 key shares.",
			"twice":                     digits + "\n" + b64 + "\n",
			"an invisible mark":         "\u200b" + digits[:20] + "\u00ad" + digits[20:],
			"an e-mail's quotation":     "> " + digits,
			"a number in front, and ):": "1): " + digits,
		}
		for name, form := range forms {
			text := []byte(form + "\n")
			got, err := shareIn(text)
			if err != nil || openpgp.CheckShare(got) != nil || !bytes.Equal(shareBytes(got), raw) {
				t.Errorf("%s, %s: %q, %v", what, name, got, err)
				continue
			}
			if bytes.Contains(text, []byte(digits[:30])) && &text[0] != &got[0] {
				t.Errorf("%s, %s: left behind in %q", what, name, text)
			}
		}
	}
}

func TestTextWithoutOneShareIsToldWhatItHas(t *testing.T) {
	raw := sharesOfTest(t)["a share"]
	digits, b64 := hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw)
	other := strings.Replace(digits, "0f1e", "1f1e", 1)
	for text, want := range map[string]error{
		digits[:65]:                               miscounted{65, 66},
		grouped(digits[:65], 4, " "):              miscounted{65, 66},
		digits + "0":                              miscounted{67, 66},
		"Unseal Key 1: " + digits[:65]:            miscounted{65, 66},
		strings.ReplaceAll(digits[:63], "0", "O"): miscounted{63, 66},
		b64[:43]:                             miscounted{43, 44}, // and no whole key
		b64[:41]:                             miscounted{41, 44},
		b64 + "Q":                            miscounted{45, 44},
		digits[:20] + "g" + digits[21:]:      misspelt{21},
		"1 " + digits[:65]:                   openpgp.ErrNotAShare,
		"Unseal Key 1: " + b64 + " " + other: errSeveralShares,
		digits + "\n" + other:                errSeveralShares,
		`{"keys":["` + digits + `","` + other + `"]}`: errSeveralShares,
		"hunter2":                openpgp.ErrNotAShare,
		"":                       openpgp.ErrNotAShare,
		"share " + b64[:39]:      openpgp.ErrNotAShare,
		"UnsealKey1 " + b64[:34]: openpgp.ErrNotAShare,
	} {
		got, err := shareIn([]byte(text))
		if got != nil || err == nil {
			t.Errorf("%q is taken for %q", text, got)
			continue
		}
		if !errors.Is(err, want) && !(want == openpgp.ErrNotAShare && errors.As(err, new(miscounted))) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
		for _, part := range strings.Fields(text) { // P1
			if len(part) > 12 && strings.Contains(err.Error(), part[:12]) {
				t.Errorf("%q is in %q", part, err)
			}
		}
	}
}

// Letters become digits only where the text can be nothing else.
func TestLettersOfBase64StayLetters(t *testing.T) {
	raw := bytes.Repeat([]byte{0x96, 0x3a, 0x25}, 11) // "ljol" again and again
	b64 := base64.StdEncoding.EncodeToString(raw)
	if got, err := shareIn([]byte(grouped(b64, 4, " "))); err != nil || string(got) != b64 {
		t.Errorf("%q is read as %q, %v", b64, got, err)
	}
}

func FuzzShareIn(f *testing.F) {
	for _, seed := range []string{"", "l", strings.Repeat("O", 66), "Unseal Key 1: " + strings.Repeat("A", 44), "a=b", ":", "\xff\xfe"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		share, err := shareIn(bytes.Clone(text))
		if err == nil && openpgp.CheckShare(share) != nil {
			t.Errorf("%q is no share", share)
		}
		if err != nil && share != nil {
			t.Errorf("%q, and %v", share, err)
		}
		_ = fmt.Sprint(err)
	})
}
