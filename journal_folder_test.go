package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"conclave/app"
	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/cli"
	"conclave/config"
	"conclave/host"
)

// scene is a workshop whose journal has one ceremony.
type scene struct {
	*workshop
	folder, file string
}

func openScene(t *testing.T) scene {
	t.Helper()
	s := scene{workshop: openWorkshop(t, newIdentity(t))}
	s.folder = s.path("journal")
	j, err := journal.OpenJournal(s.folder, s.journalKey(t))
	if err != nil {
		t.Fatal(err)
	}
	plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremony.Fingerprint(strings.Repeat("7", 40)))
	_, err = j.Append(t.Context(), plan.Ceremony, 0,
		event.Proposed{Plan: plan, PlanHash: plan.Hash()}, event.Rejected{By: plan.Approvers[0]}, event.Ended{Outcome: event.WasRejected, Vault: event.NothingToCancel})
	if err != nil {
		t.Fatal(err)
	}
	s.file = journal.FilePath(s.folder, plan.Ceremony)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// refusals returns the words with which check, run and ceremony refuse the journal:
// command → words. A command that accepts the journal is not in it.
func (s scene) refusals(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	report, _ := s.check(t.Context())
	for line := range strings.Lines(report) {
		if rest, found := strings.CutPrefix(line, "STOP  journal"); found {
			all["check"] = strings.TrimSpace(rest)
		}
	}
	c, err := config.Load(s.path("conclave.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if bot, err := app.Assemble(c, app.NewLog(c.Log, io.Discard)); err != nil {
		all["run"] = err.Error()
	} else if err := bot.Close(); err != nil {
		t.Error(err)
	}
	var out, errs bytes.Buffer
	run(t.Context(), []string{"ceremony", "take-up", "-c", s.path("conclave.yaml"), "--out", s.path("out")}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
	switch said := strings.TrimSpace(errs.String()); {
	case said != "":
		all["ceremony"] = said
	case !strings.Contains(out.String(), "prod-rekey-k7m2"):
		t.Errorf("the ceremony was not taken up: %s", out.String())
	}
	return all
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The program obeys every line of the journal. It refuses a journal that others may write,
// by a message whose command mends it.
func TestJournalThatOthersMayWriteIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it keeps rights elsewhere
	}
	s := openScene(t)
	if refused := s.refusals(t); len(refused) > 0 {
		t.Fatalf("a journal of this account's alone is refused: %q", refused)
	}
	for _, row := range []struct {
		name  string
		spoil func()
		want  string
	}{
		{"folder of everybody's", func() { do(t, os.Chmod(s.folder, 0o777)) }, "journal has mode 0777"},
		{"folder with a sticky bit", func() { do(t, os.Chmod(s.folder, 0o777|os.ModeSticky)) }, "journal has mode 0777"},
		{"file of everybody's", func() { do(t, os.Chmod(s.file, 0o666)) }, "k7m2.jsonl has mode 0666"},
		{"lock of everybody's", func() { do(t, os.Chmod(filepath.Join(s.folder, ".lock"), 0o606)) }, ".lock has mode 0606"},
		{"folder and file of everybody's", func() { do(t, os.Chmod(s.folder, 0o777)); do(t, os.Chmod(s.file, 0o666)) }, "journal has mode 0777"},
		{"folder in a folder of everybody's", func() { do(t, os.Chmod(s.dir, 0o777)) }, "put another folder in the journal's place"},
		{"file that is a link", func() {
			do(t, os.Rename(s.file, s.path("it's elsewhere")))
			do(t, os.Symlink(s.path("it's elsewhere"), s.file))
		}, "k7m2.jsonl is a symbolic link,"},
		{"link to nothing", func() { do(t, os.Symlink(s.path("nothing"), filepath.Join(s.folder, "prod-rekey-evil.jsonl"))) }, "is a symbolic link to nothing"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.spoil()
			refused := s.refusals(t)
			for _, command := range []string{"check", "run", "ceremony"} {
				if !strings.Contains(refused[command], row.want) {
					t.Errorf("%s says %q, want %q", command, refused[command], row.want)
				}
			}
			_, advice, _ := strings.Cut(refused["run"], row.want)
			advice = advice[strings.LastIndex(advice, ": ")+2:]
			if said, err := exec.CommandContext(t.Context(), "sh", "-c", advice).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v, %s", advice, err, said)
			}
			if err := host.TrustedJournal(host.Path(s.folder)); err != nil {
				t.Errorf("after %s: %v", advice, err)
			}
		})
	}
}

func TestJournalThatIsALinkIsRefused(t *testing.T) {
	s := openScene(t)
	do(t, os.Rename(s.folder, s.path("elsewhere")))
	do(t, os.Symlink(s.path("elsewhere"), s.folder))
	refused := s.refusals(t)
	for _, command := range []string{"check", "run", "ceremony"} {
		if !strings.Contains(refused[command], "have journal.directory name the folder itself, "+s.path("elsewhere")) {
			t.Errorf("%s says %q", command, refused[command])
		}
	}
	s.replace(t, "directory: journal", "directory: elsewhere")
	if refused := s.refusals(t); len(refused) > 0 {
		t.Errorf("after what it says: %q", refused)
	}
}
