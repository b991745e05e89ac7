package main

import (
	"strings"
	"testing"
)

func TestCheckNamesWhatTheInterferenceWatchCantSee(t *testing.T) {
	w := openWorkshop(t, newIdentity(t))
	if report, _ := w.check(t.Context()); !strings.Contains(report, "interference is watched") {
		t.Errorf("with all rights:\n%s", report)
	}
	token, _, err := w.operator.NewToken(t.Context(), `path "sys/rotate/config" { capabilities = ["read"] }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "token", token)
	report, _ := w.check(t.Context())
	for _, want := range []string{"interference: another encryption key is not noticed", `path "sys/key-status"`} {
		if !strings.Contains(report, want) {
			t.Errorf("it does not say %q:\n%s", want, report)
		}
	}
	if strings.Contains(report, "rotated by itself is not") || strings.Contains(report, "interference is watched") {
		t.Errorf("it says more than is so:\n%s", report)
	}
	w.replace(t, "token_file: token", "token_file: token\n    interference: false")
	if report, _ := w.check(t.Context()); !strings.Contains(report, "interference: it is not watched") {
		t.Errorf("with the watch off:\n%s", report)
	}
}
