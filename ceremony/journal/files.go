package journal

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/host/durable"
	"conclave/host/regular"
)

// journalSuffix ends the name of every ceremony's file.
const journalSuffix = ".jsonl"

// Files is a [Store] in a directory. It keeps each ceremony in a file of its own,
// DIR/ID.jsonl. A line is durable (fsync) before Append returns.
type Files struct {
	dir  string
	lock *os.File

	mu   sync.Mutex
	ends map[ceremony.ID]end
	// broken is the first error of a write. What the file holds afterwards is not known,
	// and nothing is written any more (P9).
	broken error
}

// end is where a ceremony's file ends.
type end struct {
	lines int
	size  int64 // in bytes, up to and with the last whole line
	torn  int64 // bytes behind that: a line that the program died over
}

// OpenFiles opens the directory, makes it if it is missing, and locks it against a second
// process. The error wraps ErrLocked when another process has the lock. The lock ends with
// the process.
func OpenFiles(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make journal directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("lock journal directory %s: %w", dir, err)
	}
	return &Files{dir: dir, lock: lock, ends: map[ceremony.ID]end{}}, nil
}

// Close gives the lock back.
func (s *Files) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = errors.New("the journal is closed")
	return s.lock.Close()
}

// FilePath returns the path of a ceremony's file in a directory.
func FilePath(dir string, id ceremony.ID) string {
	return filepath.Join(dir, string(id)+journalSuffix)
}

// Append implements [Store].
func (s *Files) Append(_ context.Context, id ceremony.ID, after int, lines [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	at, known := s.ends[id]
	if !known && after > 0 {
		return fmt.Errorf("append to %s: %w", id, ceremony.ErrUnknownCeremony)
	}
	if at.lines != after {
		return fmt.Errorf("append to %s behind %d, at %d: %w", id, after, at.lines, ceremony.ErrBehind)
	}
	text := append(bytes.Join(lines, []byte("\n")), '\n')
	if err := s.write(id, at, text); err != nil {
		if !errors.Is(err, ceremony.ErrBehind) {
			s.broken = err
		}
		return err
	}
	s.ends[id] = end{lines: after + len(lines), size: at.size + int64(len(text))}
	return nil
}

// write appends lines to a ceremony's file, and returns when they are durable.
func (s *Files) write(id ceremony.ID, at end, text []byte) (err error) {
	flags := os.O_WRONLY
	if at.lines == 0 {
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := regular.Open(FilePath(s.dir, id), flags, 0o600)
	if at.lines == 0 && errors.Is(err, fs.ErrExist) {
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
	if info.Size() != at.size+at.torn {
		return fmt.Errorf("%s has %d bytes, not %d: %w", id, info.Size(), at.size+at.torn, ceremony.ErrBehind)
	}
	if at.torn > 0 {
		if err := f.Truncate(at.size); err != nil {
			return err
		}
	}
	if _, err := f.WriteAt(text, at.size); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if at.lines == 0 {
		return durable.SyncDir(s.dir)
	}
	return nil
}

// Load implements [Store]. A last line without its line feed was being written when the
// program died. Nothing had been done with it, and the next Append cuts it off. Load itself
// leaves the file as it is, which may not be this program's.
func (s *Files) Load(_ context.Context, id ceremony.ID) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// It is opened for writing, so that a file that another account has made is found here.
	f, err := openLines(FilePath(s.dir, id), os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ceremony.ErrUnknownCeremony
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	read, err := readLines(f)
	if err == nil && len(read.lines) == 0 {
		err = fmt.Errorf("no whole line: %w", ceremony.ErrUnknownCeremony)
	}
	if err != nil {
		return read.lines, err
	}
	s.ends[id] = end{len(read.lines), read.size, read.torn}
	return read.lines, nil
}

// Marks implements [Store]. A file's mark is its stamp, see [regular.Stamp].
func (s *Files) Marks(_ context.Context, of ...ceremony.ID) (map[ceremony.ID]string, error) {
	if len(of) == 0 {
		files, err := os.ReadDir(s.dir)
		if err != nil {
			return nil, fmt.Errorf("list journal: %w", err)
		}
		for _, f := range files {
			if name, ok := strings.CutSuffix(f.Name(), journalSuffix); ok {
				of = append(of, ceremony.ID(name))
			}
		}
	}
	marks := make(map[ceremony.ID]string, len(of))
	for _, id := range of {
		info, err := os.Lstat(FilePath(s.dir, id))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at the journal of %s: %w", id, err)
		}
		marks[id] = regular.Stamp(info)
	}
	return marks, nil
}

// List implements [Store]. A file whose first line was never finished is no ceremony:
// nothing was shown to anybody. Anything else that has a ceremony's name is listed, also
// what Load will refuse.
func (s *Files) List(_ context.Context) ([]ceremony.ID, error) { return listDir(s.dir) }

// listDir returns the ceremonies of a directory, oldest first by their first lines. Those
// without a first line that can be read come before all others.
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
		if filepath.Ext(f.Name()) != journalSuffix {
			continue
		}
		at, begun, err := firstLine(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("list journal: %w", err)
		}
		if begun {
			firsts = append(firsts, first{ceremony.ID(strings.TrimSuffix(f.Name(), journalSuffix)), at})
		}
	}
	slices.SortFunc(firsts, func(a, b first) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	ids := make([]ceremony.ID, len(firsts))
	for i, f := range firsts {
		ids[i] = f.id
	}
	return ids, nil
}

// firstLine returns when the first line of a file was written, the zero time when it can't
// be read. begun reports whether the file is a ceremony, whole or not.
func firstLine(path string) (at time.Time, begun bool, err error) {
	f, err := openLines(path, os.O_RDONLY)
	if errors.Is(err, ceremony.ErrChain) {
		return at, true, nil
	}
	if err != nil {
		return at, false, err
	}
	defer f.Close()
	var l line
	raw, whole, err := newLineReader(f).next()
	switch {
	case errors.Is(err, ceremony.ErrChain):
		return at, true, nil
	case err != nil:
		return at, false, err
	case !whole:
		return at, false, nil
	case json.Unmarshal(raw, &l) != nil:
		return time.Time{}, true, nil
	}
	return l.At, true, nil
}
