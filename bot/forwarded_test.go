package bot

import (
	"strings"
	"testing"

	"conclave/bot/slacktest"
	"conclave/ceremony"
)

// TestForwardedEnvelopeIsTaken: a forwarded message has an empty text, and everything in an attachment.
func TestForwardedEnvelopeIsTaken(t *testing.T) {
	for name, row := range map[string]struct {
		send func(*stage, *slacktest.Channel) (slacktest.Message, error)
		way  ceremony.Intake
	}{
		"text": {func(s *stage, aside *slacktest.Channel) (slacktest.Message, error) {
			sent, err := s.carol.Says(aside, envelope)
			if err != nil {
				return slacktest.Message{}, err
			}
			return s.carol.Forwards(sent[0], s.carol.Direct())
		}, ceremony.ByText},
		"file": {func(s *stage, aside *slacktest.Channel) (slacktest.Message, error) {
			sent, err := s.carol.Shares(aside, "", slacktest.Upload{Name: "share.asc", Content: []byte(envelope)})
			if err != nil {
				return slacktest.Message{}, err
			}
			return s.carol.Forwards(sent, s.carol.Direct())
		}, ceremony.ByFile},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, slacktest.Config{})
			aside := s.w.AddPrivateChannel("aside", s.carol)
			if _, err := row.send(s, aside); err != nil {
				t.Fatal(err)
			}
			s.wait("the offer", func() bool { return len(s.engine.offered()) > 0 })
			s.settle()
			offers := s.engine.offered()
			if len(offers) != 1 || offers[0].Way != row.way || !strings.Contains(string(offers[0].Envelope), "BEGIN PGP MESSAGE") {
				t.Errorf("offered %+v", offers)
			}
		})
	}
}

// TestForwardedChatterIsAnsweredWithHelp, and is offered to nobody.
func TestForwardedChatterIsAnsweredWithHelp(t *testing.T) {
	s := start(t, slacktest.Config{})
	aside := s.w.AddPrivateChannel("aside", s.carol)
	sent, err := s.carol.Says(aside, "see you at nine")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.carol.Forwards(sent[0], s.carol.Direct()); err != nil {
		t.Fatal(err)
	}
	s.settle()
	if n := len(s.engine.offered()); n > 0 {
		t.Errorf("%d offers", n)
	}
}
