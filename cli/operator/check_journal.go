package operator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// journalRoom is more than the journal of a long ceremony comes to: a disk that takes
// one line more, and not the next, would let it come to a stop in the middle.
const journalRoom = 1 << 20

// tryKeeping does in dir what the journal does there: it makes a file, has a line
// made durable, and reads it back. Nothing of it stays. The journal's lock, which the
// running bot has, is left alone; the journal has no file of such a name.
func tryKeeping(dir string) (err error) {
	f, err := os.CreateTemp(dir, ".check-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	line := append(bytes.Repeat([]byte("conclave check\t"), journalRoom/15), '\n')
	if _, err := f.Write(line); err != nil {
		return fmt.Errorf("no room for a ceremony: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("no room for a ceremony: %w", err)
	}
	back, err := io.ReadAll(io.NewSectionReader(f, 0, int64(len(line))+1))
	if err != nil {
		return err
	}
	if !bytes.Equal(back, line) {
		return fmt.Errorf("%s has not kept what was written to it", f.Name())
	}
	return nil
}

// nearest returns the folder in which the first start begins to make dir.
func nearest(dir string) string {
	for {
		above := filepath.Dir(dir)
		if _, err := os.Stat(above); above == dir || !errors.Is(err, os.ErrNotExist) {
			return above
		}
		dir = above
	}
}

// tryAppending opens the journal's files as a bot does at its start, and writes
// nothing. One that another account has made, root at a terminal for example, would
// stop it.
func tryAppending(dir string) error {
	files, err := os.ReadDir(dir)
	for _, file := range files {
		if name := file.Name(); filepath.Ext(name) != ".jsonl" && name != ".lock" {
			continue
		}
		f, openErr := os.OpenFile(filepath.Join(dir, file.Name()), os.O_RDWR, 0)
		if openErr == nil {
			openErr = f.Close()
		}
		err = errors.Join(err, openErr)
	}
	return err
}
