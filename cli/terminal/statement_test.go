package terminal

import (
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
)

func TestSignedWordIsReadAsItWasWritten(t *testing.T) {
	hash := strings.Repeat("5d", 32)
	for _, w := range []ceremony.Statement{
		{Of: "prod-rekey-k7m2", Hash: hash, Verb: ceremony.SayApprove, More: ""},
		{Of: "prod-rekey-k7m2", Hash: hash, Verb: ceremony.SayResume, More: "17"},
		{Of: "prod-rekey-k7m2", Hash: hash, Verb: ceremony.SayCancel, More: "Dave's key is lost"},
	} {
		if got, ok := ceremony.ParseStatement(w.Line()); !ok || got != w {
			t.Errorf("%q is read as %+v, %t", w.Line(), got, ok)
		}
	}
	for _, line := range []string{"", "conclave-word1", "conclave-word1 prod-rekey-k7m2 " + hash, "conclave-word2 a b approve", "approve prod-rekey-k7m2 " + hash + " x"} {
		if w, ok := ceremony.ParseStatement(line); ok {
			t.Errorf("%q is read as %+v", line, w)
		}
	}
}

func TestCommandThatSignsIsSafeToPaste(t *testing.T) {
	w := ceremony.Statement{Of: "prod-rekey", Hash: "5d", Verb: ceremony.SayStart, More: "it's `time` $(now)"}
	got := signCommand(w, ceremonytest.Fingerprint("a"), "prod-rekey-alice-start.asc").String()
	want := `printf '%s\n' 'conclave-word1 prod-rekey 5d start it'\''s ` + "`time` $(now)'" + ` | gpg --sign --armor -u ` + strings.Repeat("A", 40) + ` > prod-rekey-alice-start.asc`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Every verb of a ceremony is a word that can be asked for; the proposal's is not
// one about a ceremony.
func TestProposalsWordIsWorthNothingLater(t *testing.T) {
	if ceremony.SayStart.Decides() {
		t.Error("start decides about a ceremony")
	}
	if ceremony.Verb("share").Decides() || ceremony.Verb("quit").Decides() {
		t.Error("a line that is no word is one")
	}
}
