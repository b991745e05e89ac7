package openpgp_test

import (
	"bytes"
	"crypto"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// What an attacker can do who has genuine messages of a holder's, or a genuine key of
// theirs that no longer counts, and how it is stopped.

// Mallory runs ceremonies too. A holder has sent a share to one of them, signed, in
// good faith; she takes the encryption off and puts one to ours in its place. gpg
// does not sign for whom a message was.
func TestP2SurreptitiousForwardingIsRefused(t *testing.T) {
	d := newDesk(t, "gpg")
	s := d.setOut(d.run(newGPGKey, "future-default"))
	mallory := stageFor(t, s.holder, s.now)
	d.write("mallory.asc", []byte(mallory.key.Announced().Certificate))
	d.run("gpg --batch -q --import mallory.asc")
	hers := mallory.key.Announced()

	for name, tt := range map[string]struct {
		signed string
		want   ceremony.Refusal
	}{
		"for her bot":                   {hers.Prefix(s.want.Ceremony) + share + hers.Suffix(s.want.Ceremony, s.want.PlanHash), ceremony.OtherIdentity},
		"for another ceremony of ours":  {strings.ReplaceAll(s.wholePayload(), "k7m2", "k7m3"), ceremony.OtherCeremony},
		"for the round before this one": {strings.ReplaceAll(s.wholePayload(), "0b9d5dc1", "0b9d5dc0"), ceremony.OtherNonce},
		"for the other step":            {strings.ReplaceAll(s.wholePayload(), " update ", " verify "), ceremony.OtherStep},
		"for nothing":                   {share, ceremony.NoPrefix},
	} {
		t.Run(name, func(t *testing.T) {
			sent := d.run("printf '%s' | gpg --batch -sea --compress-algo none --trust-model always -u %s -r '%s!'", tt.signed, s.want.Signer, strings.ToUpper(hers.Subkey))
			content := mallory.unwrap(t, sent)
			s.refused(t, s.wrap(t, packet.CipherAES256, func(w io.Writer) { _, _ = w.Write(content) }), tt.want)
		})
	}
	// What was signed for this bot is its own, no matter who has brought it.
	sent := d.run("printf '%s' | gpg --batch -sea --compress-algo none --trust-model always -u %s -r '%s!'", s.wholePayload(), s.want.Signer, strings.ToUpper(hers.Subkey))
	content := mallory.unwrap(t, sent)
	s.opened(t, s.wrap(t, packet.CipherAES256, func(w io.Writer) { _, _ = w.Write(content) }))
}

// unwrap takes the encryption off an envelope to this stage's ceremony key, and
// leaves what was signed as it was.
func (s *stage) unwrap(t *testing.T, envelope []byte) []byte {
	t.Helper()
	private := openpgp.PrivateHalf(s.key)
	packets := packet.NewReader(bytes.NewReader(dearmor(t, envelope)))
	session, ok := must(packets.Next())(t).(*packet.EncryptedKey)
	if !ok {
		t.Fatal("the envelope begins with something else")
	}
	if err := session.Decrypt(private, nil); err != nil {
		t.Fatal(err)
	}
	body, ok := must(packets.Next())(t).(*packet.SymmetricallyEncrypted)
	if !ok {
		t.Fatal("the envelope goes on with something else")
	}
	inside := must(body.Decrypt(session.CipherFunc, session.Key))(t)
	content := must(io.ReadAll(inside))(t)
	if err := inside.Close(); err != nil {
		t.Fatal(err)
	}
	return content
}

// agedHolder is a holder whose key was born long ago, in a ceremony that begins an
// hour before an end.
func agedHolder(t *testing.T, life string, end time.Time) (*desk, *stage) {
	d := newDesk(t, "gpg")
	d.run("%s --passphrase '' --quick-gen-key 'Ada <ada@example.invalid>' future-default default %s", on(born), life)
	s := stageFor(t, parse(t, d.certificate()), end.Add(-time.Hour))
	d.write("bot.asc", []byte(s.key.Announced().Certificate))
	d.run("%s --import bot.asc", on(s.now))
	return d, s
}

// envelope is made by a computer whose clock is stopped at a time.
func (d *desk) envelope(s *stage, at time.Time) []byte {
	d.t.Helper()
	return d.run("printf '%s' | %s -sea --trust-model always --no-encrypt-to -u %s -r '%s!'",
		s.wholePayload(), on(at), s.want.Signer, strings.ToUpper(s.key.Announced().Subkey))
}

func TestP2BackdatedSignatureOfAnExpiredKeyIsRefused(t *testing.T) {
	end := born.Add(10 * day)
	d, s := agedHolder(t, "10d", end)
	envelope := d.envelope(s, end.Add(-30*time.Minute))
	s.want.Now = end.Add(-29 * time.Minute)
	s.opened(t, envelope) // in time
	s.want.Now = end.Add(time.Minute)
	s.refused(t, envelope, ceremony.SignerInvalid)
}

func TestP2BackdatedSignatureOfARevokedKeyIsRefused(t *testing.T) {
	for reason, number := range map[string]string{"no reason": "0", "compromised": "1", "superseded": "2", "no longer used": "3"} {
		t.Run(reason, func(t *testing.T) {
			end := born.Add(10 * day)
			d, s := agedHolder(t, "1y", end)
			thief := newDesk(t, "gpg") // who has the key, and had it before it was revoked
			thief.write("secret.asc", d.run("gpg --batch --armor --export-secret-keys"))
			thief.run("%s --import secret.asc", on(born))
			envelope := d.envelope(s, end.Add(-30*time.Minute))
			d.revoke(s.want.Signer, number, end)
			s.want.Now = end.Add(time.Minute)
			s.opened(t, envelope) // nobody has told the bot

			certificate, err := openpgp.ReadCertificate(d.run("gpg --batch --armor --export %s", s.want.Signer))
			if errors.Is(err, openpgp.ErrKeyRevoked) {
				return // the bot does not start with such a key
			}
			told := openpgp.New(s.identity, []*openpgp.Certificate{must(certificate, err)(t)})
			s.key = must(told.NewKey(notice(s.identity.Fingerprint(), s.now)))(t)
			thief.write("bot.asc", []byte(s.key.Announced().Certificate))
			thief.run("%s --import bot.asc", on(s.now))
			s.refused(t, thief.envelope(s, end.Add(-30*time.Minute)), ceremony.SignerInvalid)
		})
	}
}

func TestP2TwoSignaturesAreRefusedThoughOneIsGood(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	d.run("gpg --batch -q --passphrase '' --quick-gen-key 'Eve <eve@example.invalid>' ed25519 sign")
	for _, signers := range []string{"-u ada@example.invalid -u eve@example.invalid", "-u eve@example.invalid -u ada@example.invalid"} {
		envelope := d.run("printf '%s' | gpg --batch -sea --trust-model always %s -r '%s!'", s.wholePayload(), signers, strings.ToUpper(s.key.Announced().Subkey))
		s.refused(t, envelope, ceremony.ManySignatures)
	}
}

// An attacker who has taken over the bot's identity can sign anything, and is no
// holder by it.
func TestP2BotsOwnStatementIsNoPersons(t *testing.T) {
	s := newStage(t)
	path := t.TempDir() + "/identity.asc"
	if err := s.identity.Save(path, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	bot := readSecret(t, path, "swordfish")
	_, err := s.bot.VerifyStatement(state(t, statement, s.want.Now, bot), s.want.Signer, s.want.NotBefore, s.want.Now)
	if !errors.Is(err, ceremony.WrongSigner) {
		t.Errorf("got %v", err)
	}
	if _, _, err := openpgp.VerifySignedWord(string(public(t, s.holder)), s.want.Signer, string(enarmor(t, "PGP MESSAGE", state(t, statement, s.want.Now, bot))), s.want.NotBefore, s.want.Now); !errors.Is(err, openpgp.ErrBadSignature) {
		t.Errorf("an auditor answers %v", err)
	}
}

// graft binds a subkey that signs to a key which its owner has not agreed to.
func graft(t *testing.T, onto *pgp.Entity, subkey *packet.PublicKey, by *packet.PrivateKey, cross *packet.Signature) {
	t.Helper()
	binding := &packet.Signature{
		Version: 4, SigType: packet.SigTypeSubkeyBinding, PubKeyAlgo: by.PubKeyAlgo, Hash: crypto.SHA256,
		CreationTime: start.Add(-time.Hour), IssuerKeyId: &by.KeyId, IssuerFingerprint: by.Fingerprint,
		FlagsValid: true, FlagSign: true, EmbeddedSignature: cross,
	}
	if err := binding.SignKey(subkey, by, nil); err != nil {
		t.Fatal(err)
	}
	onto.Subkeys = append(onto.Subkeys, pgp.Subkey{Primary: onto, PublicKey: subkey, Bindings: []*packet.VerifiableSignature{packet.NewVerifiableSig(binding)}})
}

func withSigningSubkey(t *testing.T, name string) *pgp.Entity {
	t.Helper()
	e := newHolder(t, name, start)
	config := &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519, Time: at(start.Add(-2 * time.Hour)).Time,
	}
	if err := e.AddSigningSubkey(config); err != nil {
		t.Fatal(err)
	}
	return e
}

// Mallory calls Ada's subkey her own, so that what Ada signs is by Mallory.
func TestP2AdoptedSubkeySignsForNobodyElse(t *testing.T) {
	ada := withSigningSubkey(t, "Ada")
	subkey := ada.Subkeys[len(ada.Subkeys)-1]
	for name, cross := range map[string]*packet.Signature{"unasked": nil, "as Ada agreed for herself": subkey.Bindings[0].Packet.EmbeddedSignature} {
		t.Run(name, func(t *testing.T) {
			mallory := newHolder(t, "Mallory", start)
			graft(t, mallory, subkey.PublicKey, mallory.PrivateKey, cross)
			s := stageFor(t, mallory, start)
			envelope := s.craft(t, craft{by: []*pgp.Entity{ada}})
			if secret, _, err := s.key.Open(envelope, s.want); secret != nil || err == nil {
				t.Error("Ada's envelope is Mallory's")
			}
			signed := state(t, statement, s.want.Now, ada)
			if got, err := s.bot.VerifyStatement(signed, s.want.Signer, s.want.NotBefore, s.want.Now); err == nil {
				t.Errorf("Ada's statement is Mallory's: %q", got.Line)
			}
			if _, _, err := openpgp.VerifySignedWord(string(public(t, mallory)), s.want.Signer, string(enarmor(t, "PGP MESSAGE", signed)), s.want.NotBefore, s.want.Now); err == nil {
				t.Error("an auditor takes Ada's statement for Mallory's")
			}
		})
	}
}

// Mallory puts a subkey of hers into Ada's certificate, on its way to whoever writes
// the configuration.
func TestP2GraftedSubkeyDoesNotSignForAHolder(t *testing.T) {
	ada, mallory := newHolder(t, "Ada", start), withSigningSubkey(t, "Mallory")
	subkey := mallory.Subkeys[len(mallory.Subkeys)-1]
	graft(t, ada, subkey.PublicKey, mallory.PrivateKey, subkey.Bindings[0].Packet.EmbeddedSignature)
	s := stageFor(t, ada, start)
	envelope := s.craft(t, craft{by: []*pgp.Entity{mallory}})
	if secret, _, err := s.key.Open(envelope, s.want); secret != nil || err == nil {
		t.Error("Mallory's envelope is Ada's")
	}
	signed := enarmor(t, "PGP MESSAGE", state(t, statement, s.want.Now, mallory))
	if _, _, err := openpgp.VerifySignedWord(string(public(t, ada)), s.want.Signer, string(signed), s.want.NotBefore, s.want.Now); err == nil {
		t.Error("an auditor takes Mallory's statement for Ada's")
	}
}

// A bot of the same name posts everything that the real one posts.
func TestLookAlikeIdentityIsNotThePinnedOne(t *testing.T) {
	s, other := newStage(t), newStage(t)
	pinned := s.identity.Fingerprint()
	name := func(s *stage) string {
		for n := range parse(t, must(s.identity.PublicArmor())(t)).Identities {
			return n
		}
		return ""
	}
	if name(s) != name(other) {
		t.Fatalf("%q and %q don't look alike", name(s), name(other))
	}
	ours, theirs := s.key.Announced(), other.key.Announced()
	foreign := must(other.bot.SignDelivery(other.parcel(t)))(t)
	for name, text := range map[string]string{
		"its own":                       theirs.Announcement + theirs.Certificate,
		"its announcement, our key":     theirs.Announcement + ours.Certificate,
		"our announcement, its key":     ours.Announcement + theirs.Certificate,
		"its announcement, both keys":   theirs.Announcement + theirs.Certificate + ours.Certificate,
		"its delivery with both's keys": foreign.Line + ours.Certificate + foreign.Armor,
	} {
		if inv, err := openpgp.CheckAnnouncement([]byte(text), pinned, s.now); err == nil {
			t.Errorf("%s: accepted, of %s", name, inv.Identity())
		}
		if got, err := openpgp.CheckDeliveries([]byte(text), pinned); err == nil {
			t.Errorf("%s: accepted, %+v", name, got)
		}
	}
}
