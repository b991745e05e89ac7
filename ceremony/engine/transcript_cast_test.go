package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/openpgp"
)

// cast is people with real PGP keys, and a bot with a real identity.
type cast struct {
	identity *openpgp.Identity
	openPGP  *openpgp.OpenPGP
	keys     map[string]*openpgp.HolderKey // by name
}

func newCast(t *testing.T, names ...string) *cast {
	t.Helper()
	born := time.Now().Add(-24 * time.Hour)
	c := &cast{keys: map[string]*openpgp.HolderKey{}}
	var err error
	if c.identity, err = openpgp.Generate("conclave", born); err != nil {
		t.Fatal(err)
	}
	var certificates []*openpgp.Certificate
	for _, name := range names {
		if c.keys[name], err = openpgp.GenerateHolder(name, born); err != nil {
			t.Fatal(err)
		}
		certificate, err := openpgp.ReadCertificate([]byte(c.certificate(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		certificates = append(certificates, certificate)
	}
	c.openPGP = openpgp.New(c.identity, certificates)
	return c
}

func (c *cast) certificate(t *testing.T, name string) string {
	t.Helper()
	armored, err := c.keys[name].PublicArmor()
	if err != nil {
		t.Fatal(err)
	}
	return armored
}

// giveKeys gives people their keys.
func (c *cast) giveKeys(people []ceremony.Person) {
	for i, p := range people {
		people[i].Key = c.keys[p.Name].Fingerprint()
	}
}

// vaultsOpenPGP gives the fake Vault, which knows keys by their fingerprints alone,
// what it takes.
type vaultsOpenPGP struct{ ceremony.OpenPGP }

func (vaultsOpenPGP) Certificate(f ceremony.Fingerprint) ([]byte, error) { return []byte(f), nil }

// encrypts encrypts a text to a person as Vault would, in base64.
func (c *cast) encrypts(t *testing.T, to ceremony.Fingerprint) string {
	t.Helper()
	armored, _, err := c.openPGP.Challenge(to, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(armored, "\n\n")
	body, _, _ = strings.Cut(body, "\n=")
	return strings.ReplaceAll(body, "\n", "")
}

// realShare returns a share of the shape of Vault's.
func realShare(n int) string {
	return strings.Repeat(fmt.Sprintf("%02x", 160+n), 32) + fmt.Sprintf("%02x", n)
}

// player plays one ceremony on a stage.
type player struct {
	t    *testing.T
	s    *stage
	cast *cast
	id   ceremony.ID
}

// says signs a statement about the ceremony as it stands, with what its sender adds.
func (p player) says(name string, verb ceremony.Verb, added ...string) {
	p.t.Helper()
	word := p.s.now(p.id).StatementFor(verb)
	p.signs(name, strings.TrimSpace(word.Line()+" "+strings.Join(added, " ")))
}

func (p player) signs(name, line string) {
	p.t.Helper()
	time.Sleep(3 * time.Second)
	signed, err := p.cast.keys[name].SignWord(line, time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	if _, _, err := p.s.engine.SubmitStatement(context.Background(), ceremonytest.Person(name).Account,
		[]byte(signed)); err != nil {
		p.t.Fatalf("%s says %q: %v", name, line, err)
	}
	p.s.settle(time.Second)
}

// answers decrypts a person's challenge.
func (p player) answers(name string) {
	p.t.Helper()
	for _, e := range p.s.now(p.id).History {
		called, ok := e.Event.(event.RollCalled)
		if !ok {
			continue
		}
		for _, ch := range called.Challenges {
			if ch.For.Name != name {
				continue
			}
			r, err := openpgp.CheckRollCall([]byte(ch.Notice+"\n"+called.Certificate+"\n"+ch.Ciphertext),
				p.cast.identity.Fingerprint(), time.Now())
			if err != nil {
				p.t.Fatal(err)
			}
			plain, err := p.cast.keys[name].Decrypt([]byte(ch.Ciphertext))
			if err != nil {
				p.t.Fatal(err)
			}
			line, err := r.Word(plain)
			if err != nil {
				p.t.Fatal(err)
			}
			p.signs(name, line)
			return
		}
	}
	p.t.Fatalf("%s was not called", name)
}

// brings seals a holder's share and sends it.
func (p player) brings(name, share string) {
	p.t.Helper()
	time.Sleep(90 * time.Second)
	key := p.s.now(p.id).Key
	if key == nil {
		p.t.Fatalf("no key is announced: %s", storyOf(p.s.now(p.id)))
	}
	inv, err := openpgp.CheckAnnouncement([]byte(key.Announcement+"\n"+key.Certificate), p.cast.identity.Fingerprint(),
		time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	envelope, err := inv.Seal([]byte(share), p.cast.keys[name], time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.s.send(name, []byte(envelope)); err != nil {
		p.t.Fatalf("%s's envelope: %v", name, err)
	}
	p.s.settle(time.Second)
}

// evidence is the transcripts of one cast.
type evidence struct {
	cast     *cast
	first    []byte // of a ceremony in which everybody has signed
	second   []byte // of another one of the same people
	rejected []byte // of one that was rejected
}

// perform plays ceremonies to their end. Everybody signs their statements.
func perform(t *testing.T) evidence {
	t.Helper()
	var e evidence
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		names := append([]string{"olga", "paul", "quin", "wendy"}, ceremonytest.Holders...)
		e.cast = newCast(t, names...)
		s.vault.Do(func() { s.vault.Shares = nil })
		for i := range ceremonytest.Holders {
			s.vault.Do(func() { s.vault.Shares = append(s.vault.Shares, realShare(i+1)) })
		}
		s.vault.Do(func() { s.vault.Encrypts = func(to ceremony.Fingerprint) string { return e.cast.encrypts(t, to) } })
		s.keys = func(ceremony.OpenPGP) ceremony.OpenPGP { return vaultsOpenPGP{e.cast.openPGP} }
		s.configure = func(c *ceremony.Cluster) {
			c.Policies = map[ceremony.Operation]ceremony.Policy{
				ceremony.GenerateRoot: {
					Approvals: 2, Signed: true, Witness: true, RollCall: ceremony.RollCall{On: true},
				},
			}
			c.Initiators, c.Approvers, c.Witnesses = ceremonytest.People("olga"), ceremonytest.People("paul", "quin"),
				ceremonytest.People("wendy")
			for _, list := range [][]ceremony.Person{c.Initiators, c.Approvers, c.Witnesses, c.Holders, c.Receivers} {
				e.cast.giveKeys(list)
			}
		}
		s.restart()
		e.first = playSigned(t, s, e.cast)
		e.second = playSigned(t, s, e.cast)

		p := player{t, s, e.cast, s.propose(ceremony.Rotate)} // few have a part in it
		s.settle(time.Second)
		p.says("quin", ceremony.SayReject, "not on a Friday")
		s.settle(25 * time.Hour)
		e.rejected = transcriptOf(t, s.now(p.id))
	})
	return e
}

// playSigned plays one ceremony in which everybody signs their statements.
func playSigned(t *testing.T, s *stage, with *cast) []byte {
	t.Helper()
	p := player{t, s, with, s.propose(ceremony.GenerateRoot)}
	s.settle(2 * time.Minute)
	p.says("paul", ceremony.SayApprove)
	p.says("quin", ceremony.SayApprove)
	p.answers("olga")
	p.says("wendy", ceremony.SayProceed)
	p.brings("alice", realShare(1))
	p.brings("bob", realShare(2))
	p.says("erin", ceremony.SayException, "the phone rang in the middle")
	p.says("wendy", ceremony.SayProceed)
	p.brings("carol", realShare(3))
	p.says("wendy", ceremony.SayAgree, "I have seen all of it")
	s.settle(time.Minute)
	p.says("olga", ceremony.SayRevoked)
	s.settle(time.Minute)
	c := s.now(p.id)
	if c.Outcome != event.Completed || c.OwesTranscript() {
		t.Fatalf("%s", storyOf(c))
	}
	return transcriptOf(t, c)
}
