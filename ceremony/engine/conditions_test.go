package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// running returns the conditions of a host on which a version of the program runs.
func running(version string) func() event.Conditions {
	return func() event.Conditions {
		return event.Conditions{
			Program:       event.Program{Version: version, SHA256: ceremonytest.Commitment("a program")},
			Configuration: ceremonytest.Commitment("a configuration"),
			Host: event.Host{
				System:    "linux/amd64",
				Hardening: []event.Protection{{Name: "core dumps", State: "a crash leaves no image of the memory", Holds: true}},
			},
		}
	}
}

// conditionsOf returns the entries with conditions.
func conditionsOf(c rules.State) []event.Entry {
	return slices.DeleteFunc(slices.Clone(c.History), func(e event.Entry) bool {
		return !rules.Is[event.Conditions](e.Event)
	})
}

func TestP8CeremonyBeginsWithWhatItRunsUnder(t *testing.T) {
	for _, op := range ceremony.Operations() {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				s.vault.Members[1].Away = op != ceremony.Init && op != ceremony.Unseal
				s.conditions = running("v1.2.0")
				s.restart()
				id := s.begin(op)
				c := s.now(id)
				if len(conditionsOf(c)) != 1 || c.History[1].Seq != conditionsOf(c)[0].Seq {
					t.Fatalf("conditions stand not once, behind the proposal: %s", storyOf(c))
				}
				said := map[string]string{}
				for _, k := range event.ConditionsOf(c.History) {
					said[k.Name] = k.Value
				}
				want := map[string]string{
					"version of Conclave": "v1.2.0", "revision of Conclave": event.NotKnown,
					"SHA-256 of the running program": ceremonytest.Commitment("a program"),
					"SHA-256 of the configuration":   ceremonytest.Commitment("a configuration"),
					"system":                         "linux/amd64",
					"hardening: core dumps":          "a crash leaves no image of the memory",
					"time source":                    event.NotKnown, "clock synchronised": event.NotKnown,
				}
				for _, n := range s.vault.Members {
					product, version, seal := "Vault", "1.21.2", s.vault.SealType
					if n.Away {
						product, version, seal = event.NotKnown, event.NotKnown, event.NotKnown
					}
					want["product at "+n.Address] = product
					want["version at "+n.Address] = version
					want["seal at "+n.Address] = seal
				}
				if diff := cmp.Diff(want, said); diff != "" {
					t.Errorf("conditions (-want +got):\n%s", diff)
				}
				for _, m := range c.Messages() {
					if m.Entry.Seq == conditionsOf(c)[0].Seq {
						t.Errorf("people are told of a beginning: %s", m.Key)
					}
				}
			})
		})
	}
}

func TestP8StartThatFindsOtherConditionsRecordsAndTellsThem(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.conditions = running("v1.2.0")
		s.restart()
		id := s.begin(ceremony.Rekey)
		s.contribute(id, ceremony.StepUpdate, 1)

		s.restart()
		s.settle(time.Second)
		for _, n := range s.vault.Members {
			n.Away = true // what is not known any more is no change
		}
		s.restart()
		s.settle(time.Second)
		if got := conditionsOf(s.now(id)); len(got) != 1 {
			t.Fatalf("starts that find nothing else record conditions: %s", storyOf(s.now(id)))
		}

		s.conditions = running("v1.3.0")
		s.vault.Members[0].Away, s.vault.Version = false, "1.21.3"
		s.restart()
		s.settle(time.Minute)
		c := s.now(id)
		all := conditionsOf(c)
		if len(all) != 2 {
			t.Fatalf("the change is not recorded once: %s", storyOf(c))
		}
		want := []event.Condition{
			{Name: "version of Conclave", Value: "v1.3.0", Seq: all[1].Seq},
			{Name: "version at n1", Value: "1.21.3", Seq: all[1].Seq},
		}
		if diff := cmp.Diff(want, c.Changed(all[1])); diff != "" {
			t.Errorf("changed (-want +got):\n%s", diff)
		}
		if !slices.ContainsFunc(c.Messages(), func(m rules.Message) bool {
			return m.Kind == rules.HistoryMessage && m.Entry.Seq == all[1].Seq
		}) {
			t.Error("nobody is told of the change")
		}
		for _, n := range s.vault.Members {
			n.Away = false
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("it ended %s: %s", c.Outcome, storyOf(c))
		}
		if events, err := rules.Decide(s.now(id), command.Observe{Seen: running("v1.4.0")()}, time.Now()); len(events) > 0 {
			t.Errorf("after the end: %+v, %v", events, err)
		}
		s.conditions = running("v1.4.0")
		s.restart()
		s.settle(time.Second)
		if got := conditionsOf(s.now(id)); len(got) != 2 {
			t.Errorf("a ceremony that has ended is recorded to run under something: %s", storyOf(s.now(id)))
		}
	})
}

// A ceremony that an earlier program has begun gets its conditions from the first program
// that knows them.
func TestP8CeremonyOfAnEarlierProgramGetsConditionsAtTheNextStart(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Rekey)
		if got := conditionsOf(s.now(id)); len(got) != 0 {
			t.Fatalf("an engine without conditions records some: %+v", got)
		}
		s.conditions = running("v1.2.0")
		s.restart()
		s.settle(time.Second)
		if got := conditionsOf(s.now(id)); len(got) != 1 {
			t.Errorf("%d conditions: %s", len(got), storyOf(s.now(id)))
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("it ended %s: %s", c.Outcome, storyOf(c))
		}
	})
}

// What a server says goes into journals and onto pages.
func TestConditionsAreShortLinesOfText(t *testing.T) {
	plan := ceremonytest.PlanOf(ceremony.Rekey)
	c, err := rules.Replay([]event.Entry{{
		Seq: 1, At: plan.Proposed, Event: event.Proposed{Plan: plan, PlanHash: plan.Hash()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for name, version := range map[string]string{
		"a line feed": "1.21\n2", "an escape": "\x1b[2J", "turned around": "1.\u202e12", "too long": strings.Repeat("1", 301),
	} {
		seen := running("v1")()
		seen.Vault = []ceremony.Server{{Address: "n1", Version: version}}
		if err := c.Takes([]event.Event{seen}, plan.Proposed); err == nil {
			t.Errorf("%s is a condition", name)
		}
	}
	if err := c.Takes([]event.Event{running("v1")()}, plan.Proposed); err != nil {
		t.Error(err)
	}
}
