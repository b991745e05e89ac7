package ceremony_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// Statements of the fake opener are plain words, "signed|KEY|UNIX|LINE". Package
// openpgp has the real ones.

func (*fakeOpener) VerifyStatement(pasted []byte, by ceremony.Fingerprint, notBefore, now time.Time) (ceremony.Statement, error) {
	f := strings.SplitN(string(pasted), "|", 4)
	if len(f) != 4 || f[0] != "signed" {
		return ceremony.Statement{}, ceremony.NoArmor
	}
	at, err := strconv.ParseInt(f[2], 10, 64)
	switch made := time.Unix(at, 0); {
	case err != nil:
		return ceremony.Statement{}, ceremony.BadMessage
	case f[1] != string(by):
		return ceremony.Statement{}, ceremony.WrongSigner
	case made.Before(notBefore.Add(-5 * time.Minute)):
		return ceremony.Statement{}, ceremony.Stale
	case made.After(now.Add(5 * time.Minute)):
		return ceremony.Statement{}, ceremony.FromTheFuture
	}
	return ceremony.Statement{Line: f[3], Armor: string(pasted)}, nil
}

// spokenSignatures checks words as package openpgp does, and the fake opener's too.
type spokenSignatures struct{ openpgp.Signatures }

func (s spokenSignatures) VerifySignedWord(certificate string, by ceremony.Fingerprint, armored string, notBefore, now time.Time) (string, time.Time, error) {
	if !strings.HasPrefix(armored, "signed|") {
		return s.Signatures.VerifySignedWord(certificate, by, armored, notBefore, now)
	}
	said, err := (*fakeOpener)(nil).VerifyStatement([]byte(armored), by, notBefore, now)
	return said.Line, time.Time{}, err
}

func (*fakeOpener) PeekStatement(pasted []byte) (string, bool) {
	f := strings.SplitN(string(pasted), "|", 4)
	if len(f) != 4 || f[0] != "signed" {
		return "", false
	}
	return f[3], true
}

func (*fakeOpener) SignRollCall(n ceremony.RollCallNotice) (string, error) {
	return "roll call of " + n.Plan.Hash() + " " + n.Digest, nil
}

func (o *fakeOpener) Attest(text []byte) (string, error) {
	sum := sha256.Sum256(append([]byte(o.Identity()), text...))
	return base64.StdEncoding.EncodeToString(sum[:]), nil
}

func (*fakeOpener) PublicKey(f ceremony.Fingerprint) (string, error) {
	return "public key " + string(f) + "\n", nil
}

func (o *fakeOpener) CommitmentKey() (string, [32]byte) {
	key := sha256.Sum256([]byte("commitments of " + o.Identity()))
	return string(o.Identity()[:16]), key
}

// Challenge answers the ciphertext "challenge|KEY|RESPONSE".
func (o *fakeOpener) Challenge(f ceremony.Fingerprint, _ time.Time) (string, string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bad[f] {
		return "", "", ceremony.HolderKeyInvalid
	}
	o.serial++
	response := fmt.Sprintf("%032x", o.serial)
	return fmt.Sprintf("challenge|%s|%s", f, response), response, nil
}
