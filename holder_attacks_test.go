package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/openpgp"
	"conclave/cli"
)

// A bot that was taken over signs anything. All the same the holder must be able to read
// what they agree to.
func TestMessageDoesNotDrawOnTheHoldersScreen(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	id, err := openpgp.Generate("Conclave", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*ceremony.Plan){
		"reason":   func(p *ceremony.Plan) { p.Reason = "carol leaves\x1b[2J\x1b[Hall is well\u202e" },
		"cluster":  func(p *ceremony.Plan) { p.Cluster = "prod\x1b[2J" },
		"ceremony": func(p *ceremony.Plan) { p.Ceremony = "prod-rekey-\x1b]0;k7m2\x07" },
	} {
		plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremony.Fingerprint(strings.Repeat("7", 40)))
		plan.Identity = id.Fingerprint()
		change(&plan)
		key, err := openpgp.New(id, nil).NewKey(ceremony.Notice{
			Plan: plan, Step: ceremony.StepUpdate, Nonce: "2dbd10f1-8528-6246-09e7-82b25b8aba63", At: time.Now(), Expires: plan.Closes,
		})
		if err != nil {
			t.Fatal(err)
		}
		message := key.Announced().Certificate + "\n" + key.Announced().Announcement
		for _, args := range [][]string{
			{"seal", "--yes", "--key", "/nowhere", "--identity", id.Fingerprint().String()},
			{"seal", "--yes", "--key", "/nowhere"},
			{"open", "--identity", id.Fingerprint().String()},
		} {
			var out, said bytes.Buffer
			run(t.Context(), args, cli.Streams{In: strings.NewReader(message), Out: &out, Err: &said})
			if strings.ContainsAny(out.String()+said.String(), "\x1b\x07\u202e") {
				t.Errorf("%s, %s: the screen gets %q", name, args[0], said.String())
			}
		}
	}
}
