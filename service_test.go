package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"conclave/cli"
	"conclave/host"
	"conclave/needs"
)

const unit = "docs/conclave.service"

// unitSettings returns the settings of the unit: name → values, in their order.
func unitSettings(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)=(.*)$`).FindAllStringSubmatch(read(t, unit), -1) {
		all[m[1]] = append(all[m[1]], m[2])
	}
	return all
}

// What systemd is told to start is a command with flags that it has, in an
// environment in which nothing is missing that could be had from there.
func TestServiceStartsACommandThatExists(t *testing.T) {
	all := unitSettings(t)
	for setting, name := range map[string]string{"ExecStart": "run", "ExecReload": "reload"} {
		words := strings.Fields(all[setting][0])
		cmd, rest, err := rootCommand(cli.Streams{}).Find(words[1:])
		if err != nil || cmd.Name() != name {
			t.Fatalf("%s is %v: %v", setting, words, err)
		}
		if err := cmd.ParseFlags(rest); err != nil || cmd.Flags().NArg() != 0 {
			t.Errorf("conclave %s can't be given %v: %v", name, rest, err)
		}
	}
	if all["RestartPreventExitStatus"][0] != strconv.Itoa(cli.ExitUsage) {
		t.Error("a configuration that can't be used is tried for ever")
	}
	for _, setting := range strings.Fields(all["Environment"][0]) {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	found := 0
	for _, p := range host.Protections() {
		if p.Name != "freed memory" && p.Name != "crash traces" { // the others are not up to the environment
			continue
		}
		found++
		if !p.Holds {
			t.Errorf("%s: %s", p.Name, p.Text)
		}
	}
	if found != 2 {
		t.Errorf("%d of 2 protections are there", found)
	}
}

// worstExposure is what systemd's own judgement may come to: 10 is the worst, and
// what is left is the network, which the bot needs.
const worstExposure = 1.2

func TestServiceIsSandboxed(t *testing.T) {
	needs.Programs(t, "systemd-analyze")
	// It is only found sound when the program is where it says.
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "conclave.service")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(read(t, unit), "/usr/local/bin/conclave", program)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd does not accept it: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", path).CombinedOutput()
	score := regexp.MustCompile(`Overall exposure level for \S+: ([\d.]+)`).FindSubmatch(out)
	if err != nil || score == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", score[0])
	if got, err := strconv.ParseFloat(string(score[1]), 64); err != nil || got > worstExposure {
		t.Errorf("%s, where %.1f is the limit\n%s", score[0], worstExposure, out)
	}
}
