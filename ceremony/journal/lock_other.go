//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package journal

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// lockDir fails: two bots on one journal are worse than none, and the standard library has
// no lock for this system. Holders' commands need none.
func lockDir(string) (*os.File, error) {
	return nil, fmt.Errorf("the bot does not run on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
