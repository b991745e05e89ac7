package openpgp_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/secret"
)

// seed gives a target what it starts from. Without that it would find nothing but
// the first line that refuses.
func seed[T any](f *testing.F, seeds ...T) {
	f.Helper()
	if len(seeds) == 0 {
		f.Fatal("there are no seeds")
	}
	for i, s := range seeds {
		if fmt.Sprint(s) == fmt.Sprint(*new(T)) {
			f.Fatalf("seed %d is empty", i)
		}
		f.Add(s)
	}
}

// fuzzStage is a stage with the same keys every time. A target runs in processes of
// its own, which get the seeds of the first: with keys of their own they would be
// strangers to every seed.
func fuzzStage(f testing.TB, number byte) *stage {
	f.Helper()
	random := rand.NewChaCha8([32]byte{number})
	holder := newHolder(f, "Ada", start, func(c *packet.Config) { c.Rand = random })
	s := stageFor(f, holder, start)
	s.identity = must(openpgp.GenerateFrom(random, start.Add(-time.Hour)))(f)
	s.bot = openpgp.New(s.identity, []*openpgp.Certificate{must(openpgp.ReadCertificate(public(f, holder)))(f)})
	n := notice(s.identity.Fingerprint(), start)
	s.key = must(openpgp.NewKeyFrom(s.bot, random, n))(f)
	s.to = parse(f, s.key.Announced().Certificate)
	s.want.PlanHash = n.Plan.Hash()
	return s
}

func TestEveryProcessOfAFuzzTargetHasTheSameKeys(t *testing.T) {
	a, b := fuzzStage(t, 1), fuzzStage(t, 1)
	b.opened(t, a.craft(t, craft{content: a.wholePayload()}))
	if c := fuzzStage(t, 2); c.key.Announced().Subkey == a.key.Announced().Subkey {
		t.Error("every stage is the same")
	}
}

// Every target is here and in no other file, so that this sees what it starts from.
func TestEveryFuzzTargetHasSeeds(t *testing.T) {
	source := string(must(os.ReadFile("fuzz_test.go"))(t))
	want := []string{"FuzzArmor", "FuzzEnvelope", "FuzzPayload", "FuzzStatement", "FuzzLetter", "FuzzDelivery", "FuzzCertificate", "FuzzEvidence"}
	var found []string
	for _, target := range strings.Split(source, "\nfunc Fuzz")[1:] {
		name, body, _ := strings.Cut(target, "(")
		body, _, _ = strings.Cut(body, "f.Fuzz(")
		if !strings.Contains(body, "seed(f, ") && !strings.Contains(body, "f.Add(") {
			t.Errorf("Fuzz%s has no seeds", name)
		}
		found = append(found, "Fuzz"+name)
	}
	for _, name := range want {
		if !slices.Contains(found, name) {
			t.Errorf("there is no %s", name)
		}
	}
}

// mostGarbage is how much a text of a person's may make the program allocate: a
// decompressor has tables, and go-crypto copies what it reads some times over.
const mostGarbage = 48 << 20

// sparingly fails when f allocates more than that.
func sparingly(t *testing.T, input int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > mostGarbage {
		t.Errorf("%d bytes of input made %d bytes of garbage", input, grown)
	}
}

// FuzzArmor: of a text come no more bytes than are in it, each block is there or
// refused, and what is armored again is read again.
func FuzzArmor(f *testing.F) {
	s := fuzzStage(f, 1)
	envelope := s.craft(f, craft{})
	seed(f, envelope, s.pasted(), public(f, s.holder),
		concat([]byte("> "), bytes.ReplaceAll(envelope, []byte("\n"), []byte("\n&gt; "))),
		bytes.ReplaceAll(envelope, []byte("\n"), []byte(" ")),
		bytes.ReplaceAll(envelope, []byte("-"), []byte("\u2014")),
		envelope[:200], envelope[100:], concat(envelope[:100], envelope),
		[]byte("-----BEGIN PGP MESSAGE-----\nComment: x\nVersion: y\n\nYWJj\n=ab\n-----END PGP MESSAGE-----"),
		[]byte("\xff\xfe-\x00-\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		kinds, data, faults, around := openpgp.Unarmor(text)
		total := len(around)
		for i, decoded := range data {
			total += len(decoded)
			if faults[i] != nil {
				if _, ok := ceremony.RefusalOf(faults[i]); !ok || decoded != nil {
					t.Errorf("%v is no refusal", faults[i])
				}
				continue
			}
			_, again, faults, _ := openpgp.Unarmor(enarmor(t, kinds[i], decoded))
			if len(decoded) > 0 && (len(again) != 1 || faults[0] != nil || !bytes.Equal(again[0], decoded)) {
				t.Errorf("%d bytes are read as something else, %v", len(decoded), faults)
			}
		}
		if total > 3*len(text)+len(data)+1 { // a character may take three bytes where it took one
			t.Errorf("of %d bytes came %d", len(text), total)
		}
	})
}

// FuzzEnvelope: whatever is sent, the answer is a share that was signed and
// encrypted for this ceremony, or a Refusal that shows nothing.
func FuzzEnvelope(f *testing.F) {
	s := fuzzStage(f, 1)
	envelope := s.craft(f, craft{})
	seed(f, envelope, dearmor(f, envelope),
		s.craft(f, craft{content: s.wholePayload(), notations: s.notation(s.binding())}),
		s.craft(f, craft{unsigned: true}),
		s.craft(f, craft{passwords: [][]byte{[]byte("swordfish")}}),
		s.craft(f, craft{content: "conclave1"}),
		s.craft(f, craft{compress: packet.CompressionZLIB}),
		state(f, statement, s.now, s.holder),
		zeros(f, packet.CompressionZLIB, 2), bzippedZeros(f),
		[]byte(s.key.Announced().Announcement), []byte(s.key.Announced().Certificate), []byte(share))
	f.Fuzz(func(t *testing.T, text []byte) {
		var secret *secret.Secret
		var evidence ceremony.Evidence
		var err error
		fits := false
		sparingly(t, len(text), func() {
			fits = s.key.Fits(text)
			secret, evidence, err = s.key.Open(text, s.want)
		})
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
		if evidence.Digest != "" || evidence.Signature != "" {
			t.Error("something is kept of what was refused")
		}
		if strings.Contains(err.Error(), share) {
			t.Error("the refusal shows the share")
		}
	})
}

// FuzzOpenMessage reaches what stands behind the armor and its checksum.
func FuzzOpenMessage(f *testing.F) {
	s := fuzzStage(f, 1)
	f.Add(dearmor(f, s.craft(f, craft{})), uint16(90), byte(1))
	f.Add(dearmor(f, s.craft(f, craft{unsigned: true})), uint16(0), byte(0x80))
	f.Fuzz(func(t *testing.T, message []byte, at uint16, flip byte) {
		message = bytes.Clone(message)
		if int(at) < len(message) {
			message[at] ^= flip
		}
		sparingly(t, len(message), func() {
			secret, _, err := s.key.Open(enarmor(t, "PGP MESSAGE", message), s.want)
			if _, ok := ceremony.RefusalOf(err); !ok && secret == nil {
				t.Errorf("%v is no refusal", err)
			}
		})
	})
}

// FuzzPayload encrypts and signs what it likes: nothing but this ceremony's line
// with a share in it is accepted, the share is part of it, and nothing of it is in
// what is kept.
func FuzzPayload(f *testing.F) {
	s := fuzzStage(f, 1)
	seed(f, s.payload(), s.wholePayload(), s.wholePayload()+"\r\n", share, "conclave1 a b c d e",
		strings.Replace(s.payload(), " update ", " verify ", 1),
		strings.Replace(s.wholePayload(), "k7m2 update", "k7m3 update", 2))
	f.Fuzz(func(t *testing.T, content string) {
		if content == "" {
			return // craft's word for the payload
		}
		secret, evidence, err := s.key.Open(s.craft(t, craft{content: content}), s.want)
		if err != nil {
			if _, ok := ceremony.RefusalOf(err); !ok {
				t.Errorf("%v is no refusal", err)
			}
			return
		}
		words := strings.Fields(content)
		line := strings.ToLower(strings.Join(words, " "))
		if !strings.HasPrefix(line, s.key.Announced().Prefix(s.want.Ceremony)) {
			t.Errorf("%q is accepted", content)
		}
		if behind := strings.Join(words[6:], " "); behind != "" && !strings.EqualFold(" "+behind, s.key.Announced().Suffix(s.want.Ceremony, s.want.PlanHash)) {
			t.Errorf("%q is accepted behind the share", behind)
		}
		err = secret.Use(func(b []byte) error {
			if string(b) != words[5] || len(b) < 24 || len(b) > 66 {
				t.Errorf("%q is no share of %q", b, content)
			}
			kept := must(hex.DecodeString(evidence.Digest[strings.LastIndexByte(evidence.Digest, ':')+1:]))(t)
			if evidence.Digest != "" && len(kept) > len(content)-strings.Index(content, string(b))-len(b) {
				t.Error("a part of the share is kept")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// FuzzStatement: nothing but what the holder has signed is a statement, and what is
// kept of it says the same to an auditor. What is only peeked at can be printed.
func FuzzStatement(f *testing.F) {
	s := fuzzStage(f, 1)
	signed := state(f, statement+"\n", s.want.Now, s.holder)
	seed(f, signed, enarmor(f, "PGP MESSAGE", signed), state(f, statement, s.want.Now, fuzzStage(f, 3).holder),
		state(f, s.payload(), s.want.Now, s.holder), zeros(f, packet.CompressionZIP, 2), bzippedZeros(f),
		s.craft(f, craft{}), []byte(s.key.Announced().Announcement))
	certificate := must(s.bot.PublicKey(s.want.Signer))(f)
	f.Fuzz(func(t *testing.T, pasted []byte) {
		var peeked string
		var ok bool
		var got ceremony.SignedLine
		var err error
		sparingly(t, len(pasted), func() {
			peeked, ok = s.bot.PeekStatement(pasted)
			got, err = s.bot.VerifyStatement(pasted, s.want.Signer, s.want.NotBefore, s.want.Now)
		})
		if strings.ContainsFunc(peeked, func(r rune) bool { return !unicode.IsPrint(r) }) || !ok && peeked != "" {
			t.Errorf("peeked at %q", peeked)
		}
		if err != nil {
			if _, refused := ceremony.RefusalOf(err); !refused || got != (ceremony.SignedLine{}) {
				t.Errorf("%v is no refusal", err)
			}
			return
		}
		if got.Line != statement || peeked != statement {
			t.Errorf("%q is accepted as %q", peeked, got.Line)
		}
		line, _, err := openpgp.VerifySignedWord(certificate, s.want.Signer, got.Armor, s.want.NotBefore, s.want.Now)
		if err != nil || line != statement {
			t.Errorf("an auditor reads %q, %v", line, err)
		}
	})
}

// FuzzLetter: of whatever is pasted into conclave seal, nothing but what the pinned
// identity has announced is accepted.
func FuzzLetter(f *testing.F) {
	s := fuzzStage(f, 1)
	other := fuzzStage(f, 2)
	pinned := s.identity.Fingerprint()
	n := notice(pinned, s.now)
	ciphertext, response, err := s.bot.Challenge(s.want.Signer, s.now)
	if err != nil {
		f.Fatal(err)
	}
	digest := sha256.Sum256([]byte(response))
	call := must(s.bot.SignRollCall(ceremony.RollCallNotice{Plan: n.Plan, Digest: hex.EncodeToString(digest[:]), At: s.now}))(f)
	certificate := must(s.identity.PublicArmor())(f)
	seed(f, s.pasted(), []byte(s.key.Announced().Announcement), []byte(s.key.Announced().Certificate),
		other.pasted(), concat(other.pasted(), s.pasted()), []byte(call+certificate+ciphertext),
		zeros(f, packet.CompressionZLIB, 2), bzippedZeros(f))
	f.Fuzz(func(t *testing.T, text []byte) {
		sparingly(t, len(text), func() {
			if inv, err := openpgp.CheckAnnouncement(text, pinned, s.now); err == nil {
				if inv.PlanHash() != n.Plan.Hash() || inv.Nonce() != n.Nonce || inv.Identity() != pinned {
					t.Error("another plan is accepted")
				}
			}
			if roll, err := openpgp.CheckRollCall(text, pinned, s.now); err == nil && roll.PlanHash() != n.Plan.Hash() {
				t.Error("another roll call is accepted")
			}
			claims, err := openpgp.Claims(text, s.now)
			if err == nil && len(claims) == 0 {
				t.Error("nothing, and no reason")
			}
		})
	})
}

// FuzzDelivery: nothing but what the pinned identity has signed is a delivery, with
// the ciphertext that it names.
func FuzzDelivery(f *testing.F) {
	s := fuzzStage(f, 1)
	other := fuzzStage(f, 2)
	pinned := s.identity.Fingerprint()
	parcel := s.parcel(f)
	signed := must(s.bot.SignDelivery(parcel))(f)
	foreign := must(other.bot.SignDelivery(other.parcel(f)))(f)
	seed(f, []byte(signed.Line+signed.Armor), []byte(signed.Armor+signed.Line), []byte(signed.Line+foreign.Armor),
		[]byte(foreign.Line+foreign.Armor+signed.Line+signed.Armor), []byte(signed.Line), []byte(signed.Armor),
		zeros(f, packet.CompressionZLIB, 2), bzippedZeros(f))
	f.Fuzz(func(t *testing.T, text []byte) {
		sparingly(t, len(text), func() {
			got, err := openpgp.CheckDeliveries(text, pinned)
			if err == nil && len(got) == 0 {
				t.Error("nothing, and no reason")
			}
			for _, d := range got {
				// Another process has encrypted the same share to the same key, otherwise.
				ciphertext := must(base64.StdEncoding.DecodeString(d.Parcel.Ciphertext))(t)
				d.Parcel.Ciphertext = parcel.Ciphertext
				if d.Parcel != parcel || decrypt(t, s.holder, ciphertext) != share {
					t.Errorf("%+v is accepted", d.Parcel)
				}
			}
		})
	})
}

// FuzzCertificate: what is read as a key can be read again, and is no secret.
func FuzzCertificate(f *testing.F) {
	ada := newHolder(f, "Ada", start)
	seed(f, public(f, ada), dearmor(f, public(f, ada)), dearmor(f, public(f, newHolder(f, "Ada", start, version6))))
	id := must(openpgp.Generate("conclave", start))(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := openpgp.ReadCertificate(data)
		if err != nil {
			return
		}
		forVault := must(openpgp.New(id, []*openpgp.Certificate{c}).Certificate(c.Fingerprint()))(t)
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

// FuzzEvidence: an envelope is proven by what was kept of it and by nothing else.
func FuzzEvidence(f *testing.F) {
	s := fuzzStage(f, 1)
	e := s.evidence(f, s.craft(f, craft{content: s.wholePayload(), notations: s.notation(s.binding())}))
	f.Add(e.Signature, e.Digest)
	f.Add(e.Signature, strings.Replace(e.Digest, ":", ":0", 1))
	f.Add("", "")
	f.Fuzz(func(t *testing.T, signature, digest string) {
		changed := e
		changed.Signature, changed.Digest = signature, digest
		binding, made, err := s.verified(changed)
		if err == nil && (binding != s.binding() || !made.Equal(e.SignedAt) || !strings.EqualFold(strings.Replace(digest, ":0", ":", 1), e.Digest)) {
			t.Errorf("%q of %s is proven by %q", binding, made, digest)
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
		must(s.bot.NewKey(n))(b).Destroy()
	}
}
