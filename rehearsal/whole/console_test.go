package whole_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/rehearsal/stage"
)

// console is "conclave ceremony …" as a process of its own, with a person at its keyboard.
type console struct {
	s     *scene
	t     testing.TB
	cmd   *exec.Cmd
	keys  io.WriteCloser
	out   string // folder of what is handed out
	ended chan error

	mu    sync.Mutex
	shown strings.Builder
	read  int // how much of it was looked at by reads
}

// Write takes the program's standard output and standard error.
func (c *console) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown.Write(text)
}

func (c *console) screen() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown.String()
}

// console runs the program with a folder for the files that it hands out.
func (s *scene) console(args ...string) *console {
	s.t.Helper()
	out, err := os.MkdirTemp(s.Dir(), "out")
	s.check(err)
	c := &console{s: s, t: s.t, out: filepath.Join(out, "of-the-day"), ended: make(chan error, 1)}
	c.cmd = exec.Command(program,
		append(append([]string{"ceremony"}, args...), "--config", s.ConfigFile(), "--out", c.out)...)
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.Dir, c.cmd.Env = c, c, s.Dir(), []string{"HOME=" + s.Dir(), stage.DetectorSettings()}
	c.keys, err = c.cmd.StdinPipe()
	s.check(err)
	s.check(c.cmd.Start())
	go func() { c.ended <- c.cmd.Wait() }()
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("the terminal:\n%s", c.screen())
		}
		_ = c.cmd.Process.Kill() // it may have ended
	})
	return c
}

// types enters a line.
func (c *console) types(line string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.keys, line+"\n", args...); err != nil {
		c.t.Fatal(err)
	}
}

// reads waits for something behind what was read last, and returns its groups.
func (c *console) reads(pattern string) []string {
	c.t.Helper()
	what := regexp.MustCompile(pattern)
	var found []string
	c.s.until("the terminal to say "+pattern, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		text := c.shown.String()[c.read:]
		at := what.FindStringSubmatchIndex(text)
		if at == nil {
			return false
		}
		found = what.FindStringSubmatch(text)
		c.read += at[1]
		return true
	})
	return found
}

// again lets the next reads begin at the top of the screen.
func (c *console) again() *console {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = 0
	return c
}

// ends waits for the program to end, and compares its exit code.
func (c *console) ends(code int) {
	c.t.Helper()
	select {
	case err := <-c.ended:
		got := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			got = exit.ExitCode()
		}
		if got != code {
			c.t.Fatalf("exit code %d, want %d", got, code)
		}
	case <-time.After(longest):
		c.t.Fatal("the program goes on and on")
	}
}

func (c *console) interrupt() {
	c.t.Helper()
	c.s.check(c.cmd.Process.Signal(syscall.SIGTERM))
}

// computer returns a person's own computer.
func (s *scene) computer(name string) stage.Shell { return s.Person(name).Keys.(stage.Shell) }

// home returns the path of a file of a person.
func (s *scene) home(name, file string) string { return filepath.Join(s.Dir(), "people", name, file) }

// signs lets a person run the command that the terminal shows, with what they add to it, and returns the path of what
// it made.
func (c *console) signs(name string, verb string, more ...string) string {
	c.t.Helper()
	if verb != "start" {
		c.types("%s %s", verb, name)
	}
	command := c.reads(`(?m)^ *(printf .* ` + verb + `\b.*-` + name + `-` + verb + `\.asc)$`)[1]
	for _, m := range more {
		command = strings.Replace(command, " "+verb+"'", " "+verb+" "+m+"'", 1)
	}
	return c.runs(name, command)
}

// runs lets a person run a command that signs.
func (c *console) runs(name, command string) string {
	c.t.Helper()
	_, err := c.s.computer(name).Run(c.s.ctx(), command, "")
	c.s.check(err)
	return c.s.home(name, command[strings.LastIndex(command, " ")+1:])
}

// begins starts a ceremony and returns its id.
func (s *scene) begins(operation string, args ...string) (*console, ceremony.ID) {
	s.t.Helper()
	c := s.console(append([]string{"start", operation, stage.ClusterName, "--as", stage.Olga}, args...)...)
	c.types("start %s", c.signs(stage.Olga, "start"))
	return c, ceremony.ID(c.reads(`(?m)^(prod-` + operation + `-\w+): This is the plan:$`)[1])
}

// approved lets the approver approve the plan.
func (c *console) approved() {
	c.t.Helper()
	c.types("approve %s %s", stage.Paul, c.signs(stage.Paul, "approve"))
	c.reads(`paul approved the plan`)
}

// request waits for the newest file that asks a person for a share, and returns its path.
func (c *console) request(name string) string {
	c.t.Helper()
	return c.again().reads(`(?s).*\n\S+: ` + name + ` is asked for .*?Give them (\S+);`)[1]
}

// seals lets a person answer a request with conclave, and returns the envelope's path.
func (c *console) seals(name, share, request string) string {
	c.t.Helper()
	_, err := c.s.computer(name).Run(c.s.ctx(),
		fmt.Sprintf("%s seal --yes --identity %s --encrypted %s %s > envelope.asc", program, c.s.Identity, share,
			request), "")
	c.s.check(err)
	return c.s.home(name, "envelope.asc")
}

// sealsWithGPG lets a person answer a request with gpg alone, and returns the envelope's path. Of the request they paste
// blocks into gpg, and run what it has printed.
func (c *console) sealsWithGPG(name, share, request string) string {
	c.t.Helper()
	text, err := os.ReadFile(request)
	c.s.check(err)
	blocks := regexp.MustCompile(`(?s)Type gpg --import, .*?(-----BEGIN .*?-----END [A-Z ]+-----).*?Type gpg -d, .*?(-----BEGIN .*?-----END [A-Z ]+-----)`).FindStringSubmatch(string(text))
	if blocks == nil {
		c.t.Fatalf("nothing to paste in:\n%s", text)
	}
	_, err = c.s.computer(name).Run(c.s.ctx(), "gpg --import", blocks[1]+"\n")
	c.s.check(err)
	printed, err := c.s.computer(name).Run(c.s.ctx(), "gpg -d", blocks[2]+"\n")
	c.s.check(err)
	command := regexp.MustCompile(`(?m)^gpg -qd SHARE-FILE .*$`).FindString(printed)
	if command == "" {
		c.t.Fatalf("nothing to run in:\n%s", printed)
	}
	_, err = c.s.computer(name).Run(c.s.ctx(), strings.ReplaceAll(command, "SHARE-FILE", share), "")
	c.s.check(err)
	return c.s.home(name, "envelope.asc")
}

// bring lets people bring their shares, the first with gpg alone.
func (c *console) bring(share func(name string) string, names ...string) {
	c.t.Helper()
	// A replay is recognised by its signer and the second of its signature. People are slower than that.
	began := time.Now().Unix()
	c.s.until("the next second", func() bool { return time.Now().Unix() > began })
	for i, name := range names {
		seal := c.seals
		if i == 0 {
			seal = c.sealsWithGPG
		}
		c.types("share %s %s", name, seal(name, share(name), c.request(name)))
		if i < len(names)-1 {
			c.reads(name + `('s share is counted| has proven)`)
		}
	}
}

// first returns the file of the share that every holder has from the beginning.
func first(string) string { return stage.ShareFile }

// reveal returns a secret that a person decrypts, and registers it with the scene for the search for leaks.
func (c *console) reveal(name, path string) string {
	c.t.Helper()
	secret, err := c.s.computer(name).Run(context.WithoutCancel(c.s.ctx()), "gpg -qd "+path, "")
	c.s.check(err)
	c.s.Know("what "+name+" has in "+filepath.Base(path), strings.TrimSpace(secret))
	return strings.TrimSpace(secret)
}
