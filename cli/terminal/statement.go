package terminal

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// spoken is a word that somebody has signed.
type spoken struct {
	ceremony.Statement
	armor string // the signed message, to be kept
}

// signCommand is how a word is signed with gpg, on its speaker's own computer.
func signCommand(w ceremony.Statement, key ceremony.Fingerprint, file string) wording.Pasted {
	if w.Verb == ceremony.SayAccessor && w.More == "" {
		w.More = "ACCESSOR"
	}
	return wording.SignCommand(w, key, file)
}

// wordFile is what the file with a word is called in what is shown.
func wordFile(of, name string, verb ceremony.Verb) string {
	return fmt.Sprintf("%s-%s-%s.asc", of, name, verb)
}
