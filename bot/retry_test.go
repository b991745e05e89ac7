package bot

import (
	"testing"

	"conclave/bot/slacktest"
)

// TestP6EnvelopeSurvivesQuestionsThatFail: it was acknowledged, so that Slack
// does not deliver it again.
func TestP6EnvelopeSurvivesQuestionsThatFail(t *testing.T) {
	s := start(t, slacktest.Config{})
	for method, fault := range map[string]slacktest.Effect{
		"users.info": slacktest.Status(500), "files.info": slacktest.DropAfter(), "url_private": slacktest.Status(503),
	} {
		s.w.Inject(slacktest.Fault{Method: method, Times: 2, Effect: fault})
	}
	if _, err := s.carol.Uploads("share.asc", []byte(envelope)); err != nil {
		t.Fatal(err)
	}
	s.offered(1)
}

func TestSlackThatStaysSilentIsTold(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.w.Inject(slacktest.Fault{Method: "users.info", Effect: slacktest.Answer("internal_error")})
	s.expect("Slack does not answer Conclave", s.types(s.alice, "help"))
}

// TestNothingIsShownWhereOthersRead: the channel may be shared at any time.
func TestNothingIsShownWhereOthersRead(t *testing.T) {
	s := start(t, slacktest.Config{})
	c := s.holds(begin(t, s.plan()))
	s.ops.ShareOutside(true)
	s.expect("shared with others than this workspace", s.types(s.alice, "start rekey prod OPS-1"))
	if _, err := s.bot.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), false); err == nil {
		t.Error("the status post was shown to others")
	}
	if len(s.engine.said()) != 0 || len(s.w.Calls("chat.postMessage")) != 0 {
		t.Error("something was done")
	}
}

func TestProposalNeedsAChannelToShowItIn(t *testing.T) {
	for name, spoil := range map[string]func(*stage){
		"removed":  func(s *stage) { s.ops.Kick(s.w.Bot()) },
		"archived": func(s *stage) { s.ops.Archive() },
		"wrong":    func(s *stage) { s.bot.notifier.config.Channel = "C0NOWHERE" },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, slacktest.Config{})
			s.holds(begin(t, s.plan()))
			spoil(s)
			reply := s.alice.Command(s.alice.Direct(), "/ceremony", "start rekey prod OPS-1")
			m, err := reply.Wait(s.ctx())
			if err != nil {
				t.Fatal(err, reply.Error, s.log)
			}
			s.expect("can't post in the channel", s.w.Read(m))
		})
	}
}
