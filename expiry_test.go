package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"conclave/cli"
	"conclave/needs"
)

// Alice's key can be used for ten days more. She hears of it once, the operator each time, and what the guide has her
// do helps.
func TestWhoseKeyExpiresHearsOfItOnceAndExtendsItAsTheGuideSays(t *testing.T) {
	needs.Programs(t, "gpg", "bash")
	home, err := os.MkdirTemp("", "gpg") // a short path: gpg's agent listens on a socket in there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	shell := func(command string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-ec", command)
		cmd.Env, cmd.Dir = append(os.Environ(), "GNUPGHOME="+home), home
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return string(out)
	}
	w := openWorkshop(t, newIdentity(t))
	gpg := "gpg --batch --quiet --pinentry-mode loopback --passphrase '' "
	shell(gpg + "--quick-generate-key 'alice <alice@example.com>' future-default default 10d")
	listed := shell("gpg --batch --with-colons --list-keys alice@example.com")
	key := regexp.MustCompile(`(?m)^fpr:+([0-9A-F]{40}):`).FindStringSubmatch(listed)[1]
	w.write(t, "alice.asc", shell("gpg --batch --armor --export "+key))
	w.replace(t, "/api/\"", "/api/\", pace: 10ms")

	report, code := w.check(t.Context())
	if code != cli.ExitOK || !regexp.MustCompile(`note +key of alice +expires on \S+, in 9 days`).MatchString(report) {
		t.Errorf("exit code %d\n%s", code, report)
	}
	var told []string
	for range 2 {
		w.runUntil(t, func() bool {
			told = nil
			for _, m := range w.person(t, "alice").Inbox() {
				if strings.Contains(m.Text, "expires") {
					told = append(told, m.Text)
				}
			}
			return len(told) > 0
		})
	}
	if len(told) != 1 || !strings.Contains(told[0], "in 9 days") {
		t.Errorf("alice was told %d times: %q", len(told), told)
	}

	_, guide, _ := strings.Cut(read(t, "docs/holder.md"), "## When your key expires\n")
	_, commands, _ := strings.Cut(guide, "```\n")
	commands, _, _ = strings.Cut(commands, "```")
	commands = strings.ReplaceAll(commands, "FINGERPRINT", key)
	shell(strings.ReplaceAll(commands, "gpg --quick", gpg+"--quick"))
	w.write(t, "alice.asc", read(t, filepath.Join(home, "alice.asc")))
	report, code = w.check(t.Context())
	if code != cli.ExitOK || strings.Contains(report, "expires on") {
		t.Errorf("after the guide's commands: exit code %d\n%s", code, report)
	}
}

// runUntil runs the bot until a condition holds.
func (w *workshop) runUntil(t *testing.T, condition func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var said bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"run", "--config", w.path("conclave.yaml")}, cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: &said})
	}()
	deadline := time.Now().Add(2 * time.Minute)
	begun := func() bool { _, err := os.Stat(w.path("journal/.running")); return err == nil }
	for (!begun() || !condition()) && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(time.Second) // in which nobody may be told again
	condition()
	stop()
	if code := <-done; code != cli.ExitOK {
		t.Fatalf("the bot ended with %d:\n%s", code, &said)
	}
}
