package host

import "os"

// Writable returns an error when dir is not there. On Windows, only who tries to write
// finds out whether they may.
func Writable(dir string) error {
	_, err := os.Stat(dir)
	return err
}

// ownerOf knows nothing on Windows.
func ownerOf(os.FileInfo) (uid int, known bool) { return 0, false }

// isRoots returns false: Windows has no such account.
func isRoots(os.FileInfo) bool { return false }
