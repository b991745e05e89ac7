package command_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"conclave/bot/command"
	"conclave/bot/refusal"
)

// TestSecretTypedAsCommandIsNotUsed is about people in a hurry (P1): whatever the verb, a
// text that looks like a share, a token or a PGP block is refused, and nothing of it comes
// back.
func TestSecretTypedAsCommandIsNotUsed(t *testing.T) {
	for _, secret := range []string{
		hexShare, baseShare, strings.ToUpper(hexShare), "hvs.CAESIJ0123456789abcdefghijklmnop", "s.0123456789abcdefghijklmn",
		"-----BEGIN PGP MESSAGE----- hF4D -----END PGP MESSAGE-----", "—BEGIN PGP PRIVATE KEY BLOCK—", "`" + baseShare + "`",
	} {
		for _, before := range []string{"", "submit ", "submit k7m2 ", "approve k7m2 ", "approve ", "cancel k7m2 ", "start rekey prod ", "help ", "xyzzy ", "status "} {
			cmd, err := command.ParseCommand(before+secret, nil)
			if !command.Shows(err) || cmd.Verb != "" {
				t.Errorf("%q with a secret: %v, %v", before, cmd, err)
			}
		}
	}
}

// TestTokenTypedForItsAccessorIsToBeRevoked: people mix up a token and its accessor (P1).
func TestTokenTypedForItsAccessorIsToBeRevoked(t *testing.T) {
	for _, typed := range []string{
		"accessor k7m2 hvs.0123456789abcdefghijklmn", "accessor k7m2 `hvs.0123456789abcdefghijklmn`", "accessor k7m2 s.0123456789abcdefghijklmn",
		"ACCESSOR hvs.0123456789abcdefghijklmn", "accessor k7m2 token=hvs.0123456789abcdefghijklmn",
	} {
		cmd, err := command.ParseCommand(typed, nil)
		if !errors.Is(err, refusal.TokenAsAccessor) || cmd.Accessor != "" {
			t.Errorf("%q: %+v, %v", typed, cmd, err)
		}
	}
	if _, err := command.ParseCommand("accessor k7m2 "+hexShare, nil); !errors.Is(err, refusal.InCommand) {
		t.Errorf("a share is answered %v", err)
	}
}

// TestPasswordTypedForItsCommitmentIsNotUsed: with the password one can read the token, and
// Slack would keep it (P1).
func TestPasswordTypedForItsCommitmentIsNotUsed(t *testing.T) {
	for _, typed := range []string{
		"start generate-root prod otp=" + oneTime, "start generate-root prod OTP=“" + oneTime + "” why", "start generate-root prod why otp=" + oneTime,
		"start rekey prod otp=" + oneTime, oneTime, "submit " + oneTime[:26], "approve k7m2 otp:`" + oneTime + "`", "strat generate-root prod otp=" + oneTime, "start generate-root prod otp=" + oneTime + oneTime + oneTime[:8],
	} {
		if cmd, err := command.ParseCommand(typed, nil); !errors.Is(err, refusal.PasswordInCommand) {
			t.Errorf("%q: %+v, %v", typed, cmd, err)
		}
	}
	for _, typed := range []string{"start generate-root prod otp=COMMITMENT why", "start generate-root prod otp=" + commitment[:63], "start generate-root prod otp="} {
		if _, err := command.ParseCommand(typed, nil); err != nil {
			t.Errorf("%q is the engine's to refuse, and was answered %v", typed, err)
		}
	}
}

func TestOrdinaryWordsTripNoWire(t *testing.T) {
	for _, typed := range []string{
		"start rekey prod https://tickets.example/browse/OPS-412?focused=1234567890123456789012345678901234567890",
		"start rekey prod commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
		"cancel k7m2 donaudampfschifffahrtselektrizitaetenhaupt",
		"cancel k7m2 KubernetesAdmissionWebhookss and 4fade98eaade1de022eeb07aa126",
	} {
		if _, err := command.ParseCommand(typed, nil); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

// A share that is glued to a word must not go into the plan's reason.
func TestGluedShareNeverBecomesAReason(t *testing.T) {
	b64 := "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/AbCdE1"
	for _, glued := range []string{"share=" + hexShare, "key:" + hexShare, "k=" + b64, "a|" + hexShare, hexShare + "...", "**" + hexShare + "**", "-key=" + b64,
		"token=hvs.CAESIJ0123456789abcdefghijklmnopqrstuv", "(key:hvs.CAESIJ0123456789abcdefghijklmnopqrstuv)"} {
		if cmd, err := command.ParseCommand("start rekey prod "+glued, nil); err == nil {
			t.Errorf("%.12s… becomes the reason %.20s…", glued, cmd.Text)
		}
	}
}

func TestShareGluedToAnythingIsFound(t *testing.T) {
	b64 := "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/AbCdE1"
	for _, glued := range []string{
		"key-" + hexShare, "share_" + hexShare, "1/" + hexShare, "key1-" + b64, "share_" + b64, "x://" + hexShare,
		"k" + hexShare, hexShare + "/", hexShare + "-", "https://vault/?key=" + hexShare,
	} {
		if cmd, err := command.ParseCommand("start rekey prod "+glued, nil); err == nil {
			t.Errorf("%.16s… becomes the reason (%d characters)", glued, len(cmd.Text))
		}
	}
	if got := refusal.Exposures("key1-"+hexShare, nil); !slices.Equal(got, []refusal.Exposure{refusal.ExposedShare}) {
		t.Errorf("direct message: %v", got)
	}
}

// A word processor puts invisible marks into long words.
func TestShareWithMarksThatNobodySeesIsFound(t *testing.T) {
	share := strings.Repeat("0123456789abcdef", 4) + "07"
	for _, mark := range []string{"\u00ad", "\u200b", "\u200c", "\u200d", "\u202e", "\u2060", "\ufeff"} {
		text := "cancel prod-rekey-k7m2 " + share[:30] + mark + share[30:]
		if _, err := command.ParseCommand(text, nil); err != refusal.InCommand {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOrdinaryReasonsAreNoShares(t *testing.T) {
	for _, ok := range []string{
		"Müller verläßt uns 👋", "see https://jira.example.com/browse/OPS-1234?x=AbC", "commit 4fade98eaade1de022eeb07aa1261f0b86890ffc",
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"image@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	} {
		if _, err := command.ParseCommand("start rekey prod "+ok, nil); err != nil {
			t.Errorf("%d %q: refused as a share", len(ok), ok)
		}
	}
}

func TestArmorWithOtherSpacesBecomesNoPartOfACommand(t *testing.T) {
	for _, space := range []string{"\u00a0", "\u202f", "\u2007", "\u2003", "\u3000", "\u2028", "\u0085", "\v", "\t", "  ", " \u200b", " \u2060 "} {
		text := strings.ReplaceAll("-----BEGIN PGP MESSAGE-----\n\nhF4D\n-----END PGP MESSAGE-----", " ", space)
		if err := command.Guard(command.VerbStart, "rekey prod "+text, []string{"rekey", "prod"}, nil); err == nil {
			t.Errorf("%q: it becomes a part of a command", space)
		}
	}
}
