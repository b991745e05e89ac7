package transport

import (
	"context"
	"sync"
)

// How much may wait. The limit for each person keeps one of them from filling the
// queue for all. Each kind has its own limit, so that a flood of messages keeps no
// command out.
const (
	maxWaiting  = 256 // of one kind
	MaxInPerson = 16  // of one person
)

// Kind names what an envelope holds.
type Kind string

const (
	KindCommand Kind = "command"
	KindClick   Kind = "click"
	KindMessage Kind = "message"
	KindForm    Kind = "form" // sent
	KindOpening Kind = "opening of a form"
	KindNotice  Kind = "notice"
	KindAnswer  Kind = "answer"
	// KindSearch is the search for secrets in what found no place in the queue.
	KindSearch Kind = "search"
)

// Job is one thing that a person did.
type Job struct {
	Kind   Kind
	Person string // TEAM/USER as the envelope claims
	Do     func(ctx context.Context)
	Ack    any // what the acknowledgement says
	Full   any // what it says when there is no place in the queue
	// Search looks for secrets, and does nothing else. It is what is done of a job that
	// finds no place; nil where nothing was typed.
	Search func(ctx context.Context)
}

// Rest returns the job that is left of one that finds no place, and reports whether there
// is one.
func (j Job) Rest() (Job, bool) {
	return Job{Kind: KindSearch, Person: j.Person, Do: j.Search}, j.Search != nil
}

// sequence returns the name of the jobs that are done one after the other with this
// one. Slack allows three seconds to open a form: so it waits for nothing else that the
// person does, and changes nothing of it. A search is there because others wait.
func (j Job) sequence() string {
	if j.Kind == KindOpening || j.Kind == KindSearch {
		return string(j.Kind) + " " + j.Person
	}
	return j.Person
}

// Queue does jobs: those of one person in their order, those of several people at the
// same time. Nobody waits for the job of another person.
type Queue struct {
	mu      sync.Mutex
	waiting map[string][]Job // sequence → not begun; present while one of it is done
	count   map[Kind]int     // not begun
	closed  bool
	running sync.WaitGroup
}

// NewQueue returns an empty queue.
func NewQueue() *Queue {
	return &Queue{waiting: map[string][]Job{}, count: map[Kind]int{}}
}

// Put queues a job. It returns false when the queue is full or closed, and never
// blocks.
func (q *Queue) Put(ctx context.Context, j Job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	name := j.sequence()
	if q.closed || q.count[j.Kind] >= maxWaiting || len(q.waiting[name]) >= MaxInPerson {
		return false
	}
	jobs, running := q.waiting[name]
	q.waiting[name] = append(jobs, j)
	q.count[j.Kind]++
	if !running {
		q.running.Go(func() { q.run(ctx, name) })
	}
	return true
}

// run does the jobs of a sequence one after the other, and returns when there are none.
func (q *Queue) run(ctx context.Context, name string) {
	for {
		q.mu.Lock()
		jobs := q.waiting[name]
		if len(jobs) == 0 {
			delete(q.waiting, name)
			q.mu.Unlock()
			return
		}
		j := jobs[0]
		q.waiting[name] = jobs[1:]
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
