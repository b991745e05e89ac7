package whole_test

import (
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// A holder leaves the company between two ceremonies, with their direct messages open. The bot must not claim that the
// holder was asked (P10), and check says why while the bot runs.
func TestP10HolderWhoHasLeftIsShownAsNotAsked(t *testing.T) {
	t.Parallel()
	s, _ := onEmulator(t, nil)
	id := s.opened(ceremony.Rekey)
	_, err := s.Person("erin").Told(s.ctx(), id, rules.AskMessage)
	s.check(err)
	s.tells("the answer", s.commands(stage.Olga, "cancel "+string(id)), "You cancelled")
	s.board(id, "*Cancelled*")
	_, err = s.Person("erin").Told(s.ctx(), id, rules.EndedMessage)
	s.check(err)
	s.Person("erin").Slack.Deactivate()
	before := len(s.Person("erin").Slack.Inbox())

	id = s.opened(ceremony.Rekey)
	s.board(id, "Not asked: erin.", "erin (not asked)")
	s.tells("the status", s.commands(stage.Olga, "status "+string(id)), "Not asked: erin.")
	if n := len(s.Person("erin").Slack.Inbox()); n != before {
		t.Errorf("%d messages were sent to somebody who is gone", n-before)
	}
	report, err := s.Run(s.ctx(), "check", "--config", s.ConfigFile())
	if err == nil || !strings.Contains(report, "is @erin (Erin): This Slack account is deactivated.") {
		t.Errorf("check: %v\n%s", err, report)
	}
	if strings.Contains(report, "STOP  journal") {
		t.Errorf("beside the bot the journal can't be tried:\n%s", report)
	}
	s.tells("the answer", s.commands(stage.Olga, "cancel "+string(id)), "You cancelled")
	s.board(id, "*Cancelled*")
}
