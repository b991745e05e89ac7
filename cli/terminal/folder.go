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

// folder is the directory for what is handed out at a terminal, and for what people have
// signed. Nothing in it is secret: shares and tokens are encrypted to their receivers.
// Neither a name nor a link leads out of it.
type folder struct{ root *os.Root }

// openFolder opens the folder. When it is not there, it makes it for its owner alone.
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

// Close closes the folder. The files in it stay.
func (f folder) Close() error { return f.root.Close() }

// alike is the largest number of files with one name.
const alike = 99

// keep writes a text to a new file, durably, and returns its path. It never replaces a
// file. When there is one with another text, the new one gets a number; when there is one
// with the same text, keep returns its path.
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

// openLog opens the file for the log. On the screen its lines would stand between those
// for people.
func (f folder) openLog() (*os.File, error) {
	log, err := f.root.OpenFile("conclave.log", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return log, nil
}
