package openpgp_test

import (
	"bytes"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// FuzzOpen: whatever is sent, the answer is a share that was signed and encrypted
// for this ceremony, or a Refusal that shows nothing.
func FuzzOpen(f *testing.F) {
	s := newStage(f)
	envelope := s.craft(f, craft{})
	f.Add(envelope)
	f.Add(dearmor(f, envelope))
	f.Add(s.craft(f, craft{unsigned: true}))
	f.Add(s.craft(f, craft{passwords: [][]byte{[]byte("swordfish")}}))
	f.Add(s.craft(f, craft{content: "conclave1"}))
	f.Add([]byte(s.key.Announced().Announcement))
	f.Add([]byte(s.key.Announced().Certificate))
	f.Add([]byte(share))
	f.Fuzz(func(t *testing.T, text []byte) {
		fits := s.key.Fits(text)
		secret, evidence, err := s.key.Open(text, s.want)
		if err == nil {
			if !fits {
				t.Error("opened, though it does not fit")
			}
			if evidence.Signer != s.want.Signer {
				t.Error("opened, though it is not the holder's")
			}
			err = secret.Use(func(b []byte) error {
				if string(b) != share {
					t.Error("a share that nobody sent")
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			return
		}
		if _, ok := ceremony.RefusalOf(err); !ok || secret != nil {
			t.Errorf("%v is no refusal", err)
		}
		if strings.Contains(err.Error(), share) {
			t.Error("the refusal shows the share")
		}
	})
}

// FuzzOpenMessage reaches what stands behind the armor and its checksum.
func FuzzOpenMessage(f *testing.F) {
	s := newStage(f)
	f.Add(dearmor(f, s.craft(f, craft{})), uint16(90), byte(1))
	f.Add(dearmor(f, s.craft(f, craft{unsigned: true})), uint16(0), byte(0x80))
	f.Fuzz(func(t *testing.T, message []byte, at uint16, flip byte) {
		message = bytes.Clone(message)
		if int(at) < len(message) {
			message[at] ^= flip
		}
		secret, _, err := s.key.Open(enarmor(t, "PGP MESSAGE", message), s.want)
		if _, ok := ceremony.RefusalOf(err); !ok && secret == nil {
			t.Errorf("%v is no refusal", err)
		}
	})
}

// FuzzPayload encrypts and signs what it likes: nothing but this ceremony's line
// with a share in it is accepted, and the share is part of it.
func FuzzPayload(f *testing.F) {
	s := newStage(f)
	f.Add(s.payload())
	f.Add(share)
	f.Add("conclave1 a b c d e")
	f.Add(strings.Replace(s.payload(), " update ", " verify ", 1))
	f.Fuzz(func(t *testing.T, content string) {
		if content == "" {
			return // craft's word for the payload
		}
		secret, _, err := s.key.Open(s.craft(t, craft{content: content}), s.want)
		if err != nil {
			if _, ok := ceremony.RefusalOf(err); !ok {
				t.Errorf("%v is no refusal", err)
			}
			return
		}
		line := strings.ToLower(strings.Join(strings.Fields(content), " "))
		if !strings.HasPrefix(line, s.key.Announced().Prefix(s.want.Ceremony)) {
			t.Errorf("%q is accepted", content)
		}
		err = secret.Use(func(b []byte) error {
			if !strings.HasSuffix(strings.TrimSpace(content), string(b)) || len(b) < 24 || len(b) > 66 {
				t.Errorf("%q is no share of %q", b, content)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// FuzzCertificate: what is read as a key can be read again, and is no secret.
func FuzzCertificate(f *testing.F) {
	ada := newHolder(f, "Ada", start)
	f.Add(public(f, ada))
	f.Add(dearmor(f, public(f, ada)))
	f.Add(dearmor(f, public(f, newHolder(f, "Ada", start, version6))))
	id := must(openpgp.Generate("conclave", start))(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := openpgp.ReadCertificate(data)
		if err != nil {
			return
		}
		forVault := must(openpgp.NewOpener(id, []*openpgp.Certificate{c}).Certificate(c.Fingerprint()))(t)
		again, err := openpgp.ReadCertificate(forVault)
		if err != nil {
			t.Fatalf("what Vault is given can't be read: %v", err)
		}
		if again.Fingerprint() != c.Fingerprint() {
			t.Error("Vault is given another key")
		}
		_ = c.CheckUntil(start, start)
	})
}

// FuzzAnnouncement: nothing but the announcement is accepted.
func FuzzAnnouncement(f *testing.F) {
	s := newStage(f)
	f.Add(s.pasted())
	f.Add([]byte(s.key.Announced().Announcement))
	f.Fuzz(func(t *testing.T, text []byte) {
		inv, err := openpgp.CheckAnnouncement(text, s.identity.Fingerprint(), s.now)
		if err == nil && inv.PlanHash() != notice(s.identity.Fingerprint(), s.now).Plan.Hash() {
			t.Error("another plan is accepted")
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	for name, option := range map[string]func() *stage{
		"Ed25519":  func() *stage { return newStage(b) },
		"RSA-4096": func() *stage { return stageFor(b, newHolder(b, "Ada", start, rsa(4096)), start) },
	} {
		b.Run(name, func(b *testing.B) {
			s := option()
			envelope := s.craft(b, craft{})
			b.ReportAllocs()
			for b.Loop() {
				secret, _, err := s.key.Open(envelope, s.want)
				if err != nil {
					b.Fatal(err)
				}
				secret.Wipe()
			}
		})
	}
}

func BenchmarkNewKey(b *testing.B) {
	s := newStage(b)
	n := notice(s.identity.Fingerprint(), s.now)
	for b.Loop() {
		must(s.opener.NewKey(n))(b).Destroy()
	}
}
