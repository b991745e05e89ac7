package ceremonytest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// FakeNotifier is an engine's notifier that keeps what was posted.
type FakeNotifier struct {
	Mu     sync.Mutex
	Posted map[string]int // ceremony/key → times
	Order  []string       // keys
	Drawn  []rules.State
	// Fault returns the error of try number n of a message, counted from 0. The message was
	// posted all the same, unless the error wraps ErrNotPosted or ErrUndeliverable.
	Fault func(m rules.Message, n int) error
	tries map[string]int
	// Replace reports whether a redrawing has to take another post.
	Replace func() bool
}

func NewFakeNotifier() *FakeNotifier {
	return &FakeNotifier{Posted: map[string]int{}, tries: map[string]int{}}
}

func (f *FakeNotifier) Deliver(
	_ context.Context, now func() rules.State, m rules.Message, maybe bool,
) (ceremony.Ref, error) {
	c := now()
	f.Mu.Lock()
	defer f.Mu.Unlock()
	key := string(c.ID()) + " " + m.Key
	ref := ceremony.Ref{Channel: "C", TS: key}
	n := f.tries[key]
	f.tries[key]++
	if maybe && f.Posted[key] > 0 {
		return ref, nil
	}
	var err error
	if f.Fault != nil {
		f.Mu.Unlock() // it may take its time
		err = f.Fault(m, n)
		f.Mu.Lock()
	}
	if err != nil && (errors.Is(err, ceremony.ErrNotPosted) || errors.Is(err, ceremony.ErrUndeliverable)) {
		return ceremony.Ref{}, err
	}
	f.Posted[key]++
	f.Order = append(f.Order, m.Key)
	return ref, err
}

func (f *FakeNotifier) Redraw(
	_ context.Context, now func() (rules.State, rules.Live), at ceremony.Ref,
) (ceremony.Ref, error) {
	c, _ := now()
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.Drawn = append(f.Drawn, c)
	if f.Replace != nil && !strings.HasSuffix(at.TS, "+") && f.Replace() {
		at.TS += "+"
	}
	return at, nil
}

// Twice returns the keys of the messages that were posted more than once.
func (f *FakeNotifier) Twice() []string {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(f.Posted)) {
		if f.Posted[k] > 1 {
			keys = append(keys, k)
		}
	}
	return keys
}
