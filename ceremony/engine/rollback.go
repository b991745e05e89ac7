package engine

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/index"
	"conclave/ceremony/mark"
	"conclave/ceremony/rules"
)

// A journal that was put back from a copy is older than the marks that were made of it
// since. What has happened after the copy is not known. An open ceremony that is older than
// a mark freezes before anything else is done. What can't freeze stands still, and a cluster
// one of whose ceremonies is not there any more takes no proposal, until a person
// acknowledges the alarm that tells it.

// Recaller is a Notifier whose posts carry marks of how far the journal was.
type Recaller interface {
	// Recall returns the tokens (see [mark.Token]) in the posts about a cluster's ceremonies:
	// in those of the last weeks, and in the status posts at boards. Nothing of them is
	// verified. The error wraps ErrUndeliverable when asking again would not help.
	Recall(ctx context.Context, cluster string, boards []ceremony.Ref) ([]string, error)
}

const (
	// recallTimeout is how long a start with open ceremonies waits for what posts say.
	recallTimeout = 10 * time.Second
	recallPause   = 15 * time.Second
)

// rollback is what the engine knows about marks that are newer than the journal. The
// engine's lock guards it.
type rollback struct {
	// behind are the marks that the journal does not come up to and that nobody has decided
	// on, the farthest first.
	behind map[ceremony.ID][]mark.Mark
	// missing is how many ceremonies the journal has less than the file of marks says, beside
	// those that are named in behind.
	missing  int
	fewer    event.Noticed            // tells it
	total    int                      // ceremonies in the journal
	compared map[string]chan struct{} // cluster → closed when its posts were compared, or can't be
}

// recallFile compares the journal with the file of marks, with the marks that the index
// vouches for, and with the first lines that ceremonies name, once all ceremonies are known.
func (e *Engine) recallFile(ctx context.Context, found *recovery) {
	was, err := e.config.Marks.Recalled()
	all := slices.Concat(was.Marks(), found.vouched)
	settled := e.readSettled(ctx, all)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.past.List("") {
		if _, counted := e.snapshots[l.ID]; !counted {
			e.rollback.total++
		}
	}
	switch {
	case e.config.Marks == nil:
	case errors.Is(err, fs.ErrNotExist) && e.rollback.total == 0:
	case errors.Is(err, fs.ErrNotExist):
		e.config.Log.Warn(e.config.Marks.Doubt())
	case err != nil:
		e.config.Log.Error(e.config.Marks.Doubt())
	}
	lost := map[ceremony.ID]bool{}
	for _, m := range all {
		if !e.isThereLocked(m.Ceremony) {
			lost[m.Ceremony] = true
		}
		k := e.snapshots[m.Ceremony]
		if !e.heedLocked(m, settled) && (k.c.FrozenFor(event.RolledBack) || e.isAside(m.Ceremony)) {
			e.config.Marks.Note(m, false) // a newer copy, or one that is obeyed, may be put there
		}
	}
	for id, k := range e.snapshots {
		later := mark.Mark{Ceremony: id, Line: k.c.Seq() + 1}
		older := k.c.History[k.c.Seq()-1].At.Before(was.Written) // else it was adopted since
		if err == nil && !k.c.Settled() && older && was.Forgot(id, k.c.Plan.Proposed) && later.Newer(k.c.History) {
			e.rollback.behind[id] = []mark.Mark{later}
			e.config.Marks.Forget(id)
		}
	}
	missing, explained := found.starts.Missing(), len(lost)
	for _, m := range was.Accepted {
		if !e.isThereLocked(m.Ceremony) && !lost[m.Ceremony] {
			explained++
		}
	}
	total := e.rollback.total
	byCount, byName := was.Ceremonies-len(lost)-total, len(missing)-explained-len(found.torn)
	if e.rollback.missing = max(0, byCount, byName); e.rollback.missing > 0 {
		e.rollback.fewer = index.Lost(max(was.Ceremonies, total+e.rollback.missing), total, missing)
		e.config.Log.Error("the journal has fewer ceremonies than it had: its files were removed, or an older copy was put back",
			"had", e.rollback.fewer.Want, "has", total)
	}
	e.countLocked()
}

// countLocked keeps how many ceremonies there are, with those that the journal has lost.
// Nobody vouches for one that was set aside, unless a mark names it.
func (e *Engine) countLocked() {
	n := e.rollback.total + e.rollback.missing
	for id := range e.rollback.behind {
		if !e.isThereLocked(id) {
			n++
		}
	}
	e.config.Marks.Count(n)
}

// isThereLocked reports whether the journal has a ceremony.
func (e *Engine) isThereLocked(id ceremony.ID) bool {
	_, held := e.snapshots[id]
	_, settled := e.past.Ends(id)
	return held || settled
}

// readSettled returns the settled ceremonies that marks name, where a mark is not the end of
// the journal and memory does not hold the ceremony whole, as far as they can be read.
func (e *Engine) readSettled(ctx context.Context, marks []mark.Mark) map[ceremony.ID]rules.State {
	var ids []ceremony.ID
	e.mu.Lock()
	for _, m := range marks {
		_, held := e.snapshots[m.Ceremony]
		end, ok := e.past.Ends(m.Ceremony)
		if !held && ok && (m.Line != end.Lines || m.Hash != end.Head) && !slices.Contains(ids, m.Ceremony) {
			ids = append(ids, m.Ceremony)
		}
	}
	e.mu.Unlock()
	found := map[ceremony.ID]rules.State{}
	for _, id := range ids {
		c, err := e.loadSettled(ctx, id)
		if err != nil {
			e.config.Log.Error("a settled ceremony can't be compared with its marks", "ceremony", string(id), "error", err)
			continue
		}
		found[id] = c
	}
	return found
}

// heedLocked notes a mark that the journal does not come up to. It reports whether it does
// not. settled are the ceremonies of [Engine.readSettled].
func (e *Engine) heedLocked(m mark.Mark, settled map[ceremony.ID]rules.State) bool {
	k, held := e.snapshots[m.Ceremony]
	if e.isAside(m.Ceremony) {
		return false // its journal is not obeyed anyway
	}
	there := e.isThereLocked(m.Ceremony)
	if !held && there {
		c, read := settled[m.Ceremony]
		end, _ := e.past.Ends(m.Ceremony)
		if !read && (m.Line < end.Lines || m.Line == end.Lines && m.Hash == end.Head) {
			return false // the mark is the end of its journal, or could not be compared
		}
		k.c = c
	}
	if there && !m.Newer(k.c.History) || e.config.Marks.Accepted(m, !there) {
		return false
	}
	known := &e.rollback
	if !slices.Contains(known.behind[m.Ceremony], m) {
		known.behind[m.Ceremony] = append(known.behind[m.Ceremony], m)
		slices.SortFunc(known.behind[m.Ceremony], func(a, b mark.Mark) int { return b.Line - a.Line })
		e.config.Marks.Note(known.behind[m.Ceremony][0], false)
		e.config.Log.Error("the journal is older than what Conclave has done: it was put back from a copy, or lines were cut off",
			"ceremony", string(m.Ceremony), "had", m.String(), "has", has(k.c))
	}
	return true
}

// isAside reports whether a ceremony was set aside.
func (e *Engine) isAside(id ceremony.ID) bool {
	e.asideMu.Lock()
	defer e.asideMu.Unlock()
	return slices.ContainsFunc(e.aside, func(a ceremony.Aside) bool { return a.Ceremony == id })
}

// has says how far a journal is.
func has(c rules.State) string {
	if c.Seq() == 0 {
		return "not there"
	}
	return mark.Of(c).String()
}

// isBehind returns the difference between a ceremony's journal and the marks that are
// newer, or nil.
func (e *Engine) isBehind(c rules.State) *rules.Difference {
	e.mu.Lock()
	defer e.mu.Unlock()
	marks := e.rollback.behind[c.ID()]
	if len(marks) == 0 {
		return nil
	}
	return &rules.Difference{Why: event.RolledBack, Want: mark.Words(marks), Got: has(c)}
}

// noteLocked keeps how far a ceremony's journal is. While it is older than a mark, that mark
// is kept. An acknowledged alarm settles what it was about.
func (e *Engine) noteLocked(before, c rules.State) {
	if before.Acknowledged == nil && c.Acknowledged != nil && before.Seq() > 0 {
		e.acceptLocked(c)
	}
	if before.Seq() == 0 {
		e.rollback.total++
		e.countLocked()
	}
	id := c.ID()
	if marks := e.rollback.behind[id]; len(marks) > 0 {
		if slices.ContainsFunc(marks, func(m mark.Mark) bool { return !m.Decided(c.History) }) {
			return
		}
		delete(e.rollback.behind, id)
	}
	if c.FrozenFor(event.RolledBack) {
		return // until people decide, a newer copy can still be put back
	}
	e.config.Marks.Note(mark.Of(c), c.Settled())
}

// acceptLocked has a cluster go on after its alarm was acknowledged.
func (e *Engine) acceptLocked(alarm rules.State) {
	told := map[ceremony.ID]bool{} // "" where ceremonies are missing that nothing names
	for _, n := range alarm.Findings() {
		if found := n.Event.(event.Noticed); found.Kind == ceremony.RolledBack {
			told[found.Of] = true
		}
	}
	for id, marks := range e.rollback.behind {
		k, there := e.snapshots[id]
		if !told[id] || e.clusterOf(id) != alarm.Plan.Cluster || there && k.c.Freezes() {
			continue
		}
		if !there {
			marks = marks[:1] // those before it are known with it
		}
		for _, m := range marks {
			e.config.Marks.Accept(m)
		}
		delete(e.rollback.behind, id)
		if there {
			e.config.Marks.Note(mark.Of(k.c), k.c.Settled())
		}
	}
	if told[""] {
		e.rollback.missing = 0
	}
	e.countLocked()
	e.wakeLocked(alarm.Plan.Cluster)
}

// clusterOf returns the configured cluster of a ceremony that the journal may not have, or
// "".
func (e *Engine) clusterOf(id ceremony.ID) string {
	name := id.Cluster()
	if k, ok := e.snapshots[id]; ok {
		name = k.c.Plan.Cluster
	}
	return e.clusters[name].Name
}

// lostLocked returns a ceremony of the cluster that a mark names and the journal does not
// have, or "". An alarm has done nothing, and is not returned.
func (e *Engine) lostLocked(cluster string) ceremony.ID {
	alarm := cluster + "-" + string(ceremony.Alarm) + "-"
	for id := range e.rollback.behind {
		if !e.isThereLocked(id) && e.clusterOf(id) == cluster && !strings.HasPrefix(string(id), alarm) {
			return id
		}
	}
	return ""
}

// StandsStill reports whether nothing is done for a ceremony: its journal is older than a
// mark, and it can't freeze. It goes on when its cluster's alarm is acknowledged.
func (e *Engine) StandsStill(c rules.State) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.rollback.behind[c.ID()]) > 0 && !c.Freezes()
}

// mayTell reports whether people may be told of a ceremony that was taken up, and its post be
// edited: posts were compared with the journal, and it has frozen where it is older.
func (e *Engine) mayTell(c rules.State) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.rollback.compared[c.Plan.Cluster]:
		return len(e.rollback.behind[c.ID()]) == 0
	default:
		return false
	}
}

// wakeLocked has the actors of a cluster look again at what they may do.
func (e *Engine) wakeLocked(cluster string) {
	for _, a := range e.actors {
		if a.cluster.Name == cluster {
			latest(a.wake, struct{}{})
		}
	}
}

// recallPosts compares the journal with the posts about each cluster. It returns the
// clusters whose posts could not be read in time.
func (e *Engine) recallPosts(ctx context.Context) []ceremony.Cluster {
	var mu sync.Mutex
	var silent []ceremony.Cluster
	var all sync.WaitGroup
	for _, c := range e.config.Clusters {
		all.Go(func() {
			if e.recall(ctx, c) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			silent = append(silent, c)
		})
	}
	all.Wait()
	return silent
}

// recall compares the journal with the posts about a cluster. It reports whether that needs
// not be tried again.
func (e *Engine) recall(ctx context.Context, cluster ceremony.Cluster) bool {
	log := e.config.Log.With("cluster", cluster.Name)
	var tokens []string
	recaller, ok := e.config.Notifier.(Recaller)
	switch {
	case !ok || e.config.Marks == nil:
		log.Warn("the journal was not compared with what Conclave has posted")
	default:
		var err error
		tokens, err = recaller.Recall(ctx, cluster.Name, e.boards(cluster.Name))
		switch {
		case errors.Is(err, ceremony.ErrUndeliverable):
			log.Error("the journal can't be compared with what Conclave has posted", "error", err)
		case err != nil:
			log.Warn("the journal was not compared yet with what Conclave has posted; it goes on, and no post is edited before",
				"error", err)
			return false
		}
	}
	var marks []mark.Mark
	for _, token := range tokens {
		// Anybody in the workspace can post what looks like a mark. One under our key is true,
		// whoever has posted it.
		if m, err := e.config.Marks.Verify(token); err == nil {
			marks = append(marks, m)
		}
	}
	settled := e.readSettled(ctx, marks)
	e.mu.Lock()
	defer e.mu.Unlock()
	newer := 0
	for _, m := range marks {
		if e.heedLocked(m, settled) {
			newer++
		}
	}
	if len(tokens) > 0 {
		log.Info("the journal was compared with what Conclave has posted", "posts", len(tokens), "newer", newer)
	}
	close(e.rollback.compared[cluster.Name])
	e.wakeLocked(cluster.Name)
	return true
}

// boards returns where the status posts of a cluster's open ceremonies are.
func (e *Engine) boards(cluster string) []ceremony.Ref {
	var all []ceremony.Ref
	for _, c := range e.Current() {
		if at, ok := c.Board(); ok && c.Plan.Cluster == cluster && !c.Settled() && at.Channel != ceremony.Terminal {
			all = append(all, at)
		}
	}
	return all
}

// watchMarks compares the posts that could not be compared at the start, and tells what is
// older than its marks, until that is done or ctx ends.
func (e *Engine) watchMarks(ctx context.Context, silent []ceremony.Cluster) {
	var comparing sync.WaitGroup
	defer comparing.Wait()
	compared := make(chan struct{}, len(silent))
	for _, c := range silent {
		comparing.Go(func() { e.compare(ctx, c); compared <- struct{}{} })
	}
	for open := len(silent); ctx.Err() == nil; {
		err := e.tellBehind(ctx)
		switch {
		case err == nil && open == 0 && !e.owesAlarm():
			return
		case err != nil && ctx.Err() == nil:
			e.config.Log.Error("that the journal is older than it was could not be told", "error", err)
		}
		select {
		case <-compared:
			open--
		case <-time.After(recallPause):
		case <-ctx.Done():
		}
	}
}

// compare compares the posts about a cluster with the journal, until that is done or ctx ends.
func (e *Engine) compare(ctx context.Context, cluster ceremony.Cluster) {
	for !e.recall(ctx, cluster) {
		select {
		case <-time.After(recallPause):
		case <-ctx.Done():
			return
		}
	}
}

// owesAlarm reports whether something is older than its marks that only an alarm can tell: an
// alarm takes some findings an hour.
func (e *Engine) owesAlarm() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id := range e.rollback.behind {
		if k, there := e.snapshots[id]; e.clusterOf(id) != "" && !(there && k.c.Freezes()) {
			return true
		}
	}
	return false
}

// tellBehind raises an alarm for each ceremony that is older than a mark and can't freeze.
func (e *Engine) tellBehind(ctx context.Context) error {
	e.mu.Lock()
	found := map[string][]event.Noticed{} // cluster →
	for id, marks := range e.rollback.behind {
		k, there := e.snapshots[id]
		if there && k.c.Freezes() && e.actors[id] != nil {
			continue // its actor sees it at its next step
		}
		found[e.clusterOf(id)] = append(found[e.clusterOf(id)], event.Noticed{
			Kind: ceremony.RolledBack, Subject: string(id), Of: id, Want: mark.Words(marks), Got: has(k.c),
		})
	}
	if e.rollback.missing > 0 {
		for name := range e.clusters {
			found[name] = append(found[name], e.rollback.fewer)
		}
	}
	e.mu.Unlock()

	var faults []error
	for name, all := range found {
		slices.SortFunc(all, func(a, b event.Noticed) int { return cmp.Compare(a.Subject, b.Subject) })
		for _, n := range all {
			if name == "" {
				continue // its cluster is not configured any more; the log has it
			}
			_, err := e.Raise(ctx, e.clusters[name], n)
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}
