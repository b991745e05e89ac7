package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestExitCodeTellsUsageFromFailure(t *testing.T) {
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
		{"seal", exitUsage},
		{"seal --identity 1234 --share -", exitUsage},
		{"seal --identity 1234 --otp x --share y", exitUsage},
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
