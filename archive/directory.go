package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"conclave/ceremony"
	"conclave/host/durable"
)

// Modes of a kept file: while it is written, and afterwards. On storage that is written
// once, taking the right to write away commits the file.
const (
	writing = 0o640
	kept    = 0o440
)

// Directory keeps documents as files. It never changes a file that is complete. It is as
// safe as the storage behind it: a mount from another host, at best one that is written
// once.
type Directory struct {
	// Path must be there. It is never made: when a mount is missing that would make a
	// folder on the very host that the copy is to outlive.
	Path string
}

// Name returns what the directory is called in journals. There is only one directory.
func (*Directory) Name() string { return "directory" }

// Keep writes the files in their order.
func (a *Directory) Keep(ctx context.Context, d ceremony.Document) (ceremony.Receipt, error) {
	for _, f := range d.Files {
		if !filepath.IsLocal(f.Name) || filepath.Base(f.Name) != f.Name {
			return ceremony.Receipt{}, fmt.Errorf("keep a file: %q is no name of one", f.Name)
		}
		if err := keepFile(filepath.Join(a.Path, f.Name), f.Content); err != nil {
			return ceremony.Receipt{}, fmt.Errorf("keep a file: %w", err)
		}
	}
	if err := durable.SyncDir(a.Path); err != nil {
		return ceremony.Receipt{}, fmt.Errorf("keep a file: %w", err)
	}
	return ceremony.Receipt{Text: filepath.Join(a.Path, d.Files[0].Name)}, ctx.Err()
}

// Check looks at the directory, and writes nothing there. It returns the path.
func (a *Directory) Check(context.Context) (string, error) {
	info, err := os.Stat(a.Path)
	switch {
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s is not a directory", a.Path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0 && info.Mode()&os.ModeSticky == 0:
		return "", fmt.Errorf("%s has mode %04o, which lets everybody on this machine replace what is kept: "+
			"chmod o-w %[1]s", a.Path, info.Mode().Perm())
	}
	return a.Path, nil
}

// keepFile writes a file durably, or makes sure that it is there. A write that was
// interrupted has left the beginning of the file, which is completed.
func keepFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, writing)
	if errors.Is(err, os.ErrExist) {
		return completeFile(path, data)
	}
	if err != nil {
		return err
	}
	return finishFile(f, data)
}

// completeFile adds what is missing from a file that is there.
func completeFile(path string, data []byte) error {
	there, complete, err := readKept(path, len(data))
	switch {
	case err != nil:
		return err
	case !bytes.HasPrefix(data, there) || complete && len(there) < len(data):
		return fmt.Errorf("%s: %w", path, ErrDiffers)
	case complete:
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return finishFile(f, data[len(there):])
}

// readKept reads at most one byte more than size. complete reports whether the file was
// written to its end: then nobody has the right to write it.
func readKept(path string, size int) (data []byte, complete bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	if !info.Mode().IsRegular() {
		return nil, false, fmt.Errorf("%s: %w", path, ErrDiffers)
	}
	data, err = io.ReadAll(io.LimitReader(f, int64(size)+1))
	return data, info.Mode().Perm()&0o222 == 0, err
}

// finishFile writes the rest of a file, syncs it, and takes the right to write it away.
func finishFile(f *os.File, rest []byte) error {
	_, err := f.Write(rest)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Chmod(f.Name(), kept)
	}
	return errors.Join(err, f.Close())
}
