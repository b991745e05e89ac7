package main

import (
	"context"
	"slices"
	"strings"
	"sync"

	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// watcher is the screen in the ops room: it shows the status posts whenever they
// change, and each line of their threads. In a practice it also tells who got a
// message.
type watcher struct {
	stage *stage.Stage
	show  *show

	mu     sync.Mutex
	boards map[string]string // status post → as it was shown last
	lines  map[string]bool   // threads' lines and people's messages that were shown
	inbox  bool
}

// showInboxes tells about people's messages as well, from now on.
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
func (h *house) watch(ctx context.Context) *watching {
	ctx, cancel := context.WithCancel(ctx)
	w := &watching{cancel: cancel}
	w.done.Go(func() {
		for ctx.Err() == nil {
			// The error is the context's end, or the workspace's.
			if h.stage.Slack.WaitFor(ctx, h.watcher.news) != nil {
				return
			}
			h.watcher.draw()
		}
	})
	return w
}

// news reports whether there is something that was not shown.
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

// mailLocked are the messages to people that were not told about. Receipts are
// shown to whom they are for, as an answer.
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

// freshLocked are the posts in the ops channel that were not shown as they are
// now.
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

// essence is a status post without what changes by itself as time goes by.
func essence(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasSuffix(line, " left") && line != "(edited)" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// changed is the part of a status post that is not as it was, under its title.
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
