// Package needs ends a test that lacks something beside Go: a program, a server, a right.
//
// CONCLAVE_REQUIRE_TOOLS decides how. If it is 1, as under "make test", the test fails. If it is 0, as under "make
// quick", the test is skipped even if nothing is missing. Otherwise the test is skipped if something is missing.
package needs

import (
	"flag"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

const variable = "CONCLAVE_REQUIRE_TOOLS"

// Required reports whether a test must run.
func Required() bool { return os.Getenv(variable) == "1" }

// Programs returns if all the programs are installed, and ends the test otherwise.
func Programs(t testing.TB, names ...string) {
	t.Helper()
	leaveOut(t)
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			Lack(t, "%s is not installed: %v", name, err)
		}
	}
}

// Server returns if the file of a server is there, and ends the test otherwise. The
// command makes it.
func Server(t testing.TB, file, command string) {
	t.Helper()
	leaveOut(t)
	if _, err := os.Stat(file); err != nil {
		Lack(t, "no real server: %v; build it with: %s", err, command)
	}
}

// Lack ends a test because something is missing.
func Lack(t testing.TB, format string, args ...any) {
	t.Helper()
	if Required() {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// leaveOut ends a test that only "make test" runs.
func leaveOut(t testing.TB) {
	t.Helper()
	if LeftOut() {
		t.Skipf("%s is 0", variable)
	}
}

// Step returns the distance between the cases that a loop over all cases tries: 1, and sampled with -short and under
// the race detector. It is for code in a single goroutine, where the detector finds nothing and takes ten times as
// long. "make test" runs every case without either.
func Step(sampled int) int {
	if raced || testing.Short() {
		return sampled
	}
	return 1
}

// Parallel sets how many tests run side by side, unless the command line does. It is called by a TestMain whose tests
// wait for other processes more than for a processor.
func Parallel(tests int) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(tests)) // it is a number
	}
}

// LeftOut reports whether only the tests that need nothing but Go run.
func LeftOut() bool { return os.Getenv(variable) == "0" }
