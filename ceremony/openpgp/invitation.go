package openpgp

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony"
	"conclave/ceremony/paste"
)

// Invitation is an announcement that was checked, on the side of the holder who is asked for a
// share, or of the requester who is asked for a one-time password.
type Invitation struct {
	id          ceremony.ID
	operation   ceremony.Operation
	cluster     string
	step        ceremony.Step
	nonce       string
	planHash    string
	plan        string
	identity    ceremony.Fingerprint
	subkey      string
	announced   time.Time
	expires     time.Time
	recipient   []byte // the certificate with the ceremony key alone, binary
	certificate string // the same, armored
}

// CheckAnnouncement finds an announcement and the bot's certificate in a pasted text. It makes
// sure that both come from the identity with the pinned fingerprint, are valid now, and belong
// together: a signature that names the same ceremony and nonce binds the ceremony key to the
// identity. Of several announcements it takes the newest.
func CheckAnnouncement(text []byte, pinned ceremony.Fingerprint, now time.Time) (*Invitation, error) {
	inv, err := checkAnnouncement(text, pinned, now)
	if err != nil {
		return nil, fmt.Errorf("check announcement: %w", err)
	}
	return inv, nil
}

func checkAnnouncement(text []byte, pinned ceremony.Fingerprint, now time.Time) (*Invitation, error) {
	blocks, _ := unarmor(paste.Text(text))
	signed, err := signedAmong(blocks, announcementTag+"\n", ErrNoAnnouncement)
	if err != nil {
		return nil, err
	}
	identity, err := pinnedEntity(blocks, pinned)
	if err != nil {
		return nil, err
	}
	announced := func(inv *Invitation) time.Time { return inv.announced }
	inv, err := newestOf(signed, identity, now, parseAnnouncement, announced)
	if err != nil {
		return nil, err
	}
	switch {
	case inv.identity != pinned:
		return nil, ErrOtherIdentity
	case inv.announced.After(now.Add(skew)):
		return nil, ErrFromTheFuture
	case !now.Before(inv.expires):
		return nil, ErrAnnouncementStale
	}
	if err := checkPlan(inv.plan, inv.planHash, inv.id, inv.operation, inv.cluster, inv.identity); err != nil {
		return nil, err
	}
	return inv, inv.takeKey(identity, now)
}

// takeKey keeps the announced subkey alone: a certificate that was exported from a key ring
// has the keys of earlier ceremonies as well.
func (inv *Invitation) takeKey(identity *pgp.Entity, now time.Time) error {
	at := inv.at(now)
	for _, s := range identity.Subkeys {
		if string(fingerprintOf(s.PublicKey)) != inv.subkey {
			continue
		}
		binding, err := s.Verify(at, strict(at))
		if err != nil || !encrypts(binding) {
			return ErrCeremonyKey
		}
		bound := false
		for _, n := range binding.Notations {
			bound = bound || n.Name == ceremonyNotation && string(n.Value) == notationValue(inv.id, inv.nonce)
		}
		if !bound {
			return ErrCeremonyKey
		}
		identity.Subkeys = []pgp.Subkey{s}
		var certificate bytes.Buffer
		if err := identity.Serialize(&certificate); err != nil {
			return fmt.Errorf("write certificate: %w", err)
		}
		inv.recipient = certificate.Bytes()
		inv.certificate, err = enarmor(certificateBlock, inv.recipient)
		return err
	}
	return ErrCeremonyKey
}

// at returns now, or the time of the announcement when this clock is a little behind the
// bot's: the key does not exist before.
func (inv *Invitation) at(now time.Time) time.Time {
	if now.Before(inv.announced) {
		return inv.announced
	}
	return now
}

// Plan returns the plan's text as it was approved, or "" when it was too long for the
// announcement. PlanHash is there in both cases.
func (inv *Invitation) Plan() string { return inv.plan }

// PlanHash returns the SHA-256 of the plan's text, in hexadecimal digits.
func (inv *Invitation) PlanHash() string { return inv.planHash }

// Ceremony returns the ceremony's id.
func (inv *Invitation) Ceremony() ceremony.ID { return inv.id }

// Operation returns the operation of the ceremony.
func (inv *Invitation) Operation() ceremony.Operation { return inv.operation }

// Cluster returns the cluster's name.
func (inv *Invitation) Cluster() string { return inv.cluster }

// Step returns the step for which something is asked.
func (inv *Invitation) Step() ceremony.Step { return inv.step }

// Nonce returns Vault's nonce of the step.
func (inv *Invitation) Nonce() string { return inv.nonce }

// Expires returns when the ceremony key stops working.
func (inv *Invitation) Expires() time.Time { return inv.expires }

// Identity returns the bot's fingerprint, which is the pinned one.
func (inv *Invitation) Identity() ceremony.Fingerprint { return inv.identity }

// Certificate returns the armored certificate with the ceremony key as its only subkey, for
// programs that encrypt themselves.
func (inv *Invitation) Certificate() string { return inv.certificate }

// Prefix returns the words before the share in an envelope, with the space.
func (inv *Invitation) Prefix() string {
	a := ceremony.Announced{Step: inv.step, Nonce: inv.nonce, Identity: inv.identity}
	return a.Prefix(inv.id)
}

// Suffix returns the words behind the share in an envelope, with the space.
func (inv *Invitation) Suffix() string {
	a := ceremony.Announced{Step: inv.step, Nonce: inv.nonce, Identity: inv.identity}
	return a.Suffix(inv.id, inv.planHash)
}

// Notation returns the value of gpg's --sig-notation, NAME=VALUE: with it the signature says
// for what it was made.
func (inv *Invitation) Notation() string { return ceremony.SignatureNotation + "=" + inv.binding() }

func (inv *Invitation) binding() string {
	return ceremony.Binding(inv.id, inv.step, inv.nonce, inv.planHash)
}

// Subkey returns the fingerprint of the ceremony key, in lower case.
func (inv *Invitation) Subkey() string { return inv.subkey }

// Payload returns an envelope's content, for programs that sign and encrypt themselves: the
// prefix, the share and the suffix. Their signature should have [Invitation.Notation]. The
// caller overwrites payload and share after use. The error is [ErrAsksPassword] when the
// message asks for a one-time password.
func (inv *Invitation) Payload(share []byte) ([]byte, error) {
	share = bytes.TrimSpace(share)
	switch {
	case inv.step == ceremony.StepOTP:
		return nil, ErrAsksPassword
	case !isShare(share):
		return nil, ErrNotAShare
	}
	return append(inv.payload(share), inv.Suffix()...), nil
}

func (inv *Invitation) payload(secret []byte) []byte {
	content := make([]byte, 0, maxPayload)
	content = append(content, inv.Prefix()...)
	return append(content, secret...)
}

// Seal makes the envelope: the share between prefix and suffix, signed by the holder and
// encrypted to the ceremony key. The signature names for what it was made. Seal leaves the
// share as it is: the caller overwrites it.
func (inv *Invitation) Seal(share []byte, signer *HolderKey, now time.Time) (string, error) {
	content, err := inv.Payload(share)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	defer clear(content)
	return inv.encrypt(content, []*pgp.Entity{signer.entity}, now)
}

// SealPassword makes the envelope for a requester who has no PGP key: the one-time password
// with its prefix, encrypted to the ceremony key and not signed. It leaves the password as it
// is: the caller overwrites it. The error is [ErrAsksShare] when the message asks for a share.
func (inv *Invitation) SealPassword(password []byte, now time.Time) (string, error) {
	if inv.step != ceremony.StepOTP {
		return "", fmt.Errorf("seal: %w", ErrAsksShare)
	}
	if err := CheckPassword(password); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if want := inv.commitment(); want != "" && !commits(password, want) {
		return "", fmt.Errorf("seal: %w", ErrOtherPassword)
	}
	content := append(inv.payload(password), inv.Suffix()...)
	defer clear(content)
	return inv.encrypt(content, nil, now)
}

// commitmentLabel stands before a one-time password's hash in a plan.
const commitmentLabel = "one-time password sha256: "

// commitment returns the hash of the one-time password in the plan, or "" when the plan was
// too long for the announcement. The bot compares it in any case. Here a requester who has
// taken the wrong file learns it before the password in that file has left their computer.
func (inv *Invitation) commitment() string {
	for line := range strings.Lines(inv.plan) {
		if hash, ok := strings.CutPrefix(line, commitmentLabel); ok {
			return strings.TrimSpace(hash)
		}
	}
	return ""
}

func (inv *Invitation) encrypt(content []byte, signers []*pgp.Entity, now time.Time) (string, error) {
	recipient, err := parseEntity(inv.recipient)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	var envelope bytes.Buffer
	at := inv.at(now)
	config := strict(now)
	if len(signers) > 0 {
		config.SignatureNotations = []*packet.Notation{{
			Name: ceremony.SignatureNotation, Value: []byte(inv.binding()), IsHumanReadable: true,
		}}
	}
	w, err := pgp.EncryptWithParams(&envelope, []*pgp.Entity{recipient}, nil, &pgp.EncryptParams{
		Signers:        signers,
		EncryptionTime: &at,
		Config:         config,
	})
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if _, err := w.Write(content); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return enarmor(messageBlock, envelope.Bytes())
}
