package bot

import (
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sys/unix"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// terminal is a terminal with an interactive shell in it.
type terminal struct {
	t      *testing.T
	folder string
	keys   *os.File // what is typed
	shell  int      // its process
}

// newTerminal starts a shell in a person's folder. All that it shows is thrown away.
func newTerminal(t *testing.T, s *shellUser, shell ...string) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(keys.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	cmd := exec.Command(shell[0], append(shell[1:], "-i")...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = s.folder, screen, screen, screen
	cmd.Env = []string{"GNUPGHOME=" + s.home, "HOME=" + s.home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TERM=dumb", "ENV="}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(io.Discard, keys)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = keys.Close()
		<-shown
	})
	return &terminal{t, s.folder, keys, cmd.Process.Pid}
}

func (x *terminal) types(text string) {
	x.t.Helper()
	if _, err := x.keys.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// until waits until something is so.
func (x *terminal) until(what string, so func() bool) {
	x.t.Helper()
	deadline := time.After(30 * time.Second)
	for !so() {
		select {
		case <-deadline:
			x.t.Fatalf("waited in vain until %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// reads reports whether the shell reads what is typed, and no command in it.
func (x *terminal) reads() bool {
	group, err := unix.IoctlGetInt(int(x.keys.Fd()), unix.TIOCGPGRP)
	return err == nil && group == x.shell
}

// pasted returns the commands of a message below which something stands to be pasted.
func pasted(m render.Message) []string {
	var all []string
	command := ""
	for _, b := range m.Blocks {
		switch b := b.(type) {
		case *slack.SectionBlock:
			for _, e := range entries.FindAllStringSubmatch(html.UnescapeString(b.Text.Text), -1) {
				command = e[1]
			}
		case *slack.DividerBlock:
			command = ""
		}
		for _, l := range listingsOf(render.Message{Blocks: []slack.Block{b}}) {
			if wording.IsArmor(l) && command != "" {
				all = append(all, command)
			}
			command = ""
		}
	}
	return all
}

// TestNothingThatIsPastedReachesTheShell: a program that stops before the end of a paste leaves
// the rest to the shell. gpg does so at a wrong checksum, and whoever can edit a message puts
// one in, and a command behind it.
func TestNothingThatIsPastedReachesTheShell(t *testing.T) {
	carol := newShellUser(t, "carol")
	a := newAuthority(t, carol)
	c, key := a.announces(started(t, a.plan()).c, ceremony.StepUpdate)
	m := shown(t)(render.ShareRequest(c, a.to, *c.Key, a))
	commands := pasted(m)
	if len(commands) != 2 {
		t.Fatalf("something is pasted behind %q", commands)
	}
	const behind = "touch pwned\n"
	spoilt := func(block string) string {
		head, tail, _ := strings.Cut(block, "\n=")
		return head + "\n=AAAA" + tail[strings.Index(tail, "\n"):] + "\n" + behind
	}
	announced := key.Announced()
	for name, paste := range map[string]string{
		"a wrong checksum":           spoilt(announced.Announcement),
		"a key's wrong checksum":     spoilt(announced.Certificate),
		"a detached signature":       carol.runsWith("gpg -q --batch -ba", []byte("x")) + behind,
		"encrypted under a password": carol.runsWith("gpg -q --batch --passphrase x --pinentry-mode loopback -ca", []byte("x")) + behind,
		"no armor":                   "Hello\n" + behind,
		"a long text":                strings.Repeat(strings.Repeat("A", 63)+"\n", 200) + behind,
	} {
		for _, shell := range shells(t) {
			x := newTerminal(t, carol, shell...)
			x.types("true > conclave-key.txt; true > conclave-says.txt\n")
			x.pastes(name, commands, paste)
			if name != "a wrong checksum" {
				continue
			}
			x.types("set -C\n")
			x.pastes("a file that must not be replaced", commands, paste)
			x.types("rm conclave-*.txt; mkdir conclave-key.txt conclave-says.txt\n")
			x.pastes("a file that can't be written", commands, paste)
			x.types("rmdir conclave-*.txt\n")
		}
	}
}

// pastes types each command and pastes a text into it. It is an error when the shell runs a
// part of the text.
func (x *terminal) pastes(what string, commands []string, text string) {
	x.t.Helper()
	for _, command := range commands {
		x.runs()
		x.types(command + "\n")
		x.until("it has begun to read", func() bool { return !x.reads() })
		x.types(text + "\x04")
		x.until("it has ended", x.reads)
		x.runs()
		pwned := filepath.Join(x.folder, "pwned")
		if _, err := os.Stat(pwned); err == nil {
			_ = os.Remove(pwned)
			x.t.Errorf("%s: %s: THE SHELL HAS RUN WHAT WAS PASTED", what, command)
		}
	}
}

// runs returns when the shell has run everything that was typed so far.
func (x *terminal) runs() {
	x.t.Helper()
	done := filepath.Join(x.folder, "done")
	x.types("touch done\n")
	x.until("the shell runs what is typed", func() bool { _, err := os.Stat(done); return err == nil && x.reads() })
	if err := os.Remove(done); err != nil {
		x.t.Fatal(err)
	}
}
