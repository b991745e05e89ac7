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
	mu      sync.Mutex
	waiting map[string][]Job // lane → not begun; present while the lane runs
	count   map[Kind]int     // not begun
	closed  bool
	running sync.WaitGroup
}

func NewQueue() *Queue {
	return &Queue{waiting: map[string][]Job{}, count: map[Kind]int{}}
}

// Put queues a job. It answers false when the queue is full or closed, and
// never blocks.
func (q *Queue) Put(ctx context.Context, j Job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	lane := j.lane()
	if q.closed || q.count[j.Kind] >= maxWaiting || len(q.waiting[lane]) >= MaxInPerson {
		return false
	}
	queue, running := q.waiting[lane]
	q.waiting[lane] = append(queue, j)
	q.count[j.Kind]++
	if !running {
		q.running.Go(func() { q.run(ctx, lane) })
	}
	return true
}

// run does a lane's jobs one after the other, and ends when there are none.
func (q *Queue) run(ctx context.Context, lane string) {
	for {
		q.mu.Lock()
		queue := q.waiting[lane]
		if len(queue) == 0 {
			delete(q.waiting, lane)
			q.mu.Unlock()
			return
		}
		j := queue[0]
		q.waiting[lane] = queue[1:]
		q.count[j.Kind]--
		q.mu.Unlock()
		j.Do(ctx)
	}
}

// Drain takes nothing more and returns when everything that was taken is done.
func (q *Queue) Drain() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.running.Wait()
}

// Waiting returns how many jobs of a person were not begun, and reports whether one of
// anybody's is not done.
func (q *Queue) Waiting(person string) (count int, busy bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting[person]), len(q.waiting) > 0
}
