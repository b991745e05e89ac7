package transport

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestOneAsksAndTheOthersWait: Slack was asked 99 times at once who the bot is.
func TestOneAsksAndTheOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory[string]()
		var asked atomic.Int32
		ask := func() (string, error) {
			asked.Add(1)
			time.Sleep(time.Second)
			return "me", nil
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if got, err := m.Get(t.Context(), "", time.Time{}, ask); got != "me" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(time.Second)
		if _, err := m.Get(t.Context(), "", time.Now().Add(-time.Second), ask); err != nil || asked.Load() != 2 {
			t.Errorf("an answer that is too old was taken: asked %d times, %v", asked.Load(), err)
		}
	})
}

// TestWhoHasLessTimeBreaksOffNobodyElsesQuestion: the others ask again.
func TestWhoHasLessTimeBreaksOffNobodyElsesQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory[string]()
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			_, err := m.Get(hasty, "", time.Time{}, func() (string, error) {
				<-hasty.Done()
				return "", hasty.Err()
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		}()
		synctest.Wait()
		got, err := m.Get(t.Context(), "", time.Time{}, func() (string, error) { return "me", nil })
		if got != "me" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := m.Get(t.Context(), "other", time.Time{}, func() (string, error) { return "", ErrSlackSilent }); !errors.Is(err, ErrSlackSilent) {
			t.Errorf("%v", err)
		}
		if _, known := m.Recall("other"); known {
			t.Error("an error is remembered")
		}
	})
}
