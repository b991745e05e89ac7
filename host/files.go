// Package host knows this machine: private files and who may write them, the terminal,
// and how the memory of this process is protected. What an operating system can't do is
// left out there, and reported.
package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"conclave/ceremony/paste"
)

// Path names a file or a folder. In the configuration a relative path is relative to the
// folder of the configuration file. Reading the configuration makes it absolute.
type Path string

// MaxFile is the size in bytes of the largest file with a key, a token, a passphrase or a
// message that is read.
const MaxFile = 64 << 10

// ReadSecret reads a file with a token or a passphrase, without what editors put around it: a
// line end, a byte order mark, UTF-16. It refuses an empty file, and one that other accounts on this
// machine may read: its secret must be taken for known. The caller wipes the result.
func ReadSecret(path Path) ([]byte, error) {
	data, err := ReadFile(path, true)
	if err != nil {
		return nil, err
	}
	if data = paste.Passphrase(data); len(data) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return data, nil
}

// ReadFile reads a regular file of at most [MaxFile] bytes. It refuses a private file to
// which other accounts have any right.
func ReadFile(path Path, private bool) ([]byte, error) {
	f, err := os.Open(string(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case private && readableByOthers(info):
		return nil, fmt.Errorf("%s has mode %04o, which lets other accounts at it: chmod 600 %[1]s, "+
			"and think of what it holds as known", path, mode.Perm())
	}
	data, err := ReadBounded(f, MaxFile)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}

// ErrOverlong means that a file or the output of a program is longer than the limit.
var ErrOverlong = errors.New("longer than anything expected here")

// ReadBounded reads at most limit bytes to the end of r, into a single buffer that the
// caller can wipe: a buffer that grows leaves copies behind. The error is [ErrOverlong]
// when there are more.
func ReadBounded(r io.Reader, limit int) ([]byte, error) {
	buf := make([]byte, limit+1)
	n, err := io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return buf[:n], nil
	}
	clear(buf)
	if err == nil {
		err = ErrOverlong
	}
	return nil, err
}

// maxEvidence is the size in bytes of the largest journal or transcript that is read.
const maxEvidence = 64 << 20

// ReadEvidence reads a journal or a transcript that is to be checked. Anybody may have
// made it, so that its size is limited.
func ReadEvidence(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxEvidence+1))
	if err == nil && len(data) > maxEvidence {
		err = fmt.Errorf("%s: %w", path, ErrOverlong)
	}
	return data, err
}

// ReadTrusted is [ReadFile] of a file that decides who takes part or whom to trust. It
// refuses a file that is not [Trusted].
func ReadTrusted(path Path) ([]byte, error) {
	data, err := ReadFile(path, false)
	if err != nil {
		return nil, err
	}
	return data, Trusted(path)
}

// Trusted returns an error when everybody on this machine may write the file. Its group
// may: where each account has a group of its own, files are made that way.
func Trusted(path Path) error {
	info, err := os.Stat(string(path))
	if err != nil {
		return err
	}
	if writtenByAll(info) {
		return fmt.Errorf("%s has mode %04o, which lets everybody on this machine write it: chmod o-w %[1]s",
			path, info.Mode().Perm())
	}
	return nil
}

// writtenByAll reports whether everybody on this machine may write a file or folder.
func writtenByAll(info os.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0
}

// readableByOthers reports whether other accounts than the owner have a right to a file.
// It returns false on Windows, which keeps rights elsewhere and shows a made-up mode.
//
// It also returns false for a credential that systemd hands to a service. That file
// belongs to root and to root's group, and has an access list for the account of the
// service. Its mode 0440 shows the mask of the list as the right of the group.
func readableByOthers(info os.FileInfo) bool {
	mode := info.Mode().Perm()
	credential := mode == 0o440 && isRoots(info)
	return runtime.GOOS != "windows" && mode&0o077 != 0 && !credential
}
