package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// limited plays a test on a cluster that lets a person open three ceremonies within a day.
func limited(t *testing.T, f func(t *testing.T, s *stage)) {
	t.Helper()
	playFor(t, ceremony.Rekey, func(t *testing.T, s *stage) {
		s.configure = func(c *ceremony.Cluster) {
			c.DailyProposals, c.Interference, c.Owners = 3, true, ceremonytest.People("sue")
		}
		s.restart()
		s.settle(time.Minute)
		f(t, s)
	})
}

func (s *stage) tries(name string, op ceremony.Operation) (ceremony.ID, error) {
	c, err := s.engine.Propose(context.Background(), ceremony.Proposal{
		Operation: op, Cluster: "prod", Reason: "a test", By: ceremonytest.Person(name).Account, Options: options(op),
	})
	s.settle(time.Second)
	return c.ID(), err
}

// opens proposes and cancels a ceremony.
func (s *stage) opens(name string, op ceremony.Operation) error {
	s.t.Helper()
	id, err := s.tries(name, op)
	if err != nil {
		return err
	}
	if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person(name).Account, ""); err != nil {
		s.t.Fatal(err)
	}
	s.settle(time.Second)
	return nil
}

// exhaust opens as many ceremonies as olga may.
func (s *stage) exhaust() {
	s.t.Helper()
	for range 3 {
		if err := s.opens("olga", ceremony.Drill); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestProposalsOfAPersonAreLimited(t *testing.T) {
	limited(t, func(t *testing.T, s *stage) {
		s.exhaust()
		for range 400 {
			if err := s.opens("olga", ceremony.Drill); !errors.Is(err, ceremony.TooManyProposals) {
				t.Fatalf("one too many: %v", err)
			}
		}
		if err := s.opens("alice", ceremony.Drill); err != nil {
			t.Errorf("another person: %v", err)
		}
		s.expect(ceremony.ManyProposals) // once
		alarm, ok := s.openAlarm()
		if !ok {
			t.Fatal("no alarm is open")
		}
		if n := alarm.Findings()[0].Event.(event.Noticed); n.Whose() != ceremonytest.Person("olga").Account || n.Subject != "3" {
			t.Errorf("%+v", n)
		}
		told := false
		for _, m := range alarm.Messages() {
			told = told || m.Kind == rules.AlarmMessage && m.To.Name == "sue"
		}
		if !told {
			t.Error("the owner does not hear of it")
		}
		// The alarm about them lifts nothing.
		if err := s.opens("olga", ceremony.Drill); !errors.Is(err, ceremony.TooManyProposals) {
			t.Errorf("with the alarm open: %v", err)
		}
		if err := s.acknowledge(alarm.ID(), "sue"); err != nil {
			t.Fatal(err)
		}
		if err := s.opens("olga", ceremony.Drill); !errors.Is(err, ceremony.TooManyProposals) {
			t.Errorf("once it is acknowledged: %v", err)
		}
		s.expect(ceremony.ManyProposals) // and still once
	})
}

func TestLimitOfProposalsSurvivesARestartAndEndsWithTheDay(t *testing.T) {
	limited(t, func(t *testing.T, s *stage) {
		s.exhaust()
		s.restart()
		if err := s.opens("olga", ceremony.Drill); !errors.Is(err, ceremony.TooManyProposals) {
			t.Errorf("after a restart: %v", err)
		}
		s.restart()
		if err := s.opens("olga", ceremony.Drill); !errors.Is(err, ceremony.TooManyProposals) {
			t.Errorf("after another one: %v", err)
		}
		s.expect(ceremony.ManyProposals)
		s.settle(24 * time.Hour)
		if err := s.opens("olga", ceremony.Drill); err != nil {
			t.Errorf("the next day: %v", err)
		}
	})
}

func TestLimitOfProposalsRefusesNothingOfAnEmergency(t *testing.T) {
	limited(t, func(t *testing.T, s *stage) {
		s.exhaust()
		id, err := s.tries("alice", ceremony.Drill)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("alice").Account, ""); err != nil {
			t.Fatal(err)
		}
		for _, n := range s.vault.Members {
			n.Sealed = true
		}
		if _, err := s.tries("olga", ceremony.Unseal); err != nil {
			t.Errorf("an unseal: %v", err)
		}
		for _, n := range s.vault.Members {
			n.Sealed = false
		}
		for _, op := range []ceremony.Operation{ceremony.DRToken, ceremony.RecoveryToken} {
			if _, err := s.tries("olga", op); errors.Is(err, ceremony.TooManyProposals) {
				t.Errorf("%s: %v", op, err)
			}
		}
	})
}

// TestAlarmOfOthersLiftsTheLimitOfProposals: what it asks for must not wait for a day. An
// alarm that a person has raised about themselves lifts nothing for them.
func TestAlarmOfOthersLiftsTheLimitOfProposals(t *testing.T) {
	for _, row := range []struct {
		by     string
		lifted bool
	}{{"bob", true}, {"olga", false}} {
		limited(t, func(t *testing.T, s *stage) {
			s.exhaust()
			if _, err := s.engine.Exposed(context.Background(), ceremonytest.Person(row.by).Account, ceremony.ExposedToken); err != nil {
				t.Fatal(err)
			}
			err := s.opens("olga", ceremony.Rekey)
			if row.lifted && err != nil || !row.lifted && !errors.Is(err, ceremony.TooManyProposals) {
				t.Errorf("after a token of %s was shown: %v", row.by, err)
			}
		})
	}
}

func TestAlarmAboutProposalsLiftsNobodysLimit(t *testing.T) {
	limited(t, func(t *testing.T, s *stage) {
		s.exhaust()
		if err := s.opens("olga", ceremony.Drill); !errors.Is(err, ceremony.TooManyProposals) {
			t.Fatal(err)
		}
		for range 3 {
			if err := s.opens("alice", ceremony.Drill); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.opens("alice", ceremony.Drill); !errors.Is(err, ceremony.TooManyProposals) {
			t.Errorf("with an alarm about olga: %v", err)
		}
		s.expect(ceremony.ManyProposals, ceremony.ManyProposals)
	})
}
