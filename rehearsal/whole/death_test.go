package whole_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// killAtFirst kills the bot as soon as an event of this type is in the journal of a ceremony that begins later, and
// starts it again. It returns a function that waits for that.
func (s *scene) killAtFirst(ev event.Event) (killed func()) {
	before := s.journals()
	needle := []byte(`"type":"` + event.TypeOf(ev) + `"`)
	written := func() bool {
		paths, _ := filepath.Glob(filepath.Join(s.JournalDir(), "*.jsonl")) // the pattern is good
		return slices.ContainsFunc(paths, func(path string) bool {
			lines, err := os.ReadFile(path)
			old := slices.Contains(before, ceremony.ID(strings.TrimSuffix(filepath.Base(path), ".jsonl")))
			return err == nil && !old && bytes.Contains(lines, needle)
		})
	}
	var reaper sync.WaitGroup
	reaper.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for !written() {
			select {
			case <-tick.C:
			case <-s.ctx().Done():
				return
			}
		}
		if err := s.KillBot(); err != nil {
			s.t.Error(err)
		}
		s.t.Logf("killed at %s", event.TypeOf(ev))
		if err := s.StartBot(s.ctx()); err != nil {
			s.t.Error(err)
		}
	})
	return reaper.Wait
}
