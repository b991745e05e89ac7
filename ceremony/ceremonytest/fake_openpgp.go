package ceremonytest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/secret"
)

// FakeOpenPGP is a [ceremony.OpenPGP] of plain words; package openpgp has the real one. An
// envelope is "KEY|SIGNER|UNIX|CEREMONY|STEP|NONCE|SHARE", a statement
// "signed|KEY|UNIX|LINE".
type FakeOpenPGP struct {
	Name   string // of the identity; empty means "identity"
	Mu     sync.Mutex
	serial int
	Bad    map[ceremony.Fingerprint]bool // keys that can't be used
	Open   int                           // ceremony keys that were made and not destroyed
}

func (*FakeOpenPGP) VerifyStatement(
	pasted []byte, by ceremony.Fingerprint, notBefore, now time.Time,
) (ceremony.SignedLine, error) {
	f := strings.SplitN(string(pasted), "|", 4)
	if len(f) != 4 || f[0] != "signed" {
		return ceremony.SignedLine{}, ceremony.NoArmor
	}
	at, err := strconv.ParseInt(f[2], 10, 64)
	switch made := time.Unix(at, 0); {
	case err != nil:
		return ceremony.SignedLine{}, ceremony.BadMessage
	case f[1] != string(by):
		return ceremony.SignedLine{}, ceremony.WrongSigner
	case made.Before(notBefore.Add(-5 * time.Minute)):
		return ceremony.SignedLine{}, ceremony.Stale
	case made.After(now.Add(5 * time.Minute)):
		return ceremony.SignedLine{}, ceremony.FromTheFuture
	}
	return ceremony.SignedLine{Line: f[3], Armor: string(pasted)}, nil
}

// SpokenSignatures checks statements as package openpgp does, and those of [FakeOpenPGP] too.
type SpokenSignatures struct{ openpgp.Signatures }

func (s SpokenSignatures) VerifySignedWord(
	certificate string, by ceremony.Fingerprint, armored string, notBefore, now time.Time,
) (string, time.Time, error) {
	if !strings.HasPrefix(armored, "signed|") {
		return s.Signatures.VerifySignedWord(certificate, by, armored, notBefore, now)
	}
	said, err := (*FakeOpenPGP)(nil).VerifyStatement([]byte(armored), by, notBefore, now)
	return said.Line, time.Time{}, err
}

func (*FakeOpenPGP) PeekStatement(pasted []byte) (string, bool) {
	f := strings.SplitN(string(pasted), "|", 4)
	if len(f) != 4 || f[0] != "signed" {
		return "", false
	}
	return f[3], true
}

func (*FakeOpenPGP) SignRollCall(n ceremony.RollCallNotice) (string, error) {
	return "roll call of " + n.Plan.Hash() + " " + n.Digest, nil
}

func (o *FakeOpenPGP) Attest(text []byte) (string, error) {
	sum := sha256.Sum256(append([]byte(o.Identity()), text...))
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

func (*FakeOpenPGP) PublicKey(f ceremony.Fingerprint) (string, error) {
	return "public key " + string(f) + "\n", nil
}

func (o *FakeOpenPGP) CommitmentKey() (string, [32]byte) {
	key := sha256.Sum256([]byte("commitments of " + o.Identity()))
	return string(o.Identity()[:16]), key
}

func (o *FakeOpenPGP) JournalKey() secret.MACKey {
	return secret.NewMACKey("j"+string(o.Identity()[:15]), sha256.Sum256([]byte("journal of "+o.Identity())))
}

// Challenge returns the ciphertext "challenge|KEY|RESPONSE".
func (o *FakeOpenPGP) Challenge(f ceremony.Fingerprint, _ time.Time) (string, string, error) {
	o.Mu.Lock()
	defer o.Mu.Unlock()
	if o.Bad[f] {
		return "", "", ceremony.HolderKeyInvalid
	}
	o.serial++
	response := fmt.Sprintf("%032x", o.serial)
	return fmt.Sprintf("challenge|%s|%s", f, response), response, nil
}

func (o *FakeOpenPGP) Identity() ceremony.Fingerprint { return Fpr(cmp.Or(o.Name, "identity")) }

func (*FakeOpenPGP) Certificate(f ceremony.Fingerprint) ([]byte, error) { return []byte(f), nil }

func (o *FakeOpenPGP) CheckKey(f ceremony.Fingerprint, _, _ time.Time) error {
	o.Mu.Lock()
	defer o.Mu.Unlock()
	if o.Bad[f] {
		return fmt.Errorf("it has expired: %w", ceremony.HolderKeyInvalid)
	}
	return nil
}

func (o *FakeOpenPGP) NewKey(n ceremony.Notice) (ceremony.Key, error) {
	o.Mu.Lock()
	defer o.Mu.Unlock()
	o.serial++
	o.Open++
	return &fakeKey{made: o, a: ceremony.Announced{
		Identity: o.Identity(), Subkey: fmt.Sprintf("%040x", o.serial),
		Announcement: "announcement", Certificate: "certificate",
		Step: n.Step, Nonce: n.Nonce, At: n.At.UTC().Round(0), Expires: n.Expires,
	}}, nil
}

func (o *FakeOpenPGP) SignDelivery(ceremony.Parcel) (ceremony.SignedParcel, error) {
	return ceremony.SignedParcel{}, nil
}

func (o *FakeOpenPGP) SignInstruction(ceremony.Instruction) (ceremony.SignedInstruction, error) {
	return ceremony.SignedInstruction{}, nil
}

// fakeKey is a ceremony key of plain words.
type fakeKey struct {
	made *FakeOpenPGP
	a    ceremony.Announced
	gone bool
}

func (k *fakeKey) Announced() ceremony.Announced { return k.a }
func (k *fakeKey) Fits(e []byte) bool            { return strings.HasPrefix(string(e), k.a.Subkey+"|") }
func (k *fakeKey) Destroy() {
	if !k.gone {
		k.gone = true
		k.made.Mu.Lock()
		k.made.Open--
		k.made.Mu.Unlock()
	}
}

func (k *fakeKey) Open(e []byte, want ceremony.Expected) (*secret.Secret, ceremony.Evidence, error) {
	f := strings.Split(string(e), "|")
	switch {
	case want.Commitment != "" && strings.HasPrefix(string(e), "plain "):
		return nil, ceremony.Evidence{}, ceremony.PlainPassword
	case k.gone, len(f) != 7, f[0] != k.a.Subkey:
		return nil, ceremony.Evidence{}, ceremony.OtherKey
	case f[1] != string(want.Signer):
		return nil, ceremony.Evidence{}, ceremony.WrongSigner
	}
	at, _ := strconv.ParseInt(f[2], 10, 64)
	evidence := ceremony.Evidence{Signer: want.Signer, SignedAt: time.Unix(at, 0).UTC()}
	switch {
	case f[3] != string(want.Ceremony):
		return nil, evidence, ceremony.OtherCeremony
	case f[4] != string(want.Step):
		return nil, evidence, ceremony.OtherStep
	case f[5] != want.Nonce:
		return nil, evidence, ceremony.OtherNonce
	}
	share := strings.TrimSpace(f[6])
	if sum := sha256.Sum256([]byte(share)); want.Commitment != "" && hex.EncodeToString(sum[:]) != want.Commitment {
		return nil, evidence, ceremony.OtherPassword
	}
	return secret.NewSecret([]byte(share)), evidence, nil
}
