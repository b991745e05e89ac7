package terminal

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// signedStatement is a statement with its signature.
type signedStatement struct {
	ceremony.Statement
	armor string // the signed message, to be kept
}

// signCommand returns the command by which a person signs a statement with gpg.
func signCommand(w ceremony.Statement, key ceremony.Fingerprint, file string) wording.Pasted {
	if w.Verb == ceremony.SayAccessor && w.More == "" {
		w.More = "ACCESSOR"
	}
	return wording.SignCommand(w, key, file)
}

// statementFile returns the name that is suggested for the file of a signed statement.
func statementFile(of, name string, verb ceremony.Verb) string {
	return fmt.Sprintf("%s-%s-%s.asc", of, name, verb)
}
