package mark

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/host/durable"
)

const (
	// delay is how long a change waits for others to be written with it. No share waits for
	// the file: a crash before it is written leaves one that is older than the journal.
	delay = time.Second
	// retry is the pause after a file that could not be written.
	retry = 15 * time.Second
	// mostSettled and mostAccepted are how many marks of their kind the file has. An older
	// copy of the journal lacks the newest changes first of all.
	mostSettled, mostAccepted = 100, 500
)

// Keeper keeps the file of marks up to date. Its methods may be called from several
// goroutines, and on a nil Keeper, which keeps nothing.
type Keeper struct {
	path string
	key  secret.MACKey
	log  *slog.Logger

	recalled Memory // as it was found
	err      error  // why nothing was found

	mu       sync.Mutex
	total    int
	open     map[ceremony.ID]Mark
	settled  []Mark // oldest first
	accepted []Mark
	changed  chan struct{} // has a token when the file is not as it should be
}

// NewKeeper reads the file at path. It writes nothing before [Keeper.Run].
func NewKeeper(path string, key secret.MACKey, log *slog.Logger) *Keeper {
	k := &Keeper{path: path, key: key, log: log, open: map[ceremony.ID]Mark{}, changed: make(chan struct{}, 1)}
	k.recalled, k.err = Read(path, key)
	k.settled, k.accepted = slices.Clone(k.recalled.Settled), slices.Clone(k.recalled.Accepted)
	k.changed <- struct{}{}
	return k
}

// Recalled returns what the file said when the Keeper was made. The error is that of [Read].
func (k *Keeper) Recalled() (Memory, error) {
	if k == nil {
		return Memory{}, fs.ErrNotExist
	}
	return k.recalled, k.err
}

// Doubt says for people why the journal could not be compared with the file, "" when it was.
func (k *Keeper) Doubt() string {
	switch {
	case k == nil || k.err == nil:
		return ""
	case errors.Is(k.err, fs.ErrNotExist):
		return fmt.Sprintf("There is no file of marks, %s: this is the first start with one, or it was removed. "+
			"Whether the journal is older than it was can't be told by it.", k.path)
	}
	return fmt.Sprintf("The file of marks can't be used: %v. Somebody may hide that the journal is an older copy: "+
		"find out who has written it.", k.err)
}

// Verify returns the mark of a post. See [ParseToken].
func (k *Keeper) Verify(token string) (Mark, error) {
	if k == nil {
		return Mark{}, ErrNotOurs
	}
	return ParseToken(k.key, token)
}

// Note keeps a ceremony's newest mark, in the place of an earlier one.
func (k *Keeper) Note(m Mark, settled bool) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if old, ok := k.open[m.Ceremony]; ok && old == m && !settled {
		return
	}
	k.forgetLocked(m.Ceremony)
	if settled {
		k.settled = append(k.settled, m)
		k.settled = k.settled[max(0, len(k.settled)-mostSettled):]
	} else {
		k.open[m.Ceremony] = m
	}
	k.writeLocked()
}

// Count keeps how many ceremonies the journal has.
func (k *Keeper) Count(n int) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.total = n
	k.writeLocked()
}

// Forget drops a ceremony's mark.
func (k *Keeper) Forget(id ceremony.ID) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetLocked(id)
	k.writeLocked()
}

func (k *Keeper) forgetLocked(id ceremony.ID) {
	delete(k.open, id)
	k.settled = slices.DeleteFunc(k.settled, func(m Mark) bool { return m.Ceremony == id })
}

// Accept keeps that people know of a mark that the journal does not come up to. The ceremony
// is named no more, until it is noted again.
func (k *Keeper) Accept(m Mark) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetLocked(m.Ceremony)
	k.accepted = append(k.accepted, m)
	k.accepted = k.accepted[max(0, len(k.accepted)-mostAccepted):]
	k.writeLocked()
}

// Accepted reports whether people know that the journal does not come up to a mark. Of a
// ceremony that is gone altogether they know every mark up to one that they have accepted.
func (k *Keeper) Accepted(m Mark, gone bool) bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.ContainsFunc(k.accepted, func(a Mark) bool {
		return a == m || gone && a.Ceremony == m.Ceremony && a.Line >= m.Line
	})
}

func (k *Keeper) writeLocked() {
	select {
	case k.changed <- struct{}{}:
	default: // it is to be written already
	}
}

// Run writes the file whenever marks have changed, several changes at a time, until ctx ends,
// and once more then. A file that can't be written stops nothing: the log says so.
func (k *Keeper) Run(ctx context.Context) {
	if k == nil {
		return
	}
	k.setAside()
	failed := false
	for ctx.Err() == nil {
		select {
		case <-k.changed:
		case <-ctx.Done():
			continue
		}
		wait(ctx, delay)
		if err := k.write(); err != nil {
			if !failed {
				k.log.Error("the file of marks can't be written: an older copy of the journal would not be noticed by it",
					"file", k.path, "error", err)
			}
			failed = true
			wait(ctx, retry)
			k.mu.Lock()
			k.writeLocked()
			k.mu.Unlock()
			continue
		}
		failed = false
	}
	select {
	case <-k.changed:
		if err := k.write(); err != nil && !failed {
			k.log.Error("the file of marks can't be written", "file", k.path, "error", err)
		}
	default:
	}
}

// setAside keeps a file that is not ours for those who look into it.
func (k *Keeper) setAside() {
	if !errors.Is(k.err, ErrNotOurs) {
		return
	}
	if err := os.Rename(k.path, k.path+".not-ours"); err != nil {
		k.log.Error("the file of marks that is not ours can't be set aside", "file", k.path, "error", err)
	}
}

// write writes the marks as they are now. It makes the folder if it is missing.
func (k *Keeper) write() error {
	k.mu.Lock()
	m := Memory{
		Written: time.Now(), Ceremonies: k.total, Settled: slices.Clone(k.settled), Accepted: slices.Clone(k.accepted),
	}
	for _, id := range slices.Sorted(maps.Keys(k.open)) {
		m.Open = append(m.Open, k.open[id])
	}
	k.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return err
	}
	return durable.Replace(k.path, m.Encode(k.key))
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
