package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

func TestGatedStepsWaitForAWitness(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.demand(ceremony.Rekey, ceremony.Policy{Witness: true})
		id := s.begin(ceremony.Rekey)
		if w := s.now(id).Plan.Witnesses; len(w) != 1 || w[0].Name != "wendy" {
			t.Fatalf("witnesses %v: paul approves, and is none", w)
		}
		proceed := func(gate ceremony.Gate) {
			t.Helper()
			if c := s.now(id); c.Gate() != gate {
				t.Fatalf("gate %q, want %q: %s", c.Gate(), gate, storyOf(c))
			}
			if err := s.speak(id, "paul", ceremony.SayProceed); !errors.Is(err, ceremony.NotWitness) {
				t.Errorf("an approver lets it happen: %v", err)
			}
			if err := s.speak(id, "wendy", ceremony.SayProceed); err != nil {
				t.Fatal(err)
			}
			if c := s.now(id); c.Gate() != "" {
				t.Fatalf("gate %q is still closed: %s", c.Gate(), storyOf(c))
			}
		}
		if s.vault.Count("start") != 0 {
			t.Fatal("Vault was asked before the witness had agreed")
		}
		early := s.sign("wendy", s.now(id).StatementFor(ceremony.SayProceed))
		proceed(ceremony.GateStart)
		s.contribute(id, ceremony.StepUpdate, 2)
		if _, _, err := s.engine.SubmitStatement(context.Background(), ceremonytest.Person("wendy").Account,
			early); !errors.Is(err, ceremony.OldWord) {
			t.Errorf("the word for the gate before: %v", err)
		}
		third := s.now(id).Missing()[0].Name
		envelope := s.envelope(id, third, own(ceremony.StepUpdate, third))
		if err := s.send(third, envelope); !errors.Is(err, ceremony.WitnessAwaited) {
			t.Fatalf("the last share went without the witness: %v", err)
		}
		s.restart()
		s.settle(time.Second)
		proceed(ceremony.GateUpdate)
		if !slices.ContainsFunc(s.now(id).Messages(), func(m rules.Message) bool {
			_, opened := m.Entry.Event.(event.Proceeded)
			return opened && m.Kind == rules.ReceiptMessage && m.To.Name == third
		}) {
			t.Errorf("%s is not told that it goes on", third)
		}
		s.contribute(id, ceremony.StepUpdate, 1)
		s.settle(time.Minute)
		s.contribute(id, ceremony.StepVerify, 2)
		proceed(ceremony.GateVerify)
		s.contribute(id, ceremony.StepVerify, 1)
		s.settle(time.Minute)
		c := s.now(id)
		if c.Outcome != event.Completed || !c.OwesWitness() {
			t.Fatalf("%s", storyOf(c))
		}
		s.settle(2 * time.Minute)
		if err := s.speak(id, "wendy", ceremony.SayDisagree, "the clock was wrong"); err != nil {
			t.Fatal(err)
		}
		if err := s.speak(id, "wendy", ceremony.SayAgree); !errors.Is(err, ceremony.Closed) &&
			!errors.Is(err, ceremony.AlreadyStated) {
			t.Errorf("said twice: %v", err)
		}
		said := s.now(id).Testimonies()
		if len(said) != 1 || said[0].Agrees || said[0].Why != "the clock was wrong" {
			t.Errorf("said %+v", said)
		}
	})
}

func TestARefusedRoundAsksTheWitnessAgain(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{Witness: true})
		id := s.begin(ceremony.GenerateRoot)
		for range 2 {
			if c := s.now(id); c.Gate() != "" {
				if err := s.speak(id, "wendy", ceremony.SayProceed); err != nil {
					t.Fatalf("%v: %s", err, storyOf(c))
				}
			}
			s.contribute(id, ceremony.StepUpdate, 2)
			if c := s.now(id); c.Gate() != ceremony.GateUpdate {
				t.Fatalf("%s", storyOf(c))
			}
			if err := s.speak(id, "wendy", ceremony.SayProceed); err != nil {
				t.Fatal(err)
			}
			name := s.now(id).Missing()[0].Name
			_ = s.send(name, s.envelope(id, name, "wrong"))
			s.settle(time.Second)
		}
	})
}

func TestNoWitnessIsWaitedForForEver(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		s.demand(ceremony.Drill, ceremony.Policy{Witness: true})
		id := s.begin(ceremony.Drill)
		if err := s.speak(id, "wendy", ceremony.SayProceed); err != nil {
			t.Fatal(err)
		}
		s.finish(id)
		s.settle(time.Hour)
		if c := s.now(id); !c.OwesWitness() || c.Settled() {
			t.Fatalf("%s", storyOf(c))
		}
		s.restart()
		s.settle(8 * 24 * time.Hour)
		if c := s.now(id); !c.WitnessLeft || !c.Settled() {
			t.Errorf("%s", storyOf(c))
		}
	})
}

func TestAPolicyWithoutAnybodyWhoCanWitnessIsRefused(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		s.configure = func(c *ceremony.Cluster) {
			c.Witnesses = ceremonytest.People("paul", "alice")
			c.Policies = map[ceremony.Operation]ceremony.Policy{ceremony.Drill: {Witness: true}}
		}
		s.restart()
		_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.Drill, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		})
		if !errors.Is(err, ceremony.NoWitness) {
			t.Errorf("answered %v", err)
		}
	})
}

func TestAnyHolderCanFreezeACeremony(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Rekey)
		s.contribute(id, ceremony.StepUpdate, 1)
		if _, err := s.engine.Freeze(context.Background(), id, ceremonytest.Person("mallory").Account,
			"mine"); !errors.Is(err, ceremony.NoPart) {
			t.Errorf("a stranger: %v", err)
		}
		if _, err := s.engine.Freeze(context.Background(), id, ceremonytest.Person(ceremonytest.Holders[3]).Account,
			"I was called by somebody odd"); err != nil {
			t.Fatal(err)
		}
		c := s.now(id)
		if c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.PersonStopped ||
			c.Freeze.Got != ceremonytest.Holders[3] {
			t.Fatalf("%s", storyOf(c))
		}
		if err := s.send(ceremonytest.Holders[1], []byte("x")); !errors.Is(err, ceremony.IsFrozen) {
			t.Errorf("a share of a frozen ceremony: %v", err)
		}
		s.thaw(id)
		s.settle(time.Minute)
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("%s", storyOf(c))
		}
	})
}

func TestAFreezeWaitsForWhatVaultWasAsked(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Rekey)
		s.vault.Do(func() {
			s.vault.Fault = func(method string, n int) (before, after error) {
				if method == "submit" && n == 0 {
					return ceremony.ErrUncertain, nil
				}
				return nil, nil
			}
		})
		_ = s.send(ceremonytest.Holders[0], s.envelope(id, ceremonytest.Holders[0],
			own(ceremony.StepUpdate, ceremonytest.Holders[0])))
		if c := s.now(id); c.Pending == nil {
			t.Fatalf("nothing is waited for: %s", storyOf(c))
		}
		if err := s.speak(id, ceremonytest.Holders[1], ceremony.SayFreeze, "stop"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		c := s.now(id)
		if c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.PersonStopped {
			t.Fatalf("%s", storyOf(c))
		}
		s.thaw(id)
		s.settle(time.Minute)
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("%s", storyOf(c))
		}
	})
}

func TestExceptionsAreWrittenDown(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Drill)
		if _, err := s.engine.Note(context.Background(), id, ceremonytest.Person("alice").Account,
			"the  room\nwas open"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.engine.Note(context.Background(), id, ceremonytest.Person("mallory").Account,
			"hello"); !errors.Is(err, ceremony.NoPart) {
			t.Errorf("a stranger: %v", err)
		}
		last := s.now(id).History
		if n, ok := last[len(last)-2].Event.(event.ExceptionNoted); !ok || n.Text != "the room was open" {
			if n, ok = last[len(last)-1].Event.(event.ExceptionNoted); !ok || n.Text != "the room was open" {
				t.Errorf("%s", storyOf(s.now(id)))
			}
		}
	})
}

func TestP2ASignedFreezeIsNotSaidTwice(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		id := s.begin(ceremony.Rekey)
		signed := s.sign("alice", s.now(id).StatementFor(ceremony.SayFreeze))
		speak := func() error {
			_, _, err := s.engine.SubmitStatement(context.Background(), ceremonytest.Person("alice").Account, signed)
			s.settle(time.Second)
			return err
		}
		if err := speak(); err != nil || s.now(id).Phase != rules.PhaseFrozen {
			t.Fatalf("%v: %s", err, storyOf(s.now(id)))
		}
		s.thaw(id)
		s.settle(time.Minute)
		if err := speak(); !errors.Is(err, ceremony.OldWord) {
			t.Errorf("the same word once more: %v", err)
		}
		if err := s.speak(id, "alice", ceremony.SayFreeze,
			"again"); err != nil || s.now(id).Phase != rules.PhaseFrozen {
			t.Errorf("a new word: %v: %s", err, storyOf(s.now(id)))
		}
	})
}

func TestNobodyTakesThePlaceOfAWitnesssExceptions(t *testing.T) {
	playFor(t, ceremony.Drill, func(t *testing.T, s *stage) {
		s.demand(ceremony.Drill, ceremony.Policy{Witness: true})
		id := s.begin(ceremony.Drill)
		var err error
		for i := range 120 {
			_, err = s.engine.Note(context.Background(), id, ceremonytest.Person("alice").Account, fmt.Sprint(i))
		}
		if !errors.Is(err, ceremony.TooManyRefusals) {
			t.Errorf("somebody may write without an end: %v", err)
		}
		if err := s.speak(id, "wendy", ceremony.SayException, "alice", "floods the journal"); err != nil {
			t.Errorf("the witness: %v", err)
		}
		if err := s.speak(id, "wendy", ceremony.SayException, "alice",
			"floods the journal"); !errors.Is(err, ceremony.OldWord) {
			t.Errorf("what she has signed once more: %v", err)
		}
	})
}
