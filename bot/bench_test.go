package bot

import (
	"fmt"
	"testing"

	"conclave/bot/slacktest"
	"conclave/bot/transport"
)

// BenchmarkMessageToEngine is the bot's part of a share's way: from a person's
// message in Slack to the engine, with the socket, the acknowledgement and the
// question whose account it is (asked once a minute) in between.
func BenchmarkMessageToEngine(b *testing.B) {
	s := start(b, slacktest.Config{})
	s.engine.id = "prod-rekey-k7m2"
	arrived := make(chan struct{})
	s.engine.mu.Lock()
	s.engine.during = func() { arrived <- struct{}{} }
	s.engine.mu.Unlock()
	n := 0
	for b.Loop() {
		n++
		if _, err := s.carol.DMs(fmt.Sprintf("%s\n%d", envelope, n)); err != nil {
			b.Fatal(err)
		}
		<-arrived
	}
	if late := s.bot.Health().LateAcks; late > 0 {
		b.Errorf("%d of %d acknowledgements took longer than %v, where Slack gives up after three seconds", late, n,
			transport.LateAck)
	}
}
