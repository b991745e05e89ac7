package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
	"conclave/needs"
)

// Each call to the outside fails once, in each of the three ways in which a call can fail.
// The ceremony ends as it would have without, or says what was lost.
func TestP5EveryOutsideWriteIsSettledByAsking(t *testing.T) {
	ways := []struct {
		name          string
		before, after error
	}{
		{name: "never sent", before: ceremony.ErrNotSent},
		{name: "failed, not applied", before: ceremony.ErrUncertain},
		{name: "failed, but applied", after: ceremony.ErrUncertain},
	}
	for _, op := range ceremony.Operations() {
		for method, calls := range callsWithoutFaults(t, op) {
			for n := range calls {
				for _, way := range ways {
					t.Run(fmt.Sprintf("%s/%s %d/%s", op, method, n, way.name), func(t *testing.T) {
						t.Parallel()
						playFor(t, op, func(t *testing.T, s *stage) {
							hit := false
							id := s.beginWith(op, func(m string, i int) (error, error) {
								if m != method || i != n {
									return nil, nil
								}
								hit = true
								return way.before, way.after
							})
							c := s.finish(id)
							want := event.Completed
							if hit && method == "submit" && n == 2 && way.after != nil && op.IssuesToken() {
								// The token was made, and its only copy was in the lost answer.
								want = event.Failed
							}
							if hit && method == "initialize" && way.after != nil {
								want = event.Failed // the keys were in the lost answer
							}
							if c.Outcome != want {
								t.Errorf("outcome %q, want %q: %s", c.Outcome, want, storyOf(c))
							}
							once(t, s)
						})
					})
				}
			}
		}
	}
}

// beginWith is begin with faults of Vault from the moment on in which the ceremony is proposed: a proposal that Vault
// does not answer makes no ceremony. The number of a call is counted from there.
func (s *stage) beginWith(op ceremony.Operation, fault func(method string, n int) (before, after error)) ceremony.ID {
	s.t.Helper()
	var proposed atomic.Bool
	earlier := map[string]int{}
	s.vault.Fault = func(method string, n int) (error, error) {
		if !proposed.Load() {
			earlier[method] = n + 1
			return nil, nil
		}
		return fault(method, n-earlier[method])
	}
	id := s.propose(op)
	proposed.Store(true)
	s.agree(id, op)
	return id
}

// callsWithoutFaults returns how often a ceremony in which nothing goes wrong calls each of Vault's methods after it was
// proposed.
func callsWithoutFaults(t *testing.T, op ceremony.Operation) map[string]int {
	t.Helper()
	calls := map[string]int{}
	playFor(t, op, func(t *testing.T, s *stage) {
		id := s.beginWith(op, func(method string, n int) (error, error) {
			calls[method] = max(calls[method], n+1)
			return nil, nil
		})
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Fatalf("without a fault: %s", storyOf(c))
		}
	})
	return calls
}

// once checks that Vault never counted anything twice.
func once(t *testing.T, s *stage) {
	t.Helper()
	if s.vault.Roots > 1 {
		t.Errorf("%d root tokens were made", s.vault.Roots)
	}
	if s.vault.Rotated > 1 {
		t.Errorf("rotated %d times", s.vault.Rotated)
	}
	starts := 0
	for _, l := range s.vault.Log {
		if strings.HasPrefix(l, "start ") || l == "initialize" {
			starts++
		}
	}
	if starts > 1 {
		t.Errorf("%d attempts were started", starts)
	}
	list := s.vault.Submitted()
	slices.Sort(list)
	if twice := len(list) - len(slices.Compact(list)); twice > 0 {
		t.Errorf("%d shares were sent twice: %q", twice, s.vault.Submitted())
	}
}

func storyOf(c rules.State) string {
	var words []string
	for _, e := range c.History {
		words = append(words, event.TypeOf(e.Event))
	}
	return strings.Join(words, " ")
}

func TestP5RekeySharesAreTakenFromTheBackupWhenTheAnswerIsLost(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Fault = func(m string, n int) (error, error) {
			if m == "submit" && n == 2 {
				return nil, ceremony.ErrUncertain
			}
			return nil, nil
		}
		id := s.begin(s.rekey)
		c := s.finish(id)
		if made := lastOf[event.Rekeyed](c); !made.FromBackup || len(made.Shares) != 5 ||
			made.Shares[4].Ciphertext != ceremonytest.Enc("new-5 for "+string(ceremonytest.Fpr("erin"))) {
			t.Errorf("new shares: %+v", made)
		}
		if c.Outcome != event.Completed {
			t.Errorf("outcome %q", c.Outcome)
		}
	})
}

func TestP7LostNewSharesFreezeAndTheOldKeyStays(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.vault.Fault = func(m string, n int) (error, error) {
			switch {
			case m == "submit" && n == 2:
				return nil, ceremony.ErrUncertain
			case m == "backup":
				return ceremony.ErrForbidden, nil
			}
			return nil, nil
		}
		id := s.begin(s.rekey)
		c := s.finish(id)
		if c.Phase != rules.PhaseFrozen || c.Freeze.Why != event.KeysLost {
			t.Fatalf("state %s, %+v", c.Phase, c.Freeze)
		}
		if s.vault.Shares[0] != "old-1" {
			t.Fatal("the old key is gone")
		}
		s.thaw(id)
		if c := s.finish(id); c.Outcome != event.Completed || c.Attempt.Number != 2 {
			t.Errorf("outcome %q in attempt %d", c.Outcome, c.Attempt.Number)
		}
	})
}

func TestP7NewSharesAreJournaledBeforeAnybodySeesThem(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.notifier.Fault = func(m rules.Message, _ int) error {
			if m.Kind == rules.DeliveryMessage && s.vault.Shares[0] != "old-1" {
				t.Error("the new key is in force before the shares were handed out")
			}
			return nil
		}
		id := s.begin(s.rekey)
		c := s.finish(id)
		seen := false
		for _, e := range c.History {
			switch ev := e.Event.(type) {
			case event.Rekeyed:
				seen = true
			case event.Posted:
				if strings.HasPrefix(ev.Key, "delivery/") && !seen {
					t.Error("a share was posted before it was journaled")
				}
			}
		}
		if !seen {
			t.Error("no new shares")
		}
	})
}

// cutJournal stops working at one line, as if the program were killed there.
type cutJournal struct {
	event.Journal
	left atomic.Int64 // lines that are still written
	// torn is how much of the last write reaches the disk. The program never learns of it.
	torn tear
}

// cutAfter makes a journal that stops working after so many lines.
func cutAfter(lines int, torn tear) *cutJournal {
	j := &cutJournal{torn: torn}
	j.left.Store(int64(lines))
	return j
}

// cut reports whether the journal has stopped.
func (j *cutJournal) cut() bool { return j.left.Load() < 0 }

type tear string

const (
	nothing   tear = "nothing"
	oneLine   tear = "the first line"
	everyLine tear = "everything"
)

var errKilled = errors.New("killed")

func (j *cutJournal) Append(ctx context.Context, id ceremony.ID, after int,
	events ...event.Event) ([]event.Entry, error) {
	if j.left.Add(-int64(len(events))) >= 0 {
		return j.Journal.Append(ctx, id, after, events...)
	}
	switch j.torn {
	case oneLine:
		events = events[:1]
		fallthrough
	case everyLine:
		_, _ = j.Journal.Append(ctx, id, after, events...)
	}
	j.torn = nothing
	return nil, errKilled
}

// The program dies at every line of the journal, before the line is written, after it, and
// between two lines that belong together, and is started again. With the emulated Vault
// this covers both cases of every intent: killed before it was sent, and killed when it had
// been applied and not recorded.
func TestP6NothingIsLostOrDoneTwiceWhereverTheProgramDies(t *testing.T) {
	for _, op := range ceremony.Operations() {
		if op == ceremony.RecoveryToken || op == ceremony.DRToken {
			continue // generate-root's rules
		}
		for i, torn := range []tear{nothing, oneLine, everyLine} {
			step := needs.Step(6) // if it is 6, each way to die has other lines
			for lines := 1 + i%step; ; lines += step {
				reached := false
				t.Run(fmt.Sprintf("%s/line %d/%s of it is written", op, lines, torn), func(t *testing.T) {
					playFor(t, op, func(t *testing.T, s *stage) {
						reached = s.dieAndGoOn(op, lines, torn)
					})
				})
				if !reached {
					if op.TakesShares() && lines < 30 || lines < 10 {
						t.Errorf("%s has only %d lines", op, lines)
					}
					break
				}
			}
		}
	}
}

// The policy of this ceremony demands everything. No answer, no signature and no witness
// statement is lost or asked for twice.
func TestP6NothingThatAPolicyAsksIsLostWhereverTheProgramDies(t *testing.T) {
	policy := ceremony.Policy{
		Classes: []ceremony.ClassQuota{{Class: "security", Count: 1}}, Signed: true, Witness: true,
		Cooling: 30 * time.Second, RollCall: ceremony.RollCall{On: true},
	}
	for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.ReadBackup} {
		step := needs.Step(4)
		for lines := 1; ; lines += step {
			torn := []tear{oneLine, everyLine}[lines/step%2]
			reached := false
			t.Run(fmt.Sprintf("%s/line %d/%s of it is written", op, lines, torn), func(t *testing.T) {
				playFor(t, op, func(t *testing.T, s *stage) {
					s.demand(op, policy)
					s.obliges = true
					reached = s.dieAndGoOn(op, lines, torn)
				})
			})
			if !reached {
				if lines < 15 {
					t.Errorf("%s has only %d lines", op, lines)
				}
				break
			}
		}
	}
}

// dieAndGoOn reports whether the ceremony got as far as the line.
func (s *stage) dieAndGoOn(op ceremony.Operation, lines int, torn tear) bool {
	s.t.Helper()
	cut := cutAfter(lines, torn)
	s.stop()
	s.journal = func(j event.Journal) event.Journal { cut.Journal = j; return cut }
	s.start()
	id := s.propose(op)
	if op.NeedsApproval() && !s.obliges {
		// may be where it dies
		_, _ = s.engine.Approve(context.Background(), id, ceremonytest.Person("paul").Account, "")
	}
	for range 40 {
		s.settle(10 * time.Second)
		s.oblige(id)
		c := s.now(id)
		if cut.cut() || c.Settled() || c.Ended() && !s.obliges {
			break
		}
		if c.Plan.Operation == ceremony.ReadBackup && c.Backup != nil && c.Deletion == nil {
			_, _ = s.engine.Delete(context.Background(), id, ceremonytest.Person("paul").Account)
		}
		if c.Wants() && c.Pending == nil {
			name := c.Missing()[0].Name
			_ = s.send(name, s.envelope(id, name, own(c.Round.Step, name)))
		}
	}
	if !cut.cut() {
		return false
	}
	s.journal = nil
	s.restart()
	s.settle(0)
	if c := s.now(id); c.Phase == rules.PhaseProposed && !s.obliges {
		if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			s.t.Fatalf("approve again: %v", err)
		}
	}
	c := s.finish(id)
	s.settle(time.Minute)
	s.oblige(id)
	want := event.Completed
	if op.IssuesToken() && s.vault.Roots == 1 && c.Token == "" {
		want = event.Failed // the token was in the answer that nobody recorded
	}
	if op == ceremony.Init && slices.Contains(s.vault.Log, "initialize") && c.Token == "" {
		want = event.Failed // and so were the keys of a new cluster
	}
	if c.Outcome != want {
		s.t.Errorf("outcome %q, want %q: %s", c.Outcome, want, storyOf(c))
	}
	if op.Rekeys() && s.vault.Shares[0] != "new-1" {
		s.t.Errorf("the key in force has share %q", s.vault.Shares[0])
	}
	once(s.t, s)
	s.settle(10 * time.Minute)
	if c := s.now(id); !c.Told() {
		s.t.Errorf("still due: %d messages", len(c.Due()))
	}
	return true
}

func TestP9NoJournalNoCeremony(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		cut := cutAfter(1<<20, nothing)
		s.stop()
		s.journal = func(j event.Journal) event.Journal { cut.Journal = j; return cut }
		s.start()
		id := s.begin(s.rekey)
		s.share(id, "alice", "old-1")
		envelope := s.envelope(id, "bob", "old-2")
		s.settle(time.Minute)
		cut.left.Store(0)
		before := len(s.vault.Log)
		if err := s.send("bob", envelope); !errors.Is(err, ceremony.ErrJournal) {
			t.Errorf("a share without a journal: %v", err)
		}
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account,
			""); !errors.Is(err, ceremony.ErrJournal) {
			t.Errorf("a command without a journal: %v", err)
		}
		s.settle(time.Hour)
		if got := s.vault.Log[before:]; len(got) != 0 {
			t.Errorf("Vault was sent %q", got)
		}
		if _, live, _ := s.engine.Ceremony(id); !errors.Is(live.Vault, ceremony.ErrJournal) {
			t.Errorf("the status post is told %v", live.Vault)
		}
		if s.openPGP.Open != 0 {
			t.Error("the ceremony key is still there")
		}
	})
}

func TestP3IntentIsOnDiskBeforeVaultHearsOfIt(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		var id ceremony.ID
		last := func() string {
			r, err := journal.VerifyFile(s.file.Path(id))
			if err != nil {
				t.Fatal(err)
			}
			entries, err := s.file.Load(context.Background(), id)
			if err != nil || len(entries) != r.Events {
				t.Fatalf("%d entries, %d verified, %v", len(entries), r.Events, err)
			}
			for _, e := range slices.Backward(entries) {
				if _, ok := e.Event.(event.Posted); !ok {
					return event.TypeOf(e.Event)
				}
			}
			return ""
		}
		intents := map[string]string{"start": "starting", "submit": "submitting", "cancel": "closing"}
		heard := map[string]int{}
		s.vault.Fault = func(m string, _ int) (error, error) {
			if want, ok := intents[m]; ok {
				heard[m]++
				if got := last(); got != want {
					t.Errorf("%s reaches Vault and the journal ends with %q, want %q", m, got, want)
				}
			}
			return nil, nil
		}
		id = s.propose(s.rekey)
		if _, err := s.engine.Approve(context.Background(), id, ceremonytest.Person("paul").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Second)
		s.share(id, "alice", "old-1")
		if _, err := s.engine.Cancel(context.Background(), id, ceremonytest.Person("olga").Account, ""); err != nil {
			t.Fatal(err)
		}
		s.settle(time.Second)
		for m := range intents {
			if heard[m] == 0 {
				t.Errorf("Vault never heard %s", m)
			}
		}
	})
}

// Messages follow from the journal alone: replayed, it gives the same ones.
func TestP10PeopleSeeJournaledFactsOnly(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		id := s.begin(s.rekey)
		s.finish(id)
		s.settle(time.Minute)
		entries, err := s.file.Load(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		c, err := rules.Replay(entries)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, m := range c.Messages() {
			want = append(want, m.Key)
		}
		for _, key := range s.notifier.Order {
			if !slices.Contains(want, key) {
				t.Errorf("%s was posted and does not follow from the journal", key)
			}
		}
		for _, drawn := range s.notifier.Drawn {
			if drawn.Seq() > len(entries) || drawn.Seq() > 0 &&
				drawn.History[drawn.Seq()-1].Hash != entries[drawn.Seq()-1].Hash {
				t.Error("a state was drawn that is not in the journal")
			}
		}
	})
}

func TestMessagesAreDeliveredOnceThroughFaultsOfSlack(t *testing.T) {
	for _, fault := range []error{ceremony.ErrNotPosted, errors.New("the connection broke")} {
		t.Run(fault.Error(), func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				s.notifier.Fault = func(_ rules.Message, n int) error {
					if n == 0 {
						return fault
					}
					return nil
				}
				id := s.begin(s.rekey)
				s.finish(id)
				s.settle(2 * time.Hour)
				c := s.now(id)
				if !c.Told() || c.Outcome != event.Completed {
					t.Fatalf("outcome %q, %d messages due", c.Outcome, len(c.Due()))
				}
				for _, m := range c.Messages() {
					// The approval came before the approvers could be asked.
					if m.Kind != rules.BoardMessage && m.Kind != rules.ApprovalMessage &&
						s.notifier.Posted[string(id)+" "+m.Key] != 1 {
						t.Errorf("%s was posted %d times", m.Key, s.notifier.Posted[string(id)+" "+m.Key])
					}
				}
			})
		})
	}
}

func TestLastStatusShowsThatEverybodyWasTold(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.notifier.Fault = func(m rules.Message, n int) error {
			if m.Kind == rules.EndedMessage && n < 3 {
				return ceremony.ErrNotPosted
			}
			return nil
		}
		id := s.begin(s.rekey)
		s.finish(id)
		s.settle(time.Hour)
		if !s.now(id).Told() {
			t.Fatal("not settled")
		}
		last := s.notifier.Drawn[len(s.notifier.Drawn)-1]
		if due := last.Due(); len(due) != 1 || due[0].Kind != rules.BoardMessage {
			t.Errorf("when the status post was drawn for the last time, %d messages were due", len(due))
		}
	})
}

func TestUndeliverableShareHoldsNobodyUp(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.notifier.Fault = func(m rules.Message, _ int) error {
			if m.To != nil && m.To.Name == "erin" {
				return ceremony.ErrUndeliverable
			}
			return nil
		}
		id := s.begin(s.rekey)
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("outcome %q", c.Outcome)
		}
	})
}

// TestP10UndeliverableRequestIsNotShownAsAsked makes sure that the status post shows erin, and
// nobody else, as not asked.
func TestP10UndeliverableRequestIsNotShownAsAsked(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.notifier.Fault = func(m rules.Message, _ int) error {
			if m.Kind == rules.AskMessage && m.To.Name == "erin" {
				return ceremony.ErrUndeliverable
			}
			return nil
		}
		id := s.begin(s.rekey)
		s.settle(time.Minute)
		last := s.notifier.Drawn[len(s.notifier.Drawn)-1]
		waiting, lost := last.Unasked()
		if len(waiting) != 0 || len(lost) != 1 || lost[0].To.Name != "erin" {
			t.Errorf("waiting %v, lost %v", waiting, lost)
		}
		if c := s.finish(id); c.Outcome != event.Completed {
			t.Errorf("outcome %q", c.Outcome)
		}
		if waiting, lost := s.now(id).Unasked(); len(waiting)+len(lost) != 0 {
			t.Errorf("after the end, waiting %v, lost %v", waiting, lost)
		}
	})
}

// A request that Slack does not take for a while does not count as made.
func TestP10RequestOnItsWayIsNotShownAsAsked(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		var silent atomic.Bool
		silent.Store(true)
		s.notifier.Fault = func(m rules.Message, _ int) error {
			if silent.Load() && m.Kind == rules.AskMessage && m.To.Name == "erin" {
				return ceremony.ErrNotPosted
			}
			return nil
		}
		id := s.begin(s.rekey)
		s.settle(time.Minute)
		if waiting, lost := s.now(id).Unasked(); len(waiting) != 1 || len(lost) != 0 || waiting[0].To.Name != "erin" {
			t.Errorf("waiting %v, lost %v", waiting, lost)
		}
		silent.Store(false)
		s.settle(time.Minute)
		if waiting, _ := s.now(id).Unasked(); len(waiting) != 0 {
			t.Errorf("waiting %v", waiting)
		}
	})
}

// Reminders come after the last drawing of the status post. When they can't be delivered, it
// is drawn once more.
func TestP10UndeliverableReminderIsDrawn(t *testing.T) {
	playFor(t, ceremony.GenerateRoot, func(t *testing.T, s *stage) {
		s.notifier.Fault = func(m rules.Message, _ int) error {
			if m.Kind == rules.ReminderMessage {
				return ceremony.ErrUndeliverable
			}
			return nil
		}
		id := s.begin(ceremony.GenerateRoot)
		s.finish(id)
		s.settle(90 * time.Minute)
		last := s.notifier.Drawn[len(s.notifier.Drawn)-1]
		if _, lost := last.Unasked(); last.Reminders != 1 || len(lost) != 1 {
			t.Errorf("%d reminders, drawn with %v", last.Reminders, lost)
		}
		if c := s.now(id); !c.Told() {
			t.Errorf("still due: %v", c.Due())
		}
	})
}
