package vault

import (
	"cmp"
	"encoding/base64"
	"fmt"

	"github.com/hashicorp/vault/api"

	"conclave/ceremony"
	"conclave/ceremony/leak"
)

// rekeyTerms is the request that starts either kind of rekey. The api client's own
// type spells one field "Backup": only a server that ignores case understands that.
type rekeyTerms struct {
	Shares       int      `json:"secret_shares"`
	Threshold    int      `json:"secret_threshold"`
	Keys         [][]byte `json:"pgp_keys"` // in standard base64
	Backup       bool     `json:"backup"`
	Verification bool     `json:"require_verification"`
}

// tokenTerms is the request that starts an attempt to make a token.
type tokenTerms struct {
	Key []byte `json:"pgp_key"` // in standard base64
}

// rekeyStatus is the status of an attempt of either kind of rekey.
type rekeyStatus struct {
	api.RekeyStatusResponse
	SealThreshold int `json:"seal_threshold"` // OpenBao's word for required
}

// readAttempt reads the status of an attempt.
func readAttempt(op ceremony.Operation, body []byte) (ceremony.Progress, error) {
	if op.IssuesToken() {
		return readTokenAttempt(body)
	}
	status, err := decode[rekeyStatus](body, "started")
	if err != nil {
		return ceremony.Progress{}, err
	}
	if err := checkIDs(status.Nonce, status.VerificationNonce); err != nil {
		return ceremony.Progress{}, err
	}
	prints, err := fingerprints(status.PGPFingerprints)
	if err != nil {
		return ceremony.Progress{}, err
	}
	return ceremony.Progress{
		Started:              status.Started,
		Nonce:                status.Nonce,
		Progress:             status.Progress,
		Required:             cmp.Or(status.Required, status.SealThreshold),
		Shares:               status.N,
		Threshold:            status.T,
		Fingerprints:         prints,
		Backup:               status.Backup,
		VerificationRequired: status.VerificationRequired,
		VerificationNonce:    status.VerificationNonce,
	}, nil
}

// readTokenAttempt reads the status of an attempt to make a token. One that was
// started with a one-time password has no fingerprint.
func readTokenAttempt(body []byte) (ceremony.Progress, error) {
	status, err := decode[api.GenerateRootStatusResponse](body, "started")
	if err != nil {
		return ceremony.Progress{}, err
	}
	if err := checkIDs(status.Nonce); err != nil {
		return ceremony.Progress{}, err
	}
	progress := ceremony.Progress{
		Started:   status.Started,
		Nonce:     status.Nonce,
		Progress:  status.Progress,
		Required:  status.Required,
		OTPLength: status.OTPLength,
	}
	if status.PGPFingerprint != "" {
		if progress.Fingerprints, err = fingerprints([]string{status.PGPFingerprint}); err != nil {
			return ceremony.Progress{}, err
		}
	}
	return progress, nil
}

// readVerification reads the status of a rekey's verification, which asks for
// as many shares as the new threshold says. It has begun when it has a nonce:
// before, Vault answers with the terms of the rekey that is still collecting.
func readVerification(body []byte) (ceremony.Progress, error) {
	status, err := decode[api.RekeyVerificationStatusResponse](body, "started")
	if err != nil {
		return ceremony.Progress{}, err
	}
	if !status.Started {
		return ceremony.Progress{}, nil
	}
	if err := checkIDs(status.Nonce); err != nil {
		return ceremony.Progress{}, err
	}
	return ceremony.Progress{
		Started:  true,
		Nonce:    status.Nonce,
		Progress: status.Progress,
		Required: status.T,
	}, nil
}

// readRekeyAnswer reads the answer of a rekey's update endpoint to a share.
func readRekeyAnswer(body []byte) (ceremony.Answer, error) {
	answer, err := decode[api.RekeyUpdateResponse](body, "complete", "started")
	if err != nil || !answer.Complete {
		return ceremony.Answer{}, err
	}
	if err := checkIDs(answer.VerificationNonce); err != nil {
		return ceremony.Answer{}, err
	}
	prints, err := fingerprints(answer.PGPFingerprints)
	switch {
	case err != nil:
		return ceremony.Answer{}, err
	case len(answer.KeysB64) == 0:
		return ceremony.Answer{}, malformed("it is complete and brings no shares")
	case len(answer.KeysB64) != len(prints):
		return ceremony.Answer{}, malformed("it has as many keys as shares only if they are encrypted")
	}
	for _, key := range answer.KeysB64 {
		if !encrypted(key) {
			return ceremony.Answer{}, malformed("a new share is not encrypted")
		}
	}
	return ceremony.Answer{
		Complete:          true,
		Ciphertexts:       answer.KeysB64,
		Fingerprints:      prints,
		VerificationNonce: answer.VerificationNonce,
	}, nil
}

// readVerifyAnswer reads the answer of a rekey's verify endpoint to a new share.
func readVerifyAnswer(body []byte) (ceremony.Answer, error) {
	answer, err := decode[api.RekeyVerificationUpdateResponse](body, "complete", "started")
	return ceremony.Answer{Complete: answer.Complete}, err
}

// readTokenAnswer reads the answer to a share of an endpoint that makes a token.
func readTokenAnswer(body []byte) (ceremony.Answer, error) {
	answer, err := decode[api.GenerateRootStatusResponse](body, "complete", "started")
	if err != nil || !answer.Complete {
		return ceremony.Answer{}, err
	}
	// Vault 1 repeats the token under a second name. Recovery mode has the first name only.
	if answer.PGPFingerprint == "" {
		if !combined(answer.EncodedToken) {
			return ceremony.Answer{}, malformed("the token is neither encrypted nor combined with a password")
		}
		return ceremony.Answer{Complete: true, Encoded: answer.EncodedToken}, nil
	}
	if !encrypted(answer.EncodedToken) {
		return ceremony.Answer{}, malformed("the token is not encrypted")
	}
	prints, err := fingerprints([]string{answer.PGPFingerprint})
	if err != nil {
		return ceremony.Answer{}, err
	}
	return ceremony.Answer{Complete: true, Ciphertexts: []string{answer.EncodedToken}, Fingerprints: prints}, nil
}

// A token has 26 or 28 characters, by its prefix.
const (
	shortestToken = 16
	longestToken  = shortestMessage
)

// combined reports whether text can be a token combined with a one-time password,
// byte by byte with XOR, in base64 without padding. What looks like a token or another
// secret is not combined: the password would have to be made of zero bytes (P1).
func combined(text string) bool {
	encoded, err := base64.RawStdEncoding.DecodeString(text)
	return err == nil && len(encoded) >= shortestToken && len(encoded) <= longestToken &&
		!leak.IsToken(encoded) && len(leak.In(string(encoded), nil)) == 0
}

// shortestMessage is shorter than any PGP message and longer than a share or a
// token, in bytes.
const shortestMessage = 64

// encrypted reports whether text is a PGP message in standard base64. Vault hands out
// plain shares when an attempt was started without keys. Should somebody else ever have
// done that, the shares must not reach the journal (P1, P7).
func encrypted(text string) bool {
	message, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(message) > shortestMessage && message[0]&0x80 != 0
}

// checkIDs refuses ids, nonces and names of seals that have the wrong form. An empty one
// is accepted. They stand in plans, in posts, and in commands that people paste.
func checkIDs(ids ...string) error {
	for _, id := range ids {
		if id != "" && !ceremony.IsNonce(id) {
			return malformed("an id, a nonce or a name has the wrong form")
		}
	}
	return nil
}

// fingerprints parses the fingerprints of an answer.
func fingerprints(texts []string) ([]ceremony.Fingerprint, error) {
	var prints []ceremony.Fingerprint
	for _, text := range texts {
		print, err := ceremony.ParseFingerprint(text)
		if err != nil {
			return nil, malformed("a fingerprint has the wrong form")
		}
		prints = append(prints, print)
	}
	return prints, nil
}

// readBackup reads the new shares that Vault keeps.
func readBackup(body []byte) (ceremony.Backup, error) {
	kept, err := decode[api.RekeyRetrieveResponse](body, "keys_base64")
	if err != nil {
		return ceremony.Backup{}, err
	}
	if err := checkIDs(kept.Nonce); err != nil {
		return ceremony.Backup{}, err
	}
	backup := ceremony.Backup{
		Nonce:       kept.Nonce,
		Ciphertexts: make(map[ceremony.Fingerprint][]string, len(kept.KeysB64)),
	}
	for text, messages := range kept.KeysB64 {
		print, err := ceremony.ParseFingerprint(text)
		if err != nil {
			return ceremony.Backup{}, malformed("a fingerprint has the wrong form")
		}
		for _, message := range messages {
			if !encrypted(message) {
				return ceremony.Backup{}, malformed(fmt.Sprintf("a share for %s is not encrypted", print))
			}
		}
		backup.Ciphertexts[print] = messages
	}
	return backup, nil
}
