package host

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// Path is a file or a folder. A relative one is meant relative to the folder of
// the configuration file; once read it no longer depends on where the program
// was started.
type Path string

// MaxFile is more than any key, token or passphrase file can need.
const MaxFile = 64 << 10

// ReadSecret reads a file with a token or a passphrase, without the line feed
// that editors put at its end. It refuses a file that others on this machine may
// read: whoever made it so should know that the secret is no longer one.
func ReadSecret(path Path) ([]byte, error) {
	data, err := ReadFile(path, true)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimRight(data, "\r\n")
	if len(data) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return data, nil
}

// ReadFile reads a small regular file. A private one must belong to its owner
// alone.
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
		return nil, fmt.Errorf("%s has mode %04o, which lets other accounts at it: chmod 600 %[1]s, and think of what it holds as known", path, mode.Perm())
	}
	data, err := ReadBounded(f, MaxFile)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}

// ErrOverlong means that a file or a program had more to say than it could have.
var ErrOverlong = errors.New("longer than anything expected here")

// ReadBounded reads everything into a single buffer, which the caller can wipe:
// one that grows leaves copies behind.
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

// maxEvidence is larger than any journal or transcript.
const maxEvidence = 64 << 20

// ReadEvidence reads a journal or a transcript that somebody wants checked, and that
// somebody else may have made.
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

// ReadTrusted reads a small regular file that decides who takes part or whom to
// trust: whoever can write it, decides.
func ReadTrusted(path Path) ([]byte, error) {
	data, err := ReadFile(path, false)
	if err != nil {
		return nil, err
	}
	return data, Trusted(path)
}

// Trusted says why a file can't be trusted, nil when not everybody on this machine can write it. A group may: where each
// account has a group of its own, files are made that way.
func Trusted(path Path) error {
	info, err := os.Stat(string(path))
	if err != nil {
		return err
	}
	if writtenByAll(info) {
		return fmt.Errorf("%s has mode %04o, which lets everybody on this machine write it: chmod o-w %[1]s", path, info.Mode().Perm())
	}
	return nil
}

// writtenByAll reports whether everybody on this machine may write a file or folder.
func writtenByAll(info os.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o002 != 0
}

// readableByOthers reports whether anybody but the owner has a right to a file. Windows
// keeps rights elsewhere and shows a made-up mode.
//
// A credential that systemd hands to a service is root's, with an access list for the
// account of the service; what the mode, 0440, shows as the right of the group, root's
// as well, is that list's mask.
func readableByOthers(info os.FileInfo) bool {
	mode := info.Mode().Perm()
	credential := mode == 0o440 && isRoots(info)
	return runtime.GOOS != "windows" && mode&0o077 != 0 && !credential
}
