package bot

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/middlebox"
)

// throughProxy is set in the process that TestBotWorksThroughAProxy starts.
const throughProxy = "CONCLAVE_TEST_PROXIED_API"

// TestBotWorksThroughAProxy: calls and sockets go through a proxy that knows nothing but CONNECT, and to a box that
// opens their TLS with a company's own authority. Both are named by the environment, which a process reads once: so the
// bot runs in one of its own.
func TestBotWorksThroughAProxy(t *testing.T) {
	w, err := slacktest.Start(slacktest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	box, authority, err := middlebox.StartIntercepting(w.URL(), "slack.invalid")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	at, err := url.Parse(box.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := middlebox.StartProxy(map[string]string{at.Host: box.Addr()})
	t.Cleanup(proxy.Close)
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	ops := w.AddChannel("ops", w.Bot())
	run := func(env ...string) string {
		bot := exec.Command(os.Args[0], "-test.run=^TestBotBehindAProxy$", "-test.v")
		bot.Env = append(os.Environ(), throughProxy+"="+box.URL()+"/api/ "+w.AppToken()+" "+w.BotToken()+" "+w.TeamID()+" "+ops.ID())
		bot.Env = append(bot.Env, env...)
		said, _ := bot.CombinedOutput() // what it says is looked at
		return string(said)
	}
	if said := run("HTTPS_PROXY="+proxy.URL(), "SSL_CERT_FILE="+file); !strings.Contains(said, "two connections") {
		t.Fatalf("through the proxy:\n%s", said)
	}
	if asked := proxy.Asked(); len(asked) < 3 || slices.ContainsFunc(asked, func(a string) bool { return a != "CONNECT "+at.Host }) {
		t.Errorf("the proxy was asked for %q", asked)
	}
	if box.Served() < 2 {
		t.Errorf("%d sockets went through the box", box.Served())
	}
	if said := run("HTTPS_PROXY=" + proxy.URL()); !strings.Contains(said, "unknown authority") {
		t.Errorf("without its authority:\n%s", said)
	}
}

// TestBotBehindAProxy is the process of [TestBotWorksThroughAProxy]. By itself it has nothing to show.
func TestBotBehindAProxy(t *testing.T) {
	words := strings.Fields(os.Getenv(throughProxy))
	if len(words) != 5 {
		return
	}
	s := &stage{t: t, log: &journal{}, engine: &fakeEngine{ready: make(chan struct{})}, ended: make(chan error, 1)}
	close(s.engine.ready)
	s.bot = bare(t, Config{APIURL: words[0], AppToken: words[1], BotToken: words[2], Team: words[3], Channel: words[4]}, s.log)
	s.runQuietly(t)
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if s.bot.Health().Connections == 2 {
			t.Log("two connections")
			return
		}
		if strings.Contains(s.log.String(), "unknown authority") {
			break
		}
	}
	t.Errorf("not connected:\n%s", s.log)
}

// TestBotWorksOverIPv6.
func TestBotWorksOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatalf("this machine has no IPv6 loopback: %v", err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	s := start(t, slacktest.Config{Addr: addr})
	s.hears()
}
