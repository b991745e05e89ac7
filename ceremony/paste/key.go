package paste

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
)

// Bare returns what a text has in hexadecimal digits or in base64, with any spaces in between. It
// returns nothing when the text is neither.
func Bare(text string) []byte {
	joined := strings.Join(strings.Fields(text), "")
	data, err := hex.DecodeString(joined)
	if err != nil {
		data, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(joined, "="))
	}
	if err != nil {
		return nil
	}
	return data
}

// otherFiles are beginnings of files that people give as their OpenPGP key.
var otherFiles = []struct {
	form *regexp.Regexp
	is   string
}{
	{regexp.MustCompile(`^keybase:`), "it is the name of a key at Keybase, which is not looked up: put the key itself into the file"},
	{regexp.MustCompile(`^(?:ssh-|ecdsa-sha2-|sk-ssh-|-+BEGIN OPENSSH)`), "it is a key for SSH"},
	{regexp.MustCompile(`^age1|^# created:|^AGE-SECRET`), "it is a key for age"},
	{regexp.MustCompile(`^-+BEGIN (?:CERTIFICATE|PUBLIC KEY|RSA PUBLIC)`), "it is for TLS"},
	{regexp.MustCompile(`^<`), "it is a web page, as a key server shows it: download the key itself"},
	{regexp.MustCompile(`^(?:0x)?[0-9A-Fa-f]{4}(?:[: ]*[0-9A-Fa-f]{4}){3,9}$`), "it is a fingerprint, and not the key"},
}

// OtherThanKey says in words what a text is that has no OpenPGP key in it, and returns an empty
// text when it is nothing that is known here.
func OtherThanKey(text string) string {
	for _, o := range otherFiles {
		if o.form.MatchString(strings.TrimSpace(text)) {
			return o.is
		}
	}
	return ""
}
