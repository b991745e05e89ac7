//go:build unix

package host

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// forbidCoreDumps keeps shares out of files that a crash leaves.
func forbidCoreDumps() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }

// noCoreFile reports whether a crash may write a file.
func noCoreFile() bool {
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil && limit.Cur == 0
}

// forbidTraces takes the two signals with which anybody of this account has Go print
// what each goroutine is doing, arguments included, whatever GOTRACEBACK says, and
// lets them fall. SIGTERM twice or SIGKILL still end the program.
func forbidTraces() {
	signal.Notify(make(chan os.Signal, 1), unix.SIGQUIT, unix.SIGABRT)
}
