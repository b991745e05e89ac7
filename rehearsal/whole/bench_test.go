package whole_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
)

// measured is the least number of shares that a benchmark sends.
const measured = 102

// BenchmarkShare measures the time from a direct message to Vault's answer to the
// share in it, over many ceremonies. Its parts are what the bot has logged of each
// share: the journal's first line, OpenPGP, the comparison of Vault with the plan
// (with the journal's second line), and Vault.
func BenchmarkShare(b *testing.B) {
	b.Run("emulator", func(b *testing.B) {
		authority, err := vaulttest.NewAuthority()
		if err != nil {
			b.Fatal(err)
		}
		cluster := vaulttest.Start(b, vaulttest.Options{TLS: authority})
		s := tapped(b, authority, cluster.Addr(), stage.Options{Configure: quiet})
		s.start()
		s.drill(b)
	})
	b.Run("vault", func(b *testing.B) {
		s := onVault(b, quiet)
		s.drill(b)
	})
}

func quiet(set *stage.Settings) { set.LogLevel = "info" }

func (s *scene) drill(b *testing.B) {
	var took []time.Duration
	for b.Loop() {
		for len(took) < measured {
			took = append(took, s.rootCeremony()...)
		}
	}
	report := func(name string, sample []time.Duration) {
		slices.Sort(sample)
		b.ReportMetric(float64(sample[len(sample)/2].Microseconds())/1000, name+"-median-ms")
		b.ReportMetric(float64(sample[len(sample)*99/100].Microseconds())/1000, name+"-p99-ms")
	}
	b.ReportMetric(0, "ns/op") // a whole drill; it says nothing
	b.ReportMetric(float64(len(took)), "shares")
	report("share", took)
	lines := s.logged("share answered")
	for _, part := range []string{"journal", "openpgp", "compare", "vault"} {
		var sample []time.Duration
		for _, l := range lines {
			us, err := strconv.Atoi(l[part+"_us"])
			if err != nil {
				b.Fatalf("%s_us of %v: %v", part, l, err)
			}
			sample = append(sample, time.Duration(us)*time.Microsecond)
		}
		report(part, sample)
	}
}

// rootCeremony plays a generate-root and returns how long each share took. People ask for their requests instead of
// waiting for them, since Slack's pace delays them.
func (s *scene) rootCeremony() []time.Duration {
	id := s.begin(ceremony.GenerateRoot)
	s.commands(stage.Paul, "approve "+string(id))
	var took []time.Duration
	for _, name := range stage.Holders()[:stage.Threshold] {
		before := len(s.tap.done(updateRoot))
		sent := s.sendsShare(id, name)
		var answered []call
		s.until("vault's answer", func() bool {
			answered = s.tap.done(updateRoot)
			return len(answered) > before
		})
		took = append(took, answered[before].at.Sub(sent))
		s.until("the journal to have it", func() bool { return s.now(id).Pending == nil })
	}
	s.free(id)
	return took
}

// sendsShare lets a holder ask for their request and send their share, and returns the time of sending.
func (s *scene) sendsShare(id ceremony.ID, name string) time.Time {
	s.t.Helper()
	ask := stage.Note{Ceremony: id}
	s.until("shares to be wanted", func() bool {
		ask.Text = s.commands(name, "submit "+string(id))
		return strings.Contains(ask.Text, "BEGIN PGP MESSAGE") // what to run
	})
	envelope, err := s.Person(name).Keys.Answer(s.ctx(), ask)
	s.check(err)
	sent := time.Now()
	_, err = s.Person(name).Slack.DMs(envelope)
	s.check(err)
	return sent
}

// free waits until the next ceremony may begin.
func (s *scene) free(id ceremony.ID) {
	s.t.Helper()
	s.until("the ceremony to end", func() bool { return s.now(id).Ended() })
	s.until("the cluster to be free", func() bool {
		return strings.Contains(s.commands(stage.Olga, "list"), "No ceremony is open")
	})
}

// BenchmarkAtRest reports the size of the program as it is shipped, and the memory that it uses while it waits.
func BenchmarkAtRest(b *testing.B) {
	shipped := ship(b)
	file, err := os.Stat(shipped)
	if err != nil {
		b.Fatal(err)
	}
	cluster := vaulttest.Start(b, vaulttest.Options{})
	s := setProgram(b, shipped, stage.Options{Vault: stage.Server{Addrs: cluster.Addrs()}, Configure: quiet})
	s.start()
	s.commands(stage.Olga, "list")
	var resident int
	for b.Loop() {
		resident = residentKiB(b, s.Pid())
	}
	b.ReportMetric(0, "ns/op") // reading /proc says nothing
	b.ReportMetric(float64(file.Size())/1e6, "binary-MB")
	b.ReportMetric(float64(resident)/1024, "resident-MiB")
}

// ship builds the program as it is shipped.
func ship(t testing.TB) string {
	t.Helper()
	shipped := filepath.Join(t.TempDir(), "conclave")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o",
		shipped, "conclave")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return shipped
}

func residentKiB(b *testing.B, pid int) int {
	b.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("only Linux tells: %v", err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var n int
		if _, err := fmt.Sscanf(lines.Text(), "VmRSS: %d kB", &n); err == nil {
			return n
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
