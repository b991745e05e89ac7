package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// demand gives the cluster a policy for one operation.
func (s *stage) demand(op ceremony.Operation, policy ceremony.Policy) {
	s.configure = func(c *ceremony.Cluster) {
		c.Policies = map[ceremony.Operation]ceremony.Policy{op: policy}
		c.Witnesses = ceremonytest.People("wendy", "paul")
		for i, class := range []string{"operations", "security", "security"} {
			c.Approvers[i].Class = class // paul, olga, quin
		}
	}
	s.restart()
}

// sign returns a statement as its sender's computer signs it.
func (s *stage) sign(name string, w ceremony.Statement) []byte {
	return fmt.Appendf(nil, "signed|%s|%d|%s", bare(name), time.Now().Unix(), w.Line())
}

// bare returns a person's fingerprint as the fake OpenPGP writes it.
func bare(name string) string { return string(ceremonytest.Fpr(name)) }

// speak signs a person's statement about a ceremony, and submits it.
func (s *stage) speak(id ceremony.ID, name string, verb ceremony.Verb, more ...string) error {
	w := s.now(id).StatementFor(verb)
	w.More = strings.Join(slices.DeleteFunc(append([]string{w.More}, more...), func(s string) bool { return s == "" }),
		" ")
	_, said, err := s.engine.SubmitStatement(context.Background(), ceremonytest.Person(name).Account, s.sign(name, w))
	if said != verb {
		s.t.Errorf("%q was understood as %q", verb, said)
	}
	s.settle(time.Second)
	return err
}

// oblige makes people do what the ceremony asks of them beside their shares.
func (s *stage) oblige(id ceremony.ID) {
	if !s.obliges {
		return
	}
	said := func(name string, verb ceremony.Verb, more ...string) {
		w := s.now(id).StatementFor(verb)
		w.More = strings.Join(slices.DeleteFunc(append([]string{w.More}, more...), func(s string) bool {
			return s == ""
		}), " ")
		// may be where it dies
		_, _, _ = s.engine.SubmitStatement(context.Background(), ceremonytest.Person(name).Account, s.sign(name, w))
		s.settle(time.Second)
	}
	c := s.now(id)
	switch {
	case c.Phase == rules.PhaseProposed:
		said("quin", ceremony.SayApprove)
	case c.Phase == rules.PhaseRollCall && c.Called() != nil:
		for _, p := range c.Plan.RollCall {
			if !c.IsPresent(p.Account) {
				said(p.Name, ceremony.SayPresent, s.answerOf(id, p.Name))
			}
		}
	case c.Gate() != "":
		said("wendy", ceremony.SayProceed)
	case c.OwesWitness():
		said("wendy", ceremony.SayAgree)
	}
}

func (s *stage) approve(id ceremony.ID, name string) error {
	_, err := s.engine.Approve(context.Background(), id, ceremonytest.Person(name).Account, "")
	s.settle(time.Second)
	return err
}

func TestApprovalsAreAskedForFromClassesOfPeople(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{Classes: []ceremony.ClassQuota{{Class: "security", Count: 1}}})
		id := s.propose(ceremony.GenerateRoot)
		if err := s.approve(id, "paul"); err != nil {
			t.Fatal(err)
		}
		if c := s.now(id); c.Phase != rules.PhaseProposed {
			t.Fatalf("one approval of the wrong class was enough: %s", storyOf(c))
		}
		if err := s.approve(id, "quin"); err != nil {
			t.Fatal(err)
		}
		if c := s.finish(id); c.Outcome != event.Completed || len(c.Approvals) != 2 {
			t.Errorf("%s", storyOf(c))
		}
	})
}

func TestApprovalsThatCannotComeAreRefusedAtTheProposal(t *testing.T) {
	for name, policy := range map[string]ceremony.Policy{
		"too many":              {Approvals: 3},
		"of a class that is":    {Classes: []ceremony.ClassQuota{{Class: "management", Count: 1}}},
		"the initiator's class": {Classes: []ceremony.ClassQuota{{Class: "security", Count: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
				s.demand(ceremony.GenerateRoot, policy)
				_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
					Operation: ceremony.GenerateRoot, Cluster: "prod", By: ceremonytest.Person("olga").Account,
				})
				if !errors.Is(err, ceremony.TooFewApprovers) {
					t.Errorf("answered %v", err)
				}
			})
		})
	}
}

// Paul and quin may approve. A key that has expired signs nothing, and is found out before anybody is asked.
func TestCeremonyWhoseApproversCannotSignIsNotProposed(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{Approvals: 1, Signed: true})
		expire := func(name string) { s.openPGP.Bad[ceremonytest.Person(name).Key] = true }
		s.openPGP.Bad = map[ceremony.Fingerprint]bool{}
		expire("paul")
		expire("quin")
		proposal := ceremony.Proposal{
			Operation: ceremony.GenerateRoot, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		}
		_, err := s.engine.Propose(context.Background(), proposal)
		if r, _ := ceremony.RefusalOf(err); r != ceremony.UnableToSign || !strings.Contains(err.Error(), "paul") {
			t.Errorf("with two expired keys: %v", err)
		}
		delete(s.openPGP.Bad, ceremonytest.Person("quin").Key)
		c, err := s.engine.Propose(context.Background(), proposal)
		_, named := ceremony.Find(c.Plan.Approvers, ceremonytest.Person("paul").Account)
		if err != nil || named || c.Plan.EnoughApprovers() != nil {
			t.Errorf("with one of two: %v, approvers %v", err, c.Plan.Approvers)
		}
	})
}

func TestWhoHoldsAShareDoesNotApproveWherePartsAreSeparate(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{Separate: true})
		configure := s.configure
		s.configure = func(c *ceremony.Cluster) {
			configure(c)
			c.Approvers = append(c.Approvers, ceremonytest.Person("alice"))
		}
		s.restart()
		id := s.propose(ceremony.GenerateRoot)
		if err := s.approve(id, "alice"); !errors.Is(err, ceremony.NotApprover) {
			t.Errorf("a holder's approval: %v", err)
		}
	})
}

func TestApprovalByButtonIsRefusedWhereItMustBeSigned(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{Signed: true})
		id := s.propose(ceremony.GenerateRoot)
		if err := s.approve(id, "paul"); !errors.Is(err, ceremony.NeedsSignature) {
			t.Fatalf("a button approved: %v", err)
		}
		word := s.now(id).StatementFor(ceremony.SayApprove)
		for name, tamper := range map[string]struct {
			signed []byte
			by     string
			want   error
		}{
			"another plan": {
				s.sign("paul", ceremony.Statement{Of: word.Of, Hash: strings.Repeat("0", 64), Verb: word.Verb}), "paul",
				ceremony.PlanChanged,
			},
			"another signer": {s.sign("quin", word), "paul", ceremony.WrongSigner},
			"the initiator":  {s.sign("olga", word), "olga", ceremony.OwnProposal},
			"a stranger":     {s.sign("mallory", word), "mallory", ceremony.NoPart},
			"no word":        {[]byte("signed|x|1|I approve"), "paul", ceremony.NoWord},
			"another ceremony": {
				s.sign("paul", ceremony.Statement{Of: "prod-rekey-aaaa", Hash: word.Hash, Verb: word.Verb}), "paul",
				ceremony.ErrUnknownCeremony,
			},
			"an older ceremony": {
				fmt.Appendf(nil, "signed|%s|%d|%s", bare("paul"), time.Now().Add(-time.Hour).Unix(), word.Line()),
				"paul", ceremony.Stale,
			},
		} {
			if _, _, err := s.engine.SubmitStatement(context.Background(), ceremonytest.Person(tamper.by).Account,
				tamper.signed); !errors.Is(err, tamper.want) {
				t.Errorf("%s: %v, want %v", name, err, tamper.want)
			}
		}
		if err := s.speak(id, "paul", ceremony.SayApprove); err != nil {
			t.Fatal(err)
		}
		c := s.finish(id)
		if c.Outcome != event.Completed {
			t.Fatalf("%s", storyOf(c))
		}
		for _, e := range c.History {
			if a, ok := e.Event.(event.Approved); ok && !strings.Contains(a.Signed, word.Line()) {
				t.Errorf("the journal keeps %q of what was signed", a.Signed)
			}
		}
	})
}

func TestNothingBeginsBeforePeopleHaveHadTimeToThink(t *testing.T) {
	for _, op := range []ceremony.Operation{ceremony.GenerateRoot, ceremony.Rotate, ceremony.Drill} {
		playFor(t, op, func(t *testing.T, s *stage) {
			s.demand(op, ceremony.Policy{Cooling: time.Hour})
			id := s.begin(op)
			s.settle(58 * time.Minute)
			if c := s.now(id); c.Phase != rules.PhaseApproved || c.Attempt.Number != 0 ||
				s.vault.Count("start")+s.vault.Count("rotate") != 0 {
				t.Fatalf("%s began early: %s", op, storyOf(c))
			}
			s.restart() // the journal remembers it
			s.settle(3 * time.Minute)
			if c := s.now(id); c.Phase == rules.PhaseApproved {
				t.Fatalf("%s did not begin: %s", op, storyOf(c))
			}
		})
	}
}

func TestNothingBeginsInQuietHours(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		// A bubble's clock begins at midnight of a day, UTC: one o'clock in Berlin.
		s.demand(ceremony.GenerateRoot, ceremony.Policy{Quiet: quiet(t, "22:00-03:00 Europe/Berlin")})
		id := s.begin(ceremony.GenerateRoot)
		s.settle(118 * time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseApproved || s.vault.Count("start") != 0 {
			t.Fatalf("it began at night: %s", storyOf(c))
		}
		s.settle(3 * time.Minute)
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("%s", storyOf(c))
		}
		s.demand(ceremony.GenerateRoot, ceremony.Policy{Quiet: quiet(t, "00:00-12:00 UTC")})
		_, err := s.engine.Propose(context.Background(), ceremony.Proposal{
			Operation: ceremony.GenerateRoot, Cluster: "prod", By: ceremonytest.Person("olga").Account,
		})
		if !errors.Is(err, ceremony.NoTime) {
			t.Errorf("a window that is all quiet: %v", err)
		}
	})
}

func quiet(t *testing.T, s string) ceremony.Quiet {
	t.Helper()
	q, err := ceremony.ParseQuiet(s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestEnvelopesComeByTheWaysThatThePolicyAllows(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{Ways: []ceremony.Intake{ceremony.ByForm}})
		id := s.begin(ceremony.GenerateRoot)
		offer := func(way ceremony.Intake) error {
			s.serial++
			_, err := s.engine.Share(context.Background(), ceremony.Envelope{
				By: ceremonytest.Person("alice").Account, Message: ceremony.Ref{
					Channel: "Dalice", TS: fmt.Sprint(s.serial),
				}, Way: way, Envelope: s.envelope(id, "alice", "old-1"),
			})
			return err
		}
		if err := offer(ceremony.ByText); !errors.Is(err, ceremony.WayForbidden) {
			t.Errorf("by text: %v", err)
		}
		if err := offer(ceremony.ByForm); err != nil {
			t.Errorf("by form: %v", err)
		}
		if err := offer(ceremony.AtTerminal); !errors.Is(err, ceremony.AlreadyCounted) {
			t.Errorf("at the terminal: %v", err)
		}
	})
}

func TestQuietHoursThatAreNoneAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "22:00-06:00", "22-06 UTC", "22:00-22:00 UTC", "22:00-25:00 UTC", "22:00-06:00 Mars/Olympus",
		"22:00-06:00 Local", "22:00-06:00 ",
	} {
		if q, err := ceremony.ParseQuiet(s); err == nil {
			t.Errorf("%q was read as %v", s, q)
		}
	}
}

// The roll call may be answered, or Vault be reached, only in the quiet hours. A ceremony
// that was approved before does not begin then.
func TestNothingBeginsInQuietHoursThatCameMeanwhile(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.demand(ceremony.GenerateRoot, ceremony.Policy{
			Quiet: quiet(t, "01:00-02:00 UTC"), RollCall: ceremony.RollCall{On: true},
		})
		id := s.begin(ceremony.GenerateRoot)
		s.settle(70 * time.Minute)
		if err := s.present(id, "olga"); err != nil {
			t.Fatal(err)
		}
		s.settle(45 * time.Minute)
		if c := s.now(id); c.Phase != rules.PhaseApproved || s.vault.Count("start") != 0 {
			t.Fatalf("it began at night: %s", storyOf(c))
		}
		s.settle(10 * time.Minute)
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("%s", storyOf(c))
		}
	})
}

func TestABackupIsNotDeletedInQuietHours(t *testing.T) {
	playFor(t, ceremony.ReadBackup, func(t *testing.T, s *stage) {
		s.demand(ceremony.ReadBackup, ceremony.Policy{Quiet: quiet(t, "01:00-02:00 UTC")})
		id := s.begin(ceremony.ReadBackup)
		s.settle(70 * time.Minute)
		if _, err := s.engine.Delete(context.Background(), id, ceremonytest.Person("paul").Account); err != nil {
			t.Fatal(err)
		}
		s.settle(45 * time.Minute)
		if s.vault.Count("delete-backup") != 0 {
			t.Fatal("it was deleted at night")
		}
		s.settle(10 * time.Minute)
		if c := s.now(id); c.Outcome != event.Completed {
			t.Errorf("it was not deleted in the morning: %s", storyOf(c))
		}
	})
}

// A clock that is set back between a decision and its line in the journal must not
// keep every later start of the program from reading it.
func TestP6AJournalIsReadAlthoughItsClockWasSetBack(t *testing.T) {
	plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
	at := plan.Proposed.Add(time.Minute)
	entries := []event.Entry{
		{Seq: 1, At: plan.Proposed, Event: event.Proposed{Plan: plan, PlanHash: plan.Hash()}},
		{Seq: 2, At: at, Event: event.Approved{By: ceremonytest.Person("paul"), PlanHash: plan.Hash()}},
		{Seq: 3, At: at.Add(-30 * time.Second), Event: event.Starting{Attempt: 1}},
	}
	if _, err := rules.Replay(entries); err != nil {
		t.Error(err)
	}
	entries[2].At = at.Add(-time.Hour)
	if _, err := rules.Replay(entries); err == nil {
		t.Error("it began an hour before it was agreed to")
	}
}

func TestQuietHoursEndByTheClocksOfTheirZone(t *testing.T) {
	plan := ceremony.Plan{Approvals: 0, Operation: ceremony.Unseal}
	for _, row := range []struct{ quiet, at, begins string }{
		{"22:00-06:00 Europe/Berlin", "2026-07-01T20:30:00Z", "2026-07-02T04:00:00Z"}, // summer
		{"22:00-06:00 Europe/Berlin", "2026-01-01T20:30:00Z", "2026-01-01T20:30:00Z"}, // winter: half past nine
		{"22:00-06:00 Europe/Berlin", "2026-01-01T04:59:00Z", "2026-01-01T05:00:00Z"},
		{"12:00-13:00 UTC", "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z"},
		{"12:00-13:00 UTC", "2026-01-01T13:00:00Z", "2026-01-01T13:00:00Z"},
		// the hour that a spring leaves out
		{"02:30-03:30 Europe/Berlin", "2026-03-29T00:45:00Z", "2026-03-29T00:45:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		q := quiet(t, row.quiet)
		plan.Quiet, plan.Proposed = &q, at
		c := rules.State{Plan: plan, History: []event.Entry{{At: at}}}
		if got := c.StartsAt().Format(time.RFC3339); got != row.begins {
			t.Errorf("%s at %s: begins %s, want %s", row.quiet, row.at, got, row.begins)
		}
	}
}

// TestQuietHoursEndAfterNowWhenClocksChange looks at each minute around a change of
// clocks, and holds the end of the quiet hours to what the clocks on the wall show.
func TestQuietHoursEndAfterNowWhenClocksChange(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ zone, change string }{
		{"Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25T01:00:00Z"},
		{"America/New_York", "2026-03-08T07:00:00Z"},
		{"America/New_York", "2026-11-01T06:00:00Z"},
		{"Australia/Lord_Howe", "2026-04-04T15:00:00Z"}, // by half an hour
		{"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
		{"America/Sao_Paulo", "2018-02-18T02:00:00Z"}, // at midnight
		{"America/Sao_Paulo", "2018-11-04T03:00:00Z"},
		{"Africa/Cairo", "2026-04-23T22:00:00Z"},
		{"Africa/Cairo", "2026-10-29T21:00:00Z"},
		{"Pacific/Apia", "2011-12-30T10:00:00Z"},     // by a whole day
		{"Antarctica/Troll", "2026-03-29T01:00:00Z"}, // by two hours
		{"Antarctica/Troll", "2026-10-25T01:00:00Z"},
	} {
		zone, err := time.LoadLocation(row.zone)
		if err != nil {
			t.Fatal(err)
		}
		change, err := time.Parse(time.RFC3339, row.change)
		if err != nil {
			t.Fatal(err)
		}
		_, before := change.Add(-time.Minute).In(zone).Zone()
		if _, after := change.In(zone).Zone(); before == after {
			t.Fatalf("the clocks of %s are not changed at %s", row.zone, row.change)
		}
		for _, hours := range []string{
			"22:00-06:00", "22:00-02:30", "22:00-01:30", "23:30-00:30", "02:10-02:50", "01:20-01:40", "00:30-23:30",
		} {
			t.Run(row.zone+" "+row.change+" "+hours, func(t *testing.T) { aroundChange(t, hours, zone, change) })
		}
	}
}

func aroundChange(t *testing.T, hours string, zone *time.Location, change time.Time) {
	q := quiet(t, hours+" "+zone.String())
	// ends has for each minute the end of its quiet hours, from the last minute to the first.
	ends, first := map[time.Time]time.Time{}, change.Add(-4*time.Hour)
	for at := change.Add(4 * 24 * time.Hour); !at.Before(first); at = at.Add(-time.Minute) {
		now := at.In(zone).Format("15:04")
		from, to, _ := strings.Cut(hours, "-")
		if covered := from <= now && now < to || from > to && (from <= now || now < to); covered {
			ends[at] = ends[at.Add(time.Minute)]
		} else {
			ends[at] = at
		}
	}
	for at := first; at.Before(change.Add(4 * time.Hour)); at = at.Add(time.Minute) {
		at, want := at, ends[at]
		if at.Minute()%2 == 1 {
			at = at.Add(59*time.Second + time.Millisecond)
		}
		if !want.After(at) {
			want = at // it is no quiet hour
		}
		plan := ceremony.Plan{Operation: ceremony.Unseal, Quiet: &q, Proposed: at}
		c := rules.State{Plan: plan, History: []event.Entry{{At: at}}}
		if got := c.StartsAt(); !got.Equal(want) {
			t.Fatalf("at %s: begins %s, want %s", at.In(zone), got.In(zone), want.In(zone))
		}
	}
}

// TestWhatBeganInAnHourThatCameTwiceIsStillRead reads what an earlier version allowed, whose
// quiet hours were over when the clocks had passed their end once.
func TestWhatBeganInAnHourThatCameTwiceIsStillRead(t *testing.T) {
	q := quiet(t, "22:00-01:30 America/New_York")
	plan := ceremonytest.SamplePlan("prod-rekey-aaaa")
	plan.Quiet = &q
	for _, row := range []struct {
		at   string
		read bool
	}{
		{"2026-11-01T06:10:00Z", true},  // ten past one, for the second time
		{"2026-11-01T04:10:00Z", false}, // ten past midnight
		{"2026-11-02T06:10:00Z", false}, // ten past one, a day later
	} {
		at, err := time.Parse(time.RFC3339, row.at)
		if err != nil {
			t.Fatal(err)
		}
		plan.Proposed, plan.Closes = at.Add(-time.Hour), at.Add(4*time.Hour)
		_, err = rules.Replay([]event.Entry{
			{Seq: 1, At: plan.Proposed, Event: event.Proposed{Plan: plan, PlanHash: plan.Hash()}},
			{Seq: 2, At: at, Event: event.Approved{By: ceremonytest.Person("paul"), PlanHash: plan.Hash()}},
			{Seq: 3, At: at, Event: event.Starting{Attempt: 1}},
		})
		if (err == nil) != row.read {
			t.Errorf("begun at %s: %v", row.at, err)
		}
	}
}
