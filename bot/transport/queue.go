package transport

import (
	"context"
	"sync"
)

// How much may wait. A person's own limit keeps one of them from filling the
// queue for all; each kind has its own, so that a flood of messages keeps no
// command out.
const (
	maxWaiting  = 256 // of one kind
	MaxInPerson = 16  // of one person
)

// Kind is a kind of envelope.
type Kind string

const (
	KindCommand Kind = "command"
	KindClick   Kind = "click"
	KindMessage Kind = "message"
	KindForm    Kind = "form" // sent
	KindOpening Kind = "opening of a form"
	KindNotice  Kind = "notice"
)

// Job is one thing that a person did.
type Job struct {
	Kind   Kind
	Person string // TEAM/USER as the envelope claims
	Do     func(ctx context.Context)
	Ack    any // what the acknowledgement says
	Full   any // what it says when there is no place in the queue
}

// lane is whom a job waits behind. To open a form there are three seconds: it waits
// for nothing else that the person does, and changes nothing of it.
func (j Job) lane() string {
	if j.Kind == KindOpening {
		return string(KindOpening) + " " + j.Person
	}
	return j.Person
}

// lanes are queues, one for each person who has something waiting: what a
// person does takes effect in their order, and nobody waits for somebody else.
type Queue struct {
	Mu      sync.Mutex
	Waiting map[string][]Job // lane → not begun; present while the lane runs
	count   map[Kind]int     // not begun
	closed  bool
	running sync.WaitGroup
}

func NewLanes() *Queue {
	return &Queue{Waiting: map[string][]Job{}, count: map[Kind]int{}}
}

// Put queues a job. It answers false when the queue is full or closed, and
// never blocks.
func (l *Queue) Put(ctx context.Context, j Job) bool {
	l.Mu.Lock()
	defer l.Mu.Unlock()
	lane := j.lane()
	if l.closed || l.count[j.Kind] >= maxWaiting || len(l.Waiting[lane]) >= MaxInPerson {
		return false
	}
	queue, running := l.Waiting[lane]
	l.Waiting[lane] = append(queue, j)
	l.count[j.Kind]++
	if !running {
		l.running.Go(func() { l.run(ctx, lane) })
	}
	return true
}

// run does a lane's jobs one after the other, and ends when there are none.
func (l *Queue) run(ctx context.Context, lane string) {
	for {
		l.Mu.Lock()
		queue := l.Waiting[lane]
		if len(queue) == 0 {
			delete(l.Waiting, lane)
			l.Mu.Unlock()
			return
		}
		j := queue[0]
		l.Waiting[lane] = queue[1:]
		l.count[j.Kind]--
		l.Mu.Unlock()
		j.Do(ctx)
	}
}

// Drain takes nothing more and returns when everything that was taken is done.
func (l *Queue) Drain() {
	l.Mu.Lock()
	l.closed = true
	l.Mu.Unlock()
	l.running.Wait()
}
