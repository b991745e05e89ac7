package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/transport"
)

// hears makes sure that the bot still answers.
func (s *stage) hears() {
	s.t.Helper()
	s.wait("its sockets", s.connected)
	s.expect("What you can type", s.types(s.alice, "help"))
}

func (s *stage) opens() int { return len(s.w.Calls("apps.connections.open")) }

// TestStormOfDisconnectsIsNotAnswered is trap T1: the client would open a new
// socket thousands of times a second.
func TestStormOfDisconnectsIsNotAnswered(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.bot.rhythm.Refusals = 1000
	storm := s.w.Inject(slacktest.Fault{Method: "socket.hello", Effect: slacktest.DisconnectFor("refresh_requested")})
	began, before := time.Now(), s.bot.Health().Opens
	s.w.Disconnect("refresh_requested")
	s.wait("a few hits", func() bool { return storm.Hits() >= 5 })
	took := time.Since(began)
	if opened := s.bot.Health().Opens - before; took < time.Duration(opened-1)*s.bot.rhythm.LeastGap {
		t.Errorf("%d openings in %v", opened, took)
	}
	storm.Remove()
	s.hears()
}

// TestSwitchedOffSocketModeIsFatal is trap T2: the reason is invisible, and the
// client would go on for ever.
func TestSwitchedOffSocketModeIsFatal(t *testing.T) {
	for name, off := range map[string]func(*stage){
		"before the greeting": func(s *stage) { s.w.SwitchSocketMode(false) },
		"after the greeting": func(s *stage) {
			s.w.Inject(slacktest.Fault{Method: "socket.hello", Effect: slacktest.DisconnectFor("link_disabled")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := setUp(t, slacktest.Config{})
			close(s.engine.ready)
			s.bot.rhythm.MostGap, s.bot.rhythm.Refusals = 10*time.Millisecond, 3
			off(s)
			err := s.bot.Run(s.ctx(), s.engine)
			if !errors.Is(err, transport.ErrSocket) || !errors.Is(err, transport.ErrStorm) ||
				!strings.Contains(err.Error(), "Socket Mode is switched on") {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestErrorsThatTimeDoesNotCureAreFatal is trap T3: the client gives up on four
// of them and repeats the others for ever.
func TestErrorsThatTimeDoesNotCureAreFatal(t *testing.T) {
	for code, advice := range map[string]string{
		"invalid_auth": "app-level token", "not_authed": "app-level token", "token_revoked": "app-level token", "token_expired": "app-level token",
		"account_inactive": "install the app", "missing_scope": "connections:write", "not_allowed_token_type": "where it belongs",
		"team_access_not_granted": "administrator", "forbidden_team": "administrator",
	} {
		t.Run(code, func(t *testing.T) {
			s := setUp(t, slacktest.Config{})
			close(s.engine.ready)
			s.w.Inject(slacktest.Fault{Method: "apps.connections.open", Effect: slacktest.Answer(code)})
			err := s.bot.Run(s.ctx(), s.engine)
			if !errors.Is(err, transport.ErrSocket) || !strings.Contains(err.Error(), advice) {
				t.Errorf("%v", err)
			}
			if s.opens() != 1 {
				t.Errorf("asked %d times", s.opens())
			}
		})
	}
}

func TestWrongAddressIsFatal(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	close(s.engine.ready)
	s.w.Inject(slacktest.Fault{Method: "apps.connections.open", Effect: slacktest.Status(http.StatusNotFound)})
	if err := s.bot.Run(s.ctx(), s.engine); !errors.Is(err, transport.ErrSocket) {
		t.Errorf("%v", err)
	}
}

func TestTroubleThatPassesIsWaitedFor(t *testing.T) {
	for name, fault := range map[string]slacktest.Fault{
		"Slack in trouble":         {Method: "apps.connections.open", Effect: slacktest.Status(http.StatusServiceUnavailable)},
		"an answer that is lost":   {Method: "apps.connections.open", Effect: slacktest.DropAfter()},
		"an internal error":        {Method: "apps.connections.open", Effect: slacktest.Answer("internal_error")},
		"too many open at once":    {Method: "socket.open", Effect: slacktest.Status(http.StatusConflict)},
		"sockets that die at once": {Method: "socket.hello", Effect: slacktest.DropBefore()},
	} {
		t.Run(name, func(t *testing.T) {
			s := setUp(t, slacktest.Config{})
			close(s.engine.ready)
			fault.Times = 3
			injected := s.w.Inject(fault)
			s.run()
			s.wait("the fourth opening", func() bool { return s.opens() >= 4 })
			s.hears()
			if injected.Hits() != 3 {
				t.Errorf("hit %d times", injected.Hits())
			}
		})
	}
}

// TestHungOpeningIsGivenUp is trap T4: no call of the client has a time limit.
func TestHungOpeningIsGivenUp(t *testing.T) {
	for _, method := range []string{"apps.connections.open", "socket.open"} {
		s := setUp(t, slacktest.Config{})
		close(s.engine.ready)
		s.bot.http.Timeout = 3 * time.Second // for what does not hang, too
		s.w.Inject(slacktest.Fault{Method: method, Times: 1, Effect: slacktest.Hang()})
		s.run()
		s.hears()
	}
}

func TestSocketWithoutAGreetingIsGivenUp(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	s.bot.rhythm.Hello = 100 * time.Millisecond
	s.bot.rhythm.Refusals = 2
	sv := &transport.Supervisor{AppToken: s.w.AppToken(), BotToken: s.w.BotToken(), APIURL: silentSocket(t) + "/api/",
		HTTP: s.bot.http, Rhythm: s.bot.rhythm, Health: s.bot.health, Log: s.bot.log}
	if err := sv.Run(s.ctx()); !errors.Is(err, transport.ErrNoHello) {
		t.Errorf("%v", err)
	}
}

// silentSocket is a Slack that opens sockets and says nothing on them.
func silentSocket(t *testing.T) string {
	t.Helper()
	done := make(chan struct{})
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"ok":true,"url":"ws%s/link"}`, strings.TrimPrefix(server.URL, "http"))
	})
	mux.HandleFunc("/link", func(w http.ResponseWriter, r *http.Request) { upgradeAndWait(w, r, done) })
	t.Cleanup(func() { close(done); server.Close() })
	return server.URL
}

// TestBusyBotKeepsItsSocket is trap T6: work in the event loop would keep pings
// from being read.
func TestBusyBotKeepsItsSocket(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	close(s.engine.ready)
	s.run()
	s.hears()
	free := make(chan struct{})
	s.engine.mu.Lock()
	s.engine.during = func() { <-free }
	s.engine.mu.Unlock()
	s.engine.id = "x"
	before := s.opens()
	for range transport.MaxInPerson {
		if _, err := s.carol.DMs(envelope); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		answered := s.w.Pongs()
		s.wait("pings to be answered", func() bool { return s.w.Pongs() >= answered+10 })
		s.expect("What you can type", s.types(s.alice, "help"))
	}
	close(free)
	s.settle()
	if s.opens() != before {
		t.Errorf("%d sockets were lost", s.opens()-before)
	}
}

// TestSocketsThatAreCutCostNothing is trap T7: nothing says that an
// acknowledgement was lost, and the client would send it on the next socket,
// which the workspace reports as a broken rule.
func TestSocketsThatAreCutCostNothing(t *testing.T) {
	s := start(t, slacktest.Config{})
	for i := range 5 {
		before := s.opens()
		s.w.Inject(slacktest.Fault{Method: "socket.ack", Times: 1, Effect: slacktest.DropBefore()})
		if _, err := s.carol.DMs(fmt.Sprintf("%s\n%d", envelope, i)); err != nil {
			t.Fatal(err)
		}
		s.wait("the offer", func() bool { return len(s.engine.offered()) == i+1 })
		s.wait("the next socket", func() bool { return s.opens() > before })
		s.hears()
	}
	s.settle()
	if n := len(s.engine.offered()); n != 5 {
		t.Errorf("%d offers of 5 messages", n)
	}
}

// TestRefreshLosesNothing is trap T8: a message between two sockets comes as a
// retry.
func TestRefreshLosesNothing(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.bot.rhythm.Refusals = 1000
	for i := range 5 {
		s.w.Disconnect([]string{"warning", "refresh_requested", "too_many_websockets"}[i%3])
		if _, err := s.carol.DMs(fmt.Sprintf("%s\n%d", envelope, i)); err != nil {
			t.Fatal(err)
		}
		s.wait("the offer", func() bool { return len(s.engine.offered()) == i+1 })
	}
	s.hears()
}

func TestSlackThatAsksForAPauseGetsIt(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	close(s.engine.ready)
	s.w.Inject(slacktest.Fault{Method: "apps.connections.open", Times: 1, Effect: slacktest.RateLimited(time.Second)})
	began := time.Now()
	s.run()
	s.hears()
	if took := time.Since(began); took < time.Second {
		t.Errorf("opened again after %v", took)
	}
}

func TestTokenOfAnotherWorkspaceIsFatal(t *testing.T) {
	s := setUp(t, slacktest.Config{Team: "T0OTHER"})
	s.bot.config.Team = "T0CONCLAVE"
	if err := s.bot.Run(s.ctx(), s.engine); !errors.Is(err, ErrWorkspace) {
		t.Errorf("%v", err)
	}
	s = setUp(t, slacktest.Config{})
	s.w.RevokeToken(false, "token_revoked")
	if err := s.bot.Run(s.ctx(), s.engine); !errors.Is(err, ErrWorkspace) {
		t.Errorf("%v", err)
	}
}

func TestSignInWaitsForSlack(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	close(s.engine.ready)
	s.w.Inject(slacktest.Fault{Method: "auth.test", Times: 2, Effect: slacktest.Status(500)})
	s.run()
	s.hears()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.bot.signIn(ctx); err != nil {
		t.Errorf("stopped while waiting: %v", err)
	}
}

// TestUnknownEventIsAcknowledged, or Slack would send it again and again.
func TestUnknownEventIsAcknowledged(t *testing.T) {
	s := start(t, slacktest.Config{Events: append(slacktest.DefaultEvents(), "app_home_opened")})
	if err := s.alice.Opens("home"); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.hears()
}

// TestNothingSecretIsLoggedByTheClient: with its debugging on, slack-go would
// log whole messages (P1).
func TestP1MessagesAreNotLogged(t *testing.T) {
	s := start(t, slacktest.Config{})
	for _, typed := range []string{"canary-4711", envelope, hexShare} {
		if _, err := s.carol.DMs(typed); err != nil {
			t.Fatal(err)
		}
	}
	s.types(s.carol, "start canary-4711 canary-4711 canary-4711")
	s.settle()
	for _, secret := range []string{"canary-4711", "hF4DAAAA", hexShare, s.w.BotToken(), s.w.AppToken()} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}
