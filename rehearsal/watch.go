package main

import (
	"context"
	"slices"
	"strings"
	"sync"

	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// watcher shows the ops channel: the status posts whenever they change, and each line of their threads. In a practice
// it also shows who got a message.
type watcher struct {
	stage *stage.Stage
	show  *show

	mu     sync.Mutex
	boards map[string]string // status post → as it was shown last
	lines  map[string]bool   // threads' lines and people's messages that were shown
	inbox  bool
}

// showInboxes shows who got a message too, from now on.
func (w *watcher) showInboxes() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inbox = true
}

func newWatcher(s *stage.Stage, show *show) *watcher {
	return &watcher{stage: s, show: show, boards: map[string]string{}, lines: map[string]bool{}}
}

// watching is a watcher at work.
type watching struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// stop ends the watching when everything has been shown.
func (w *watching) stop() {
	w.cancel()
	w.done.Wait()
}

// watch shows what changes until it is stopped.
func (h *rehearsal) watch(ctx context.Context) *watching {
	ctx, cancel := context.WithCancel(ctx)
	w := &watching{cancel: cancel}
	w.done.Go(func() {
		for ctx.Err() == nil {
			// The context or the workspace has ended.
			if h.stage.Slack.WaitFor(ctx, h.watcher.news) != nil {
				return
			}
			h.watcher.draw()
		}
	})
	return w
}

// news reports whether there is something that was not shown yet.
func (w *watcher) news() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.freshLocked()) > 0 || len(w.mailLocked()) > 0
}

// draw shows what was not shown yet.
func (w *watcher) draw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.freshLocked() {
		if n.Kind == rules.HistoryMessage {
			w.lines[n.TS] = true
			w.show.ops([]string{w.show.paint(dim, "thread  ") + w.show.headline(n.Text)})
			continue
		}
		before, again := w.boards[n.TS]
		w.boards[n.TS] = n.Text
		if again {
			w.show.ops(w.changed(before, n.Text))
		} else {
			w.show.ops(w.show.readable(fields(n.Text)))
		}
	}
	for _, m := range w.mailLocked() {
		w.lines[m.note.Channel+m.note.TS] = true
		w.show.print(w.show.name(m.to) + w.show.paint(dim, " got: ") + w.show.headline(m.note.Text))
	}
}

// mail is a message to one person.
type mail struct {
	to   string
	note stage.Note
}

// mailLocked returns the messages to people that were not shown yet. Receipts are not among them: they are shown as
// answers.
func (w *watcher) mailLocked() []mail {
	if !w.inbox {
		return nil
	}
	var all []mail
	for _, p := range w.stage.People() {
		for _, n := range p.Notes() {
			if n.Kind != "" && n.Kind != rules.ReceiptMessage && !w.lines[n.Channel+n.TS] {
				all = append(all, mail{p.Name, n})
			}
		}
	}
	return all
}

// freshLocked returns the posts in the ops channel that are new or have changed since they were shown.
func (w *watcher) freshLocked() []stage.Note {
	return slices.DeleteFunc(w.stage.Posts(), func(n stage.Note) bool {
		switch n.Kind {
		case rules.HistoryMessage:
			return w.lines[n.TS]
		case rules.BoardMessage:
			return essence(w.boards[n.TS]) == essence(n.Text)
		}
		return true
	})
}

// essence returns a status post without the parts that change by themselves as time passes.
func essence(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasSuffix(line, " left") && line != "(edited)" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// changed returns the lines of a status post that have changed, under its title.
func (w *watcher) changed(before, after string) []string {
	old := strings.Split(fields(essence(before)), "\n")
	var fresh []string
	for i, line := range strings.Split(fields(essence(after)), "\n") {
		if i == 0 || !slices.Contains(old, line) {
			fresh = append(fresh, line)
		}
	}
	return w.show.readable(strings.Join(fresh, "\n"))
}
