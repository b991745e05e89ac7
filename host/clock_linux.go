package host

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// timeServices has a file or folder that is there once a service has set the clock, or
// while it runs: path → service.
var timeServices = map[string]string{
	"run/systemd/timesync/synchronized": "systemd-timesyncd",
	"run/chrony":                        "chrony",
	"run/ntpd.pid":                      "ntpd",
	"run/ntpd-rs":                       "ntpd-rs",
}

// TimeSource returns the service that sets the clock, by what it leaves below /run, or ""
// when there is a trace of none, or of several. A container has a /run of its own.
func TimeSource() string { return timeSource("/") }

func timeSource(root string) string {
	found := ""
	for path, service := range timeServices {
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			continue
		}
		if found != "" {
			return ""
		}
		found = service
	}
	return found
}

// ClockSynchronized returns "yes" or "no", by the kernel's own word: adjtimex(2). It
// returns "" when the kernel may not be asked, as in a service with ProtectClock=yes.
func ClockSynchronized() string {
	var t unix.Timex
	state, err := unix.Adjtimex(&t) // without modes it only reads
	switch {
	case err != nil:
		return ""
	case state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0:
		return "no"
	}
	return "yes"
}
