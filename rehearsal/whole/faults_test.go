package whole_test

import (
	"fmt"
	"strings"
	"testing"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
)

// Every call that a ceremony makes of Vault is lost once: on its way there, or on its way back. The bot finds out the
// outcome by asking. The emulator fails the test if the bot repeats the call instead.
func TestP5EveryCallOfVaultIsLostOnce(t *testing.T) {
	faces := []struct {
		name string
		act  vaulttest.Act
	}{{"not applied", vaulttest.HangUp()}, {"applied", vaulttest.HangUpAfter()}}
	for _, row := range []struct {
		op    ceremony.Operation
		route string
		times int // how often a ceremony makes it
	}{
		{ceremony.Rekey, startRekey, 1},
		{ceremony.Rekey, updateRekey, stage.Threshold},
		{ceremony.Rekey, verifyRekey, stage.Threshold},
		{ceremony.GenerateRoot, startRoot, 1},
		{ceremony.GenerateRoot, updateRoot, stage.Threshold},
	} {
		for n := range row.times {
			for _, face := range faces {
				t.Run(fmt.Sprintf("%s number %d/%s", row.route, n+1, face.name), func(t *testing.T) {
					t.Parallel()
					s, cluster := onEmulator(t, nil)
					cluster.Script(vaulttest.Fault{Route: row.route, Skip: n, Do: face.act})
					id := s.opened(row.op)
					c := s.goOn(id)
					s.everybodyWasTold(c)

					lastOne := n == row.times-1 && face.name == "applied"
					switch {
					case row.route == updateRoot && lastOne:
						// The token was in the lost answer and nowhere else.
						if lost, _ := fault(c); c.Outcome != event.Failed || lost != ceremony.TokenLost {
							t.Errorf("%s, %q: %s", c.Outcome, lost, story(c))
						}
						return
					case c.Outcome != event.Completed:
						t.Fatalf("%s: %s", c.Outcome, story(c))
					case row.route == verifyRekey && c.Verified.Unconfirmed != lastOne:
						t.Errorf("unconfirmed: %t", c.Verified.Unconfirmed)
					}
					if row.op == ceremony.Rekey {
						s.newKeyInForce(id)
					} else {
						s.tokenIsRoot(id)
					}
				})
			}
		}
	}
}

func TestP5TheCancellationInVaultIsLostOnce(t *testing.T) {
	for op, attempt := range map[ceremony.Operation]string{ceremony.Rekey: rekeyAttempt,
		ceremony.GenerateRoot: rootAttempt} {
		for name, act := range map[string]vaulttest.Act{"not applied": vaulttest.HangUp(),
			"applied": vaulttest.HangUpAfter()} {
			t.Run(fmt.Sprintf("%s/%s", op, name), func(t *testing.T) {
				t.Parallel()
				s, cluster := onEmulator(t, nil)
				id := s.opened(op)
				s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
				cluster.Script(vaulttest.Fault{Route: "DELETE " + attempt, Do: act})
				s.commands(stage.Olga, "cancel "+string(id)+" enough")
				s.board(id, "*Cancelled*")
				if c := s.goOn(id); c.Outcome != event.Cancelled {
					t.Errorf("%s: %s", c.Outcome, story(c))
				}
				if n := s.progress(attempt); n != -1 {
					t.Errorf("vault still has an attempt with %d shares", n)
				}
			})
		}
	}
}

// All other ceremonies here have a pace of their own. This one has Slack's limits and the default configuration.
func TestCeremonyKeepsToSlacksLimits(t *testing.T) {
	t.Parallel()
	cluster := vaulttest.Start(t, vaulttest.Options{})
	s := set(t, stage.Options{
		Vault:     stage.Server{Addrs: cluster.Addrs()},
		Slack:     slacktest.Config{RateLimits: true},
		Configure: func(to *stage.Settings) { to.Pace = 0 },
	})
	s.start()
	id := s.begin(ceremony.GenerateRoot)
	s.completed(id)
	s.tokenIsRoot(id)
}

// Every call that a ceremony makes of Slack is lost: on its way there, or on its
// way back.
func TestCallsOfSlackAreLost(t *testing.T) {
	for name, effect := range map[string]slacktest.Effect{"not applied": slacktest.DropBefore(),
		"applied": slacktest.DropAfter()} {
		for _, lost := range []slacktest.Fault{
			{Method: "chat.postMessage", Times: 1},
			{Method: "chat.postMessage", Skip: 7, Times: 3},
			{Method: "chat.update", Times: 2},
			{Method: "conversations.info", Times: 1},
			{Method: "users.info", Skip: 2, Times: 1},
			{Method: "files.info", Times: 1},
			{Method: "url_private", Times: 1},
			{Method: "response_url", Skip: 1, Times: 1},
			{Method: "socket.ack", Skip: 3, Times: 1},
			{Method: "socket.send", Skip: 3, Times: 1},
		} {
			t.Run(fmt.Sprintf("%s from number %d/%s", lost.Method, lost.Skip+1, name), func(t *testing.T) {
				t.Parallel()
				s, _ := onEmulator(t, nil)
				s.asFiles = strings.HasPrefix(lost.Method, "files.") || lost.Method == "url_private"
				lost.Effect = effect
				fault := s.Slack.Inject(lost)
				id := s.begin(ceremony.GenerateRoot)
				c := s.goOn(id)
				if c.Outcome != event.Completed {
					t.Errorf("%s: %s", c.Outcome, story(c))
				}
				if fault.Hits() != lost.Times {
					t.Errorf("the fault struck %d times, not %d", fault.Hits(), lost.Times)
				}
				s.everybodyWasTold(c)
				s.tokenIsRoot(id)
			})
		}
	}
}
