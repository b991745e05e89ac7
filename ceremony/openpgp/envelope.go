package openpgp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony"
	"conclave/ceremony/secret"
)

// Open opens an envelope as it came, armored or binary.
//
// Life of a share, 4 of 7: the message is decrypted, and becomes a secret when the holder's
// signature, its binding to this ceremony and its shape are right (P2). The errors are
// Refusals. Of several, the one that package ceremony lists first is returned; the refusal of
// what should never have been sent at all goes before the rest. None has anything of the
// content in it (P1).
//
// In the step [ceremony.StepOTP] the envelope has a one-time password in it. The password's
// hash in the plan takes the place of the signature.
func (k *key) Open(
	envelope []byte, want ceremony.Expected,
) (plain *secret.Secret, evidence ceremony.Evidence, err error) {
	secret.OverStack(func() { plain, evidence, err = k.open(envelope, want) })
	return plain, evidence, err
}

func (k *key) open(
	envelope []byte, want ceremony.Expected,
) (plain *secret.Secret, evidence ceremony.Evidence, err error) {
	sum := sha256.Sum256(envelope)
	evidence.SHA256 = hex.EncodeToString(sum[:])
	defer recoverParsing(&err, ceremony.BadMessage)

	if want.Step == ceremony.StepOTP && exposes(envelope, want.Commitment) {
		return nil, evidence, ceremony.PlainPassword
	}
	m, err := k.find(envelope)
	if err != nil {
		return nil, evidence, err
	}
	content := make([]byte, maxPayload)
	defer clear(content)
	var found []byte
	if want.Step == ceremony.StepOTP {
		found, err = k.openPassword(m, content, want)
	} else {
		found, err = k.openShare(m, content, want, &evidence)
	}
	if err != nil {
		return nil, evidence, err
	}
	return secret.NewSecret(bytes.Clone(found)), evidence, nil
}

// find returns the message to this key in a letter.
func (k *key) find(envelope []byte) (message, error) {
	l, err := readLetter(envelope)
	switch {
	case err != nil:
		return message{}, err
	case l.leak:
		return message{}, ceremony.NotEncrypted
	}
	m, ok := l.messageTo(k.id)
	switch {
	case !ok:
		return message{}, l.refusal()
	case m.password:
		return message{}, ceremony.PasswordSealed
	}
	return m, nil
}

// openShare returns the part of content that is the share.
func (k *key) openShare(
	m message, content []byte, want ceremony.Expected, evidence *ceremony.Evidence,
) ([]byte, error) {
	holder, ok := k.holders[want.Signer]
	if !ok {
		return nil, fmt.Errorf("open envelope: key %s: %w: %w", want.Signer, ErrUnknownKey, ceremony.HolderKeyInvalid)
	}
	n, signature, err := k.decrypt(m, holder, content, want.Now)
	if err != nil {
		return nil, err
	}
	if signature.signer != "" {
		evidence.Signer, evidence.SignedAt = signature.signer, signature.at
	}
	if err := signature.check(holder, want, k.announced.Identity); err != nil {
		return nil, err
	}
	if err := checkBindings(signature.bindings, want); err != nil {
		return nil, err
	}
	share, end, err := parsePayload(content[:n], want, k.announced.Identity)
	switch {
	case err != nil:
		return nil, err
	case !isShare(share):
		return nil, ceremony.BadShare
	}
	evidence.Signature, evidence.Digest = proofOf(content[:n], end, signature.packet, want, k.announced.Identity)
	return share, nil
}

// signature is what an envelope shows of its signer.
type signature struct {
	count      int
	foreign    bool  // by a key that is neither the holder's nor ours
	err        error // nil when it verified
	signer     ceremony.Fingerprint
	id         uint64 // of the key or subkey that signed
	at         time.Time
	recipients []ceremony.Fingerprint // for whom it was made, if it says so
	bindings   []string               // for what it was made, if it says so
	packet     *packet.Signature
}

// decrypt reads a message to its end into content, and returns its length and its signature.
// The integrity and the signature are known only at the end. Without a holder no signature
// can be checked.
func (k *key) decrypt(m message, holder *Certificate, content []byte, now time.Time) (int, signature, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.ring == nil:
		return 0, signature{}, ceremony.OtherKey
	case !now.Before(k.announced.Expires):
		// Programs refuse to encrypt to an expired key, but go-crypto decrypts with it.
		return 0, signature{}, ceremony.Closed
	}
	// This message is read with two keys only: the ceremony's, and that of the person
	// whose Slack account has sent it. Bob's envelope from Alice's account has an unknown
	// signer.
	ring := pgp.EntityList{k.ring}
	if holder != nil {
		signer, err := holder.parse()
		if err != nil {
			return 0, signature{}, err
		}
		ring = append(ring, signer)
	}
	config := strict(now.Add(skew))
	checkRecipients := false // done in signature.check, with an answer of its own
	config.CheckIntendedRecipients = &checkRecipients
	md, err := pgp.ReadMessage(bytes.NewReader(m.data), ring, nil, config)
	if errors.Is(err, pgperrors.ErrKeyIncorrect) && !slices.Contains(m.recipients, k.id) {
		return 0, signature{}, ceremony.OtherKey
	}
	if err != nil {
		return 0, signature{}, ceremony.BadMessage
	}
	switch {
	case !md.IsEncrypted:
		return 0, signature{}, ceremony.NotEncrypted
	case md.IsSymmetricallyEncrypted:
		return 0, signature{}, ceremony.PasswordSealed
	}
	switch md.DecryptedWithAlgorithm {
	case packet.CipherAES128, packet.CipherAES192, packet.CipherAES256:
	default:
		return 0, signature{}, ceremony.WeakCipher
	}
	n, err := readToEnd(md.UnverifiedBody, content)
	if err != nil {
		return 0, signature{}, err
	}
	return n, signatureOf(md), nil
}

// readToEnd reads everything into content. The plaintext comes first: its integrity is
// checked at the end.
func readToEnd(r io.Reader, content []byte) (n int, err error) {
	var beyond [1]byte
	for {
		room := content[n:]
		if len(room) == 0 {
			room = beyond[:]
		}
		got, err := r.Read(room)
		if got > 0 && len(content) == n {
			clear(beyond[:])
			return 0, ceremony.TooBig
		}
		n += got
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return 0, ceremony.BadMessage
		}
	}
}

func signatureOf(md *pgp.MessageDetails) signature {
	s := signature{count: len(md.SignatureCandidates), err: md.SignatureError}
	// IsVerified means that a verification has run, not what it has found. Signature is
	// set when the signature is good.
	if s.count != 1 || !md.IsSigned || !md.IsVerified {
		return s
	}
	candidate := md.SignatureCandidates[0]
	if s.err == nil {
		s.err = candidate.SignatureError
	}
	s.foreign = candidate.SignedByEntity == nil || s.err == nil && (md.Signature == nil || md.SignedBy == nil)
	if candidate.CorrespondingSig != nil {
		s.packet, s.bindings = candidate.CorrespondingSig, bindingsOf(candidate.CorrespondingSig)
		s.at = candidate.CorrespondingSig.CreationTime.UTC()
		for _, r := range candidate.CorrespondingSig.IntendedRecipients {
			s.recipients = append(s.recipients, ceremony.Fingerprint(hex.EncodeToString(r.Fingerprint)))
		}
	}
	s.id = candidate.IssuerKeyId
	if s.err == nil && !s.foreign {
		s.signer = fingerprintOf(md.SignedBy.Entity.PrimaryKey)
	}
	return s
}

// check judges a signature. go-crypto has judged it by the date that the signature claims: an
// expired or revoked key can still sign with an old date. So the date must lie in this
// ceremony, and the key must be good now as well.
func (s signature) check(holder *Certificate, want ceremony.Expected, identity ceremony.Fingerprint) error {
	switch {
	case s.count == 0:
		return ceremony.Unsigned
	case s.count > 1:
		return ceremony.ManySignatures
	case s.foreign, s.err == nil && s.signer != want.Signer:
		return ceremony.WrongSigner
	}
	if _, ok := errors.AsType[pgperrors.SignatureError](s.err); ok || s.at.IsZero() {
		return ceremony.BadSignature
	}
	switch {
	case holder.signsAt(s.id, maxTime(want.Now, s.at)) != nil:
		return ceremony.SignerInvalid
	case s.at.Before(want.NotBefore.Add(-skew)):
		return ceremony.Stale
	case s.at.After(want.Now.Add(skew)):
		return ceremony.FromTheFuture
	case errors.Is(s.err, pgperrors.ErrKeyExpired), errors.Is(s.err, pgperrors.ErrKeyRevoked):
		return ceremony.SignerInvalid
	case s.err != nil:
		return ceremony.BadSignature
	case len(s.recipients) > 0 && !slices.Contains(s.recipients, identity):
		// It was signed for another identity, which has encrypted it again to this one.
		return ceremony.OtherIdentity
	}
	return nil
}
