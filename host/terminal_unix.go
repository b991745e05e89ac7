//go:build unix

package host

import "os"

// OpenTerminal opens the terminal from which this process was started.
func OpenTerminal() (*Terminal, error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &Terminal{f, f}, nil
}
