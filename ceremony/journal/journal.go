// Package journal keeps the events of ceremonies in hash-chained files, replays them, and
// checks afterwards that no line was changed. One process at a time may write to a
// directory.
package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/host/durable"
)

// journalSuffix ends the name of every ceremony's file.
const journalSuffix = ".jsonl"

// FileJournal keeps each ceremony in a file of its own, DIR/ID.jsonl: one line of JSON for
// each event, with the SHA-256 of the line before it. A line is durable (fsync) before
// Append returns.
type FileJournal struct {
	dir  string
	lock *os.File

	mu    sync.Mutex
	heads map[ceremony.ID]head
	// broken is the first error of a write. What the file holds afterwards is not known,
	// and nothing is written any more (P9).
	broken error
}

// head is the end of a ceremony's chain.
type head struct {
	seq  int
	hash string
	size int64 // of the file, in bytes, up to and with the last whole line
}

// OpenJournal opens the directory, makes it if it is missing, and locks it against a second
// process. The error wraps ErrLocked when another process has the lock. The lock ends with
// the process.
func OpenJournal(dir string) (*FileJournal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make journal directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("lock journal directory %s: %w", dir, err)
	}
	return &FileJournal{dir: dir, lock: lock, heads: map[ceremony.ID]head{}}, nil
}

// Close gives the lock back. Append fails afterwards.
func (j *FileJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = errors.New("the journal is closed")
	return j.lock.Close()
}

// Path returns the path of a ceremony's journal.
func (j *FileJournal) Path(id ceremony.ID) string {
	return filepath.Join(j.dir, string(id)+journalSuffix)
}

// Append implements [event.Journal].
func (j *FileJournal) Append(
	_ context.Context, id ceremony.ID, after int, events ...event.Event,
) ([]event.Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return nil, fmt.Errorf("%w: %w", ceremony.ErrJournal, j.broken)
	}
	h, known := j.heads[id]
	if !known && after > 0 {
		return nil, fmt.Errorf("append to %s: %w", id, ceremony.ErrUnknownCeremony)
	}
	if h.seq != after {
		return nil, fmt.Errorf("append to %s behind %d, at %d: %w", id, after, h.seq, ceremony.ErrBehind)
	}

	entries, text, err := encode(id, h, events)
	if err != nil {
		return nil, err // nothing was written
	}
	if err := j.write(id, h, text); err != nil {
		if !errors.Is(err, ceremony.ErrBehind) {
			j.broken = err
			err = fmt.Errorf("%w: %w", ceremony.ErrJournal, err)
		}
		return nil, err
	}
	last := entries[len(entries)-1]
	j.heads[id] = head{seq: last.Seq, hash: last.Hash, size: h.size + int64(len(text))}
	return entries, nil
}

// encode returns the entries of events that follow h, and their lines.
func encode(id ceremony.ID, h head, events []event.Event) ([]event.Entry, []byte, error) {
	var entries []event.Entry
	var text bytes.Buffer
	seq, prev := h.seq, h.hash
	for _, ev := range events {
		seq++
		e := event.Entry{Seq: seq, Prev: prev, At: time.Now().UTC(), Event: ev}
		raw, err := EncodeLine(id, e)
		if err != nil {
			return nil, nil, err
		}
		// A line that could not be read back would stop every later start.
		if _, _, err := DecodeLine(raw); err != nil {
			return nil, nil, fmt.Errorf("encode %q: %w", event.TypeOf(ev), err)
		}
		e.Hash = HashLine(raw)
		entries = append(entries, e)
		prev = e.Hash
		text.Write(raw)
		text.WriteByte('\n')
	}
	return entries, text.Bytes(), nil
}

// write appends lines to a ceremony's file, and returns when they are durable.
func (j *FileJournal) write(id ceremony.ID, h head, text []byte) (err error) {
	flags := os.O_WRONLY
	if h.seq == 0 {
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := os.OpenFile(j.Path(id), flags, 0o600)
	if h.seq == 0 && errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create %s: %w", id, ceremony.ErrBehind)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()

	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != h.size {
		// Load has cut off a torn line; anything else was written by another process.
		return fmt.Errorf("%s has %d bytes, not %d: %w", id, info.Size(), h.size, ceremony.ErrBehind)
	}
	if _, err := f.WriteAt(text, h.size); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if h.seq == 0 {
		return durable.SyncDir(j.dir)
	}
	return nil
}

// Load implements [event.Journal]. A last line without its line feed was being written when
// the program died. Nothing had been done with it, and it is cut off.
func (j *FileJournal) Load(_ context.Context, id ceremony.ID) ([]event.Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f, err := os.OpenFile(j.Path(id), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load %s: %w", id, ceremony.ErrUnknownCeremony)
	}
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", id, err)
	}
	defer f.Close()

	chain, err := ReadChain(f)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", id, err)
	}
	if len(chain.Entries) == 0 {
		return nil, fmt.Errorf("load %s: no whole line: %w", id, ceremony.ErrUnknownCeremony)
	}
	if chain.ceremony != id {
		return nil, fmt.Errorf("load %s: it is the journal of %s: %w", id, chain.ceremony, ceremony.ErrChain)
	}
	if chain.torn {
		if err := errors.Join(f.Truncate(chain.size), f.Sync()); err != nil {
			return nil, fmt.Errorf("cut the torn line off %s: %w", id, err)
		}
	}
	last := chain.Entries[len(chain.Entries)-1]
	j.heads[id] = head{seq: last.Seq, hash: last.Hash, size: chain.size}
	return chain.Entries, nil
}

// Marks implements [event.Journal]. A file's mark is its size and when it was last written.
func (j *FileJournal) Marks(_ context.Context, of ...ceremony.ID) (map[ceremony.ID]string, error) {
	marks := map[ceremony.ID]string{}
	note := func(id ceremony.ID) error {
		info, err := os.Lstat(j.Path(id))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look at the journal of %s: %w", id, err)
		}
		marks[id] = fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
		return nil
	}
	if len(of) > 0 {
		var faults []error
		for _, id := range of {
			faults = append(faults, note(id))
		}
		return marks, errors.Join(faults...)
	}
	files, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, fmt.Errorf("list journal: %w", err)
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), journalSuffix); ok {
			if err := note(ceremony.ID(name)); err != nil {
				return nil, err
			}
		}
	}
	return marks, nil
}

// List implements [event.Journal]. A file whose first line was never finished is no
// ceremony: nothing was shown to anybody.
func (j *FileJournal) List(_ context.Context) ([]ceremony.ID, error) { return listDir(j.dir) }

// listDir returns the ceremonies of a directory, oldest first.
func listDir(dir string) ([]ceremony.ID, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list journal: %w", err)
	}
	type first struct {
		id ceremony.ID
		at time.Time
	}
	var firsts []first
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		if filepath.Ext(path) != journalSuffix {
			continue
		}
		at, ok, err := firstLine(path)
		if err != nil {
			return nil, fmt.Errorf("list journal: %s: %w", path, err)
		}
		if ok {
			id := ceremony.ID(strings.TrimSuffix(f.Name(), journalSuffix))
			firsts = append(firsts, first{id, at})
		}
	}
	slices.SortFunc(firsts, func(a, b first) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	ids := make([]ceremony.ID, len(firsts))
	for i, f := range firsts {
		ids[i] = f.id
	}
	return ids, nil
}

// firstLine returns when the first line of a journal was written, and whether there is a
// whole one.
func firstLine(path string) (at time.Time, ok bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return at, false, err
	}
	defer f.Close()
	raw, err := bufio.NewReader(f).ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return at, false, nil
	}
	if err != nil {
		return at, false, err
	}
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		return at, false, fmt.Errorf("%w: %w", ceremony.ErrChain, err)
	}
	return l.At, true, nil
}
