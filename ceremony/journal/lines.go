package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"conclave/ceremony"
	"conclave/host/regular"
)

// openLines opens a file of lines. The error wraps ErrChain when something else than a
// regular file stands there, or a file that is too large.
func openLines(path string, flag int) (*os.File, error) {
	f, err := regular.Open(path, flag, 0)
	if errors.Is(err, regular.ErrNotRegular) {
		return nil, fmt.Errorf("%w: %w", err, ceremony.ErrChain)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > maxCeremony {
		err = overlong(info.Size())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func overlong(size int64) error {
	return fmt.Errorf("it has %d bytes, and no ceremony's journal has more than %d: %w", size, maxCeremony, ceremony.ErrChain)
}

// lines are the lines of a ceremony as they were read.
type lines struct {
	lines [][]byte // without their line feeds
	size  int64    // in bytes, up to and with the last whole line
	torn  int64    // bytes without a line feed that follow
}

// readLines reads every line. The error wraps ErrChain when a line, or all together, are too
// long; then the lines before come with it.
func readLines(r io.Reader) (lines, error) {
	var read lines
	for in := newLineReader(r); ; {
		raw, whole, err := in.next()
		if err != nil {
			return read, fmt.Errorf("line %d: %w", len(read.lines)+1, err)
		}
		if !whole {
			read.torn = int64(len(raw))
			return read, nil
		}
		if read.size += int64(len(raw)) + 1; read.size > maxCeremony {
			return read, overlong(read.size)
		}
		read.lines = append(read.lines, raw)
	}
}

// lineReader reads lines of a bounded length.
type lineReader struct{ in *bufio.Reader }

func newLineReader(r io.Reader) lineReader { return lineReader{bufio.NewReader(r)} }

// next returns the next line without its line feed. At the end it returns what follows the
// last line feed, with whole false. The error wraps ErrChain when the line is too long.
func (r lineReader) next() (raw []byte, whole bool, err error) {
	for {
		part, err := r.in.ReadSlice('\n')
		raw = append(raw, part...)
		switch {
		case len(raw) > maxLine+1:
			return nil, false, fmt.Errorf("it has more than %d bytes: %w", maxLine, ceremony.ErrChain)
		case err == nil:
			return raw[:len(raw)-1], true, nil
		case errors.Is(err, io.EOF):
			return raw, false, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}
