package paste

import (
	"bytes"
	"errors"
	"regexp"
)

// What people put into a file that must hold one token, in place of it. None of these errors has
// anything of the file in it.
var (
	ErrEmpty    = errors.New("it is empty")
	ErrLines    = errors.New("it has several lines, and the token must be alone in it")
	ErrNamed    = errors.New("it has a name in front of the token, as a file of variables has (NAME=TOKEN, export, Bearer): leave the token alone")
	ErrQuoted   = errors.New("the token stands in quotes, which would be a part of it: leave them out")
	ErrVariable = errors.New("it names a variable or a template, which nothing replaces here: write the token itself")
	ErrPath     = errors.New("it holds the path of a file, and must hold the token itself")
	ErrOddToken = errors.New("it has spaces or characters other than those of a token in it")
)

var (
	variableForm = regexp.MustCompile(`^(?:\$\{.*\}|\$\(.*\)|\$[A-Za-z_]\w*|%\w+%|\{\{.*\}\}|<[^<>]*>)$`)
	namedForm    = regexp.MustCompile(`^(?i:(?:export |set |env )?["']?[a-z_][a-z0-9_.-]*["']? ?(?:=|:\s) ?[^=\s]|bearer |\{)`)
	pathForm     = regexp.MustCompile(`^(?:~/|\.{0,2}/[\w.-]+/|[A-Za-z]:\\)`)
)

// Token returns the token that a small file holds, without what an editor puts around it. It works
// in place, as [Secret] does. When the file holds something else, the error says what.
func Token(text []byte) ([]byte, error) {
	token := Secret(text)
	isOdd := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case len(token) == 0:
		return nil, ErrEmpty
	case variableForm.Match(token):
		return nil, ErrVariable
	case namedForm.Match(token):
		return nil, ErrNamed
	case bytes.ContainsAny(token[:1], "\"'`") || bytes.ContainsAny(token, "\u201c\u201d\u2018\u2019"):
		return nil, ErrQuoted
	case pathForm.Match(token):
		return nil, ErrPath
	case bytes.IndexByte(token, '\n') >= 0:
		return nil, ErrLines
	case bytes.ContainsFunc(token, isOdd):
		return nil, ErrOddToken
	}
	return token, nil
}
