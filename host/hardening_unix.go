//go:build unix

package host

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// forbidCoreDumps keeps shares out of files that a crash leaves.
func forbidCoreDumps() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }

// noCoreFile reports whether a crash may write no file.
func noCoreFile() bool {
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil && limit.Cur == 0
}

// forbidTraces takes SIGQUIT and SIGABRT, and ignores them. By default Go answers them with
// the trace of each goroutine, arguments included, whatever GOTRACEBACK says, and any
// process of this account can send them. SIGTERM twice, or SIGKILL, still ends the
// program.
func forbidTraces() {
	signal.Notify(make(chan os.Signal, 1), unix.SIGQUIT, unix.SIGABRT)
}
