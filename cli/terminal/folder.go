package terminal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"conclave/host"
	"conclave/host/durable"
)

// folder takes what is handed out at a terminal, and what people have signed.
// Nothing in it is secret: shares and tokens are encrypted to their receivers. No
// name leads out of it, and no link.
type folder struct{ root *os.Root }

// openFolder makes the folder, for its owner alone, unless it is there.
func openFolder(dir string) (folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return folder{}, fmt.Errorf("make --out: %w", err)
	}
	if err := host.Trusted(host.Path(dir)); err != nil {
		return folder{}, fmt.Errorf("use --out: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return folder{}, fmt.Errorf("use --out: %w", err)
	}
	return folder{root}, nil
}

// Close gives the folder back. What is in it stays.
func (f folder) Close() error { return f.root.Close() }

// alike is how many files of one name there may be.
const alike = 99

// keep writes a text to a new file, durably, and answers its path. A file is never
// replaced: another text gets another name, and the same one is there already.
func (f folder) keep(name, text string) (string, error) {
	stem, suffix, _ := strings.Cut(name, ".")
	for n := 1; n <= alike; n++ {
		if n > 1 {
			name = fmt.Sprintf("%s-%d.%s", stem, n, suffix)
		}
		path := filepath.Join(f.root.Name(), name)
		err := durable.CreateIn(f.root, name, []byte(text))
		if errors.Is(err, fs.ErrExist) {
			if there, err := host.ReadFile(host.Path(path), false); err == nil && string(there) == text {
				return path, nil
			}
			continue
		}
		return path, err
	}
	return "", fmt.Errorf("keep %s: %d files are called like it", name, alike)
}

// openLog opens the file for the operator's lines, which would stand between the
// words for people.
func (f folder) openLog() (*os.File, error) {
	log, err := f.root.OpenFile("conclave.log", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return log, nil
}
