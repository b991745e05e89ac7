package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/slacktest/middlebox"
	"conclave/bot/transport"
)

// standing sets up and runs a bot whose connections are good as soon as they stand.
func standing(t *testing.T, change func(*transport.Rhythm)) *stage {
	t.Helper()
	s := setUp(t, slacktest.Config{})
	close(s.engine.ready)
	s.bot.rhythm.Abrupt = time.Millisecond
	change(&s.bot.rhythm)
	s.run()
	s.hears()
	return s
}

func asItIs(*transport.Rhythm) {}

// behind does the same with a bot whose way to Slack leads through a box.
func behind(t *testing.T, change func(*transport.Rhythm)) (*stage, *middlebox.Box) {
	t.Helper()
	s := setUp(t, slacktest.Config{})
	close(s.engine.ready)
	box, err := middlebox.Start(s.w.URL())
	if err != nil {
		t.Fatal(err)
	}
	s.bot = s.newBot(box.URL() + "/api/")
	s.bot.rhythm.Abrupt = time.Millisecond
	change(&s.bot.rhythm)
	t.Cleanup(box.Close)
	s.run()
	s.hears()
	return s, box
}

// TestRefreshHasNoGap: while Slack ends one connection, another one takes what people do.
// Slack repeats no command and no click.
func TestRefreshHasNoGap(t *testing.T) {
	for _, reason := range []string{"warning", "refresh_requested"} {
		s := standing(t, asItIs)
		for range 10 {
			before := s.w.Sockets()
			s.w.DisconnectOne(reason)
			if reply := s.alice.Command(s.ops, "/ceremony", "help"); reply.Error != "" {
				t.Errorf("%s: a command of the moment gets %s, of %d sockets", reason, reply.Error, before)
			}
			s.wait("its sockets", s.connected)
		}
	}
}

// TestWarnedConnectionServesUntilAnotherOneStands: Slack warns ten seconds ahead.
func TestWarnedConnectionServesUntilAnotherOneStands(t *testing.T) {
	s := standing(t, asItIs)
	refused := s.w.Inject(slacktest.Fault{Method: "apps.connections.open", Effect: slacktest.Status(503)})
	s.w.Disconnect("warning")
	s.wait("openings", func() bool { return refused.Hits() >= 2 })
	s.expect("What you can type", s.types(s.alice, "help"))
	refused.Remove()
	s.hears()
}

// TestCutConnectionLeavesNoGap: of two connections one is enough.
func TestCutConnectionLeavesNoGap(t *testing.T) {
	s := standing(t, asItIs)
	away := s.w.Inject(slacktest.Fault{Method: "apps.connections.open", Effect: slacktest.Status(503)})
	s.w.CutOne()
	s.wait("the end of one", func() bool { return s.bot.Health().Connections == 1 })
	if !s.bot.Health().Connected {
		t.Error("it counts as not connected")
	}
	s.expect("What you can type", s.types(s.alice, "help"))
	away.Remove()
	s.hears()
}

// TestSwallowedPingsEndNoConnection: a box on the way lets none of Slack's through.
func TestSwallowedPingsEndNoConnection(t *testing.T) {
	s := standing(t, func(r *transport.Rhythm) { r.Ping = 2 * time.Second })
	s.w.Mute(true)
	opens := s.opens()
	time.Sleep(3 * s.bot.rhythm.Ping) // a silence as long as this is what is asked for
	if n := s.opens() - opens; n > 0 {
		t.Errorf("%d connections were replaced although the bot's own pings are answered", n)
	}
}

// TestStalledConnectionIsReplaced: nothing comes through it, and neither side notices.
func TestStalledConnectionIsReplaced(t *testing.T) {
	s, box := behind(t, func(r *transport.Rhythm) { r.Ping = 2 * time.Second })
	box.Stall()
	s.wait("two new ones", func() bool { return box.Served() >= 4 && s.bot.Health().Connections == 2 })
	if !strings.Contains(s.log.String(), transport.ErrQuiet.Error()) {
		t.Error("the log does not say why")
	}
}

// TestConnectionsThatAreEndedEarlyAreReplacedWithoutAPause, however often that happens: each
// of them stood, and no pause grows.
func TestConnectionsThatAreEndedEarlyAreReplacedWithoutAPause(t *testing.T) {
	s, box := behind(t, func(r *transport.Rhythm) { r.Refusals = 3 })
	box.EndAfter(100 * time.Millisecond)
	for round := range 5 {
		served := box.Served()
		s.w.CutSockets()
		s.wait(fmt.Sprintf("new ones, round %d", round), func() bool { return box.Served() >= served+2 })
	}
	if h := s.bot.Health(); h.Failures > 0 {
		t.Errorf("%d failures", h.Failures)
	}
	if strings.Contains(s.log.String(), "no connection to Slack") {
		t.Errorf("a pause was made:\n%s", s.log)
	}
	box.EndAfter(0)
	s.hears()
}

// TestConnectionThatWasGoodOnceIsNeverGivenUp: the program's end would cost every open
// request. What it exits for at its start it tells the channel of.
func TestConnectionThatWasGoodOnceIsNeverGivenUp(t *testing.T) {
	for name, row := range map[string]struct {
		fault  slacktest.Fault
		reason string
	}{
		"token":     {slacktest.Fault{Method: "apps.connections.open", Effect: slacktest.Answer("token_revoked")}, "token_revoked"},
		"not found": {slacktest.Fault{Method: "apps.connections.open", Effect: slacktest.Status(404)}, "no Slack answers"},
		"storm":     {slacktest.Fault{Method: "socket.hello", Effect: slacktest.DisconnectFor("link_disabled")}, "Socket Mode is switched on"},
	} {
		t.Run(name, func(t *testing.T) {
			s := standing(t, func(r *transport.Rhythm) { r.Abrupt, r.Refusals = time.Second, 3 })
			s.wait("a good connection", func() bool { return time.Since(s.bot.Health().LastHello) > 3*time.Second/2 })
			bad := s.w.Inject(row.fault)
			s.w.CutSockets()
			s.posted(t, row.reason)
			hits := bad.Hits()
			s.wait("more openings", func() bool { return bad.Hits() >= hits+5 })
			select {
			case err := <-s.ended:
				t.Fatalf("the bot ended with %v", err)
			default:
			}
			if n := s.posts(row.reason); n != 1 {
				t.Errorf("told %d times", n)
			}
			bad.Remove()
			s.hears()
		})
	}
}

// posts counts the messages of the bot's in the ops channel with this text.
func (s *stage) posts(what string) int {
	n := 0
	for _, m := range s.ops.Messages() {
		if m.BotID != "" && strings.Contains(s.w.Read(m), what) {
			n++
		}
	}
	return n
}

func (s *stage) posted(t *testing.T, what string) {
	t.Helper()
	s.wait("a post with "+what, func() bool { return s.posts(what) > 0 })
}

// TestSecondBotOnTheSameAppIsNoticed, since Slack gives each of them a part of what people
// do. A connection that was cut is counted for a while, and is no other program.
func TestSecondBotOnTheSameAppIsNoticed(t *testing.T) {
	s := standing(t, func(r *transport.Rhythm) { r.Ghost, r.Renew = 500*time.Millisecond, time.Second })
	const words = "takes a part of what people"
	if s.posts(words) > 0 || s.bot.Health().Foreign > 0 {
		t.Fatal("its own connections are taken for others")
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	other := s.newBot(s.w.URL() + "/api/")
	go func() { ended <- other.Run(ctx, s.engine) }()
	s.posted(t, words)
	if h := s.bot.Health(); h.Foreign == 0 {
		t.Error("the health has nothing of it")
	}
	opens := s.opens()
	s.wait("three more looks", func() bool { return s.opens() >= opens+3 })
	if n := s.posts(words); n != 1 {
		t.Errorf("told %d times", n)
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	s.posted(t, "any more but mine")
	s.hears()
}

// TestGhostsAreNoSecondBot: Slack counts what was cut for a while.
func TestGhostsAreNoSecondBot(t *testing.T) {
	s, box := behind(t, func(r *transport.Rhythm) { r.Ghost = time.Hour })
	box.Drop()
	s.wait("two more", func() bool { return box.Served() >= 4 && s.bot.Health().Connections == 2 })
	if s.w.Sockets() != 4 {
		t.Fatalf("%d sockets: the cut ones are no ghosts", s.w.Sockets())
	}
	if strings.Contains(s.log.String(), "more connections of this app") {
		t.Errorf("its own ghosts are taken for others:\n%s", s.log)
	}
}

// TestStormAtTheStartIsFatal, and the error names Slack's reason.
func TestStormAtTheStartNamesSlacksReason(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	close(s.engine.ready)
	s.bot.rhythm.Refusals = 3
	s.w.SwitchSocketMode(false)
	if err := s.bot.Run(s.ctx(), s.engine); !errors.Is(err, transport.ErrStorm) || !strings.Contains(err.Error(), "link_disabled") {
		t.Errorf("%v", err)
	}
}
