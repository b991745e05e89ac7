package transport

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Memory remembers answers of Slack's by key. Of several callers that want the same answer
// one asks, and the others wait for what it gets.
type Memory[T any] struct {
	mu     sync.Mutex
	known  map[string]remembered[T]
	asking map[string]*question[T]
}

type remembered[T any] struct {
	got T
	at  time.Time // when it was asked for
}

type question[T any] struct {
	done chan struct{} // closed when the fields below are set
	got  T
	err  error
}

// NewMemory returns a memory with nothing in it.
func NewMemory[T any]() *Memory[T] {
	return &Memory[T]{known: map[string]remembered[T]{}, asking: map[string]*question[T]{}}
}

// Get returns the answer under a key that was asked for after since, and asks for one
// otherwise.
func (m *Memory[T]) Get(ctx context.Context, key string, since time.Time, ask func() (T, error)) (T, error) {
	for {
		m.mu.Lock()
		if known, ok := m.known[key]; ok && known.at.After(since) {
			m.mu.Unlock()
			return known.got, nil
		}
		q, asked := m.asking[key]
		if !asked {
			q = &question[T]{done: make(chan struct{})}
			m.asking[key] = q
			m.mu.Unlock()
			m.answer(key, q, ask)
			return q.got, q.err
		}
		m.mu.Unlock()
		select {
		case <-q.done:
		case <-ctx.Done():
			var none T
			return none, context.Cause(ctx)
		}
		// Whoever has asked may have had less time than this caller.
		if q.err != nil && !errors.Is(q.err, context.Canceled) && !errors.Is(q.err, context.DeadlineExceeded) {
			return q.got, q.err
		}
	}
}

// answer asks, and remembers the answer unless it is an error.
func (m *Memory[T]) answer(key string, q *question[T], ask func() (T, error)) {
	at := time.Now()
	q.err = errors.New("the question was broken off")
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if q.err == nil {
			m.known[key] = remembered[T]{q.got, at}
		}
		delete(m.asking, key)
		close(q.done)
	}()
	q.got, q.err = ask()
}

// Learn remembers an answer that was not asked for.
func (m *Memory[T]) Learn(key string, got T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[key] = remembered[T]{got, time.Now()}
}

// Recall returns the answer that is remembered under a key, however old it is, and reports
// whether there is one.
func (m *Memory[T]) Recall(key string) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.known[key]
	return known.got, ok
}

// Forget drops the answer under a key.
func (m *Memory[T]) Forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, key)
}
