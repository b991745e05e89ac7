package slacktest_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/blockkit"
)

// Slack's own SDK for Node is a client that this package's author did not write. If it can connect, answer and post,
// then slacktest speaks as Slack does, as far as that SDK checks.
func TestOfficialSDKWorksAgainstTheWorkspace(t *testing.T) {
	w := start(t, slacktest.Config{})
	alice := w.AddPerson("alice")
	ops := w.AddPrivateChannel("ops", alice, w.Bot())
	runBolt(t, w)

	r := alice.Command(ops, "/ceremony", "status & more")
	if r.Error != "" || len(r.Messages()) != 1 || w.Read(r.Messages()[0]) != "you said status & more" {
		t.Fatalf("command: %q, %+v", r.Error, r.Messages())
	}
	waitFor(t, w, "the form", func() bool { _, open := alice.Form(); return open })
	form, _ := alice.Form()

	refused, err := alice.Submits(form, map[string]string{"share": "hello"})
	if err != nil || refused.Errors["share"] != "not armored" {
		t.Fatalf("first submission: %+v, %v", refused, err)
	}
	taken, err := alice.Submits(form,
		map[string]string{"share": "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----"})
	if err != nil || !taken.Closed {
		t.Fatalf("second submission: %+v, %v", taken, err)
	}
	status := find(t, ops, func(m slacktest.Message) bool { return len(m.History) == 1 })
	if got := w.Read(status); got != "*one* of three\n[ Cancel ]" {
		t.Errorf("status reads %q", got)
	}
	if got := status.History[0].Text; got != "<@"+alice.ID()+"> has handed one in" {
		t.Errorf("status was %q", got)
	}

	clicked, err := alice.Clicks(status, "cancel")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := clicked.Wait(within(t, hang))
	if err != nil || answer.Text != "cancelled k7m2" || answer.To != alice.ID() {
		t.Errorf("answer to the click: %+v, %v", answer, err)
	}

	if _, err := alice.DMs("is <this> heard?"); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Finds(within(t, hang), func(m slacktest.Message) bool {
		return m.BotID != "" && w.Read(m) == "I heard: is <this> heard?"
	}); err != nil {
		t.Errorf("no answer to the direct message: %v", err)
	}
	wish, err := alice.DMs("a file, please")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Finds(within(t, hang), func(m slacktest.Message) bool {
		return w.Read(m) == `I can read transcript.json: {"all":"well"}`
	}); err != nil {
		t.Errorf("the file was not read again: %v", err)
	}
	shared := alice.Direct().Thread(wish[0].TS)
	const want = "as you asked\n[file transcript.json, 14 bytes]\n[file transcript.html, 29 bytes]"
	if got := w.Read(shared[len(shared)-1]); got != want {
		t.Errorf("in the thread is %q", got)
	}
	waitFor(t, w, "acknowledgements", func() bool { return w.Unacknowledged() == 0 })
	for _, v := range w.Violations() {
		t.Errorf("violation: %v", v)
	}
}

// runBolt starts the app and waits until it is connected. It ends with the test.
func runBolt(t *testing.T, w *slacktest.Workspace) {
	t.Helper()
	cmd := exec.Command("node", "app.mjs")
	cmd.Dir = blockkit.NodeFolder(t, "bolt")
	cmd.Env = append(os.Environ(), "SLACK_URL="+w.URL(), "BOT_TOKEN="+w.BotToken(), "APP_TOKEN="+w.AppToken(),
		"NO_PROXY=127.0.0.1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		done := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		done.Stop()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		t.Fatalf("bolt said %q: %v", line, err)
	}
	waitFor(t, w, "a socket", func() bool { return w.Sockets() == 1 })
}
