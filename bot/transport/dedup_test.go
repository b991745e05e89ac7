package transport

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestEnvelopeIsRememberedLongerThanSlackRepeatsIt: the last repetition comes
// after six minutes, and Slack was seen to send everything once more later.
func TestEnvelopeIsRememberedLongerThanSlackRepeatsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewDedup()
		s.Add([]string{"event Ev1", "message D1/1.1"})
		time.Sleep(10 * time.Minute)
		if !s.Any([]string{"event Ev2", "message D1/1.1"}) {
			t.Error("the same message under another event id is taken for a new one")
		}
		if s.Any([]string{"event Ev2", "message D1/1.2"}) {
			t.Error("a new message is taken for a known one")
		}
		time.Sleep(memory)
		s.Add([]string{"event Ev3"})
		if len(s.known) != 1 {
			t.Errorf("%d keys are kept for ever", len(s.known))
		}
	})
}
