package openpgp

import (
	"fmt"
	"time"

	"conclave/ceremony"
)

// Signatures checks the signatures of a transcript, offline and without a secret.
type Signatures struct{}

var _ ceremony.Signatures = Signatures{}

// VerifyCertificate makes sure that an armored certificate is the one public key with
// this fingerprint.
func (Signatures) VerifyCertificate(certificate string, f ceremony.Fingerprint) (err error) {
	defer recoverParsing(&err, ErrNoKey)
	if _, err := readAudited(certificate, f); err != nil {
		return fmt.Errorf("verify certificate of %s: %w", f, err)
	}
	return nil
}

// VerifyDetached is the function [VerifyDetached].
func (Signatures) VerifyDetached(
	certificate string, by ceremony.Fingerprint, text []byte, signature string,
) error {
	return VerifyDetached(certificate, by, text, signature)
}

// VerifyAnnouncement is [CheckAnnouncement] at the time at which, by the journal, the
// announcement was made.
func (Signatures) VerifyAnnouncement(
	a ceremony.Announced, by ceremony.Fingerprint, at time.Time,
) (says ceremony.Announcement, err error) {
	defer recoverParsing(&err, ErrAnnouncement)
	inv, err := CheckAnnouncement([]byte(a.Announcement+"\n"+a.Certificate), by, at)
	if err != nil {
		return ceremony.Announcement{}, err
	}
	return ceremony.Announcement{
		Ceremony: inv.id, Operation: inv.operation, Cluster: inv.cluster, Step: inv.step, Nonce: inv.nonce,
		PlanHash: inv.planHash, Plan: inv.plan, Subkey: inv.subkey, Expires: inv.expires,
	}, nil
}

// VerifyRollCall is [CheckRollCall] at the time at which, by the journal, the roll was called.
func (Signatures) VerifyRollCall(
	ch ceremony.Challenge, certificate string, by ceremony.Fingerprint, at time.Time,
) (says ceremony.Called, err error) {
	defer recoverParsing(&err, ErrRollCall)
	r, err := CheckRollCall([]byte(ch.Notice+"\n"+certificate+"\n"+ch.Ciphertext), by, at)
	if err != nil {
		return ceremony.Called{}, err
	}
	return ceremony.Called{Ceremony: r.id, PlanHash: r.planHash, Digest: r.digest}, nil
}

// VerifySignedWord is the function [VerifySignedWord].
func (Signatures) VerifySignedWord(
	certificate string, by ceremony.Fingerprint, armored string, notBefore, now time.Time,
) (line string, made time.Time, err error) {
	return VerifySignedWord(certificate, by, armored, notBefore, now)
}

// VerifyEvidence is the function [VerifyEvidence].
func (Signatures) VerifyEvidence(
	certificate string, identity ceremony.Fingerprint, e ceremony.Evidence, want ceremony.Expected,
) (binding string, made time.Time, err error) {
	return VerifyEvidence(certificate, identity, e, want)
}

// VerifyCiphertext is the function [VerifyCiphertext].
func (Signatures) VerifyCiphertext(ciphertext, certificate string, to ceremony.Fingerprint) error {
	return VerifyCiphertext(ciphertext, certificate, to)
}
