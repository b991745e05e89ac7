//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// writable says whether this account could make a file in dir, without making
// one.
func writable(dir string) error {
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return &os.PathError{Op: "write to", Path: dir, Err: err}
	}
	return nil
}
