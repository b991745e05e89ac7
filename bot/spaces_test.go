package bot

import (
	"fmt"
	"strings"
	"testing"

	"conclave/bot/render"
	"conclave/bot/slacktest"
)

func TestEnvelopeWithOtherSpacesGetsATrueAnswer(t *testing.T) {
	for name, space := range map[string]string{"no-break": "\u00a0", "narrow": "\u202f", "with a mark": " \u200b"} {
		t.Run(name, func(t *testing.T) {
			typed := strings.ReplaceAll(envelope, "BEGIN PGP MESSAGE", fmt.Sprintf("BEGIN%sPGP%sMESSAGE", space, space))
			s, ask := startAsked(t, slacktest.Config{})
			if _, err := s.carol.DMs(typed); err != nil {
				t.Fatal(err)
			}
			s.offered(1)
			done, err := s.carol.Submits(s.pressForm(s.carol, ask), map[string]string{render.FormInput: typed})
			if err != nil || len(done.Errors) > 0 {
				t.Fatalf("the form says %v, %v", done.Errors, err)
			}
			s.offered(2)
		})
	}
}
