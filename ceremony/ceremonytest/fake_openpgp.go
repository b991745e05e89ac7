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

// Statements of the fake opener are plain words, "signed|KEY|UNIX|LINE". Package
// openpgp has the real ones.

func (*FakeOpener) VerifyStatement(pasted []byte, by ceremony.Fingerprint, notBefore, now time.Time) (ceremony.SignedLine, error) {
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

// SpokenSignatures checks words as package openpgp does, and the fake opener's too.
type SpokenSignatures struct{ openpgp.Signatures }

func (s SpokenSignatures) VerifySignedWord(certificate string, by ceremony.Fingerprint, armored string, notBefore, now time.Time) (string, time.Time, error) {
	if !strings.HasPrefix(armored, "signed|") {
		return s.Signatures.VerifySignedWord(certificate, by, armored, notBefore, now)
	}
	said, err := (*FakeOpener)(nil).VerifyStatement([]byte(armored), by, notBefore, now)
	return said.Line, time.Time{}, err
}

func (*FakeOpener) PeekStatement(pasted []byte) (string, bool) {
	f := strings.SplitN(string(pasted), "|", 4)
	if len(f) != 4 || f[0] != "signed" {
		return "", false
	}
	return f[3], true
}

func (*FakeOpener) SignRollCall(n ceremony.RollCallNotice) (string, error) {
	return "roll call of " + n.Plan.Hash() + " " + n.Digest, nil
}

func (o *FakeOpener) Attest(text []byte) (string, error) {
	sum := sha256.Sum256(append([]byte(o.Identity()), text...))
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

func (*FakeOpener) PublicKey(f ceremony.Fingerprint) (string, error) {
	return "public key " + string(f) + "\n", nil
}

func (o *FakeOpener) CommitmentKey() (string, [32]byte) {
	key := sha256.Sum256([]byte("commitments of " + o.Identity()))
	return string(o.Identity()[:16]), key
}

// Challenge returns the ciphertext "challenge|KEY|RESPONSE".
func (o *FakeOpener) Challenge(f ceremony.Fingerprint, _ time.Time) (string, string, error) {
	o.Mu.Lock()
	defer o.Mu.Unlock()
	if o.Bad[f] {
		return "", "", ceremony.HolderKeyInvalid
	}
	o.serial++
	response := fmt.Sprintf("%032x", o.serial)
	return fmt.Sprintf("challenge|%s|%s", f, response), response, nil
}

// FakeOpener has envelopes of plain words:
// "KEY|SIGNER|UNIX|CEREMONY|STEP|NONCE|SHARE". Package openpgp has the real ones.
type FakeOpener struct {
	Name   string // of the identity, when it is another one
	Mu     sync.Mutex
	serial int
	Bad    map[ceremony.Fingerprint]bool
	Open   int // keys that were made and not destroyed
}

func (o *FakeOpener) Identity() ceremony.Fingerprint { return Fpr(cmp.Or(o.Name, "identity")) }

func (*FakeOpener) Certificate(f ceremony.Fingerprint) ([]byte, error) { return []byte(f), nil }

func (o *FakeOpener) CheckKey(f ceremony.Fingerprint, _, _ time.Time) error {
	o.Mu.Lock()
	defer o.Mu.Unlock()
	if o.Bad[f] {
		return fmt.Errorf("it has expired: %w", ceremony.HolderKeyInvalid)
	}
	return nil
}

func (o *FakeOpener) NewKey(n ceremony.Notice) (ceremony.Key, error) {
	o.Mu.Lock()
	defer o.Mu.Unlock()
	o.serial++
	o.Open++
	return &fakeKey{opener: o, a: ceremony.Announced{
		Identity: o.Identity(), Subkey: fmt.Sprintf("%040x", o.serial),
		Announcement: "announcement", Certificate: "certificate",
		Step: n.Step, Nonce: n.Nonce, At: n.At.UTC().Round(0), Expires: n.Expires,
	}}, nil
}

func (o *FakeOpener) SignDelivery(ceremony.Parcel) (ceremony.SignedParcel, error) {
	return ceremony.SignedParcel{}, nil
}

type fakeKey struct {
	opener *FakeOpener
	a      ceremony.Announced
	gone   bool
}

func (k *fakeKey) Announced() ceremony.Announced { return k.a }
func (k *fakeKey) Fits(e []byte) bool            { return strings.HasPrefix(string(e), k.a.Subkey+"|") }
func (k *fakeKey) Destroy() {
	if !k.gone {
		k.gone = true
		k.opener.Mu.Lock()
		k.opener.Open--
		k.opener.Mu.Unlock()
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
