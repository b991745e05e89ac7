package bot

import (
	"fmt"
	"strings"
	"testing"

	"conclave/bot/command"
	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/bot/slacktest"
)

// otherSpaces are what text that was copied or pasted has in the place of a space.
var otherSpaces = map[string]string{
	"a no-break space": "\u00a0", "a narrow no-break space": "\u202f", "a figure space": "\u2007", "an em space": "\u2003",
	"an ideographic space": "\u3000", "a line separator": "\u2028", "a next line": "\u0085", "a vertical tab": "\v", "a tab": "\t",
	"two spaces": "  ", "a space that nobody sees beside one": " \u200b", "a word joiner between two": " \u2060 ",
}

func TestArmorIsSeenWhateverItsSpacesAre(t *testing.T) {
	for name, space := range otherSpaces {
		text := strings.ReplaceAll(envelope, " ", space)
		if !refusal.PgpBegin.MatchString(text) || !refusal.PgpBlock.MatchString(text[strings.LastIndex(text, "END"):]) {
			t.Errorf("%s: no PGP message is seen", name)
		}
		// What stands in armor is no secret, and what stands beside it is.
		inside := strings.Replace(text, "hF4D", baseShare+"\nhF4D", 1)
		if got := refusal.Exposures(inside, nil); len(got) > 0 {
			t.Errorf("%s: armor is taken for %v", name, got)
		}
		if got := refusal.Exposures(text+"\n"+baseShare, nil); len(got) != 1 || got[0] != refusal.ExposedShare {
			t.Errorf("%s: beside a share, %v is seen", name, got)
		}
		key := strings.ReplaceAll("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlFgE", " ", space)
		if got := refusal.Exposures(key, nil); len(got) != 1 || got[0] != refusal.ExposedKey {
			t.Errorf("%s: a private key is taken for %v", name, got)
		}
		if err := command.Guard(command.VerbStart, "rekey prod "+text, []string{"rekey", "prod"}, nil); err == nil {
			t.Errorf("%s: it becomes a part of a command", name)
		}
	}
}

func TestArmorIsSeenWhateverItsDashesAre(t *testing.T) {
	for _, dash := range []string{"\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2015", "\u2212", "\ufe63", "\uff0d"} {
		text := strings.ReplaceAll(envelope, "-", dash)
		if got := refusal.Exposures(strings.Replace(text, "hF4D", baseShare+"\nhF4D", 1), nil); len(got) > 0 || !refusal.PgpBegin.MatchString(text) {
			t.Errorf("%U: armor is taken for %v", []rune(dash), got)
		}
		certificate := strings.ReplaceAll("-----BEGIN CERTIFICATE-----\n"+baseShare+"\n-----END CERTIFICATE-----", "-", dash)
		if got := refusal.Exposures(certificate, nil); len(got) > 0 {
			t.Errorf("%U: a certificate is taken for %v", []rune(dash), got)
		}
	}
}

func TestEnvelopeWithOtherSpacesGetsATrueAnswer(t *testing.T) {
	for name, space := range map[string]string{"no-break": "\u00a0", "narrow": "\u202f", "with a mark": " \u200b"} {
		t.Run(name, func(t *testing.T) {
			typed := strings.ReplaceAll(envelope, "BEGIN PGP MESSAGE", fmt.Sprintf("BEGIN%sPGP%sMESSAGE", space, space))
			s, ask := playAsked(t, slacktest.Config{})
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
