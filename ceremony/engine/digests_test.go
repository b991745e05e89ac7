package engine_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/rules"
)

// TestDigestsThatPeopleWereShownAreKnown asks as soon as they are in the journal, after the
// ceremony has ended, and after a restart.
func TestDigestsThatPeopleWereShownAreKnown(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		known := func(when string) {
			t.Helper()
			for _, c := range s.engine.Current() {
				shown := []string{c.PlanHash}
				if c.Plan.OTP != "" {
					shown = append(shown, c.Plan.OTP)
				}
				for _, e := range c.History {
					shown = append(shown, e.Hash)
				}
				for _, word := range shown {
					if !s.engine.IsDigest(word) {
						t.Fatalf("%s: %s of %s is not known", when, word, c.ID())
					}
				}
			}
		}
		password := strings.Repeat("A1b2", 7)
		c, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.GenerateRoot, Cluster: "prod", Reason: "a test",
			By:      ceremonytest.Person("olga").Account,
			Options: map[string]string{"otp": ceremonytest.Commitment(password)},
		})
		if err != nil {
			t.Fatal(err)
		}
		known("proposed")
		if _, err := s.engine.Reject(context.Background(), c.ID(), ceremonytest.Person("paul").Account,
			"no"); err != nil {
			t.Fatal(err)
		}
		known("rejected")
		id := s.begin(s.rekey)
		s.contribute(id, ceremony.StepUpdate, 1)
		known("open")
		if _, err := s.engine.Exposed(context.Background(), ceremonytest.Person("alice").Account,
			ceremony.ExposedShare); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if n := len(s.engine.Current()); n != 3 {
			t.Fatalf("%d ceremonies, want 3 with the alarm", n)
		}
		known("alarmed")
		s.restart()
		known("restarted")
		s.finish(id)
		known("finished")
		if !slices.IsSortedFunc(s.engine.Current(), func(a, b rules.State) int {
			return cmp.Or(b.Plan.Proposed.Compare(a.Plan.Proposed), cmp.Compare(a.ID(), b.ID()))
		}) {
			t.Error("the ceremonies are not listed newest first")
		}
		for _, word := range []string{"", strings.Repeat("0", 64), c.PlanHash[:63], strings.ToUpper(c.PlanHash)} {
			if s.engine.IsDigest(word) {
				t.Errorf("%q is taken for a digest", word)
			}
		}
	})
}
