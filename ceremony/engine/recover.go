package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/aside"
	"conclave/ceremony/event"
	"conclave/ceremony/index"
	"conclave/ceremony/ledger"
	"conclave/ceremony/mark"
	"conclave/ceremony/rules"
	"conclave/plural"
)

// recentFor is how long after its end a settled ceremony is held in memory whole. Its
// window may be longer, and then that counts. So far back exposures by strangers are looked
// for, and rekeys that others have carried through.
const recentFor = strangerPause

// keptAtOnce is how many records are written to the index in one go.
const keptAtOnce = 256

// recovery is what a start works out.
type recovery struct {
	e     *Engine
	marks map[ceremony.ID]string // of the journals that are there
	open  []*actor

	// past are the settled ceremonies of clusters with an interference watch, as far as the
	// index has them.
	past   map[string][]rules.State
	facts  []ledger.Facts
	recent []ceremony.ID // settled, and to be read in whole
	unkept []index.Record
	starts index.Starts
	torn   []ceremony.ID // whose journals have no whole line
	read   int           // journals that the index did not have

	// vouched are the ends of journals that the index has, and the journals do not. lost are
	// the records of those that were read again.
	vouched []mark.Mark
	lost    map[ceremony.ID]index.Record
}

// recover learns of the settled ceremonies from the index, and replays all others. It
// replays a settled ceremony as well if the index lacks it, or if its journal is not as it
// was when the index was written.
func (e *Engine) recover(ctx context.Context) (*recovery, error) {
	r := &recovery{e: e, past: map[string][]rules.State{}, lost: map[ceremony.ID]index.Record{}}
	var err error
	if r.marks, err = e.config.Journal.Marks(ctx); err != nil {
		return nil, err
	}
	r.readIndex()
	for _, id := range slices.Sorted(maps.Keys(r.marks)) {
		if _, ok := e.past.Ends(id); ok {
			continue
		}
		if err := r.replay(ctx, id); err != nil {
			return nil, err
		}
	}
	r.keep()
	e.past.Digests.Sort()
	for _, c := range e.config.Clusters {
		if id := e.past.Unseal(c.Name); id != "" {
			r.recent = append(r.recent, id)
		}
	}
	for _, id := range r.recent {
		if _, there := e.snapshots[id]; there {
			continue
		}
		c, err := e.loadSettled(ctx, id)
		if found := (*event.AsideError)(nil); errors.As(err, &found) {
			e.lose(id, found)
			continue
		}
		if err != nil {
			return nil, err
		}
		e.publish(snapshot{c: c})
	}
	r.missTorn()
	tagKey, _ := e.config.OpenPGP.CommitmentKey()
	shares := ledger.NewLedger(r.facts, tagKey)
	e.mu.Lock()
	e.ledger, e.first = shares, r.starts.Newest()
	e.mu.Unlock()
	if r.read > 0 {
		e.config.Log.Info("journals were read", "ceremonies", r.read, "of", len(r.marks))
	}
	return r, nil
}

// missTorn sets aside the journals without a whole line, if a ceremony is missing that others
// name: one of them may have been emptied.
func (r *recovery) missTorn() {
	for _, c := range r.e.snapshots {
		r.starts.Accept(c.c)
	}
	missing := r.starts.Missing()
	if len(missing) == 0 {
		return
	}
	for _, id := range r.torn {
		r.e.setAside(id, &event.AsideError{Why: fmt.Errorf(
			"it has no whole line, and %s that others name is not there: it may have been emptied: %w",
			plural.Count(len(missing), "a ceremony", "ceremonies"), ceremony.ErrChain)})
	}
}

// readIndex learns of the settled ceremonies whose journals are as they were when the index
// was written, and says what is wrong with the index.
func (r *recovery) readIndex() {
	log := r.e.config.Log
	if r.e.config.Index == nil {
		return
	}
	var gone, changed []string
	report, err := r.e.config.Index.Read(func(record index.Record) bool {
		mark, there := r.marks[record.Ceremony]
		switch _, twice := r.e.past.Ends(record.Ceremony); {
		case twice:
			return false
		case !there:
			gone = append(gone, string(record.Ceremony))
			r.vouched = append(r.vouched, record.End())
			return r.learnLost(record) == nil
		case mark != record.Mark:
			changed = append(changed, string(record.Ceremony))
			r.lost[record.Ceremony] = record
			return false
		}
		if err := r.learn(record); err != nil {
			log.Error("what the index has of a ceremony can't be used", "ceremony", string(record.Ceremony), "error", err)
			return false
		}
		return true
	})
	if len(gone) > 0 {
		log.Error("the index has settled ceremonies whose journals are gone", "ceremonies", aside.Listed(gone))
	}
	if len(changed) > 0 {
		log.Warn("journals of settled ceremonies are not as they were: they are read again", "ceremonies", aside.Listed(changed))
	}
	switch {
	case err != nil:
		log.Error("the index of settled ceremonies is of no use: every start reads their journals", "error", err)
	case report.Missing && len(r.marks) > 0:
		log.Warn("there is no index of settled ceremonies: it is made of their journals")
	case report.Foreign > 0:
		log.Warn("the index of settled ceremonies is not as this identity has written it: what is missing is "+
			"made of the journals", "lines", report.Foreign)
	}
}

// learn adds a settled ceremony.
func (r *recovery) learn(record index.Record) error {
	if c, ok := r.e.clusters[record.Cluster]; ok && c.Interference {
		past, err := record.Abridged()
		if err != nil {
			return err
		}
		r.past[record.Cluster] = append(r.past[record.Cluster], past)
	}
	if record.Operation == ceremony.Alarm {
		past, err := record.Abridged()
		if err != nil {
			return err
		}
		r.starts.Accept(past)
	}
	r.e.mu.Lock()
	r.e.past.Learn(record)
	r.e.mu.Unlock()
	r.e.past.Digests.AddPast(record.Digests)
	r.facts = append(r.facts, record.Facts)
	r.starts.Note(record.Proposed, record.Ceremony, record.First, record.Previous)
	if recent(record.Closes, record.Ended) {
		r.recent = append(r.recent, record.Ceremony)
	}
	return nil
}

// learnLost adds what the index has of a settled ceremony whose journal is gone, or is not
// obeyed. What it has done stays known: which key is in force, and who exposed a share.
func (r *recovery) learnLost(record index.Record) error {
	record.Closes, record.Ended = time.Time{}, time.Time{} // its journal can't be read
	if err := r.learn(record); err != nil {
		return err
	}
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	r.e.past.Lose(record.Ceremony)
	return nil
}

// recent reports whether a settled ceremony is held in memory whole.
func recent(closes, ended time.Time) bool {
	return time.Since(closes) < 0 || time.Since(ended) < recentFor
}

// replay reads a ceremony that the index does not have.
func (r *recovery) replay(ctx context.Context, id ceremony.ID) error {
	e := r.e
	c, err := e.load(ctx, id)
	record, recorded := r.lost[id]
	if errors.Is(err, ceremony.ErrUnknownCeremony) && recorded {
		err = emptied(id)
	}
	if errors.Is(err, ceremony.ErrUnknownCeremony) {
		r.torn = append(r.torn, id) // if its first line was never finished, nothing was shown to anybody
		return nil
	}
	if found := (*event.AsideError)(nil); errors.As(err, &found) {
		found.Ours = found.Ours || recorded
		e.setAside(id, found)
		if recorded {
			r.unkept = append(r.unkept, record)
			return r.learnLost(record)
		}
		r.starts.See(found.First)
		return nil // no later ceremony names one that may have been made up
	}
	if err != nil {
		return err
	}
	r.read++
	if recorded && !record.End().In(c.History) {
		r.vouched = append(r.vouched, record.End())
	}
	if c.Settled() {
		return r.settled(ctx, c)
	}
	first := c.History[0]
	// Replay has made sure of the line's type.
	r.starts.Note(c.Plan.Proposed, id, first.Hash, first.Event.(event.Proposed).Previous)
	r.facts = append(r.facts, ledger.FactsOf(c))
	e.publish(snapshot{c: c})
	cluster, ok := e.clusters[c.Plan.Cluster]
	if !ok && (c.Ended() && !c.OwesNews() || c.Plan.Operation == ceremony.Alarm) {
		e.config.Log.Warn("an alarm, or what a ceremony has left behind, is not looked after: its cluster is not configured any more",
			"ceremony", string(id))
		return nil
	}
	if !ok {
		return fmt.Errorf("%s is open, and its cluster %q is not configured any more: %w", id, c.Plan.Cluster,
			ceremony.UnknownCluster)
	}
	r.open = append(r.open, newActor(e, cluster, c, true))
	e.config.Log.Info("ceremony taken up", "ceremony", id, "state", string(c.Phase), "events", c.Seq())
	return nil
}

// settled learns of a settled ceremony that the index did not have.
func (r *recovery) settled(ctx context.Context, c rules.State) error {
	record, err := r.e.record(ctx, c)
	if err != nil {
		return err
	}
	if err := r.learn(record); err != nil {
		return err
	}
	if recent(record.Closes, record.Ended) {
		r.e.publish(snapshot{c: c})
	}
	if r.unkept = append(r.unkept, record); len(r.unkept) >= keptAtOnce {
		r.keep()
	}
	return nil
}

// keep adds the records that are not in the index yet.
func (r *recovery) keep() {
	r.e.keep(r.unkept...)
	r.unkept = nil
}

// record returns the record of a settled ceremony.
func (e *Engine) record(ctx context.Context, c rules.State) (index.Record, error) {
	marks, err := e.config.Journal.Marks(ctx, c.ID())
	if err != nil {
		return index.Record{}, err
	}
	return index.NewRecord(c, marks[c.ID()])
}

// keep writes records to the index. Without them the next start reads the journals.
func (e *Engine) keep(records ...index.Record) {
	if e.config.Index == nil || len(records) == 0 {
		return
	}
	if err := e.config.Index.Add(records...); err != nil {
		e.config.Log.Error("settled ceremonies are not in the index: the next start reads their journals",
			"ceremonies", len(records), "error", err)
	}
}

// load replays a ceremony. An error that is an [event.AsideError] is about this ceremony
// alone.
func (e *Engine) load(ctx context.Context, id ceremony.ID) (rules.State, error) {
	entries, err := e.config.Journal.Load(ctx, id)
	if errors.Is(err, fs.ErrPermission) {
		return rules.State{}, &event.AsideError{Why: fmt.Errorf("%w: %w", ceremony.ErrChain, err)}
	}
	if err != nil {
		return rules.State{}, err
	}
	c, err := rules.Replay(entries)
	if err == nil && c.ID() != id {
		err = fmt.Errorf("its plan is of %s", c.ID())
	}
	if err != nil {
		proposed, _ := entries[0].Event.(event.Proposed)
		return c, &event.AsideError{
			Why: fmt.Errorf("replay: %w: %w", ceremony.ErrChain, err), Proposed: proposed, First: entries[0].Hash, Ours: true,
		}
	}
	return c, nil
}

// emptied returns why a ceremony is not obeyed that had lines and has none.
func emptied(id ceremony.ID) error {
	return &event.AsideError{Why: fmt.Errorf("%s has no whole line any more: %w", id, ceremony.ErrChain)}
}

// loadSettled replays a settled ceremony. The error wraps ErrChain when its journal does not
// end as it did.
func (e *Engine) loadSettled(ctx context.Context, id ceremony.ID) (rules.State, error) {
	e.mu.Lock()
	end, ok := e.past.Ends(id)
	e.mu.Unlock()
	if !ok {
		return rules.State{}, e.unknown(id)
	}
	c, err := e.load(ctx, id)
	if errors.Is(err, ceremony.ErrUnknownCeremony) {
		err = emptied(id)
	}
	if err != nil {
		return rules.State{}, err
	}
	if last := c.History[c.Seq()-1]; last.Seq != end.Lines || last.Hash != end.Head {
		return rules.State{}, &event.AsideError{
			Why: fmt.Errorf("%s ends at line %d, and was settled at line %d with another hash: %w", id, last.Seq,
				end.Lines, ceremony.ErrChain),
			Proposed: c.History[0].Event.(event.Proposed),
		}
	}
	return c, nil
}

// lose sets aside a settled ceremony whose journal is not as it was. What was learnt of it
// stays known.
func (e *Engine) lose(id ceremony.ID, found *event.AsideError) {
	e.mu.Lock()
	_, settled := e.past.Ends(id)
	e.past.Lose(id)
	e.mu.Unlock()
	if settled { // else another asker has found it
		found.Ours = true
		e.setAside(id, found)
	}
}

// retire removes an actor whose goroutine has ended. What is asked of a settled ceremony
// from now on goes to the index.
func (e *Engine) retire(a *actor) {
	c := a.c
	if !c.Settled() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.actors, a.id)
		return
	}
	record, err := e.record(context.Background(), c)
	if err != nil {
		a.log.Error("the ceremony stays in memory, and the next start reads its journal", "error", err)
	}
	e.mu.Lock()
	delete(e.actors, a.id)
	if err == nil {
		e.past.Learn(record)
		e.forgetOldLocked()
	}
	e.mu.Unlock()
	if err == nil {
		e.keep(record)
	}
}

// forgetOldLocked drops the settled ceremonies that are not recent any more. It keeps the
// newest unseal of each cluster, by which the watches go.
func (e *Engine) forgetOldLocked() {
	e.order = slices.DeleteFunc(e.order, func(id ceremony.ID) bool {
		c := e.snapshots[id].c
		_, settled := e.past.Ends(id)
		if !settled || e.actors[id] != nil || recent(c.Plan.Closes, c.EndedAt()) || e.past.Unseal(c.Plan.Cluster) == id {
			return false
		}
		delete(e.snapshots, id)
		return true
	})
}
