package host

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// TerminalName returns the name of the terminal from which this process was started, such as
// /dev/pts/3, or an empty text when there is none or the system has no names for them. A
// program in another session, such as gpg's agent, can't open it as /dev/tty.
func TerminalName(ctx context.Context) string {
	for _, f := range []*os.File{os.Stderr, os.Stdin, os.Stdout} {
		if !term.IsTerminal(int(f.Fd())) {
			continue
		}
		// Linux has the names of open files here.
		name, err := os.Readlink(filepath.Join("/proc/self/fd", strconv.Itoa(int(f.Fd()))))
		if err == nil && isDevice(name) {
			return name
		}
	}
	// All three may be pipes and files. POSIX: ps -o tty.
	tty, err := exec.CommandContext(ctx, "ps", "-o", "tty=", "-p", strconv.Itoa(os.Getpid())).Output()
	if name := strings.TrimSpace(string(tty)); err == nil && isDevice("/dev/"+name) {
		return "/dev/" + name
	}
	return ""
}

// isDevice reports whether a name is one of a character device, as a terminal is.
func isDevice(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
