package host

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTimeSourceIsTheOneServiceThatLeavesATrace(t *testing.T) {
	root := t.TempDir()
	leave := func(path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(root, path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got := timeSource(root); got != "" {
		t.Errorf("without a trace it is %q", got)
	}
	leave("run/systemd/timesync/synchronized")
	if got := timeSource(root); got != "systemd-timesyncd" {
		t.Errorf("with one trace it is %q", got)
	}
	leave("run/chrony")
	if got := timeSource(root); got != "" {
		t.Errorf("two services may set the clock, and it is said to be %q", got)
	}
}
