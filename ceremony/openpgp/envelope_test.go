package openpgp_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/des"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// opened opens an envelope that must be accepted.
func (s *stage) opened(t testing.TB, envelope []byte) {
	t.Helper()
	secret, evidence, err := s.key.Open(envelope, s.want)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	sum := sha256.Sum256(envelope)
	if got, want := evidence.SHA256, hex.EncodeToString(sum[:]); got != want {
		t.Errorf("evidence names %s, want %s", got, want)
	}
	if evidence.Signer != s.want.Signer || evidence.SignedAt.IsZero() {
		t.Errorf("evidence %+v names no signer or time", evidence)
	}
	err = secret.Use(func(b []byte) error {
		if string(b) != share {
			t.Error("the secret is not the share")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// refused opens an envelope that must be refused for a reason, and makes sure
// that nothing of the share is in what comes out.
func (s *stage) refused(t testing.TB, envelope []byte, reason ceremony.Refusal) {
	t.Helper()
	secret, evidence, err := s.key.Open(envelope, s.want)
	if secret != nil {
		t.Fatalf("accepted, want %s", reason)
	}
	if got, _ := ceremony.RefusalOf(err); got != reason {
		t.Errorf("refused with %v, want %s", err, reason)
	}
	if said := fmt.Sprintf("%v %+v", err, evidence); strings.Contains(said, share[:16]) {
		t.Errorf("the answer shows the share")
	}
}

func TestEnvelopeThatIsAsItShouldBeIsOpened(t *testing.T) {
	hidden := func(s *stage) craft { return craft{hidden: []*pgp.Entity{s.to}} }
	for name, c := range map[string]func(*stage) craft{
		"plain":                     func(*stage) craft { return craft{} },
		"without recipients":        func(*stage) craft { return craft{nobody: true} },
		"trailing newline":          func(s *stage) craft { return craft{content: s.payload() + "\r\n"} },
		"text signature":            func(*stage) craft { return craft{text: true} },
		"hidden recipient":          hidden,
		"to the holder as well":     func(s *stage) craft { return craft{to: []*pgp.Entity{s.holder, s.to}} },
		"compressed":                func(*stage) craft { return craft{compress: packet.CompressionZLIB} },
		"clock three minutes early": func(s *stage) craft { return craft{at: s.want.Now.Add(3 * time.Minute)} },
		"clock three minutes late":  func(s *stage) craft { return craft{at: s.want.NotBefore.Add(-3 * time.Minute)} },
		"fingerprint in upper case": func(s *stage) craft {
			f := string(s.identity.Fingerprint())
			return craft{content: strings.Replace(s.payload(), f, strings.ToUpper(f), 1)}
		},
		"notation": func(*stage) craft {
			return craft{notations: []*packet.Notation{{Name: "a@example.invalid", Value: []byte("b"), IsHumanReadable: true}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			envelope := s.craft(t, c(s))
			if !s.key.Fits(envelope) {
				t.Error("it does not fit")
			}
			s.opened(t, envelope)
			s.opened(t, dearmor(t, envelope)) // as a binary file
		})
	}
}

func TestEnvelopeWithAEADIsOpened(t *testing.T) {
	s := newStage(t)
	session := bytes.Repeat([]byte{7}, 32)
	var b bytes.Buffer
	if err := packet.SerializeEncryptedKeyAEAD(&b, s.to.Subkeys[0].PublicKey, packet.CipherAES256, true, session, nil); err != nil {
		t.Fatal(err)
	}
	suite := packet.CipherSuite{Cipher: packet.CipherAES256, Mode: packet.AEADModeOCB}
	w := must(packet.SerializeSymmetricallyEncrypted(&b, packet.CipherAES256, true, suite, session, &packet.Config{AEADConfig: &packet.AEADConfig{}}))(t)
	s.sign(t, w, s.payload(), crypto.SHA256)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	envelope := enarmor(t, "PGP MESSAGE", b.Bytes())
	if !s.key.Fits(envelope) {
		t.Error("it does not fit")
	}
	s.opened(t, envelope)
}

func TestP2EnvelopeIsRefusedForItsOwnReason(t *testing.T) {
	mallory := newHolder(t, "Mallory", start)
	for _, tt := range []struct {
		name   string
		reason ceremony.Refusal
		made   func(t *testing.T, s *stage) []byte
	}{
		{"nothing", ceremony.NoArmor, func(*testing.T, *stage) []byte { return nil }},
		{"small talk", ceremony.NoArmor, func(*testing.T, *stage) []byte { return []byte("I have my share, what now?") }},
		{"only a public key", ceremony.NoArmor, func(t *testing.T, s *stage) []byte { return public(t, s.holder) }},
		{"a binary public key", ceremony.NoArmor, func(t *testing.T, s *stage) []byte { return dearmor(t, public(t, s.holder)) }},
		{"our own announcement", ceremony.NoArmor, func(t *testing.T, s *stage) []byte { return []byte(s.key.Announced().Announcement) }},
		{"a novel", ceremony.TooBig, func(t *testing.T, s *stage) []byte {
			return append(s.craft(t, craft{}), bytes.Repeat([]byte("Call me Ishmael. "), 1000)...)
		}},
		{"long content", ceremony.TooBig, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{content: s.payload() + strings.Repeat(" ", 600)})
		}},

		{"signed only", ceremony.NotEncrypted, func(t *testing.T, s *stage) []byte {
			var b bytes.Buffer
			w := must(pgp.Sign(&b, []*pgp.Entity{s.holder}, nil, at(s.now)))(t)
			io.WriteString(w, s.payload())
			w.Close()
			return enarmor(t, "PGP MESSAGE", b.Bytes())
		}},
		{"signed only, beside an envelope", ceremony.NotEncrypted, func(t *testing.T, s *stage) []byte {
			var b bytes.Buffer
			w := must(pgp.Sign(&b, []*pgp.Entity{s.holder}, nil, at(s.now)))(t)
			io.WriteString(w, s.payload())
			w.Close()
			return append(s.craft(t, craft{}), enarmor(t, "PGP MESSAGE", b.Bytes())...)
		}},
		{"neither signed nor encrypted", ceremony.NotEncrypted, func(t *testing.T, s *stage) []byte {
			var b bytes.Buffer
			literal(t, &b, s.payload())
			return enarmor(t, "PGP MESSAGE", b.Bytes())
		}},
		{"clearsigned", ceremony.NotEncrypted, func(t *testing.T, s *stage) []byte {
			var b bytes.Buffer
			w := must(clearsign.Encode(&b, s.holder.PrivateKey, at(s.now)))(t)
			io.WriteString(w, s.payload())
			w.Close()
			return b.Bytes()
		}},
		{"password only", ceremony.PasswordSealed, func(t *testing.T, s *stage) []byte {
			var b bytes.Buffer
			w := must(pgp.SymmetricallyEncrypt(&b, []byte("swordfish"), nil, at(s.now)))(t)
			io.WriteString(w, s.payload())
			w.Close()
			return enarmor(t, "PGP MESSAGE", b.Bytes())
		}},
		{"password and key", ceremony.PasswordSealed, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{passwords: [][]byte{[]byte("swordfish")}})
		}},
		{"to somebody else", ceremony.OtherKey, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{to: []*pgp.Entity{mallory}})
		}},
		{"to another ceremony of ours", ceremony.OtherKey, func(t *testing.T, s *stage) []byte {
			other := must(s.bot.NewKey(notice(s.identity.Fingerprint(), s.now)))(t)
			return s.craft(t, craft{to: []*pgp.Entity{parse(t, other.Announced().Certificate)}})
		}},
		{"to somebody hidden", ceremony.OtherKey, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{hidden: []*pgp.Entity{mallory}})
		}},

		{"a bit changed", ceremony.BadMessage, func(t *testing.T, s *stage) []byte {
			data := dearmor(t, s.craft(t, craft{}))
			data[len(data)-30] ^= 1
			return enarmor(t, "PGP MESSAGE", data)
		}},
		{"cut before it was armored", ceremony.BadMessage, func(t *testing.T, s *stage) []byte {
			data := dearmor(t, s.craft(t, craft{}))
			return enarmor(t, "PGP MESSAGE", data[:len(data)-40])
		}},
		{"no integrity protection", ceremony.BadMessage, func(t *testing.T, s *stage) []byte { return unprotected(t, s) }},
		{"random bytes", ceremony.BadMessage, func(t *testing.T, s *stage) []byte {
			return enarmor(t, "PGP MESSAGE", bytes.Repeat([]byte{0xc1, 0xff, 0x00}, 60))
		}},
		{"3DES", ceremony.WeakCipher, tripleDES},

		{"unsigned", ceremony.Unsigned, func(t *testing.T, s *stage) []byte { return s.craft(t, craft{unsigned: true}) }},
		{"two signatures", ceremony.ManySignatures, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{by: []*pgp.Entity{mallory, s.holder}})
		}},
		{"two signatures of the holder", ceremony.ManySignatures, func(t *testing.T, s *stage) []byte {
			return s.wrap(t, packet.CipherAES256, func(w io.Writer) { s.sign(t, w, s.payload(), crypto.SHA256, crypto.SHA512) })
		}},
		{"stranger", ceremony.WrongSigner, func(t *testing.T, s *stage) []byte { return s.craft(t, craft{by: []*pgp.Entity{mallory}}) }},
		{"content changed after it was signed", ceremony.BadSignature, func(t *testing.T, s *stage) []byte {
			return s.wrap(t, packet.CipherAES256, func(w io.Writer) {
				var b bytes.Buffer
				s.sign(t, &b, s.payload(), crypto.SHA256)
				w.Write(bytes.Replace(b.Bytes(), []byte(share), []byte(strings.ToUpper(share)), 1))
			})
		}},
		{"signature that has expired", ceremony.BadSignature, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{at: s.now, life: time.Second})
		}},
		{"critical notation that nobody knows", ceremony.BadSignature, func(t *testing.T, s *stage) []byte {
			return s.craft(
				t, craft{notations: []*packet.Notation{{Name: "a@example.invalid", Value: []byte("b"), IsCritical: true}}},
			)
		}},
		{"signed before the key was announced", ceremony.Stale, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{at: s.want.NotBefore.Add(-6 * time.Minute)})
		}},
		{"signed before the holder's key was made", ceremony.Stale, func(t *testing.T, s *stage) []byte {
			return s.wrap(t, packet.CipherAES256, func(w io.Writer) {
				then := s.want.Now
				s.want.Now = start.Add(-48 * time.Hour)
				s.sign(t, w, s.payload(), crypto.SHA256)
				s.want.Now = then
			})
		}},
		{"signed in an hour", ceremony.FromTheFuture, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{at: s.want.Now.Add(time.Hour)})
		}},
		{"signed for another bot, encrypted again to us", ceremony.OtherIdentity, func(t *testing.T, s *stage) []byte {
			s2 := newStage(t)
			return forwarded(t, s, s2)
		}},

		{"no prefix", ceremony.NoPrefix, func(t *testing.T, s *stage) []byte { return s.craft(t, craft{content: share}) }},
		{"half a prefix", ceremony.NoPrefix, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{content: "conclave1 prod-rekey-k7m2"})
		}},
		{"another ceremony", ceremony.OtherCeremony, replaced("k7m2", "k7m3")},
		{"another step", ceremony.OtherStep, replaced(" update ", " verify ")},
		{"another nonce", ceremony.OtherNonce, replaced("0b9d5dc1", "0b9d5dc2")},
		{"another identity", ceremony.OtherIdentity, func(t *testing.T, s *stage) []byte {
			f := string(s.identity.Fingerprint())
			return s.craft(t, craft{content: strings.Replace(s.payload(), f, strings.Repeat("ab", 20), 1)})
		}},
		{"no share", ceremony.BadShare, replaced(share, "")},
		{"two shares", ceremony.BadShare, replaced(share, share+" "+share)},
		{"a share too short", ceremony.BadShare, replaced(share, share[:62])},
		{"a share too long", ceremony.BadShare, replaced(share, share+"00")},
		{"half a digit", ceremony.BadShare, replaced(share, share[:65])},
		{"base64 for the web", ceremony.BadShare, replaced(share, "__-_"+strings.Repeat("A", 40))},
		{"not a share", ceremony.BadShare, replaced(share, "correct-horse-battery-staple")},

		{"share in the open, digits", ceremony.PlainShare, func(*testing.T, *stage) []byte { return []byte("here you are: `" + share + "`") }},
		{"share in the open, base64", ceremony.PlainShare, func(t *testing.T, s *stage) []byte {
			return []byte("key=" + base64.StdEncoding.EncodeToString(must(hex.DecodeString(share))(t)))
		}},
		{"share in the open, with its prefix", ceremony.PlainShare, func(t *testing.T, s *stage) []byte { return []byte(s.payload()) }},
		{"share in the open, beside an envelope", ceremony.PlainShare, func(t *testing.T, s *stage) []byte {
			return append(s.craft(t, craft{}), share...)
		}},
		{"private key", ceremony.PrivateMaterial, func(t *testing.T, s *stage) []byte {
			var b bytes.Buffer
			if err := s.holder.SerializePrivate(&b, nil); err != nil {
				t.Fatal(err)
			}
			return enarmor(t, "PGP PRIVATE KEY BLOCK", b.Bytes())
		}},
		{"binary private key", ceremony.PrivateMaterial, func(t *testing.T, s *stage) []byte {
			var b bytes.Buffer
			if err := s.holder.SerializePrivate(&b, nil); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}},
		{"root token", ceremony.PrivateMaterial, func(*testing.T, *stage) []byte { return []byte("use hvs.CAESIJ0123456789abcdefABCDEF_-xyz please") }},
		{"old batch token", ceremony.PrivateMaterial, func(*testing.T, *stage) []byte { return []byte("b.AAAAAQJ0123456789abcdefghijklmnopQRSTUV-_012") }},
		{"old recovery token", ceremony.PrivateMaterial, func(*testing.T, *stage) []byte { return []byte("r.7Bm3sQ9xKc2LpVdR5tYwZ8aN") }},
		{"age key", ceremony.PrivateMaterial, func(*testing.T, *stage) []byte {
			return []byte("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZ")
		}},
		{"share in the open, in groups", ceremony.PlainShare, func(*testing.T, *stage) []byte { return []byte(share[:33] + " " + share[33:]) }},
		{"hash of a plan in the open", ceremony.NoArmor, func(*testing.T, *stage) []byte {
			return []byte("is " + strings.Repeat("9f86d081", 8) + " right?")
		}},
		{"old root token", ceremony.PrivateMaterial, func(*testing.T, *stage) []byte { return []byte("s.7Bm3sQ9xKc2LpVdR5tYwZ8aN") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			s.refused(t, tt.made(t, s), tt.reason)
		})
	}
}

func at(t time.Time) *packet.Config {
	return &packet.Config{Time: func() time.Time { return t }}
}

func replaced(old, with string) func(*testing.T, *stage) []byte {
	return func(t *testing.T, s *stage) []byte {
		return s.craft(t, craft{content: strings.Replace(s.payload(), old, with, 1)})
	}
}

// forwarded is what the holder signed and encrypted to the other bot, opened by
// that bot and encrypted to ours. Its content names ours: only the signature
// gives it away.
func forwarded(t *testing.T, s, other *stage) []byte {
	return s.wrap(t, packet.CipherAES256, func(w io.Writer) {
		signer := s.holder.PrivateKey
		ops := &packet.OnePassSignature{
			Version: 3, Hash: crypto.SHA256, PubKeyAlgo: signer.PubKeyAlgo, KeyId: signer.KeyId, IsLast: true,
		}
		if err := ops.Serialize(w); err != nil {
			t.Fatal(err)
		}
		literal(t, w, s.payload())
		sig := &packet.Signature{
			Version: 4, PubKeyAlgo: signer.PubKeyAlgo, Hash: crypto.SHA256, CreationTime: s.want.Now,
			IssuerKeyId: &signer.KeyId, IssuerFingerprint: signer.Fingerprint,
			IntendedRecipients: []*packet.Recipient{{KeyVersion: 4, Fingerprint: other.to.PrimaryKey.Fingerprint}},
		}
		digest := crypto.SHA256.New()
		digest.Write([]byte(s.payload()))
		if err := sig.Sign(digest, signer, nil); err != nil {
			t.Fatal(err)
		}
		if err := sig.Serialize(w); err != nil {
			t.Fatal(err)
		}
	})
}

// unprotected is a message as PGP made them before 2003: packet 9.
func unprotected(t *testing.T, s *stage) []byte {
	session := bytes.Repeat([]byte{7}, 32)
	var b, inner bytes.Buffer
	if err := packet.SerializeEncryptedKey(&b, s.to.Subkeys[0].PublicKey, packet.CipherAES256, session, nil); err != nil {
		t.Fatal(err)
	}
	s.sign(t, &inner, s.payload(), crypto.SHA256)
	block := must(aes.NewCipher(session))(t)
	stream, prefix := packet.NewOCFBEncrypter(block, bytes.Repeat([]byte{3}, block.BlockSize()), packet.OCFBResync)
	data := inner.Bytes()
	stream.XORKeyStream(data, data)
	body := append(prefix, data...)
	b.Write([]byte{0xc0 | 9, 0xff, 0, 0, byte(len(body) >> 8), byte(len(body))})
	b.Write(body)
	return enarmor(t, "PGP MESSAGE", b.Bytes())
}

// tripleDES is integrity-protected: packet 18 by hand, since go-crypto only reads
// such messages.
func tripleDES(t *testing.T, s *stage) []byte {
	session := bytes.Repeat([]byte{7}, 24)
	var b, inner bytes.Buffer
	if err := packet.SerializeEncryptedKey(&b, s.to.Subkeys[0].PublicKey, packet.Cipher3DES, session, nil); err != nil {
		t.Fatal(err)
	}
	s.sign(t, &inner, s.payload(), crypto.SHA256)
	inner.Write([]byte{0xd3, 20})
	block := must(des.NewTripleDESCipher(session))(t)
	random := bytes.Repeat([]byte{3}, block.BlockSize())
	digest := sha1.New()
	digest.Write(append(slices.Clone(random), 3, 3))
	digest.Write(inner.Bytes())
	data := digest.Sum(inner.Bytes())
	stream, prefix := packet.NewOCFBEncrypter(block, random, packet.OCFBNoResync)
	stream.XORKeyStream(data, data)
	body := slices.Concat([]byte{1}, prefix, data)
	b.Write([]byte{0xc0 | 18, 0xff, 0, 0, byte(len(body) >> 8), byte(len(body))})
	b.Write(body)
	return enarmor(t, "PGP MESSAGE", b.Bytes())
}

func TestSignatureWithAHashThatIsNotKnownCountsForNothing(t *testing.T) {
	s := newStage(t)
	envelope := s.wrap(t, packet.CipherAES256, func(w io.Writer) {
		var b bytes.Buffer
		s.sign(t, &b, s.payload(), crypto.SHA256)
		data := b.Bytes()
		// The one-pass packet and the signature claim RIPEMD-160 (3) for SHA-256 (8).
		data = bytes.Replace(data, []byte{3, 0, 8, 22}, []byte{3, 0, 3, 22}, 1)
		data = bytes.Replace(data, []byte{4, 0, 22, 8}, []byte{4, 0, 22, 3}, 1)
		w.Write(data)
	})
	secret, _, err := s.key.Open(envelope, s.want)
	if secret != nil || err == nil {
		t.Fatal("accepted")
	}
}

func TestSignerWhoseKeyIsNoLongerGoodIsRefused(t *testing.T) {
	revoke := func(reason packet.ReasonForRevocation, when time.Time) func(*testing.T, *pgp.Entity) {
		return func(t *testing.T, e *pgp.Entity) {
			if err := e.Revoke(reason, "", at(when)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tt := range map[string]struct {
		life   time.Duration
		revoke func(*testing.T, *pgp.Entity)
		signed time.Duration // after the announcement
		opened time.Duration
	}{
		"expired": {life: 25 * time.Hour, signed: 70 * time.Minute, opened: 70 * time.Minute},
		// go-crypto accepts these two: at the time that they claim, the key was good.
		"expired, backdated":           {life: 25 * time.Hour, signed: 50 * time.Minute, opened: 70 * time.Minute},
		"superseded, backdated":        {revoke: revoke(packet.KeySuperseded, start.Add(time.Hour)), signed: 50 * time.Minute, opened: 70 * time.Minute},
		"compromised":                  {revoke: revoke(packet.KeyCompromised, start.Add(time.Hour)), signed: 50 * time.Minute, opened: 70 * time.Minute},
		"revoked without reason":       {revoke: revoke(packet.NoReason, start.Add(time.Hour)), signed: 65 * time.Minute, opened: 70 * time.Minute},
		"superseded, signed afterward": {revoke: revoke(packet.KeySuperseded, start.Add(time.Hour)), signed: 65 * time.Minute, opened: 70 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			holder := newHolder(t, "Ada", start, lifetime(tt.life))
			s := stageFor(t, holder, start)
			s.want.Now = start.Add(tt.opened)
			// A key that has expired signs no more in go-crypto, but a clock can be set back.
			inner := func(w io.Writer) {
				now := s.want.Now
				s.want.Now = start.Add(tt.signed)
				s.sign(t, w, s.payload(), crypto.SHA256)
				s.want.Now = now
			}
			envelope := s.wrap(t, packet.CipherAES256, inner)
			if tt.revoke == nil {
				s.refused(t, envelope, ceremony.SignerInvalid)
				return
			}
			s.opened(t, envelope)
			// The same with the revocation known: the certificates are read anew.
			tt.revoke(t, holder)
			data := public(t, holder)
			certificate, err := openpgp.ReadCertificate(data)
			if errors.Is(err, openpgp.ErrKeyRevoked) {
				return // such a key can't even be configured
			}
			if err != nil {
				t.Fatal(err)
			}
			bot := openpgp.New(s.identity, []*openpgp.Certificate{certificate})
			s.key = must(bot.NewKey(notice(s.identity.Fingerprint(), start)))(t)
			s.to = parse(t, s.key.Announced().Certificate)
			s.refused(t, s.wrap(t, packet.CipherAES256, inner), ceremony.SignerInvalid)
		})
	}
}

func TestSigningSubkeySignsForItsPrimaryKey(t *testing.T) {
	holder := newHolder(t, "Ada", start)
	config := &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519,
		Time: at(start.Add(-time.Hour)).Time, KeyLifetimeSecs: 2 * 3600,
	}
	if err := holder.AddSigningSubkey(config); err != nil {
		t.Fatal(err)
	}
	s := stageFor(t, holder, start)
	envelope := s.craft(t, craft{})
	s.opened(t, envelope)
	// The subkey ends before the ceremony does: what it signed in time is too late.
	s.want.Now = start.Add(time.Hour + time.Minute)
	s.refused(t, envelope, ceremony.SignerInvalid)
}

func TestOtherHoldersEnvelopeFromThisAccountIsRefused(t *testing.T) {
	bob := newHolder(t, "Bob", start)
	s := newStage(t)
	s.bot = openpgp.New(s.identity, []*openpgp.Certificate{
		must(openpgp.ReadCertificate(public(t, s.holder)))(t), must(openpgp.ReadCertificate(public(t, bob)))(t),
	})
	s.key = must(s.bot.NewKey(notice(s.identity.Fingerprint(), s.now)))(t)
	s.to = parse(t, s.key.Announced().Certificate)
	s.refused(t, s.craft(t, craft{by: []*pgp.Entity{bob}}), ceremony.WrongSigner)
	s.opened(t, s.craft(t, craft{}))
}

func TestBotsOwnSignatureIsNoHolders(t *testing.T) {
	s := newStage(t)
	path := t.TempDir() + "/identity.asc"
	if err := s.identity.Save(path, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	bot := readSecret(t, path, "swordfish")
	s.refused(t, s.craft(t, craft{by: []*pgp.Entity{bot}}), ceremony.WrongSigner)
}

func TestHolderWithoutACertificateIsNoRefusalOfTheEnvelope(t *testing.T) {
	s := newStage(t)
	envelope := s.craft(t, craft{})
	s.want.Signer = "0123456789012345678901234567890123456789"
	_, _, err := s.key.Open(envelope, s.want)
	if !errors.Is(err, openpgp.ErrUnknownKey) || !errors.Is(err, ceremony.HolderKeyInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestDestroyedKeyOpensNothing(t *testing.T) {
	s := newStage(t)
	envelope := s.craft(t, craft{})
	s.opened(t, envelope)
	s.key.Destroy()
	s.key.Destroy()
	s.refused(t, envelope, ceremony.OtherKey)
}

func TestExpiredKeyOpensNothing(t *testing.T) {
	s := newStage(t)
	envelope := s.craft(t, craft{})
	s.want.Now = s.key.Announced().Expires
	s.refused(t, envelope, ceremony.Closed)
}

func TestKeysOfTwoCeremoniesOpenOnlyTheirOwn(t *testing.T) {
	s := newStage(t)
	other := must(s.bot.NewKey(notice(s.identity.Fingerprint(), s.now)))(t)
	envelope := s.craft(t, craft{})
	if other.Fits(envelope) {
		t.Error("it fits the other key")
	}
	if _, _, err := other.Open(envelope, s.want); !errors.Is(err, ceremony.OtherKey) {
		t.Errorf("opened by the other key: %v", err)
	}
	s.opened(t, envelope)
}

func TestNothingButAMessageFits(t *testing.T) {
	s := newStage(t)
	for name, text := range map[string][]byte{
		"nothing": nil, "talk": []byte("hello"), "announcement": []byte(s.key.Announced().Announcement),
		"certificate": []byte(s.key.Announced().Certificate), "share": []byte(share),
		"novel": bytes.Repeat(s.craft(t, craft{}), 30),
	} {
		if s.key.Fits(text) {
			t.Errorf("%s fits", name)
		}
	}
	if !s.key.Fits(s.craft(t, craft{hidden: []*pgp.Entity{s.to}})) {
		t.Error("a hidden recipient does not fit")
	}
}

func TestEnvelopeAmongOtherBlocksIsFound(t *testing.T) {
	s := newStage(t)
	a := s.key.Announced()
	envelope := s.craft(t, craft{})
	s.opened(t, concat([]byte("> "+a.Announcement), []byte(a.Certificate), []byte("\nhere:\n"), envelope))
	elsewhere := s.craft(t, craft{to: []*pgp.Entity{newHolder(t, "Eve", start)}})
	s.opened(t, concat(elsewhere, envelope))
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestSharesOfEveryShapeThatVaultTakesAreOpened(t *testing.T) {
	raw := must(hex.DecodeString(share))(t)
	for name, want := range map[string]string{
		"digits":            share,
		"capital digits":    strings.ToUpper(share),
		"base64":            base64.StdEncoding.EncodeToString(raw),
		"undivided key":     hex.EncodeToString(raw[:32]),
		"undivided, base64": base64.StdEncoding.EncodeToString(raw[:32]),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			secret, _, err := s.key.Open(s.craft(t, craft{content: strings.Replace(s.payload(), share, want, 1)}), s.want)
			if err != nil {
				t.Fatal(err)
			}
			err = secret.Use(func(b []byte) error {
				if string(b) != want {
					t.Error("the share is not as it was sent")
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDecompressionBombIsDefused(t *testing.T) {
	s := newStage(t)
	const size = 10 << 20
	bomb := s.craft(t, craft{content: strings.Repeat("0", size), compress: packet.CompressionZLIB, unsigned: true})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s.refused(t, bomb, ceremony.TooBig)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > size/10 {
		t.Errorf("%d bytes of armor made %d bytes of garbage", len(bomb), grown)
	}
}

func TestP1NoBufferOfOursKeepsTheShare(t *testing.T) {
	s := newStage(t)
	secret, _, err := s.key.Open(s.craft(t, craft{}), s.want)
	if err != nil {
		t.Fatal(err)
	}
	var kept []byte
	if err := secret.Use(func(b []byte) error { kept = b; return nil }); err != nil {
		t.Fatal(err)
	}
	if len(kept) != len(share) || len(bytes.Trim(kept, "\x00")) != 0 {
		t.Error("the share is still there after use")
	}
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v", s.key, s.key, secret), fmt.Sprint(s.bot, secret)} {
		if strings.Contains(shown, share) {
			t.Error("the share can be printed")
		}
	}
}
