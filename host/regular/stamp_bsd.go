//go:build darwin || freebsd || netbsd

package regular

import (
	"fmt"
	"io/fs"
	"syscall"
)

// inode returns the number of a file's inode, and when that last changed.
func inode(info fs.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf(" %d %d", s.Ino, s.Ctimespec.Nano())
}
