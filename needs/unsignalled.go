package needs

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Unsignalled reports whether the runtime of this process sends its threads no signals.
// If it does, the test is run in a process of its own that sends none, and the caller
// returns. A search of the memory needs that: for each signal the kernel writes the
// vector registers to a stack, where what copied a secret last may be in them.
func Unsignalled(t *testing.T) bool {
	t.Helper()
	const setting = "asyncpreemptoff=1"
	if strings.Contains(os.Getenv("GODEBUG"), setting) {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "GODEBUG="+setting)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Error(err)
	}
	return false
}
