// Fuzz runs every fuzz target of the module for a while each, as many at a time as there are processors. It fails when
// a target finds something, when there is no target, or when a target never ran.
//
//	go run .ci/fuzz.go 20s
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// target is one fuzz test.
type target struct{ pkg, name string }

// execs matches the lines in which the fuzzer reports its progress.
var execs = regexp.MustCompile(`execs: (\d+) .*new interesting: (\d+) \(total: (\d+)\)`)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run .ci/fuzz.go TIME")
		os.Exit(2)
	}
	each, err := time.ParseDuration(os.Args[1])
	if err == nil {
		err = run(each)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

// run fuzzes every target. After the first target that finds something it begins no other.
func run(each time.Duration) error {
	targets, err := list()
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return errors.New("no fuzz target was found")
	}
	fmt.Printf("%d fuzz targets, %s each\n", len(targets), each)
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	waiting := make(chan target, len(targets))
	for _, t := range targets {
		waiting <- t
	}
	close(waiting)
	var all sync.WaitGroup
	for range runtime.NumCPU() {
		all.Go(func() {
			for t := range waiting {
				if ctx.Err() != nil {
					return
				}
				if err := t.fuzz(each); err != nil {
					stop(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// list returns the fuzz targets of all packages.
func list() ([]target, error) {
	cmd := exec.Command("go", "test", "-list", "^Fuzz", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w", cmd.Args, err)
	}
	var found []target
	var names []string
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 1 && strings.HasPrefix(words[0], "Fuzz"):
			names = append(names, words[0])
		case len(words) > 1 && words[0] == "ok":
			for _, name := range names {
				found = append(found, target{words[1], name})
			}
			names = nil
		}
	}
	return found, nil
}

// retries is how often a run that ended by its own clock is repeated, each time for longer: on a busy machine the time
// may be over before all known inputs are tried.
const retries = 3

// fuzz runs one target.
func (t target) fuzz(each time.Duration) error {
	out, err := t.once(each)
	for n := 0; n < retries && (err != nil && outOfTime(out) || err == nil && !execs.Match(out)); n++ {
		each *= 3
		out, err = t.once(each)
	}
	if err != nil {
		return fmt.Errorf("%s of %s: %w\n%s", t.name, t.pkg, err, out)
	}
	said := execs.FindAllStringSubmatch(string(out), -1)
	if len(said) == 0 {
		return fmt.Errorf("%s of %s did not say what it has done\n%s", t.name, t.pkg, out)
	}
	last := said[len(said)-1]
	if n, _ := strconv.Atoi(last[1]); n == 0 {
		return fmt.Errorf("%s of %s never ran", t.name, t.pkg)
	}
	fmt.Printf("%-32s %12s inputs, %s new, %s in all: nothing found\n", t.name, last[1], last[2], last[3])
	return nil
}

// once runs a target one time, on one processor, and returns its output. New inputs are not minimised for long: that
// would take most of the time.
func (t target) once(each time.Duration) ([]byte, error) {
	return exec.Command("go", "test", "-vet=off", "-run", "^$", "-fuzz", "^"+t.name+"$", "-parallel", "1",
		"-fuzztime", each.String(), "-fuzzminimizetime", "1x", t.pkg).CombinedOutput()
}

// outOfTime reports whether Go's fuzzer has failed by itself: now and then it reports the end of its time in the middle
// of a run as a failure, and names no input.
func outOfTime(out []byte) bool {
	return bytes.Contains(out, []byte("context deadline exceeded")) && !bytes.Contains(out, []byte("Failing input"))
}
