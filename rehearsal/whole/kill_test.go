package whole_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// linesOf is the number of journal lines of a ceremony in which nothing goes wrong. The first whole-program test checks
// it.
var linesOf = map[ceremony.Operation]int{ceremony.Rekey: 68, ceremony.GenerateRoot: 42}

// The bot is killed as soon as a line is in its journal, and started again, for every line. One ceremony has several
// such deaths. Together the subtests have one at each line.
func TestP6KilledAfterEveryJournalLine(t *testing.T) {
	for op, apart := range map[ceremony.Operation]int{ceremony.Rekey: 8, ceremony.GenerateRoot: 5} {
		for first := range apart {
			var lines []int
			for n := first + 1; n <= linesOf[op]; n += apart {
				lines = append(lines, n)
			}
			t.Run(fmt.Sprintf("%s/lines %v", op, lines), func(t *testing.T) {
				t.Parallel()
				s := onVault(t, nil)
				var reaper sync.WaitGroup
				reaper.Go(func() { s.killAt(lines) })
				id := s.begin(op)
				c := s.goOn(id)
				reaper.Wait()
				s.endedWell(c)
			})
		}
	}
}

// killAt kills the bot at each of these lines of the only journal there is.
func (s *scene) killAt(lines []int) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var size int64
	for len(lines) > 0 {
		select {
		case <-tick.C:
		case <-s.ctx().Done():
			return
		}
		paths, err := filepath.Glob(filepath.Join(s.JournalDir(), "*.jsonl"))
		if err != nil || len(paths) == 0 {
			continue
		}
		file, err := os.Stat(paths[0])
		if err != nil || file.Size() == size {
			continue
		}
		size = file.Size()
		at := s.lines(paths[0])
		if at < lines[0] {
			continue
		}
		if err := s.KillBot(); err != nil {
			s.t.Error(err)
		}
		s.t.Logf("killed at line %d", at)
		if err := s.StartBot(s.ctx()); err != nil {
			s.t.Error(err)
			return
		}
		lines = slices.DeleteFunc(lines, func(n int) bool { return n <= at })
	}
}

// endedWell makes sure that a ceremony in which the bot died has reached its purpose or has reported what was lost, and
// that Vault did nothing twice.
func (s *scene) endedWell(c rules.State) {
	s.t.Helper()
	if twice := s.tap.repeated(); len(twice) > 0 {
		s.t.Errorf("vault took twice: %v", twice)
	}
	if c.Attempt.Number != 1 {
		s.t.Errorf("%d attempts: %s", c.Attempt.Number, story(c))
	}
	s.everybodyWasTold(c)
	switch {
	case c.Plan.Operation == ceremony.GenerateRoot && c.Outcome == event.Failed:
		if ended, ok := fault(c); !ok || ended != ceremony.TokenLost {
			s.t.Errorf("failed of %q: %s", ended, story(c))
		}
		s.board(c.ID(), "*Failed*", "nobody can read the token")
		s.tap.took(s.t, startRoot, 1)
		s.tap.took(s.t, updateRoot, stage.Threshold)
	case c.Outcome != event.Completed:
		s.t.Errorf("%s: %s", c.Outcome, story(c))
	case c.Plan.Operation == ceremony.GenerateRoot:
		s.tap.took(s.t, startRoot, 1)
		s.tap.took(s.t, updateRoot, stage.Threshold)
		s.tokenIsRoot(c.ID())
	default:
		start, update, verify := startRekey, updateRekey, verifyRekey
		if c.Plan.Operation == ceremony.RekeyRecovery {
			start, update, verify = startRecovery, updateRecovery, verifyRecovery
		}
		s.tap.took(s.t, start, 1)
		s.tap.took(s.t, update, stage.Threshold)
		s.tap.took(s.t, verify, stage.Threshold)
		s.newKeyInForce(c.ID())
	}
}

// fault returns the reason for which a ceremony failed, if it failed.
func fault(c rules.State) (ceremony.Refusal, bool) {
	for _, e := range c.History {
		if closing, ok := e.Event.(event.Closing); ok {
			return closing.Fault, true
		}
	}
	return "", false
}

// The bot is killed while a write is on its way, at every write that a ceremony makes: once before the write reaches
// Vault, once after Vault has carried it out and before the answer arrives.
func TestP6KilledWhileAWriteIsOnItsWay(t *testing.T) {
	for _, row := range []struct {
		op    ceremony.Operation
		name  string
		cut   cut
		check func(t *testing.T, c rules.State)
	}{
		{ceremony.Rekey, "before Vault has heard of it", cutBefore, func(t *testing.T, c rules.State) {
			if c.Outcome != event.Completed || c.Verified.Unconfirmed {
				t.Errorf("%s, %+v", c.Outcome, c.Verified)
			}
		}},
		{ceremony.Rekey, "after Vault has done it", cutAfter, func(t *testing.T, c rules.State) {
			seq, _ := last[event.Rekeyed](c)
			if made := c.History[seq-1].Event.(event.Rekeyed); !made.FromBackup {
				t.Error("the new shares are not from the backup")
			}
			// The numbers of shares are the old ones, so that Vault does not show that the rekey is done.
			if c.Outcome != event.Completed || !c.Verified.Unconfirmed {
				t.Errorf("%s, %+v", c.Outcome, c.Verified)
			}
		}},
		{ceremony.RekeyRecovery, "after Vault has done it", cutAfter, func(t *testing.T, c rules.State) {
			seq, _ := last[event.Rekeyed](c)
			if made := c.History[seq-1].Event.(event.Rekeyed); !made.FromBackup || c.Outcome != event.Completed {
				t.Errorf("%s, new shares from the backup: %t", c.Outcome, made.FromBackup)
			}
		}},
		{ceremony.GenerateRoot, "before Vault has heard of it", cutBefore, func(t *testing.T, c rules.State) {
			if c.Outcome != event.Completed {
				t.Error(c.Outcome)
			}
		}},
		{ceremony.GenerateRoot, "after Vault has done it", cutAfter, func(t *testing.T, c rules.State) {
			if lost, _ := fault(c); c.Outcome != event.Failed || lost != ceremony.TokenLost {
				t.Errorf("%s, %q", c.Outcome, lost)
			}
		}},
	} {
		t.Run(fmt.Sprintf("%s/%s", row.op, row.name), func(t *testing.T) {
			t.Parallel()
			onKind := onVault
			if row.op == ceremony.RekeyRecovery {
				onKind = onAutoVault
			}
			s := onKind(t, nil)
			once := map[string]bool{}
			s.tap.judges(func(c call) cut {
				if !c.isWrite() || once[c.route+c.secret] {
					return through
				}
				once[c.route+c.secret] = true
				return row.cut
			})
			var reaper sync.WaitGroup
			done := make(chan struct{})
			deaths := 0
			reaper.Go(func() {
				for {
					select {
					case <-s.tap.cuts:
						deaths++
						if err := s.KillBot(); err != nil {
							t.Error(err)
						}
						if err := s.StartBot(s.ctx()); err != nil {
							t.Error(err)
							return
						}
					case <-done:
						return
					}
				}
			})
			c := s.goOn(s.begin(row.op))
			close(done)
			reaper.Wait()
			writes := 1 + stage.Threshold
			if row.op.Rekeys() {
				writes += stage.Threshold
			}
			if deaths != writes {
				t.Errorf("died %d times, not %d", deaths, writes)
			}
			s.endedWell(c)
			row.check(t, c)
		})
	}
}
