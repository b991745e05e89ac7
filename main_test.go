package main

import (
	"bytes"
	"strings"
	"testing"

	"conclave/cli"
)

func TestExitCodeTellsUsageFromFailure(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // nobody is pinned
	rows := []struct {
		args string
		want int
	}{
		{"version", cli.ExitOK},
		{"--help", cli.ExitOK},
		{"", cli.ExitOK},
		{"frobnicate", cli.ExitUsage},
		{"run --frobnicate", cli.ExitUsage},
		{"version now", cli.ExitUsage},
		{"verify", cli.ExitUsage},
		{"seal", cli.ExitFailed}, // nothing was pasted
		{"seal a b", cli.ExitUsage},
		{"seal --identity 1234 config.example.yaml", cli.ExitUsage},
		{"seal --identity 1234 --share -", cli.ExitUsage},
		{"seal --identity 1234 --otp x --share y", cli.ExitUsage},
		{"open", cli.ExitFailed},
		{"open testdata/nowhere", cli.ExitFailed},
		{"open --token --unopened x", cli.ExitUsage},
		{"open --passphrase-file x y", cli.ExitUsage},
		{"pin 1234", cli.ExitUsage},
		{"pin --replaces 1234", cli.ExitUsage},
		{"pin --remove 1234", cli.ExitUsage},
		{"pin", cli.ExitFailed}, // nobody is
		{"otp", cli.ExitOK},
		{"otp new", cli.ExitUsage},
		{"otp new --length 5 testdata/nowhere/otp.txt", cli.ExitUsage},
		{"otp new testdata/nowhere/otp.txt", cli.ExitFailed},
		{"otp show testdata/nowhere/otp.txt", cli.ExitFailed},
		{"decode x", cli.ExitUsage},
		{"decode --otp testdata/nowhere/otp.txt x", cli.ExitFailed},
		{"identity frobnicate", cli.ExitUsage},
		{"identity new --name x", cli.ExitUsage},
		{"identity show --key x", cli.ExitUsage},
		{"run --config testdata/nowhere.yaml", cli.ExitUsage},
		{"verify testdata/nowhere", cli.ExitFailed},
		{"check --offline --config config.example.yaml", cli.ExitFailed}, // its files are not there
		{"check --config Makefile", cli.ExitUsage},
	}
	for _, row := range rows {
		var out, said bytes.Buffer
		if got := run(t.Context(), strings.Fields(row.args), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &said}); got != row.want {
			t.Errorf("conclave %s: exit code %d, want %d\n%s%s", row.args, got, row.want, &out, &said)
		}
	}
}

// The unit for systemd does not start the bot again after exit code 2.
func TestBotWhoseTokenSlackRefusesEndsForGood(t *testing.T) {
	identity := newIdentity(t)
	for name, spoil := range map[string]func(*workshop){
		"bot token": func(w *workshop) { w.write(t, "bot", "xoxb-of-another-app") },
		"app token": func(w *workshop) { w.write(t, "app", "xapp-1-of-another-app") },
		"workspace": func(w *workshop) { w.replace(t, "team: "+w.workspace.TeamID(), "team: T1") },
	} {
		t.Run(name, func(t *testing.T) {
			w := openWorkshop(t, identity)
			spoil(w)
			var said bytes.Buffer
			code := run(t.Context(), []string{"run", "--config", w.path("conclave.yaml")}, cli.Streams{Out: &said, Err: &said})
			if code != cli.ExitUsage {
				t.Errorf("exit code %d, want %d\n%s", code, cli.ExitUsage, &said)
			}
		})
	}
}
