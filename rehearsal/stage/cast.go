package stage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// The cast.
const (
	Olga    = "olga"    // on call: proposes, and gets root tokens
	Paul    = "paul"    // security: approves
	Wendy   = "wendy"   // audit: watches where a policy asks for it, and has no other part
	Mallory = "mallory" // a member of the workspace and of the ops channel, with no part
	Gus     = "gus"     // a guest
)

// Threshold is how many of the five shares are needed.
const Threshold = 3

// Holders returns the people who hold a share each.
func Holders() []string { return []string{"alice", "bob", "carol", "dave", "erin"} }

// Cast returns all names.
func Cast() []string {
	return slices.Concat([]string{Olga, Paul}, Holders(), []string{Wendy, Mallory, Gus})
}

// isListed reports whether a person is in the configuration.
func isListed(name string) bool { return name != Mallory && name != Gus }

// invite makes the people, with a PGP key each, and the ops channel.
func (s *Stage) invite(ctx context.Context, keyring func(context.Context, string, string) (Keyring, error)) error {
	if err := os.MkdirAll(filepath.Join(s.dir, "keys"), 0o700); err != nil {
		return err
	}
	members := []*slacktest.Person{s.Slack.Bot()}
	for _, name := range Cast() {
		var traits []slacktest.Trait
		if name == Gus {
			traits = append(traits, slacktest.Guest)
		}
		home := s.homeOf(name)
		if err := os.MkdirAll(home, 0o700); err != nil {
			return err
		}
		keys, err := keyring(ctx, home, name)
		if err != nil {
			return fmt.Errorf("make %s's keyring: %w", name, err)
		}
		p := &Person{Name: name, Slack: s.Slack.AddPerson(name, traits...), Keys: keys, stage: s}
		s.people = append(s.people, p)
		members = append(members, p.Slack)
		if err := os.WriteFile(filepath.Join(s.dir, "keys", name+".asc"), []byte(keys.Certificate()), 0o600); err != nil {
			return err
		}
	}
	s.Ops = s.Slack.AddPrivateChannel("ops", members...)
	return nil
}

// homeOf returns the folder that stands for a person's computer.
func (s *Stage) homeOf(name string) string { return filepath.Join(s.dir, "people", name) }

// People returns all people, in the order of the cast.
func (s *Stage) People() []*Person { return slices.Clone(s.people) }

// Person returns a person of the cast. It panics for any other name: a misspelt script has no meaning.
func (s *Stage) Person(name string) *Person {
	i := slices.IndexFunc(s.people, func(p *Person) bool { return p.Name == name })
	if i < 0 {
		panic("stage: nobody is called " + name)
	}
	return s.people[i]
}

// FingerprintOf returns the fingerprint of a person's PGP key. It panics if the key can't be parsed. No keyring of this
// package makes such a key.
func (s *Stage) FingerprintOf(name string) ceremony.Fingerprint {
	c, err := openpgp.ReadCertificate([]byte(s.Person(name).Keys.Certificate()))
	if err != nil {
		panic(fmt.Errorf("stage: %s's certificate: %w", name, err))
	}
	return c.Fingerprint()
}
