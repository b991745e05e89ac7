package openpgp

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/bits"
	"time"

	"conclave/ceremony"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// What an auditor checks, long afterwards and without a secret. From the time at which a
// signature was made until the time at which the journal says that it had come, its key must
// have been good. What became of the key later does not matter: nobody can write a line into
// a journal's past, and a thief who has stolen the key since then was not there. For the
// journal's own signature, [VerifyDetached], there is only the date that it claims: a key
// that is revoked as compromised, or without a reason, signs nothing that counts.

// VerifyDetached makes sure that signature, as [OpenPGP.Attest] writes it, is the key's
// signature of exactly this text, made when the key was good and not in the future. A
// signature has one form: a change of any character is an error, even in parts that OpenPGP
// does not sign.
func VerifyDetached(certificateArmor string, fingerprint ceremony.Fingerprint, text []byte, signature string) error {
	if err := verifyDetached(certificateArmor, fingerprint, text, signature); err != nil {
		return fmt.Errorf("verify signature of %s: %w", fingerprint, err)
	}
	return nil
}

func verifyDetached(
	certificateArmor string, fingerprint ceremony.Fingerprint, text []byte, signature string,
) (err error) {
	defer recoverParsing(&err, ErrBadSignature)
	key, err := readAudited(certificateArmor, fingerprint)
	if err != nil {
		return err
	}
	sig, raw, err := readSignature(signature)
	if err != nil {
		return err
	}
	if !canonical(sig, raw) {
		return ErrSignatureForm
	}
	if sig.CreationTime.After(time.Now().Add(skew)) {
		return ErrSignedLater
	}
	if sig.SigType != packet.SigTypeBinary || !sig.Hash.Available() {
		return ErrBadSignature
	}
	h := sig.Hash.New()
	h.Write(text)
	if err := key.check(h, sig, sig.CreationTime); err != nil {
		return err
	}
	// Two bytes of the digest stand beside the signature, and go-crypto does not compare
	// them. The check has written the rest of what is hashed.
	if !bytes.Equal(h.Sum(nil)[:2], sig.HashTag[:]) {
		return ErrSignatureForm
	}
	return key.goodAt(sig, sig.CreationTime, time.Time{})
}

// VerifySignedWord returns the one line of an inline-signed message, as
// [OpenPGP.VerifyStatement] has kept it, and when it was signed. That must be neither before
// notBefore, when it could first be asked for, nor after now, when the journal says that it
// had come. Five minutes are allowed for clocks.
func VerifySignedWord(
	certificateArmor string, fingerprint ceremony.Fingerprint, armored string, notBefore, now time.Time,
) (line string, made time.Time, err error) {
	line, made, err = verifySignedWord(certificateArmor, fingerprint, armored, notBefore, now)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("verify what %s has signed: %w", fingerprint, err)
	}
	return line, made, nil
}

func verifySignedWord(
	certificateArmor string, fingerprint ceremony.Fingerprint, armored string, notBefore, now time.Time,
) (line string, made time.Time, err error) {
	defer recoverParsing(&err, ErrBadSignature)
	key, err := readAudited(certificateArmor, fingerprint)
	if err != nil {
		return "", made, err
	}
	content, sig, err := takeApart(armored)
	if err != nil {
		return "", made, err
	}
	h, err := hashFor(sig)
	if err != nil {
		return "", made, err
	}
	if _, err := h.wrapped.Write(content); err != nil {
		return "", made, err
	}
	if err := key.within(h.direct, sig, notBefore, now); err != nil {
		return "", made, err
	}
	line, err = statementIn(content)
	return line, sig.CreationTime.UTC(), err
}

// VerifyEvidence makes sure, without the share, that the key of want.Signer has signed the
// envelope of which this is the evidence, for this ceremony, step, nonce, identity and plan.
// It must have signed between want.NotBefore, when the ceremony key was announced, and
// want.Now, when the journal says that the envelope had come. VerifyEvidence returns for
// what the signature says that it was made ([ceremony.Announced.Binding]; empty when it does
// not say), and when it was made. The error is [ceremony.ErrNoProof] when too little was
// kept: the program that made the envelope did not write what proves it.
func VerifyEvidence(
	certificateArmor string, identity ceremony.Fingerprint, e ceremony.Evidence, want ceremony.Expected,
) (binding string, made time.Time, err error) {
	binding, made, err = verifyEvidence(certificateArmor, identity, e, want)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("verify the envelope of %s: %w", want.Signer, err)
	}
	return binding, made, nil
}

func verifyEvidence(
	certificateArmor string, identity ceremony.Fingerprint, e ceremony.Evidence, want ceremony.Expected,
) (binding string, made time.Time, err error) {
	defer recoverParsing(&err, ErrBadSignature)
	if e.Signature == "" || e.Digest == "" {
		return "", made, ceremony.ErrNoProof
	}
	key, err := readAudited(certificateArmor, want.Signer)
	if err != nil {
		return "", made, err
	}
	sig, _, err := readSignature(e.Signature)
	if err != nil {
		return "", made, err
	}
	if e.Signer != want.Signer || !e.SignedAt.Equal(sig.CreationTime) || sig.SigType != packet.SigTypeBinary {
		return "", made, ErrEvidence
	}
	h, err := resumeHash(sig.Hash, e.Digest, want, identity)
	if err != nil {
		return "", made, err
	}
	if err := key.within(h, sig, want.NotBefore, want.Now); err != nil {
		return "", made, err
	}
	bindings := bindingsOf(sig)
	if len(bindings) > 1 {
		return "", made, ErrEvidence
	}
	for _, b := range bindings {
		binding = b
	}
	return binding, sig.CreationTime.UTC(), nil
}

// audited is a certificate as an auditor has it, of any age and in any state.
type audited []byte

func readAudited(certificateArmor string, fingerprint ceremony.Fingerprint) (audited, error) {
	data, err := certificateBytes([]byte(certificateArmor))
	if err != nil {
		return nil, err
	}
	entity, err := parseEntity(data)
	switch {
	case err != nil:
		return nil, err
	case hasSecret(entity):
		return nil, ErrSecretKey
	case fingerprintOf(entity.PrimaryKey) != fingerprint:
		return nil, ErrOtherCertificate
	}
	return data, nil
}

// within checks a signature that must have been made between notBefore and now, by a key
// that was good from then until now.
func (a audited) within(h hash.Hash, sig *packet.Signature, notBefore, now time.Time) error {
	if err := a.check(h, sig, now); err != nil {
		return err
	}
	switch made := sig.CreationTime; {
	case made.Before(notBefore.Add(-skew)):
		return ErrSignedEarlier
	case made.After(now.Add(skew)):
		return ErrSignedLater
	}
	if err := a.goodAt(sig, sig.CreationTime, now); err != nil {
		return err
	}
	return a.goodAt(sig, maxTime(now, sig.CreationTime), now)
}

// check checks everything about a signature but the state of its key: that it is the key's,
// over what h has hashed, and of a kind that counts.
func (a audited) check(h hash.Hash, sig *packet.Signature, now time.Time) error {
	entity, err := parseEntity(a)
	if err != nil {
		return err
	}
	config := strict(now.Add(skew))
	if sig.IssuerKeyId == nil || config.RejectMessageHashAlgorithm(sig.Hash) {
		return ErrBadSignature
	}
	for _, n := range sig.Notations {
		if n.IsCritical && !config.KnownNotation(n.Name) {
			return ErrBadSignature
		}
	}
	key := keyByID(entity, *sig.IssuerKeyId)
	if key == nil || sig.CreationTime.Before(key.CreationTime) ||
		sig.SigExpired(maxTime(now.Add(skew), sig.CreationTime)) {
		return ErrBadSignature
	}
	if err := key.VerifySignature(h, sig); err != nil {
		return ErrBadSignature
	}
	return nil
}

func keyByID(entity *pgp.Entity, id uint64) *packet.PublicKey {
	if entity.PrimaryKey.KeyId == id {
		return entity.PrimaryKey
	}
	for _, s := range entity.Subkeys {
		if s.PublicKey.KeyId == id {
			return s.PublicKey
		}
	}
	return nil
}

// goodAt makes sure that the key of a signature could sign at the time t, by what was known
// of the key at the time known. When known is zero, everything that is known today counts.
func (a audited) goodAt(sig *packet.Signature, t, known time.Time) error {
	entity, err := parseEntity(a) // anew: an entity notes down what it was asked before
	if err != nil {
		return err
	}
	if !known.IsZero() {
		forget(entity, known)
	}
	config := strict(t)
	key, ok := entity.SigningKeyById(t, *sig.IssuerKeyId, config)
	if !ok {
		if key, ok = renewedSince(entity, *sig.IssuerKeyId, t); !ok {
			return a.whyNot(entity, *sig.IssuerKeyId, t, config)
		}
	}
	if key.IsPrimary() {
		return nil
	}
	if cross := key.SelfSignature.EmbeddedSignature; cross != nil && config.RejectHashAlgorithm(cross.Hash) {
		return ErrWeakSelfSig
	}
	return nil
}

// forget removes the revocations that are dated later than known.
func forget(entity *pgp.Entity, known time.Time) {
	earlier := func(all []*packet.VerifiableSignature) (kept []*packet.VerifiableSignature) {
		for _, r := range all {
			if !r.Packet.CreationTime.After(known) {
				kept = append(kept, r)
			}
		}
		return kept
	}
	entity.Revocations = earlier(entity.Revocations)
	for i := range entity.Subkeys {
		entity.Subkeys[i].Revocations = earlier(entity.Subkeys[i].Revocations)
	}
}

// renewedSince returns a key that existed at the time t but whose own signatures are all
// younger: gpg replaces them when the expiry is set again. What the owner says of the key
// now then holds for that time too.
func renewedSince(entity *pgp.Entity, id uint64, t time.Time) (pgp.Key, bool) {
	config := strict(t)
	_, err := entity.PrimarySelfSignature(t, config)
	replaced := err != nil
	for _, s := range entity.Subkeys {
		if s.PublicKey.KeyId == id {
			_, err := s.LatestValidBindingSignature(t, config)
			replaced = replaced || err != nil
		}
	}
	var always time.Time
	key, ok := entity.SigningKeyById(always, id, strict(always))
	ok = ok && replaced && !entity.Revoked(t) &&
		!entity.PrimaryKey.KeyExpired(key.PrimarySelfSignature, t) && !key.PublicKey.KeyExpired(key.SelfSignature, t)
	return key, ok
}

func (a audited) whyNot(entity *pgp.Entity, id uint64, t time.Time, config *packet.Config) error {
	_, err := entity.VerifyPrimaryKey(t, config)
	for _, s := range entity.Subkeys {
		if err == nil && s.PublicKey.KeyId == id {
			_, err = s.Verify(t, config)
		}
	}
	switch {
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return ErrKeyRevoked
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return ErrKeyExpired
	}
	return ErrCannotSign
}

// readSignature reads the one signature packet in canonical base64.
func readSignature(text string) (*packet.Signature, []byte, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	// Decoding ignores line ends, and unused bits of the last character.
	if err != nil || base64.StdEncoding.EncodeToString(raw) != text {
		return nil, nil, ErrSignatureForm
	}
	packets := packet.NewReader(bytes.NewReader(raw))
	p, err := packets.Next()
	if err != nil {
		return nil, nil, ErrSignatureForm
	}
	sig, ok := p.(*packet.Signature)
	if !ok || sig.Version != 4 {
		return nil, nil, ErrSignatureForm
	}
	if _, err := packets.Next(); err != io.EOF {
		return nil, nil, ErrSignatureForm
	}
	return sig, raw, nil
}

// canonical reports whether raw is the one form of a signature by the identity: nothing in
// it is unsigned, and every number is without leading zeros and has its own length.
func canonical(sig *packet.Signature, raw []byte) bool {
	if sig.PubKeyAlgo != packet.PubKeyAlgoEdDSA {
		return false
	}
	for _, number := range [...]interface {
		Bytes() []byte
		BitLength() uint16
	}{sig.EdDSASigR, sig.EdDSASigS} {
		b := number.Bytes()
		if len(b) == 0 || b[0] == 0 || int(number.BitLength()) != 8*(len(b)-1)+bits.Len8(b[0]) {
			return false
		}
	}
	var again bytes.Buffer
	if sig.Serialize(&again) != nil || !bytes.Equal(again.Bytes(), raw) {
		return false
	}
	packets := packet.NewOpaqueReader(bytes.NewReader(raw))
	body, err := packets.Next()
	if err != nil {
		return false
	}
	// Version 4 has four bytes, the length of the signed part, the signed part, and the
	// length of the unsigned part (RFC 9580, section 5.2.3).
	at := 6 + int(body.Contents[4])<<8 + int(body.Contents[5])
	return bytes.HasPrefix(body.Contents[at:], []byte{0, 0})
}

// takeApart returns the content of an inline-signed message and its only signature,
// which has not been verified.
func takeApart(armored string) ([]byte, *packet.Signature, error) {
	message, err := unwrap([]byte(armored), messageBlock)
	if err != nil {
		return nil, nil, err
	}
	md, err := pgp.ReadMessage(bytes.NewReader(message), pgp.EntityList{}, nil, strict(time.Time{}))
	if err != nil || md.IsEncrypted {
		return nil, nil, ErrNotSignedInline
	}
	content := make([]byte, maxStatement)
	n, err := readToEnd(md.UnverifiedBody, content)
	if err != nil {
		return nil, nil, ErrNotSignedInline
	}
	if !md.IsSigned || !md.IsVerified || len(md.SignatureCandidates) != 1 {
		return nil, nil, ErrBadSignature
	}
	// Without keys the signer is unknown. Any other error is about the signature's form.
	only := md.SignatureCandidates[0]
	if only.CorrespondingSig == nil || !errors.Is(only.SignatureError, pgperrors.ErrUnknownIssuer) {
		return nil, nil, ErrBadSignature
	}
	return content[:n], only.CorrespondingSig, nil
}

// hashing is the hash of a signature, direct, and the writer to it, wrapped: a signature of
// text is over other line ends than the text has.
type hashing struct{ direct, wrapped hash.Hash }

func hashFor(sig *packet.Signature) (hashing, error) {
	if sig.Version != 4 || !sig.Hash.Available() {
		return hashing{}, ErrBadSignature
	}
	h := sig.Hash.New()
	switch sig.SigType {
	case packet.SigTypeBinary:
		return hashing{h, h}, nil
	case packet.SigTypeText:
		return hashing{h, pgp.NewCanonicalTextHash(h)}, nil
	}
	return hashing{}, ErrBadSignature
}

// hashable reports whether the state of a hash can be kept: see proofOf.
func hashable(h crypto.Hash) bool {
	return h == crypto.SHA256 || h == crypto.SHA384 || h == crypto.SHA512
}
