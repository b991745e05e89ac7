// Package durable writes files. When one of its functions returns without an error, the
// file and its name are on disk, and a crash of the machine takes neither back.
package durable

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// private is the mode of every file that is made here: only its owner can read it.
const private = 0o600

// Create writes a new file that only its owner can read. It never replaces a file
// that exists, and leaves no part of one behind.
func Create(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, private)
	if err != nil {
		return err
	}
	err = finish(f, data)
	if err == nil {
		err = SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// CreateIn is [Create] of a file directly in a directory that is held open.
func CreateIn(dir *os.Root, name string, data []byte) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, private)
	if err != nil {
		return err
	}
	err = finish(f, data)
	if err == nil {
		err = syncNames(func() (*os.File, error) { return dir.Open(".") })
	}
	if err != nil {
		return errors.Join(err, dir.Remove(name))
	}
	return nil
}

// Replace writes a file that only its owner can read, in the place of the one that is
// there, if any. After a crash either the old file or the new one is there, whole.
func Replace(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	err = finish(f, data)
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncDir(dir)
}

// finish writes, syncs and closes.
func finish(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// SyncDir syncs a directory: the names of files that were made, renamed or removed in it.
func SyncDir(dir string) error {
	return syncNames(func() (*os.File, error) { return os.Open(dir) })
}

// syncNames syncs a directory. It does nothing on Windows, which can't.
func syncNames(open func() (*os.File, error)) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := open()
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
