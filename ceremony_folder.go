package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// folder takes what is handed out at a terminal, and what people have signed.
// Nothing in it is secret: shares and tokens are encrypted to their receivers.
type folder struct{ dir string }

// openFolder makes the folder, for its owner alone, unless it is there.
func openFolder(dir string) (folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return folder{}, fmt.Errorf("make --out: %w", err)
	}
	if err := trusted(Path(dir)); err != nil {
		return folder{}, fmt.Errorf("use --out: %w", err)
	}
	return folder{dir}, nil
}

// alike is how many files of one name there may be.
const alike = 99

// keep writes a text to a new file, durably, and answers its path. A file is never
// replaced: another text gets another name, and the same one is there already.
func (f folder) keep(name, text string) (string, error) {
	stem, suffix, _ := strings.Cut(name, ".")
	for n := 1; n <= alike; n++ {
		path := filepath.Join(f.dir, name)
		if n > 1 {
			path = filepath.Join(f.dir, fmt.Sprintf("%s-%d.%s", stem, n, suffix))
		}
		err := create(path, text)
		if errors.Is(err, fs.ErrExist) {
			if there, err := readFile(Path(path), false); err == nil && string(there) == text {
				return path, nil
			}
			continue
		}
		return path, err
	}
	return "", fmt.Errorf("keep %s: %d files are called like it", name, alike)
}

func create(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, fs.ErrExist) {
			err = errors.Join(err, os.Remove(path)) // half a file would be taken for a whole one
		}
	}()
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Sync()
}

// openLog opens the file for the operator's lines, which would stand between the
// words for people.
func (f folder) openLog() (*os.File, error) {
	log, err := os.OpenFile(filepath.Join(f.dir, "conclave.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return log, nil
}
