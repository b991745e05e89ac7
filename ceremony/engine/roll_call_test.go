package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// answerOf returns what a person finds in their challenge.
func (s *stage) answerOf(id ceremony.ID, name string) string {
	s.t.Helper()
	for _, ch := range s.now(id).Called().Challenges {
		if key, response, _ := strings.Cut(strings.TrimPrefix(ch.Ciphertext, "challenge|"),
			"|"); key == ceremonytest.Fpr(name).String() {
			return ceremony.RollCallAnswer([]byte(response))
		}
	}
	s.t.Fatalf("%s is not called", name)
	return ""
}

func (s *stage) present(id ceremony.ID, name string) error {
	s.t.Helper()
	return s.speak(id, name, ceremony.SayPresent, s.answerOf(id, name))
}

func TestNothingBeginsBeforeTheRollCallIsAnswered(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.demand(ceremony.Rekey, ceremony.Policy{RollCall: ceremony.RollCall{On: true, Fresh: 90 * 24 * time.Hour}})
		id := s.begin(ceremony.Rekey)
		if c := s.now(id); c.Phase != rules.PhaseRollCall || s.vault.Count("start") != 0 {
			t.Fatalf("%s", storyOf(c))
		}
		if err := s.speak(id, "alice", ceremony.SayPresent,
			s.answerOf(id, "bob")); !errors.Is(err, ceremony.WrongAnswer) {
			t.Errorf("somebody else's answer: %v", err)
		}
		if err := s.speak(id, "alice", ceremony.SayPresent, "guess"); !errors.Is(err, ceremony.WrongAnswer) {
			t.Errorf("a guess: %v", err)
		}
		if err := s.speak(id, "paul", ceremony.SayPresent, s.answerOf(id, "bob")); !errors.Is(err, ceremony.NotCalled) {
			t.Errorf("somebody who is not called: %v", err)
		}
		for i, h := range ceremonytest.Holders {
			if c := s.now(id); c.Phase != rules.PhaseRollCall {
				t.Fatalf("%d of %d were enough: %s", i, len(ceremonytest.Holders), storyOf(c))
			}
			if i == 2 {
				s.restart() // the challenges are still good
			}
			if err := s.present(id, h); err != nil {
				t.Fatalf("%s: %v", h, err)
			}
			if err := s.present(id, h); i < len(ceremonytest.Holders)-1 && !errors.Is(err, ceremony.AlreadyPresent) {
				t.Errorf("%s again: %v", h, err)
			}
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("%s", storyOf(c))
		}
		// Their keys were used lately: they are not called again for a while.
		again := s.begin(ceremony.Rekey)
		if c := s.now(again); len(c.Plan.RollCall) != 0 || c.Phase != rules.PhaseCollecting {
			t.Fatalf("%s", storyOf(c))
		}
		if _, err := s.engine.Cancel(t.Context(), again, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(100 * 24 * time.Hour)
		if c := s.now(s.propose(ceremony.Rekey)); len(c.Plan.RollCall) != len(ceremonytest.Holders) ||
			c.Plan.Present != len(ceremonytest.Holders) {
			t.Errorf("after a hundred days %d are called, %d needed", len(c.Plan.RollCall), c.Plan.Present)
		}
	})
}

func TestFewerThanAllMayAnswerTheRollCall(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.demand(ceremony.Rekey, ceremony.Policy{RollCall: ceremony.RollCall{On: true, Needed: 2}})
		id := s.begin(ceremony.Rekey)
		for _, h := range ceremonytest.Holders[:2] {
			if err := s.present(id, h); err != nil {
				t.Fatal(err)
			}
		}
		if c := s.now(id); c.Phase != rules.PhaseCollecting {
			t.Errorf("%s", storyOf(c))
		}
		if err := s.speak(id, ceremonytest.Holders[2], ceremony.SayPresent,
			s.answerOf(id, ceremonytest.Holders[2])); !errors.Is(err, ceremony.NotWaiting) {
			t.Errorf("an answer that nobody waits for: %v", err)
		}
	})
}

func TestTheRequesterOfATokenIsCalled(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{RollCall: ceremony.RollCall{On: true}})
		id := s.begin(ceremony.GenerateRoot)
		if err := s.present(id, "olga"); err != nil {
			t.Fatal(err)
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("%s", storyOf(c))
		}
	})
}

func TestARollCallThatCannotBeMadeEndsTheCeremony(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.demand(ceremony.Rekey, ceremony.Policy{RollCall: ceremony.RollCall{On: true}})
		id := s.propose(ceremony.Rekey)
		s.openPGP.Mu.Lock()
		// it has expired since, or was taken out of the configuration
		s.openPGP.Bad = map[ceremony.Fingerprint]bool{ceremonytest.Fpr("bob"): true}
		s.openPGP.Mu.Unlock()
		if err := s.approve(id, "paul"); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Minute)
		if c := s.now(id); c.Outcome != event.Failed {
			t.Errorf("people wait for nothing: %s", storyOf(c))
		}
	})
}

func TestAnAccountAloneDoesNotAnswerARollCall(t *testing.T) {
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.demand(ceremony.Rekey, ceremony.Policy{RollCall: ceremony.RollCall{On: true}})
		id := s.begin(ceremony.Rekey)
		w := s.now(id).StatementFor(ceremony.SayPresent)
		w.More = s.answerOf(id, "alice")
		if err := s.engine.ApplyStatement(t.Context(), ceremonytest.Person("alice").Account, w,
			""); !errors.Is(err, ceremony.NeedsSignature) {
			t.Errorf("answered %v", err)
		}
		s.restart() // nothing was written that can't be read
		if err := s.present(id, "alice"); err != nil {
			t.Error(err)
		}
	})
}

// Another person has the key now than the one who has used it.
func TestARollCallDoesNotCountWhatAnotherPersonHasShown(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{
			RollCall: ceremony.RollCall{On: true, Fresh: 90 * 24 * time.Hour},
		})
		id := s.begin(ceremony.GenerateRoot)
		if err := s.present(id, "olga"); err != nil {
			t.Fatal(err)
		}
		s.finish(id)
		configure := s.configure
		s.configure = func(c *ceremony.Cluster) {
			configure(c)
			heir := ceremonytest.Person("mallory")
			heir.Key = ceremonytest.Fpr("olga")
			c.Initiators = append(c.Initiators, heir)
		}
		s.restart()
		c, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.GenerateRoot, Cluster: "prod", By: ceremonytest.Person("mallory").Account,
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Plan.RollCall) != 1 {
			t.Errorf("called are %v", c.Plan.RollCall)
		}
	})
}
