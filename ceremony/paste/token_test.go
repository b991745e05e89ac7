package paste_test

import (
	"errors"
	"strings"
	"testing"

	"conclave/ceremony/paste"
)

func TestTokenIsReadInEveryEncoding(t *testing.T) {
	for _, token := range []string{
		"xoxb-12345-67890-AbCdEf", "xapp-1-A0123-456-0123abcd", "hvs.CAESIJ0h0h0h_0h-0h", "s.1234567890abcdefghijklmn",
		"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl", "2c84f488-2133-4ced-87b0-570f93a76830",
		"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIAIOSFODNN7EXAMPLE", "b2s/+/==", "abcd==", "abc=",
	} {
		for name, file := range saved(token) {
			if got, err := paste.Token([]byte(file)); err != nil || string(got) != token {
				t.Errorf("%s, %s: %q, %v", token, name, got, err)
			}
		}
	}
}

func TestFileWithSomethingElseThanATokenIsToldWhatItHas(t *testing.T) {
	const token = "xoxb-12345-67890-AbCdEf"
	for file, want := range map[string]error{
		"": paste.ErrEmpty, " \r\n": paste.ErrEmpty, "\ufeff": paste.ErrEmpty,
		`"` + token + `"`: paste.ErrQuoted, "'" + token + "'": paste.ErrQuoted, "`" + token + "`": paste.ErrQuoted, "“" + token + "”": paste.ErrQuoted,
		"SLACK_BOT_TOKEN=" + token: paste.ErrNamed, "export TOKEN='" + token + "'": paste.ErrNamed, "token: " + token: paste.ErrNamed,
		"TOKEN = " + token: paste.ErrNamed, "Bearer " + token: paste.ErrNamed, `{"token":"` + token + `"}`: paste.ErrNamed,
		"SLACK_BOT_TOKEN=" + token + "\nSLACK_APP_TOKEN=" + token: paste.ErrNamed,
		"${SLACK_BOT_TOKEN}": paste.ErrVariable, "$SLACK_BOT_TOKEN": paste.ErrVariable, "$(cat token)": paste.ErrVariable,
		"%SLACK_BOT_TOKEN%": paste.ErrVariable, "{{ .Values.token }}": paste.ErrVariable, "<your token>": paste.ErrVariable,
		"~/secrets/token": paste.ErrPath, "/run/secrets/token": paste.ErrPath, "./secrets/token": paste.ErrPath, `C:\secrets\token`: paste.ErrPath,
		token + "\n" + token: paste.ErrLines, "# the token\n" + token: paste.ErrLines,
		token[:9] + " " + token[9:]: paste.ErrOddToken, token + "é": paste.ErrOddToken, token[:9] + "\u200b" + token[9:]: paste.ErrOddToken,
	} {
		for _, file := range []string{file, file + "\r\n"} {
			got, err := paste.Token([]byte(file))
			if got != nil || !errors.Is(err, want) {
				t.Errorf("%q: %q, %v, want %v", file, got, err, want)
			}
			if err != nil && strings.Contains(err.Error(), "12345") {
				t.Errorf("%v repeats the token", err)
			}
		}
	}
}
