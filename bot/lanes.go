package bot

import (
	"context"
	"sync"
)

// How much may wait. A person's own limit keeps one of them from filling the
// queue for all; each kind has its own, so that a flood of messages keeps no
// command out.
const (
	maxWaiting  = 256 // of one kind
	maxInPerson = 16  // of one person
)

// kind is a kind of envelope.
type kind string

const (
	kindCommand kind = "command"
	kindClick   kind = "click"
	kindMessage kind = "message"
	kindForm    kind = "form" // sent
	kindOpening kind = "opening of a form"
	kindNotice  kind = "notice"
)

// job is one thing that a person did.
type job struct {
	kind   kind
	person string // TEAM/USER as the envelope claims
	do     func(ctx context.Context)
	ack    any // what the acknowledgement says
	full   any // what it says when there is no place in the queue
}

// lane is whom a job waits behind. To open a form there are three seconds: it waits
// for nothing else that the person does, and changes nothing of it.
func (j job) lane() string {
	if j.kind == kindOpening {
		return string(kindOpening) + " " + j.person
	}
	return j.person
}

// lanes are queues, one for each person who has something waiting: what a
// person does takes effect in their order, and nobody waits for somebody else.
type lanes struct {
	mu      sync.Mutex
	waiting map[string][]job // lane → not begun; present while the lane runs
	count   map[kind]int     // not begun
	closed  bool
	running sync.WaitGroup
}

func newLanes() *lanes {
	return &lanes{waiting: map[string][]job{}, count: map[kind]int{}}
}

// put queues a job. It answers false when the queue is full or closed, and
// never blocks.
func (l *lanes) put(ctx context.Context, j job) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	lane := j.lane()
	if l.closed || l.count[j.kind] >= maxWaiting || len(l.waiting[lane]) >= maxInPerson {
		return false
	}
	queue, running := l.waiting[lane]
	l.waiting[lane] = append(queue, j)
	l.count[j.kind]++
	if !running {
		l.running.Go(func() { l.run(ctx, lane) })
	}
	return true
}

// run does a lane's jobs one after the other, and ends when there are none.
func (l *lanes) run(ctx context.Context, lane string) {
	for {
		l.mu.Lock()
		queue := l.waiting[lane]
		if len(queue) == 0 {
			delete(l.waiting, lane)
			l.mu.Unlock()
			return
		}
		j := queue[0]
		l.waiting[lane] = queue[1:]
		l.count[j.kind]--
		l.mu.Unlock()
		j.do(ctx)
	}
}

// drain takes nothing more and returns when everything that was taken is done.
func (l *lanes) drain() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.running.Wait()
}
