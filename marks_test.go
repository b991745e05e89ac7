package main

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"conclave/app"
	"conclave/ceremony/mark"
	"conclave/cli"
	"conclave/config"
)

// takeUp runs conclave ceremony take-up without input. It returns what is printed.
func (s scene) takeUp(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	run(t.Context(), []string{"ceremony", "take-up", "-c", s.path("conclave.yaml"), "--out", s.path("out")},
		cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	return out.String()
}

// remember writes a file of marks under the identity of the scene.
func (s scene) remember(t *testing.T, m mark.Memory) {
	t.Helper()
	c, err := config.Load(s.path("conclave.yaml"))
	do(t, err)
	_, pgp, err := app.ReadOpenPGP(c)
	do(t, err)
	do(t, os.WriteFile(s.path("journal.marks"), m.Encode(pgp.JournalKey()), 0o600))
}

// Who can write the file of marks can hide that the journal is an older copy.
func TestMarksThatOthersMayWriteAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it keeps rights elsewhere
	}
	s := openScene(t)
	marks := s.path("journal.marks")
	for name, row := range map[string]struct {
		spoil func()
		want  string
	}{
		"file of everybody's": {func() { s.remember(t, mark.Memory{}); do(t, os.Chmod(marks, 0o666)) }, "journal.marks has mode 0666"},
		"link":                {func() { do(t, os.Symlink(s.path("elsewhere"), marks)) }, "is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			row.spoil()
			defer os.Remove(marks)
			report, _ := s.check(t.Context())
			c, err := config.Load(s.path("conclave.yaml"))
			do(t, err)
			_, refused := app.Assemble(c, app.NewLog(c.Log, io.Discard))
			if refused == nil {
				t.Fatal("conclave run takes it")
			}
			for command, said := range map[string]string{"check": report, "run": refused.Error(), "ceremony": s.takeUp(t)} {
				if !strings.Contains(said, row.want) {
					t.Errorf("%s says %q, want %q", command, said, row.want)
				}
			}
		})
	}
}

// Whatever is wrong with the marks, check names it, and a terminal says what was not compared.
func TestWhatTheMarksShowIsSaid(t *testing.T) {
	newer := mark.Mark{Ceremony: "prod-rekey-k7m2", Line: 40, Hash: strings.Repeat("ab", 32)}
	lost := mark.Mark{Ceremony: "prod-rekey-gone", Line: 9, Hash: strings.Repeat("cd", 32)}
	for name, row := range map[string]struct {
		prepare  func(s scene)
		check    string
		terminal string
	}{
		"none": {func(scene) {}, "note  marks", "There is no file of marks"},
		"older copy": {func(s scene) {
			s.remember(t, mark.Memory{Written: time.Now(), Ceremonies: 2, Settled: []mark.Mark{newer, lost}})
		}, "prod-rekey-k7m2 was at line 40, hash abababababababab, and its journal has 3 lines", "Slack is not asked"},
		"lost": {func(s scene) {
			s.remember(t, mark.Memory{Written: time.Now(), Ceremonies: 2, Settled: []mark.Mark{lost}})
		}, "prod-rekey-gone was at line 9, hash cdcdcdcdcdcdcdcd, and its journal has 0 lines", "Slack is not asked"},
		"not ours": {func(s scene) { do(t, os.WriteFile(s.path("journal.marks"), []byte("conclave-marks1\nkey x\n"), 0o600)) },
			"STOP  marks", "The file of marks can't be used"},
		"all is well": {func(s scene) { s.remember(t, mark.Memory{Written: time.Now(), Ceremonies: 1}) },
			"the journal is not older", "Slack is not asked"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openScene(t)
			row.prepare(s)
			if report, _ := s.check(t.Context()); !strings.Contains(report, row.check) {
				t.Errorf("check does not say %q:\n%s", row.check, report)
			}
			if said := s.takeUp(t); !strings.Contains(said, row.terminal) {
				t.Errorf("the terminal does not say %q:\n%s", row.terminal, said)
			}
		})
	}
}
