package transport

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEditsOfOnePostKeepTheirDistance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(RedrawPace)
		began := time.Now()
		for i := range 4 {
			if err := p.Wait(t.Context(), "post"); err != nil {
				t.Fatal(err)
			}
			if want := time.Duration(i) * RedrawPace; time.Since(began) != want {
				t.Errorf("edit %d after %v, want %v", i, time.Since(began), want)
			}
		}
		if err := p.Wait(t.Context(), "another post"); err != nil || time.Since(began) != 3*RedrawPace {
			t.Errorf("another post waited: %v", time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := p.Wait(ctx, "post"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waited beyond the caller's time: %v", err)
		}
		// The turn that was given up is the next one's.
		began = time.Now()
		if err := p.Wait(t.Context(), "post"); err != nil || time.Since(began) > RedrawPace {
			t.Errorf("waited for %v, %v", time.Since(began), err)
		}
		time.Sleep(2 * RedrawPace)
		if !p.Free("third post") || len(p.limiters) != 1 {
			t.Errorf("%d limiters are kept of what was done long ago", len(p.limiters))
		}
	})
}

func TestKeyIsFreeAgainAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPacer(time.Minute)
		var given []time.Duration
		began := time.Now()
		for range 10 {
			if p.Free("carol") {
				given = append(given, time.Since(began))
			}
			time.Sleep(15 * time.Second)
		}
		if diff := cmp.Diff([]time.Duration{0, time.Minute, 2 * time.Minute}, given); diff != "" {
			t.Error(diff)
		}
	})
}
