package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestExitCodeTellsUsageFromFailure(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // nobody is pinned
	rows := []struct {
		args string
		want int
	}{
		{"version", exitOK},
		{"--help", exitOK},
		{"", exitOK},
		{"frobnicate", exitUsage},
		{"run --frobnicate", exitUsage},
		{"version now", exitUsage},
		{"verify", exitUsage},
		{"seal", exitFailed}, // nothing was pasted
		{"seal a b", exitUsage},
		{"seal --identity 1234 config.example.yaml", exitUsage},
		{"seal --identity 1234 --share -", exitUsage},
		{"seal --identity 1234 --otp x --share y", exitUsage},
		{"open", exitFailed},
		{"open testdata/nowhere", exitFailed},
		{"open --token --unopened x", exitUsage},
		{"open --passphrase-file x y", exitUsage},
		{"pin 1234", exitUsage},
		{"pin --replaces 1234", exitUsage},
		{"pin --remove 1234", exitUsage},
		{"pin", exitFailed}, // nobody is
		{"otp", exitOK},
		{"otp new", exitUsage},
		{"otp new --length 5 testdata/nowhere/otp.txt", exitUsage},
		{"otp new testdata/nowhere/otp.txt", exitFailed},
		{"otp show testdata/nowhere/otp.txt", exitFailed},
		{"decode x", exitUsage},
		{"decode --otp testdata/nowhere/otp.txt x", exitFailed},
		{"identity frobnicate", exitUsage},
		{"identity new --name x", exitUsage},
		{"identity show --key x", exitUsage},
		{"run --config testdata/nowhere.yaml", exitFailed},
		{"verify testdata/nowhere", exitFailed},
		{"check --offline --config config.example.yaml", exitFailed}, // its files are not there
		{"check --config Makefile", exitUsage},
	}
	for _, row := range rows {
		var out, said bytes.Buffer
		if got := run(t.Context(), strings.Fields(row.args), streams{strings.NewReader(""), &out, &said}); got != row.want {
			t.Errorf("conclave %s: exit code %d, want %d\n%s%s", row.args, got, row.want, &out, &said)
		}
	}
}
