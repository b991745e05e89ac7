package regular

import (
	"fmt"
	"io/fs"
)

// Stamp returns a text that differs once a file was written to, or another one was put in
// its place. Who may write to the file can set its size and time back. Where the system
// keeps it, the stamp has when the inode last changed as well, which only the clock decides.
func Stamp(info fs.FileInfo) string {
	return fmt.Sprintf("%d %d%s", info.Size(), info.ModTime().UnixNano(), inode(info))
}
