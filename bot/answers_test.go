package bot

import (
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/transport"
	"conclave/ceremony"
)

// startSlowly runs a bot that posts once an hour in a channel.
func startSlowly(t *testing.T) *stage {
	t.Helper()
	s := setUp(t, slacktest.Config{})
	s.bot.notifier.pace.Gap = time.Hour
	close(s.engine.ready)
	s.run()
	s.wait("a socket", func() bool { return s.w.Sockets() == 1 && s.bot.Health().Connected })
	return s
}

// TestValidShareDoesNotWaitBehindItsSendersRefusedOnes, whose answers wait for their turn.
func TestValidShareDoesNotWaitBehindItsSendersRefusedOnes(t *testing.T) {
	s := startSlowly(t)
	s.engine.fail(ceremony.BadMessage)
	for range 5 {
		if _, err := s.carol.DMs(envelope); err != nil {
			t.Fatal(err)
		}
	}
	s.wait("five that are refused", func() bool { return len(s.engine.offered()) == 5 })
	s.engine.fail(nil)
	if _, err := s.carol.DMs(envelope); err != nil {
		t.Fatal(err)
	}
	s.wait("the valid one", func() bool { return len(s.engine.offered()) == 6 })
}

// TestStopDoesNotWaitForAnswersWhoseTurnIsFar: those who run the bot would kill it.
func TestStopDoesNotWaitForAnswersWhoseTurnIsFar(t *testing.T) {
	s := startSlowly(t)
	s.engine.fail(ceremony.BadMessage)
	for i := range transport.MaxInPerson + 3 { // more than may wait
		if _, err := s.carol.DMs(envelope); err != nil {
			t.Fatal(err)
		}
		s.wait("an offer", func() bool { return len(s.engine.offered()) == i+1 })
	}
	s.wait("answers that wait", func() bool {
		n, _ := s.bot.answers.Waiting(s.carol.ID())
		return n == transport.MaxInPerson
	})
}
