package engine_test

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// keysThatFail makes no ceremony key while fail is true.
type keysThatFail struct {
	ceremony.OpenPGP
	fail *atomic.Bool
}

func (k keysThatFail) NewKey(n ceremony.Notice) (ceremony.Key, error) {
	if k.fail.Load() {
		return nil, errors.New("no entropy")
	}
	return k.OpenPGP.NewKey(n)
}

// An act that comes to nothing is tried again, and logged: as a warning when Vault can't be
// asked, as an error when it is the program's own fault.
func TestActThatCameToNothingIsLoggedAndTriedAgain(t *testing.T) {
	for _, row := range [...]struct {
		name, level, says string
		fault             func(s *stage, on *atomic.Bool)
	}{
		{"Vault can't be asked", "level=WARN", "ask Vault before the start", func(s *stage, on *atomic.Bool) {
			s.vault.Fault = func(method string, n int) (error, error) {
				if on.Load() && method == "progress" && n > 0 { // the first is the proposal's
					return ceremony.ErrNotSent, nil
				}
				return nil, nil
			}
		}},
		{"no key can be made", "level=ERROR", "make a ceremony key", func(s *stage, on *atomic.Bool) {
			s.keys = func(o ceremony.OpenPGP) ceremony.OpenPGP { return keysThatFail{o, on} }
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				var log bytes.Buffer
				var on atomic.Bool
				on.Store(true)
				s.log = &log
				row.fault(s, &on)
				s.restart()
				id := s.begin(s.rekey)
				s.settle(time.Minute)
				tries := 0
				for line := range strings.Lines(log.String()) {
					if strings.Contains(line, "not done yet") {
						tries++
						if !strings.Contains(line, row.level) || !strings.Contains(line, row.says) {
							t.Errorf("logged: %s", line)
						}
					}
				}
				if tries < 3 || tries > 20 {
					t.Errorf("tried %d times in a minute", tries)
				}
				on.Store(false)
				s.settle(time.Minute)
				if c := s.finish(id); c.Outcome != event.Completed {
					t.Errorf("outcome %q: %s", c.Outcome, storyOf(c))
				}
			})
		})
	}
}
