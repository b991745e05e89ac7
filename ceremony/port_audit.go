package ceremony

import "time"

// Signatures checks OpenPGP signatures with nothing but certificates, which are
// armored public keys. An error of any method means that the signature proves
// nothing.
type Signatures interface {
	// VerifyCertificate returns an error unless a certificate is exactly one public key,
	// with this fingerprint.
	VerifyCertificate(certificate string, f Fingerprint) error
	// VerifyDetached checks a binary signature in standard base64 over a text. A signature
	// is accepted in one form only: no byte of it can be changed.
	VerifyDetached(certificate string, by Fingerprint, text []byte, signature string) error
	// VerifyAnnouncement checks an announcement and the certificate with the ceremony's
	// key as of a time, both made by the identity with this fingerprint. It returns what the
	// announcement says.
	VerifyAnnouncement(a Announced, by Fingerprint, at time.Time) (Announcement, error)
	// VerifyRollCall checks what the identity has signed for a person in a roll call, as of
	// a time. certificate is the identity's, as it stands beside the challenge.
	VerifyRollCall(ch Challenge, certificate string, by Fingerprint, at time.Time) (Called, error)
	// VerifySignedWord returns the one line that a person has signed, and when. It was neither
	// before notBefore nor later than now, and their key was good then.
	VerifySignedWord(
		certificate string, by Fingerprint, armored string, notBefore, now time.Time,
	) (line string, made time.Time, err error)
	// VerifyEvidence checks the signature of a holder, want.Signer, on an envelope without
	// the share. It was made between want.NotBefore and want.Now, on an envelope of this
	// ceremony to the bot with the identity. VerifyEvidence returns what the signature says
	// that it is for, by [Binding], or "" when it says nothing. [ErrNoProof] means that too
	// little was kept for any of it.
	VerifyEvidence(
		certificate string, identity Fingerprint, e Evidence, want Expected,
	) (binding string, made time.Time, err error)
	// VerifyCiphertext returns an error unless what was handed out, in standard base64, is a
	// PGP message encrypted to one key, which is to's, and to no other. Without a certificate
	// it can't tell whose key that is.
	VerifyCiphertext(ciphertext, certificate string, to Fingerprint) error
}

// Called is what a roll call says to one person. Its signature has been checked.
type Called struct {
	Ceremony ID
	PlanHash string
	Digest   string // of the right answer
}

// Announcement is what an announcement says. Its signature has been checked.
type Announcement struct {
	Ceremony  ID
	Operation Operation
	Cluster   string
	Step      Step
	Nonce     string
	PlanHash  string
	Plan      string // its text; empty when it was too long for the announcement
	Subkey    string
	Expires   time.Time
}
