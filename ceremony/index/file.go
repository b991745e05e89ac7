package index

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"conclave/ceremony/secret"
	"conclave/host/durable"
	"conclave/host/regular"
)

// purpose is what a line of the file is authenticated for. Its number must change whenever a
// record is made of a journal in another way, so that the index is made anew.
const purpose = "conclave index 1"

// The most bytes of the file and of a line in it that are read. A ceremony takes one to five
// kilobytes.
const (
	maxFile = 1 << 30
	maxLine = 1 << 22
)

// File keeps records on disk: a line for each, which is an authentication code, a space and
// JSON. It is safe for concurrent use.
type File struct {
	path string
	key  secret.MACKey

	mu     sync.Mutex
	size   int64 // in bytes
	broken error // why nothing is written any more
}

// NewFile returns the index in a file, which may be missing. Only records that were written
// under the same key are read back.
func NewFile(path string, key secret.MACKey) *File { return &File{path: path, key: key} }

// Report says what was wrong with a file.
type Report struct {
	Missing bool // there was none
	Foreign int  // lines that were not written under this key, or were changed
	Unused  int  // records that the reader did not want
}

// Read calls use with each record. It removes from the file each one for which use returns
// false, and what is not ours. It must be called once, before Add. After an error no record
// is kept any more.
func (f *File) Read(use func(Record) bool) (Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var r Report
	kept, err := f.readLocked(&r, use)
	if err != nil {
		f.broken = fmt.Errorf("read the index %s: %w", f.path, err)
		return r, f.broken
	}
	if r.Foreign == 0 && r.Unused == 0 {
		return r, nil
	}
	if err := f.rewriteLocked(kept); err != nil {
		f.broken = fmt.Errorf("rewrite the index %s: %w", f.path, err)
	}
	return r, f.broken
}

// span is where a line stands in the file, its line feed included.
type span struct{ at, length int64 }

// readLocked returns the lines whose records are used.
func (f *File) readLocked(r *Report, use func(Record) bool) ([]span, error) {
	file, err := regular.Open(f.path, os.O_RDONLY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Missing = true
		return nil, nil
	case errors.Is(err, regular.ErrNotRegular):
		r.Foreign++
		return nil, nil
	case err != nil:
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		r.Foreign++
		return nil, nil
	}
	f.size = info.Size()
	var used []span
	var at int64
	take := func(batch []sealed) {
		f.openAll(batch)
		for i := range batch {
			line := span{at, int64(len(batch[i].text)) + 1}
			at += line.length
			switch {
			case !batch[i].ours || at > info.Size(): // the line feed is missing: it was being written
				r.Foreign++
			case !use(batch[i].record):
				r.Unused++
			default:
				used = append(used, line)
			}
		}
	}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	var batch []sealed
	held := 0 // bytes in the batch
	for lines.Scan() {
		batch, held = append(batch, sealed{text: bytes.Clone(lines.Bytes())}), held+len(lines.Bytes())
		if len(batch) == openedAtOnce || held >= maxLine {
			take(batch)
			batch, held = batch[:0], 0
		}
	}
	take(batch)
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		r.Foreign++
		return used, nil
	}
	return used, lines.Err()
}

// openedAtOnce is how many lines are read before they are opened, on all processors.
const openedAtOnce = 512

// sealed is a line without its line feed, and what openAll has found in it.
type sealed struct {
	text   []byte
	record Record
	ours   bool
}

// openAll opens lines.
func (f *File) openAll(lines []sealed) {
	var workers sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for first := range n {
		workers.Go(func() {
			for i := first; i < len(lines); i += n {
				lines[i].record, lines[i].ours = f.open(lines[i].text)
			}
		})
	}
	workers.Wait()
}

// rewriteLocked writes a file of these lines of the present one in its place.
func (f *File) rewriteLocked(lines []span) error {
	var text []byte
	if len(lines) > 0 {
		file, err := regular.Open(f.path, os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		for _, l := range lines {
			raw := make([]byte, l.length)
			if _, err := file.ReadAt(raw, l.at); err != nil {
				return err
			}
			text = append(text, raw...)
		}
	}
	if err := durable.Replace(f.path, text); err != nil {
		return err
	}
	f.size = int64(len(text))
	return nil
}

// Add appends records, and returns when they are durable. After an error nothing is written
// any more: the next start reads the journals of what was not kept.
func (f *File) Add(records ...Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return f.broken
	}
	var text bytes.Buffer
	for _, r := range records {
		line, err := f.seal(r)
		if err != nil {
			return fmt.Errorf("keep %s in the index: %w", r.Ceremony, err)
		}
		text.Write(line)
	}
	if err := f.appendLocked(text.Bytes()); err != nil {
		f.broken = fmt.Errorf("write to the index %s: %w", f.path, err)
		return f.broken
	}
	return nil
}

func (f *File) appendLocked(text []byte) (err error) {
	file, err := regular.Open(f.path, os.O_WRONLY, 0)
	made := errors.Is(err, fs.ErrNotExist) && f.size == 0
	if made {
		file, err = regular.Open(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	switch info, err := file.Stat(); {
	case err != nil:
		return err
	case info.Size() != f.size:
		return fmt.Errorf("it has %d bytes, not %d: something else has written to it", info.Size(), f.size)
	}
	if _, err := file.WriteAt(text, f.size); err != nil {
		return errors.Join(err, file.Truncate(f.size))
	}
	if err := file.Sync(); err != nil {
		return err
	}
	f.size += int64(len(text))
	if made {
		return durable.SyncDir(filepath.Dir(f.path))
	}
	return nil
}

// seal returns the line of a record.
func (f *File) seal(r Record) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s %s\n", f.key.Sum(purpose, text), text), nil
}

// open returns the record of a line without its line feed. It reports whether the line is
// ours.
func (f *File) open(line []byte) (r Record, ours bool) {
	code, text, ok := bytes.Cut(line, []byte(" "))
	if !ok || !f.key.Proves(purpose, text, string(code)) {
		return r, false
	}
	return r, json.Unmarshal(text, &r) == nil
}
