package openpgp_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/needs"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

const transcript = "{\"format\":\"conclave-transcript1\",\r\n\"head\":\"9f\"}\n"

func TestP8AttestedTextIsVerified(t *testing.T) {
	s := newStage(t)
	signature := must(s.bot.Attest([]byte(transcript)))(t)
	certificate := must(s.bot.PublicKey(s.identity.Fingerprint()))(t)
	if err := openpgp.VerifyDetached(certificate, s.identity.Fingerprint(), []byte(transcript), signature); err != nil {
		t.Error(err)
	}
}

// Every character of the signature is changed into every other that base64 has, and
// a line's end; every byte of the text in two ways.
func TestP8EveryChangeOfWhatIsAttestedIsFound(t *testing.T) {
	s := newStage(t)
	signature := must(s.bot.Attest([]byte(transcript)))(t)
	certificate := must(s.bot.PublicKey(s.identity.Fingerprint()))(t)
	verify := func(text []byte, signature string) error {
		return openpgp.VerifyDetached(certificate, s.identity.Fingerprint(), text, signature)
	}
	const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n "
	for i := range signature {
		for _, c := range []byte(all) {
			if changed := signature[:i] + string(c) + signature[i+1:]; changed != signature && verify([]byte(transcript), changed) == nil {
				t.Errorf("character %d: %q is as good as %q", i, c, signature[i])
			}
		}
		for _, added := range []string{signature[:i] + "\n" + signature[i:], signature[:i] + signature[i+1:]} {
			if verify([]byte(transcript), added) == nil {
				t.Errorf("%q is as good", added)
			}
		}
	}
	for i := range len(transcript) {
		for _, flip := range []byte{1, 0x20} {
			changed := []byte(transcript)
			changed[i] ^= flip
			if verify(changed, signature) == nil {
				t.Errorf("byte %d of the text may be changed", i)
			}
		}
	}
	raw := must(base64.StdEncoding.DecodeString(signature))(t)
	for name, other := range map[string][]byte{"twice": append(bytes.Clone(raw), raw...), "with a marker packet": append(bytes.Clone(raw), 0xca, 3, 'P', 'G', 'P')} {
		if verify([]byte(transcript), base64.StdEncoding.EncodeToString(other)) == nil {
			t.Errorf("the signature is as good %s", name)
		}
	}
}

// OpenPGP lets anybody write into a part of a signature that is not signed.
func TestP8NothingIsAddedToAnAttestation(t *testing.T) {
	s := newStage(t)
	raw := must(base64.StdEncoding.DecodeString(must(s.bot.Attest([]byte(transcript)))(t)))(t)
	certificate := must(s.bot.PublicKey(s.identity.Fingerprint()))(t)
	body := raw[2:] // one byte of tag, one of length
	if int(raw[1]) != len(body) {
		t.Fatalf("the packet has another header: % x", raw[:4])
	}
	at := 6 + int(body[4])<<8 + int(body[5])
	if !bytes.Equal(body[at:at+2], []byte{0, 0}) {
		t.Fatal("there is something already")
	}
	added := []byte{5, 100, 'h', 'e', 'r', 'e'}
	body = bytes.Join([][]byte{body[:at], {0, byte(len(added))}, added, body[at+2:]}, nil)
	forged := append([]byte{raw[0], byte(len(body))}, body...)
	sig, _, err := pgp.VerifyDetachedSignature(
		pgp.EntityList{parse(t, certificate)}, strings.NewReader(transcript), bytes.NewReader(forged), nil,
	)
	if err != nil || sig == nil {
		t.Fatalf("the test forges badly: %v", err)
	}
	err = openpgp.VerifyDetached(
		certificate, s.identity.Fingerprint(), []byte(transcript), base64.StdEncoding.EncodeToString(forged),
	)
	if !errors.Is(err, openpgp.ErrSignatureForm) {
		t.Errorf("got %v", err)
	}
}

func TestP8OtherKeyOrCertificateAttestsNothing(t *testing.T) {
	s, other := newStage(t), newStage(t)
	signature := must(s.bot.Attest([]byte(transcript)))(t)
	own := must(s.bot.PublicKey(s.identity.Fingerprint()))(t)
	foreign := must(other.bot.PublicKey(other.identity.Fingerprint()))(t)
	for name, tt := range map[string]struct {
		certificate string
		fingerprint ceremony.Fingerprint
		want        error
	}{
		"another certificate": {foreign, s.identity.Fingerprint(), openpgp.ErrOtherCertificate},
		"another key":         {foreign, other.identity.Fingerprint(), openpgp.ErrBadSignature},
		"no certificate":      {"", s.identity.Fingerprint(), openpgp.ErrNoKey},
		"two":                 {own + foreign, s.identity.Fingerprint(), openpgp.ErrSeveralKeys},
	} {
		if err := openpgp.VerifyDetached(tt.certificate, tt.fingerprint, []byte(transcript), signature); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestP8WordIsVerifiedAsItWasKept(t *testing.T) {
	s := newStage(t)
	kept := must(s.bot.VerifyStatement(state(t, statement, s.want.Now, s.holder), s.want.Signer, s.want.NotBefore, s.want.Now))(t)
	line, made, err := openpgp.VerifySignedWord(
		string(public(t, s.holder)), s.want.Signer, kept.Armor, s.want.NotBefore, s.want.Now,
	)
	if err != nil || line != statement || !made.Equal(s.want.Now) {
		t.Errorf("%q of %s, %v", line, made, err)
	}
}

func TestP8WordThatIsNotGoodIsFound(t *testing.T) {
	s := newStage(t)
	eve := newHolder(t, "Eve", start)
	altered := state(t, statement, s.want.Now, s.holder)
	altered[bytes.Index(altered, []byte("approve"))] = 'A'
	for name, tt := range map[string]struct {
		message []byte
		want    error
	}{
		"altered":           {altered, openpgp.ErrBadSignature},
		"by another":        {state(t, statement, s.want.Now, eve), openpgp.ErrBadSignature},
		"by two":            {state(t, statement, s.want.Now, s.holder, eve), openpgp.ErrBadSignature},
		"too early":         {state(t, statement, s.want.NotBefore.Add(-6*time.Minute), s.holder), openpgp.ErrSignedEarlier},
		"later than it was": {state(t, statement, s.want.Now.Add(6*time.Minute), s.holder), openpgp.ErrSignedLater},
		"two lines":         {state(t, statement+"\n"+statement, s.want.Now, s.holder), ceremony.BadMessage},
		"encrypted":         {dearmor(t, s.craft(t, craft{content: statement})), openpgp.ErrNotSignedInline},
	} {
		line, _, err := openpgp.VerifySignedWord(string(public(t, s.holder)), s.want.Signer, string(enarmor(t, "PGP MESSAGE", tt.message)), s.want.NotBefore, s.want.Now)
		if !errors.Is(err, tt.want) || line != "" {
			t.Errorf("%s: got %q, %v; want %v", name, line, err, tt.want)
		}
	}
}

// wholePayload is what the printed command signs.
func (s *stage) wholePayload() string {
	return s.payload() + s.key.Announced().Suffix(s.want.Ceremony, s.want.PlanHash)
}

func (s *stage) binding() string {
	return s.key.Announced().Binding(s.want.Ceremony, s.want.PlanHash)
}

func (s *stage) notation(value string) []*packet.Notation {
	return []*packet.Notation{{Name: ceremony.SignatureNotation, Value: []byte(value), IsHumanReadable: true}}
}

// evidence opens an envelope that must be accepted.
func (s *stage) evidence(t testing.TB, envelope []byte) ceremony.Evidence {
	t.Helper()
	secret, e, err := s.key.Open(envelope, s.want)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	secret.Wipe()
	return e
}

func (s *stage) verified(e ceremony.Evidence) (string, time.Time, error) {
	certificate, err := s.bot.PublicKey(s.want.Signer)
	if err != nil {
		return "", time.Time{}, err
	}
	return openpgp.VerifyEvidence(certificate, s.identity.Fingerprint(), e, s.want)
}

func TestP8EnvelopeIsVerifiedWithoutTheShare(t *testing.T) {
	for name, option := range map[string]func(*packet.Config){
		"Ed25519": algorithm(packet.PubKeyAlgoEdDSA, packet.Curve25519),
		"P-521":   algorithm(packet.PubKeyAlgoECDSA, packet.CurveNistP521), // signs SHA-512
		"RSA":     rsa(2048),
	} {
		t.Run(name, func(t *testing.T) {
			s := stageFor(t, newHolder(t, "Ada", start, option), start)
			for _, end := range []string{"", "\n", "\r\n"} {
				e := s.evidence(t, s.craft(t, craft{content: s.wholePayload() + end, notations: s.notation(s.binding())}))
				binding, made, err := s.verified(e)
				if err != nil || binding != s.binding() || !made.Equal(e.SignedAt) {
					t.Errorf("%q of %s, %v", binding, made, err)
				}
			}
		})
	}
}

func TestP8SealedEnvelopeIsVerifiedWithoutTheShare(t *testing.T) {
	s := newStage(t)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	e := s.evidence(t, []byte(must(inv.Seal([]byte(share), holderKey(t, s.holder), s.want.Now))(t)))
	if binding, _, err := s.verified(e); err != nil || binding != s.binding() {
		t.Errorf("%q, %v", binding, err)
	}
	if want := ceremony.SignatureNotation + "=" + s.binding(); inv.Notation() != want {
		t.Errorf("the notation is %q, want %q", inv.Notation(), want)
	}
}

func TestP8EnvelopeWithoutANotationIsVerifiedAndSaysNothing(t *testing.T) {
	s := newStage(t)
	if binding, _, err := s.verified(s.evidence(t, s.craft(t, craft{content: s.wholePayload()}))); err != nil || binding != "" {
		t.Errorf("%q, %v", binding, err)
	}
}

func TestP8EnvelopeWithoutASuffixProvesNothing(t *testing.T) {
	s := newStage(t)
	e := s.evidence(t, s.craft(t, craft{notations: s.notation(s.binding())}))
	if e.Signature != "" || e.Digest != "" {
		t.Errorf("something is kept: %+v", e)
	}
	if _, _, err := s.verified(e); !errors.Is(err, ceremony.ErrNoProof) {
		t.Errorf("got %v", err)
	}
}

// A journal's writer has a real signature of the holder's, and would like it to be
// for another ceremony, or of another time.
func TestP8EvidenceCanNotBeForged(t *testing.T) {
	s := newStage(t)
	e := s.evidence(t, s.craft(t, craft{content: s.wholePayload(), notations: s.notation(s.binding())}))
	raw := must(base64.StdEncoding.DecodeString(e.Signature))(t)

	other := bytes.Replace(raw, []byte("prod-rekey-k7m2"), []byte("prod-rekey-k7m3"), 1)
	p := must(packet.Read(bytes.NewReader(raw)))(t).(*packet.Signature)
	at := bytes.Index(raw, []byte{byte(p.CreationTime.Unix() >> 24), byte(p.CreationTime.Unix() >> 16)})
	dated := bytes.Clone(raw)
	dated[at+3]++
	state, rest, _ := strings.Cut(e.Digest, ":")
	count, tail, _ := strings.Cut(rest, ":")
	forge := func(change func(*ceremony.Evidence)) ceremony.Evidence {
		forged := e
		change(&forged)
		return forged
	}
	for name, forged := range map[string]ceremony.Evidence{
		"another ceremony": forge(func(f *ceremony.Evidence) { f.Signature = base64.StdEncoding.EncodeToString(other) }),
		"another date": forge(func(f *ceremony.Evidence) {
			f.Signature, f.SignedAt = base64.StdEncoding.EncodeToString(dated), f.SignedAt.Add(time.Second)
		}),
		"another date beside it": forge(func(f *ceremony.Evidence) { f.SignedAt = f.SignedAt.Add(time.Second) }),
		"another signer":         forge(func(f *ceremony.Evidence) { f.Signer = s.identity.Fingerprint() }),
		"another state":          forge(func(f *ceremony.Evidence) { f.Digest = "00" + e.Digest[2:] }),
		"another length":         forge(func(f *ceremony.Evidence) { f.Digest = state + ":64:" + tail }),
		"a length of its own":    forge(func(f *ceremony.Evidence) { f.Digest = state + ":65:" + tail }),
		"no state":               forge(func(f *ceremony.Evidence) { f.Digest = ":" + rest }),
		"another rest":           forge(func(f *ceremony.Evidence) { f.Digest = state + ":" + count + ":00" + tail }),
		"no rest":                forge(func(f *ceremony.Evidence) { f.Digest = state + ":" + count }),
		"a long signature":       forge(func(f *ceremony.Evidence) { f.Signature += f.Signature }),
	} {
		if binding, _, err := s.verified(forged); err == nil {
			t.Errorf("%s: verified, %q", name, binding)
		}
	}
}

// What a bot that was taken over has of its people is what they have ever signed, whole:
// words, notes, envelopes for something else. It can stop a hash at any border.
func TestP8NothingElseThatAHolderHasSignedIsAnEnvelope(t *testing.T) {
	s := newStage(t)
	certificate := must(s.bot.PublicKey(s.want.Signer))(t)
	suffix := s.key.Announced().Suffix(s.want.Ceremony, s.want.PlanHash)
	for name, content := range map[string]string{
		"a note":                   "I am at lunch and have nothing to do with any ceremony",
		"nothing":                  "",
		"a word":                   "conclave-word1 prod-rekey-k7m2 " + s.want.PlanHash + " approve",
		"a word about the plan":    "conclave-word1 prod-rekey-k7m2 " + s.want.PlanHash + " present " + s.want.PlanHash,
		"a long note":              strings.Repeat("I have nothing to do with it. ", 12),
		"a note of whole blocks":   strings.Repeat("nothing ", 32),
		"a note that ends in it":   strings.Repeat("I have nothing to do with it. ", 9) + s.want.PlanHash,
		"the suffix alone":         suffix,
		"the suffix behind a word": strings.Repeat("no", 9) + suffix,
		"another step":             strings.ReplaceAll(s.wholePayload(), " update ", " verify "),
		"another ceremony":         strings.ReplaceAll(s.wholePayload(), "k7m2", "k7m3"),
		"another plan":             strings.ReplaceAll(s.wholePayload(), s.want.PlanHash, strings.Repeat("ab", 32)),
		"no suffix":                s.payload(),
	} {
		packets := packet.NewReader(bytes.NewReader(state(t, content, s.want.Now, s.holder)))
		var sig *packet.Signature
		for sig == nil {
			switch p := must(packets.Next())(t).(type) {
			case *packet.LiteralData:
				must(io.Copy(io.Discard, p.Body))(t)
			case *packet.Signature:
				sig = p
			}
		}
		var raw bytes.Buffer
		if err := sig.Serialize(&raw); err != nil {
			t.Fatal(err)
		}
		for border := 0; border <= len(content); border += sig.Hash.New().BlockSize() {
			e := ceremony.Evidence{Signer: s.want.Signer, SignedAt: sig.CreationTime, Signature: base64.StdEncoding.EncodeToString(raw.Bytes()),
				Digest: openpgp.DigestAt(sig.Hash, []byte(content), border)}
			if _, _, err := openpgp.VerifyEvidence(certificate, s.identity.Fingerprint(), e, s.want); err == nil {
				t.Errorf("%s stands as an envelope, from byte %d on", name, border)
			} else if !errors.Is(err, openpgp.ErrEvidence) && !errors.Is(err, ceremony.ErrNoProof) {
				t.Errorf("%s, from byte %d on: %v", name, border, err)
			}
		}
	}
}

// The file of a share may end in a line's end, and people put spaces where they like.
func TestP8EnvelopeIsProvenBesideALineEndAndNotGuessedBesideSpaces(t *testing.T) {
	s := newStage(t)
	for between, proven := range map[string]bool{"": true, "\n": true, "\r\n": true, strings.Repeat(" ", 9): false} {
		content := strings.Replace(s.wholePayload(), share, share+between, 1)
		e := s.evidence(t, s.craft(t, craft{content: content}))
		if _, _, err := s.verified(e); proven != (err == nil) || err != nil && !errors.Is(err, ceremony.ErrNoProof) {
			t.Errorf("with %q behind the share: %v", between, err)
		}
	}
}

func TestP8EvidenceOutsideOfItsTimeIsFound(t *testing.T) {
	s := newStage(t)
	e := s.evidence(t, s.craft(t, craft{content: s.wholePayload()}))
	for name, tt := range map[string]struct {
		notBefore, now time.Time
		want           error
	}{
		"before the announcement": {s.want.Now.Add(6 * time.Minute), s.want.Now.Add(time.Hour), openpgp.ErrSignedEarlier},
		"after it came":           {s.want.NotBefore, s.want.Now.Add(-6 * time.Minute), openpgp.ErrSignedLater},
	} {
		certificate := must(s.bot.PublicKey(s.want.Signer))(t)
		want := s.want
		want.NotBefore, want.Now = tt.notBefore, tt.now
		if _, _, err := openpgp.VerifyEvidence(certificate, s.identity.Fingerprint(), e, want); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestP1EvidenceHoldsNothingOfTheShare(t *testing.T) {
	for _, option := range []func(*packet.Config){algorithm(packet.PubKeyAlgoEdDSA, packet.Curve25519), algorithm(packet.PubKeyAlgoECDSA, packet.CurveNistP521)} {
		s := stageFor(t, newHolder(t, "Ada", start, option), start)
		// Wherever the border of a block falls, no digit of the share is behind it. The
		// ceremony's id stands on both sides of it.
		step := needs.Step(9)
		for pad := rand.IntN(step); pad < 65; pad += step {
			s.want.Ceremony = ceremony.ID("prod-rekey-" + strings.Repeat("k", pad+1))
			content := s.wholePayload()
			e := s.evidence(t, s.craft(t, craft{content: content}))
			if e.Digest == "" {
				t.Fatalf("pad %d: nothing is kept", pad)
			}
			if _, _, err := s.verified(e); err != nil {
				t.Errorf("pad %d: %v", pad, err)
			}
			rest := e.Digest[strings.LastIndexByte(e.Digest, ':')+1:]
			for i := range len(share) - 3 {
				if strings.Contains(rest, fmt.Sprintf("%x", share[i:i+4])) && !strings.Contains(s.wholePayload()[len(s.payload()):], share[i:i+4]) {
					t.Errorf("pad %d: a part of the share is kept", pad)
				}
			}
		}
	}
}

func TestEnvelopeWhoseWordsBehindTheShareContradictIsRefused(t *testing.T) {
	s := newStage(t)
	whole := s.wholePayload()
	behind := func(old, with string) craft {
		return craft{content: s.payload() + strings.Replace(whole[len(s.payload()):], old, with, 1)}
	}
	s.opened(t, s.craft(t, craft{content: whole}))
	for name, tt := range map[string]struct {
		c    craft
		want ceremony.Refusal
	}{
		"ceremony":  {behind("k7m2", "k7m3"), ceremony.OtherCeremony},
		"step":      {behind("update", "verify"), ceremony.OtherStep},
		"nonce":     {behind("0b9d5dc1", "0b9d5dc2"), ceremony.OtherNonce},
		"identity":  {behind(string(s.identity.Fingerprint()), strings.Repeat("ab", 20)), ceremony.OtherIdentity},
		"plan":      {behind(s.want.PlanHash, strings.Repeat("ab", 32)), ceremony.OtherCeremony},
		"cut":       {behind(" "+s.want.PlanHash, ""), ceremony.BadShare},
		"and more":  {behind(s.want.PlanHash, s.want.PlanHash+" more"), ceremony.BadShare},
		"one share": {craft{content: s.payload() + " " + share}, ceremony.BadShare},
	} {
		t.Run(name, func(t *testing.T) { s.refused(t, s.craft(t, tt.c), tt.want) })
	}
}

func TestEnvelopeWhoseNotationContradictsIsRefused(t *testing.T) {
	s := newStage(t)
	s.opened(t, s.craft(t, craft{notations: s.notation(strings.ToUpper(s.binding()))}))
	s.opened(t, s.craft(t, craft{notations: append(s.notation(s.binding()), s.notation(s.binding())...)}))
	for name, tt := range map[string]struct {
		value string
		want  ceremony.Refusal
	}{
		"ceremony": {strings.Replace(s.binding(), "k7m2", "k7m3", 1), ceremony.OtherCeremony},
		"step":     {strings.Replace(s.binding(), "update", "verify", 1), ceremony.OtherStep},
		"nonce":    {strings.Replace(s.binding(), "0b9d5dc1", "0b9d5dc2", 1), ceremony.OtherNonce},
		"plan":     {s.binding()[:len(s.binding())-16] + "0123456789abcdef", ceremony.OtherCeremony},
		"no plan":  {s.binding()[:len(s.binding())-16], ceremony.OtherCeremony},
		"empty":    {"", ceremony.OtherCeremony},
		"a key's":  {string(s.want.Ceremony) + " " + s.want.Nonce, ceremony.OtherCeremony},
	} {
		t.Run(name, func(t *testing.T) {
			s.refused(t, s.craft(t, craft{notations: s.notation(tt.value)}), tt.want)
			s.refused(t, s.craft(t, craft{notations: append(s.notation(s.binding()), s.notation(tt.value)...)}), tt.want)
		})
	}
}
