package bot

import (
	"strings"
	"testing"

	"conclave/bot/slacktest"
)

func TestHelpIsReadInSlack(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.expect("`/ceremony key-status CLUSTER`", strings.ReplaceAll(s.types(s.carol, "help"), "\n", " "))
	s.expect("opens sealed nodes", s.types(s.carol, "help operations"))
	s.expect("[interval=720h]", s.types(s.carol, "help rotate-config"))
	s.expect("revoke", s.types(s.carol, "help tokens"))
	s.expect("There is no help on this", s.types(s.carol, "help xyzzy"))
}
