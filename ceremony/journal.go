package ceremony

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

	"conclave/host/durable"
)

// journalSuffix ends the name of every ceremony's file.
const journalSuffix = ".jsonl"

// FileJournal keeps each ceremony in a file of its own, DIR/ID.jsonl: one line
// of JSON for each event, which carries the SHA-256 of the line before it. A
// line is durable (fsync) before Append returns.
type FileJournal struct {
	dir  string
	lock *os.File

	mu    sync.Mutex
	heads map[ID]head
	// broken is the first error of a write. What the file holds after it is not
	// known, and nothing is written any more (P9).
	broken error
}

// head is the end of a ceremony's chain.
type head struct {
	seq  int
	hash string
	size int64 // of the file, in bytes, up to and with the last whole line
}

// line is an event on disk. Seq, Prev, Ceremony and Type are outside of the
// event's own fields, so that a chain can be checked without knowing them.
type line struct {
	Seq      int             `json:"seq"`
	Prev     string          `json:"prev"`
	At       time.Time       `json:"at"`
	Ceremony ID              `json:"ceremony"`
	Type     string          `json:"type"`
	Event    json.RawMessage `json:"event"`
}

// OpenJournal opens the directory, makes it if it is missing, and locks it
// against a second process. The lock goes with the process.
func OpenJournal(dir string) (*FileJournal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make journal directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("lock journal directory %s: %w", dir, err)
	}
	return &FileJournal{dir: dir, lock: lock, heads: map[ID]head{}}, nil
}

// Close gives the lock back. Nothing may be appended afterwards.
func (j *FileJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = errors.New("the journal is closed")
	return j.lock.Close()
}

// Path is where a ceremony's journal lies.
func (j *FileJournal) Path(id ID) string { return filepath.Join(j.dir, string(id)+journalSuffix) }

// Append implements [Journal].
func (j *FileJournal) Append(_ context.Context, id ID, after int, events ...Event) ([]Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return nil, fmt.Errorf("%w: %w", ErrJournal, j.broken)
	}
	h, known := j.heads[id]
	if !known && after > 0 {
		return nil, fmt.Errorf("append to %s: %w", id, ErrUnknownCeremony)
	}
	if h.seq != after {
		return nil, fmt.Errorf("append to %s behind %d, at %d: %w", id, after, h.seq, ErrBehind)
	}

	entries, text, err := encode(id, h, events)
	if err != nil {
		return nil, err // nothing was written
	}
	if err := j.write(id, h, text); err != nil {
		if !errors.Is(err, ErrBehind) {
			j.broken = err
			err = fmt.Errorf("%w: %w", ErrJournal, err)
		}
		return nil, err
	}
	last := entries[len(entries)-1]
	j.heads[id] = head{seq: last.Seq, hash: last.Hash, size: h.size + int64(len(text))}
	return entries, nil
}

// encode makes the lines for events that follow h.
func encode(id ID, h head, events []Event) ([]Entry, []byte, error) {
	var entries []Entry
	var text bytes.Buffer
	seq, prev := h.seq, h.hash
	for _, event := range events {
		seq++
		e := Entry{Seq: seq, Prev: prev, At: time.Now().UTC(), Event: event}
		raw, err := encodeLine(id, e)
		if err != nil {
			return nil, nil, err
		}
		// A line that could not be read back would stop every later start.
		if _, _, err := decodeLine(raw); err != nil {
			return nil, nil, fmt.Errorf("encode %q: %w", TypeOf(event), err)
		}
		e.Hash = hashLine(raw)
		entries = append(entries, e)
		prev = e.Hash
		text.Write(raw)
		text.WriteByte('\n')
	}
	return entries, text.Bytes(), nil
}

// encodeLine is an entry as it stands in the journal, without its line feed.
func encodeLine(id ID, e Entry) ([]byte, error) {
	fields, err := json.Marshal(e.Event)
	if err != nil {
		return nil, fmt.Errorf("encode %q: %w", TypeOf(e.Event), err)
	}
	raw, err := json.Marshal(line{Seq: e.Seq, Prev: e.Prev, At: e.At, Ceremony: id, Type: TypeOf(e.Event), Event: fields})
	if err != nil {
		return nil, fmt.Errorf("encode %q: %w", TypeOf(e.Event), err)
	}
	return raw, nil
}

func (j *FileJournal) write(id ID, h head, text []byte) (err error) {
	flags := os.O_WRONLY
	if h.seq == 0 {
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := os.OpenFile(j.Path(id), flags, 0o600)
	if h.seq == 0 && errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create %s: %w", id, ErrBehind)
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
		// Load has cut a torn line off; anything else came from somebody else.
		return fmt.Errorf("%s has %d bytes, not %d: %w", id, info.Size(), h.size, ErrBehind)
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

// Load implements [Journal]. A last line without its line feed was being written
// when the program died; nothing had been done with it, and it is cut off.
func (j *FileJournal) Load(_ context.Context, id ID) ([]Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f, err := os.OpenFile(j.Path(id), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load %s: %w", id, ErrUnknownCeremony)
	}
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", id, err)
	}
	defer f.Close()

	chain, err := readChain(f)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", id, err)
	}
	if len(chain.entries) == 0 {
		return nil, fmt.Errorf("load %s: no whole line: %w", id, ErrChain)
	}
	if chain.ceremony != id {
		return nil, fmt.Errorf("load %s: it is the journal of %s: %w", id, chain.ceremony, ErrChain)
	}
	if chain.torn {
		if err := errors.Join(f.Truncate(chain.size), f.Sync()); err != nil {
			return nil, fmt.Errorf("cut the torn line off %s: %w", id, err)
		}
	}
	last := chain.entries[len(chain.entries)-1]
	j.heads[id] = head{seq: last.Seq, hash: last.Hash, size: chain.size}
	return chain.entries, nil
}

// List implements [Journal]. A file whose first line was never finished is no
// ceremony: nothing was shown to anybody.
func (j *FileJournal) List(_ context.Context) ([]ID, error) { return listDir(j.dir) }

func listDir(dir string) ([]ID, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list journal: %w", err)
	}
	type first struct {
		id ID
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
			firsts = append(firsts, first{ID(strings.TrimSuffix(filepath.Base(path), journalSuffix)), at})
		}
	}
	slices.SortFunc(firsts, func(a, b first) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(string(a.id), string(b.id))
	})
	ids := make([]ID, len(firsts))
	for i, f := range firsts {
		ids[i] = f.id
	}
	return ids, nil
}

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
		return at, false, fmt.Errorf("%w: %w", ErrChain, err)
	}
	return l.At, true, nil
}

// chain is a ceremony's journal as it was read.
type chain struct {
	ceremony ID
	entries  []Entry
	size     int64 // up to and with the last whole line
	torn     bool  // something without a line feed follows
}

// readChain reads every line and checks that it continues the one before.
func readChain(r io.Reader) (chain, error) {
	var c chain
	in := bufio.NewReader(r)
	prev := ""
	for seq := 1; ; seq++ {
		raw, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			c.torn = len(raw) > 0
			return c, nil
		}
		if err != nil {
			return c, err
		}
		c.size += int64(len(raw))
		raw = raw[:len(raw)-1]
		l, event, err := decodeLine(raw)
		if err != nil {
			return c, fmt.Errorf("line %d: %w: %w", seq, ErrChain, err)
		}
		switch {
		case l.Seq != seq:
			return c, fmt.Errorf("line %d: it says that it is line %d: %w", seq, l.Seq, ErrChain)
		case l.Prev != prev:
			return c, fmt.Errorf("line %d: it does not follow line %d, which was changed: %w", seq, seq-1, ErrChain)
		case seq > 1 && l.Ceremony != c.ceremony:
			return c, fmt.Errorf("line %d: it belongs to %s: %w", seq, l.Ceremony, ErrChain)
		}
		c.ceremony = l.Ceremony
		prev = hashLine(raw)
		c.entries = append(c.entries, Entry{Seq: l.Seq, Prev: l.Prev, At: l.At, Hash: prev, Event: event})
	}
}

// decodeLine reads a line and insists on the very bytes that this program
// writes: a line that says the same in other bytes has been touched.
func decodeLine(raw []byte) (line, Event, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, nil, err
	}
	event, err := decodeEvent(l.Type, l.Event)
	if err != nil {
		return l, nil, err
	}
	if again, err := json.Marshal(event); err != nil || !bytes.Equal(again, l.Event) {
		return l, nil, errors.New("its event was not written by this program")
	}
	if again, err := json.Marshal(l); err != nil || !bytes.Equal(again, raw) {
		return l, nil, errors.New("it was not written by this program")
	}
	return l, event, nil
}

func hashLine(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
