// Package regular opens regular files, and nothing else: no symbolic link, no pipe, no
// device. Who can write a folder can put any of these in a file's place, and a program that
// reads it waits for ever, reads without end, or reads another file.
package regular

import (
	"errors"
	"fmt"
	"os"
)

// ErrNotRegular means that something else than a regular file stands at a path.
var ErrNotRegular = errors.New("is not a regular file")

// Open is [os.OpenFile] of a regular file. The error wraps ErrNotRegular when something else
// stands there, also a symbolic link to a regular file.
func Open(path string, flag int, mode os.FileMode) (*os.File, error) {
	before, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && flag&os.O_CREATE != 0:
	case err != nil:
		return nil, err
	case !before.Mode().IsRegular():
		return nil, fmt.Errorf("%s %w", path, ErrNotRegular)
	}
	f, err := os.OpenFile(path, flag|linksRefused, mode)
	if err != nil {
		return nil, err
	}
	// Another file may have been put there since.
	if now, err := f.Stat(); err != nil || !now.Mode().IsRegular() || before != nil && !os.SameFile(before, now) {
		return nil, errors.Join(fmt.Errorf("%s %w any more", path, ErrNotRegular), err, f.Close())
	}
	return f, nil
}
