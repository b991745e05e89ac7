package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// raised begins a foreign rekey, and returns the alarm that follows.
func (s *stage) raised() ceremony.ID {
	s.t.Helper()
	s.foreign(ceremony.GenerateRoot)
	s.settle(time.Minute)
	alarm, ok := s.openAlarm()
	if !ok {
		s.t.Fatal("no alarm is open")
	}
	return alarm.ID()
}

func (s *stage) openAlarm() (rules.State, bool) {
	for _, c := range s.alarms() {
		if !c.Ended() {
			return c, true
		}
	}
	return rules.State{}, false
}

func (s *stage) acknowledge(id ceremony.ID, name string) error {
	_, err := s.engine.Acknowledge(context.Background(), id, ceremonytest.Person(name).Account, "known\nto us", "")
	s.settle(time.Second)
	return err
}

func TestAlarmIsAcknowledgedByThoseWhoMay(t *testing.T) {
	for name, may := range map[string]bool{"sue": true, "olga": true, "paul": true, "bob": false, "mallory": false} {
		t.Run(name, func(t *testing.T) {
			guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
				id := s.raised()
				err := s.acknowledge(id, name)
				switch {
				case may && err != nil:
					t.Fatal(err)
				case !may && !errors.Is(err, ceremony.MayNotAcknowledge):
					t.Fatalf("refused with %v", err)
				case !may:
					return
				}
				c := s.now(id)
				if c.Outcome != event.Completed || c.Acknowledged == nil || c.Acknowledged.By.Name != name ||
					c.Acknowledged.Why != "known to us" {
					t.Errorf("outcome %q, %+v", c.Outcome, c.Acknowledged)
				}
				if err := s.acknowledge(id, name); !errors.Is(err, ceremony.Closed) {
					t.Errorf("again: %v", err)
				}
				s.settle(time.Hour)
				s.expect(ceremony.ForeignStart) // the same finding is not told again
				s.foreign(ceremony.GenerateRoot)
				s.settle(time.Minute)
				if len(s.alarms()) != 2 {
					t.Error("what is noticed afterwards is not another alarm")
				}
			})
		})
	}
}

func TestAlarmIsNothingButAnAlarm(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		ctx := context.Background()
		_, err := s.engine.Propose(ctx, ceremony.Proposal{
			Operation: ceremony.Alarm, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		})
		if !errors.Is(err, ceremony.UnknownOperation) {
			t.Errorf("proposed: %v", err)
		}
		id := s.raised()
		s.vault.Do(func() { s.vault.Attempt = nil })
		if _, err := s.engine.Cancel(ctx, id, ceremonytest.Person("paul").Account,
			""); !errors.Is(err, ceremony.IsAnAlarm) {
			t.Errorf("cancelled: %v", err)
		}
		if _, err := s.engine.Freeze(ctx, id, ceremonytest.Person("paul").Account,
			""); !errors.Is(err, ceremony.IsAnAlarm) {
			t.Errorf("frozen: %v", err)
		}
		if _, err := s.engine.Approve(ctx, id, ceremonytest.Person("paul").Account,
			""); !errors.Is(err, ceremony.NotProposed) {
			t.Errorf("approved: %v", err)
		}
		// An alarm blocks no other ceremony.
		other := s.begin(ceremony.Rekey)
		if err := s.acknowledge(other, "paul"); !errors.Is(err, ceremony.NotAnAlarm) {
			t.Errorf("a rekey is acknowledged: %v", err)
		}
		if c := s.finish(other); c.Outcome != event.Completed {
			t.Errorf("beside an alarm: %s", storyOf(c))
		}
	})
}

func TestAlarmThatNobodyAcknowledgesExpiresAfterAWeek(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.raised()
		s.settle(7*24*time.Hour - 2*time.Minute)
		if s.now(id).Ended() {
			t.Fatal("it has ended before")
		}
		s.settle(3 * time.Minute)
		if c := s.now(id); c.Outcome != event.Expired || !c.Told() {
			t.Errorf("outcome %q, told %v", c.Outcome, c.Told())
		}
		s.settle(time.Hour)
		s.expect(ceremony.ForeignStart)
	})
}

func TestOpenAlarmOfAClusterThatIsGoneStopsNoStart(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.raised()
		s.configure = func(c *ceremony.Cluster) { c.Name = "other" }
		s.restart()
		if len(s.alarms()) != 1 {
			t.Error("the alarm is not shown any more")
		}
	})
}

// The program dies at every line of an alarm and is started again: each finding is told
// once, whatever was written.
func TestP6AlarmIsRaisedOnceWhereverTheProgramDies(t *testing.T) {
	for _, torn := range []tear{nothing, oneLine, everyLine} {
		for lines := 0; lines < 12; lines++ {
			t.Run(fmt.Sprintf("line %d/%s of it is written", lines, torn), func(t *testing.T) {
				guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
					cut := cutAfter(lines, torn)
					s.journal = func(j event.Journal) event.Journal { cut.Journal = j; return cut }
					s.restart()
					s.foreign(ceremony.GenerateRoot)
					s.settle(time.Minute)
					s.vault.Do(func() { s.node("n1").Sealed = true })
					s.settle(time.Minute)
					if c, ok := s.openAlarm(); ok {
						_ = s.acknowledge(c.ID(), "sue") // may be where it dies
					}
					s.journal = nil
					s.restart()
					s.settle(time.Hour)
					if got := slices.Sorted(slices.Values(s.kinds())); !cmp.Equal(got, []ceremony.Finding{
						ceremony.ForeignStart, ceremony.SealChanged,
					}) {
						// The journals do not have the node as unsealed, so a new start finds nothing.
						if !cmp.Equal(got, []ceremony.Finding{ceremony.ForeignStart}) {
							t.Errorf("findings: %q", got)
						}
					}
					for _, c := range s.alarms() {
						if len(c.Due()) > 0 {
							t.Errorf("%s: %d messages are still due", c.ID(), len(c.Due()))
						}
					}
				})
			})
		}
	}
}

func (s *stage) exposed(name string, kind ceremony.Finding) []ceremony.ID {
	s.t.Helper()
	ids, err := s.engine.Exposed(context.Background(), ceremonytest.Person(name).Account, kind)
	if err != nil {
		s.t.Fatal(err)
	}
	s.settle(time.Second)
	return ids
}

func TestExposedShareCountsUntilARekeyHasMadeNewOnes(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		exposed := func() []string {
			var words []string
			for _, x := range s.engine.Exposures("prod") {
				words = append(words, x.Person.Name+" "+string(x.Kind))
			}
			return words
		}
		for range 1000 {
			s.exposed("alice", ceremony.ExposedShare)
		}
		s.exposed("bob", ceremony.ExposedKey)
		s.exposed("paul", ceremony.ExposedToken)
		s.exposed("paul", ceremony.ExposedKey) // holds nothing
		s.expect(ceremony.ExposedShare, ceremony.ExposedKey, ceremony.ExposedToken, ceremony.ExposedKey)
		if diff := cmp.Diff([]string{"bob exposed-key", "alice exposed-share"}, exposed()); diff != "" {
			t.Errorf("exposed (-want +got):\n%s", diff)
		}
		alarm, _ := s.openAlarm()
		if err := s.acknowledge(alarm.ID(), "sue"); err != nil {
			t.Fatal(err)
		}
		id := s.begin(ceremony.Rekey)
		s.contribute(id, ceremony.StepUpdate, 3)
		s.settle(time.Minute)
		s.exposed("carol", ceremony.ExposedEnvelope) // may be a new one
		if len(exposed()) != 3 {
			t.Errorf("before the rekey is done: %q", exposed())
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Fatal(storyOf(c))
		}
		// bob's new share is for the key that is exposed.
		if diff := cmp.Diff([]string{"carol exposed-envelope", "bob exposed-key"}, exposed()); diff != "" {
			t.Errorf("exposed after the rekey (-want +got):\n%s", diff)
		}
		s.restart()
		if len(exposed()) != 2 {
			t.Error("forgotten by a restart")
		}
	})
}

func TestSecretOfAStrangerRaisesOneAlarmADayOfEachKind(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		for range 10 {
			s.exposed("mallory", ceremony.ExposedShare)
		}
		alarm, ok := s.openAlarm()
		if !ok {
			t.Fatal("no alarm")
		}
		if n := alarm.Findings()[0].Event.(event.Noticed); n.By != nil || n.Operation != ceremony.RekeyRecovery {
			t.Errorf("noticed %+v", n)
		}
		if err := s.acknowledge(alarm.ID(), "sue"); err != nil {
			t.Fatal(err)
		}
		if ids := s.exposed("mallory", ceremony.ExposedShare); len(ids) != 0 {
			t.Errorf("a stranger wakes people up again: %q", ids)
		}
		if ids := s.exposed("alice", ceremony.ExposedShare); len(ids) != 1 {
			t.Error("a holder's share goes unnoticed because of a stranger's")
		}
		s.settle(25 * time.Hour)
		s.exposed("mallory", ceremony.ExposedShare)
		s.expect(ceremony.ExposedShare, ceremony.ExposedShare, ceremony.ExposedShare)
	})
}

func TestWhatWasExposedIsNowhereInTheJournal(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		if _, err := s.engine.Exposed(context.Background(), ceremonytest.Person("alice").Account,
			ceremony.Finding("hvs.secret")); err == nil {
			t.Error("what was exposed is taken for its kind")
		}
		for _, c := range s.engine.Current() {
			if strings.Contains(c.Plan.Text(), "hvs.") {
				t.Error("a secret is in a plan (P1)")
			}
		}
	})
}

// Only the watch raises alarms, and an alarm can't pass for another ceremony: the rules
// refuse a journal that says so.
func TestForgedAlarmIsNoStory(t *testing.T) {
	alarm := ceremonytest.PlanOf(ceremony.Alarm)
	byOlga, rekey := alarm, ceremonytest.PlanOf(ceremony.Rekey)
	byOlga.Initiator = ceremonytest.Person("olga")
	rekey.Initiator = ceremony.InterferenceWatch
	proposed := func(p ceremony.Plan) event.Event { return event.Proposed{Plan: p, PlanHash: p.Hash()} }
	for name, events := range map[string][]event.Event{
		"raised by a person":   {proposed(byOlga)},
		"a rekey of the watch": {proposed(rekey)},
		"a finding in a rekey": {
			proposed(ceremonytest.PlanOf(ceremony.Rekey)), event.Noticed{Kind: ceremony.ForeignStart},
		},
		"a rekey that is acknowledged": {
			proposed(ceremonytest.PlanOf(ceremony.Rekey)), event.Acknowledged{By: ceremonytest.Person("paul")},
		},
		"acknowledged by anybody": {proposed(alarm), event.Acknowledged{By: ceremonytest.Person("mallory")}},
		"ended without acknowledgement": {
			proposed(alarm), event.Ended{Outcome: event.Completed, Vault: event.NothingToCancel},
		},
		"an alarm that starts something": {proposed(alarm), event.Starting{Attempt: 1}},
		"an alarm that acts":             {proposed(alarm), event.Acting{Act: event.Rotating}},
	} {
		var entries []event.Entry
		for i, e := range events {
			entries = append(entries, event.Entry{Seq: i + 1, At: alarm.Proposed, Event: e})
		}
		if _, err := rules.Replay(entries); err == nil {
			t.Errorf("%s: it is believed", name)
		}
	}
}

func TestSignedWordAcknowledgesAnAlarmAndIsKept(t *testing.T) {
	guarded(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.raised()
		if err := s.speak(id, "sue", ceremony.SayAcknowledge, "it was me"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Second)
		if c := s.now(id); c.Acknowledged == nil || c.Acknowledged.Why != "it was me" || c.Acknowledged.Signed == "" {
			t.Errorf("acknowledged: %+v", c.Acknowledged)
		}
	})
}
