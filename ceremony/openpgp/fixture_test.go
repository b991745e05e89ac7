package openpgp_test

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// share is what no error, log or evidence may ever show.
const share = "c0ffee5ec2e7000102030405060708090a0b0c0d0e0f101112131415161718191a"

// stage is one ceremony, ready for envelopes.
type stage struct {
	now      time.Time
	identity *openpgp.Identity
	holder   *pgp.Entity // with its secret
	bot      *openpgp.OpenPGP
	key      ceremony.Key
	want     ceremony.Expected
	to       *pgp.Entity // what a holder encrypts to
}

func newStage(t testing.TB) *stage { return stageFor(t, newHolder(t, "Ada", start), start) }

// start is when ceremonies of these tests begin.
var start = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func stageFor(t testing.TB, holder *pgp.Entity, now time.Time) *stage {
	t.Helper()
	s := &stage{now: now, holder: holder}
	s.identity = must(openpgp.Generate("conclave test", now.Add(-time.Hour)))(t)
	certificate := must(openpgp.ReadCertificate(public(t, holder)))(t)
	s.bot = openpgp.New(s.identity, []*openpgp.Certificate{certificate})
	s.key = must(s.bot.NewKey(notice(s.identity.Fingerprint(), now)))(t)
	s.to = parse(t, s.key.Announced().Certificate)
	s.want = ceremony.Expected{
		Ceremony:  "prod-rekey-k7m2",
		Step:      ceremony.StepUpdate,
		Nonce:     "0b9d5dc1-6d53-5c1b-9d7f-0f3f6f1b9a11",
		Signer:    certificate.Fingerprint(),
		NotBefore: now,
		Now:       now.Add(time.Minute),
		PlanHash:  notice(s.identity.Fingerprint(), now).Plan.Hash(),
	}
	return s
}

func notice(identity ceremony.Fingerprint, now time.Time) ceremony.Notice {
	return ceremony.Notice{
		Plan:    plan(identity, now, 5),
		Step:    ceremony.StepUpdate,
		Nonce:   "0b9d5dc1-6d53-5c1b-9d7f-0f3f6f1b9a11",
		At:      now,
		Expires: now.Add(4 * time.Hour),
	}
}

// plan has as many holders, who are the receivers as well, and three approvers.
func plan(identity ceremony.Fingerprint, now time.Time, holders int) ceremony.Plan {
	p := ceremony.Plan{
		Ceremony: "prod-rekey-k7m2", Operation: ceremony.Rekey, Cluster: "prod",
		ClusterID: "9f0a4e0c-3c8f-6a1e-1b8d-0a4f7d9e2c11",
		Reason:    "Two holders have left; their shares must stop counting.",
		Initiator: someone("marguerite", 0), Approvals: 1,
		Approvers: []ceremony.Person{someone("bartholomew", 1), someone("clementine", 2), someone("dominic", 3)},
		Shares:    holders, Threshold: 3, NewThreshold: 3, Verification: true, Backup: true,
		Identity: identity, Proposed: now, Closes: now.Add(4 * time.Hour),
	}
	for i := range holders {
		h := someone("holder-"+string(rune('a'+i)), 10+i)
		digits := sha1.Sum([]byte(h.Name)) // fingerprints don't compress
		h.Key = ceremony.Fingerprint(hex.EncodeToString(digits[:]))
		p.Holders = append(p.Holders, h)
	}
	p.Receivers = p.Holders
	return p
}

func someone(name string, n int) ceremony.Person {
	return ceremony.Person{Name: name, Account: ceremony.Account{Team: "T0ABCDEF12", User: "U0ABCDEF" + string(rune('A'+n/10)) + string(rune('0'+n%10))}}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newHolder(t testing.TB, name string, now time.Time, options ...func(*packet.Config)) *pgp.Entity {
	t.Helper()
	made := now.Add(-24 * time.Hour)
	config := &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519, DefaultCipher: packet.CipherAES256,
		Time: func() time.Time { return made },
	}
	for _, o := range options {
		o(config)
	}
	return must(pgp.NewEntity(name, "", name+"@example.invalid", config))(t)
}

func lifetime(d time.Duration) func(*packet.Config) {
	return func(c *packet.Config) { c.KeyLifetimeSecs = uint32(d / time.Second) }
}

func public(t testing.TB, e *pgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := e.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return enarmor(t, "PGP PUBLIC KEY BLOCK", b.Bytes())
}

func parse(t testing.TB, armored string) *pgp.Entity {
	t.Helper()
	list := must(pgp.ReadArmoredKeyRing(strings.NewReader(armored)))(t)
	return list[0]
}

func enarmor(t testing.TB, kind string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := must(armor.Encode(&b, kind, nil))(t)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func dearmor(t testing.TB, text []byte) []byte {
	t.Helper()
	b := must(armor.Decode(bytes.NewReader(text)))(t)
	return must(io.ReadAll(b.Body))(t)
}

// payload is what a holder encrypts.
func (s *stage) payload() string { return s.key.Announced().Prefix(s.want.Ceremony) + share }

// craft is how an envelope is made; the zero value is how it should be.
type craft struct {
	content    string // default: the payload
	to, hidden []*pgp.Entity
	by         []*pgp.Entity // default: the holder
	unsigned   bool
	at         time.Time // default: s.want.Now
	life       time.Duration
	passwords  [][]byte
	notations  []*packet.Notation
	nobody     bool // no intended recipients, as gpg makes it
	text       bool
	compress   packet.CompressionAlgo
}

func (s *stage) craft(t testing.TB, c craft) []byte {
	t.Helper()
	if c.content == "" {
		c.content = s.payload()
	}
	if c.to == nil && c.hidden == nil {
		c.to = []*pgp.Entity{s.to}
	}
	if c.by == nil && !c.unsigned {
		c.by = []*pgp.Entity{s.holder}
	}
	if c.at.IsZero() {
		c.at = s.want.Now
	}
	intended := !c.nobody
	now := s.want.Now
	config := &packet.Config{
		Time: func() time.Time { return c.at }, DefaultCipher: packet.CipherAES256,
		SigLifetimeSecs: uint32(c.life / time.Second), SignatureNotations: c.notations,
		CheckIntendedRecipients: &intended, DefaultCompressionAlgo: c.compress,
	}
	var b bytes.Buffer
	w := must(pgp.EncryptWithParams(&b, c.to, c.hidden, &pgp.EncryptParams{
		Signers: c.by, Passwords: c.passwords, EncryptionTime: &now, TextSig: c.text, Config: config,
	}))(t)
	if _, err := io.WriteString(w, c.content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return enarmor(t, "PGP MESSAGE", b.Bytes())
}

// wrap encrypts packets of the test's own making to the ceremony key.
func (s *stage) wrap(t testing.TB, cipher packet.CipherFunction, inner func(io.Writer)) []byte {
	t.Helper()
	session := bytes.Repeat([]byte{7}, cipher.KeySize())
	var b bytes.Buffer
	if err := packet.SerializeEncryptedKey(&b, s.to.Subkeys[0].PublicKey, cipher, session, nil); err != nil {
		t.Fatal(err)
	}
	w := must(packet.SerializeSymmetricallyEncrypted(&b, cipher, false, packet.CipherSuite{}, session, nil))(t)
	inner(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return enarmor(t, "PGP MESSAGE", b.Bytes())
}

// sign writes content with one signature for each hash.
func (s *stage) sign(t testing.TB, w io.Writer, content string, hashes ...crypto.Hash) {
	t.Helper()
	signer := s.holder.PrivateKey
	for i, h := range hashes {
		ops := &packet.OnePassSignature{
			Version: 3, Hash: h, PubKeyAlgo: signer.PubKeyAlgo, KeyId: signer.KeyId, IsLast: i == len(hashes)-1,
		}
		if err := ops.Serialize(w); err != nil {
			t.Fatal(err)
		}
	}
	literal(t, w, content)
	for _, h := range hashes {
		sig := &packet.Signature{
			Version: 4, PubKeyAlgo: signer.PubKeyAlgo, Hash: h, CreationTime: s.want.Now,
			IssuerKeyId: &signer.KeyId, IssuerFingerprint: signer.Fingerprint,
		}
		digest := h.New()
		digest.Write([]byte(content))
		if err := sig.Sign(digest, signer, nil); err != nil {
			t.Fatal(err)
		}
		if err := sig.Serialize(w); err != nil {
			t.Fatal(err)
		}
	}
}

func literal(t testing.TB, w io.Writer, content string) {
	t.Helper()
	l := must(packet.SerializeLiteral(nopCloser{w}, true, "", 0))(t)
	if _, err := io.WriteString(l, content); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
