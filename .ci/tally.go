// Tally runs "go test" with its arguments and counts. It fails when a test fails, when a test was skipped (a skipped
// test proves nothing, and goes unnoticed), and when there was no test at all.
//
//	go run .ci/tally.go -race -shuffle=on ./...
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// event is one line of "go test -json".
type event struct {
	Action     string
	Package    string
	ImportPath string // of a package that does not compile
	Test       string
	Elapsed    float64
	Output     string
}

func main() {
	if err := tally(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

func tally(args []string) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var passed, packages int
	var failed, skipped []string
	said := map[string][]string{} // package and test → output
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // what a compiler says is not JSON
			continue
		}
		name := strings.TrimSpace(cmp.Or(e.Package, e.ImportPath) + " " + e.Test)
		switch e.Action {
		case "output", "build-output":
			said[name] = append(said[name], e.Output)
			continue
		case "pass":
			if e.Test != "" {
				passed++
			} else {
				packages++
				fmt.Printf("ok    %s  %.1f s\n", e.Package, e.Elapsed)
			}
		case "fail", "build-fail":
			failed = append(failed, name)
			fmt.Printf("FAIL  %s\n%s", name, strings.Join(said[name], ""))
		case "skip":
			if e.Test != "" {
				skipped = append(skipped, name)
				fmt.Printf("SKIP  %s\n%s", name, strings.Join(said[name], ""))
			}
		default:
			continue // run, pause, cont, start
		}
		delete(said, name)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read go test's output: %w", err)
	}
	exit := cmd.Wait()

	fmt.Printf("\n%d tests passed in %d packages, %d failed, %d skipped.\n", passed, packages, len(failed), len(skipped))
	switch {
	case len(failed) > 0:
		return fmt.Errorf("failed:\n  %s", strings.Join(failed, "\n  "))
	case exit != nil:
		return fmt.Errorf("go test: %w", exit)
	case len(skipped) > 0:
		return fmt.Errorf("skipped, which counts as failed here:\n  %s", strings.Join(skipped, "\n  "))
	case passed == 0:
		return fmt.Errorf("there was no test")
	}
	return nil
}
