package main

import (
	"fmt"

	"conclave/bot"
	"conclave/ceremony"
)

// spoken is a word that somebody has signed.
type spoken struct {
	ceremony.Word
	armor string // the signed message, to be kept
}

// signCommand is how a word is signed with gpg, on its speaker's own computer.
func signCommand(w ceremony.Word, key ceremony.Fingerprint, file string) bot.Pasted {
	if w.Verb == ceremony.SayAccessor && w.More == "" {
		w.More = "ACCESSOR"
	}
	return bot.SignCommand(w, key, file)
}

// wordFile is what the file with a word is called in what is shown.
func wordFile(of, name string, verb ceremony.Verb) string {
	return fmt.Sprintf("%s-%s-%s.asc", of, name, verb)
}
