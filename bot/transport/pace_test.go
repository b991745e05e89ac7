package transport

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at returns a rank that stays as it is.
func at(r Rank) func() Rank { return func() Rank { return r } }

func TestPostsInOneChannelKeepTheirDistance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(PostPace)
		began := time.Now()
		for i := range 4 {
			if err := p.Wait(t.Context(), at(RankLine), Posts("ops")...); err != nil {
				t.Fatal(err)
			}
			if want := time.Duration(i) * PostPace; time.Since(began) != want {
				t.Errorf("post %d after %v, want %v", i, time.Since(began), want)
			}
		}
		if err := p.Wait(t.Context(), at(RankLine), Posts("other")...); err != nil || time.Since(began) != 3*PostPace {
			t.Errorf("another channel waited: %v, %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := p.Wait(ctx, at(RankLine), Posts("ops")...); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waited beyond the caller's time: %v", err)
		}
		// The turn that was given up is the next one's.
		began = time.Now()
		if err := p.Wait(t.Context(), at(RankLine), Posts("ops")...); err != nil || time.Since(began) > PostPace {
			t.Errorf("waited for %v, %v", time.Since(began), err)
		}
	})
}

// waitAll has calls wait at the same moment, and returns in which order they went.
func waitAll(t *testing.T, p *Pace, ranks map[string]Rank, order []string, keys func(name string) []string) []string {
	t.Helper()
	went := make(chan string, len(order))
	for _, name := range order {
		go func() {
			if err := p.Wait(t.Context(), at(ranks[name]), keys(name)...); err != nil {
				t.Error(err)
			}
			went <- name
		}()
		synctest.Wait()
	}
	var all []string
	for range order {
		all = append(all, <-went)
	}
	return all
}

func TestPeopleComeBeforePicturesAndTheLongestWaitFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(PostPace)
		ranks := map[string]Rank{"first": RankClock, "clock": RankClock, "drawing": RankDrawing, "last": RankLast,
			"line": RankLine, "receipt": RankReceipt, "request": RankRequest, "request 2": RankRequest}
		got := waitAll(t, p, ranks, []string{"first", "clock", "drawing", "last", "line", "receipt", "request", "request 2"},
			func(string) []string { return Posts("ops") })
		want := []string{"first", "request", "request 2", "receipt", "line", "last", "drawing", "clock"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestARankMayChangeWhileACallWaits: a drawing becomes the last one.
func TestARankMayChangeWhileACallWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(PostPace)
		var order []string
		rank := RankClock
		_ = p.Wait(t.Context(), at(RankLine), "chat.update one")
		done := make(chan string)
		go func() { _ = p.Wait(t.Context(), at(RankDrawing), "chat.update one"); done <- "drawing" }()
		go func() {
			_ = p.Wait(t.Context(), func() Rank { return rank }, "chat.update one")
			done <- "last"
		}()
		synctest.Wait()
		rank = RankLast
		order = append(order, <-done, <-done)
		if diff := cmp.Diff([]string{"last", "drawing"}, order); diff != "" {
			t.Error(diff)
		}
	})
}

// TestMethodIsCalledNoMoreThanSlackAllows in any minute, and nobody has to wait longer than
// that makes necessary by half.
func TestMethodIsCalledNoMoreThanSlackAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for method, most := range perMinute {
			p := NewPace(PostPace)
			began := time.Now()
			var went []time.Duration
			for range 4 * most {
				if err := p.Wait(t.Context(), at(RankAnswer), method); err != nil {
					t.Fatal(err)
				}
				went = append(went, time.Since(began))
				if n := len(went); n > most && went[n-1]-went[n-1-most] < time.Minute {
					t.Fatalf("%s: %d calls within %v", method, most+1, went[n-1]-went[n-1-most])
				}
			}
			if took := time.Since(began); took > 5*time.Minute {
				t.Errorf("%s: four minutes' calls took %v", method, took)
			}
		}
	})
}

// TestThoseWhoWaitForRetryAfterAreLetGoOneByOne: all at once they were turned away again.
func TestThoseWhoWaitForRetryAfterAreLetGoOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(PostPace)
		began := time.Now()
		p.Hold("chat.update", 30*time.Second)
		var went []time.Duration
		order := []string{"a", "b", "c", "d", "e"}
		waitAll(t, p, nil, order, func(name string) []string { return Edits("ops", name) })
		for range 3 {
			if err := p.Wait(t.Context(), at(RankLine), "chat.update"); err != nil {
				t.Fatal(err)
			}
			went = append(went, time.Since(began))
		}
		each := time.Minute / 40
		want := []time.Duration{30*time.Second + 5*each, 30*time.Second + 6*each, 30*time.Second + 7*each}
		if !slices.Equal(went, want) {
			t.Errorf("went after %v, want %v", went, want)
		}
		// Other methods go on.
		before := time.Now()
		if err := p.Wait(t.Context(), at(RankLine), Posts("ops")...); err != nil || time.Since(before) != 0 {
			t.Errorf("a post waited %v, %v", time.Since(before), err)
		}
	})
}

func TestARehearsalsPaceShrinksAllGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, gap := range []time.Duration{0, time.Millisecond} {
			p := NewPace(gap)
			began := time.Now()
			for range 1000 {
				if err := p.Wait(t.Context(), at(RankLine), Edits("ops", "1")...); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(began); took > 2000*gap {
				t.Errorf("%v at a pace of %v", took, gap)
			}
		}
	})
}
