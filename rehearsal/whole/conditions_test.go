package whole_test

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// sum returns the SHA-256 of a file in hexadecimal digits.
func (s *scene) sum(path string) string {
	s.t.Helper()
	file, err := os.ReadFile(path)
	s.check(err)
	hash := sha256.Sum256(file)
	return hex.EncodeToString(hash[:])
}

func TestP8TranscriptSaysWhichProgramRanAgainstWhichVaultAndWhatChangedMeanwhile(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id := s.opened(ceremony.Rekey)
	configured := s.sum(s.ConfigFile())
	status, err := s.Vault.Do(s.ctx(), "GET", "sys/seal-status", nil)
	s.check(err)

	first := s.now(id).History[1]
	said := map[string]string{}
	for _, k := range event.ConditionsOf(s.now(id).History) {
		said[k.Name] = k.Value
	}
	if !rules.Is[event.Conditions](first.Event) {
		t.Fatalf("behind the proposal stands %q", event.TypeOf(first.Event))
	}
	if got := said["SHA-256 of the running program"]; got != s.sum(program) && got != s.sum(unwatched) {
		t.Errorf("the hash of the program is %s", got)
	}
	seen := first.Event.(event.Conditions)
	if len(seen.Vault) != 1 {
		t.Fatalf("the nodes are %+v", seen.Vault)
	}
	address := seen.Vault[0].Address
	for name, want := range map[string]string{
		"SHA-256 of the configuration": configured,
		"system":                       runtime.GOOS + "/" + runtime.GOARCH,
		"product at " + address:        "Vault",
		"version at " + address:        status.String("version"),
		"seal at " + address:           "shamir",
		"hardening: core dumps":        "a crash leaves no image of the memory",
	} {
		if said[name] != want || want == "" {
			t.Errorf("%s: %q, want %q", name, said[name], want)
		}
	}
	for _, name := range []string{"version of Conclave", "revision of Conclave", "time source", "clock synchronised"} {
		if said[name] == "" {
			t.Errorf("nothing is said of the %s: %q", name, slices.Sorted(maps.Keys(said)))
		}
	}

	// The operator changes the configuration in the middle.
	s.check(s.StopBot(s.ctx()))
	file, err := os.OpenFile(s.ConfigFile(), os.O_APPEND|os.O_WRONLY, 0)
	s.check(err)
	_, err = file.WriteString("# one more line\n")
	s.check(err)
	s.check(file.Close())
	s.start()
	s.awaits(id, "the change to be recorded and told", func(c rules.State) bool {
		i := c.Last(rules.Is[event.Conditions])
		_, told := c.Where("history/" + strconv.Itoa(i))
		return i > first.Seq && told
	})
	c := s.goOn(id)
	changed := c.Changed(c.History[c.Last(rules.Is[event.Conditions])-1])
	if len(changed) != 1 || changed[0].Name != "SHA-256 of the configuration" || changed[0].Value != s.sum(s.ConfigFile()) {
		t.Errorf("changed: %+v", changed)
	}

	transcript, page, err := s.Transcript(s.ctx(), id, 1)
	s.check(err)
	audit, err := s.Audit(s.ctx(), transcript)
	s.check(err)
	if faults := audit.Faults(); len(faults) > 0 || len(audit.Conditions) != len(said)+1 {
		t.Errorf("the transcript: %d conditions, faults %q", len(audit.Conditions), faults)
	}
	out, err := s.Run(s.ctx(), "verify", transcript, "--identity", s.Identity.String())
	s.check(err)
	s.tells("verify", out, "SHA-256 of the configuration: "+configured, "product at "+address+": Vault", "(since entry ")
	html, err := os.ReadFile(page)
	s.check(err)
	s.tells("the page", string(html), "<h2>Conditions</h2>", configured, s.sum(s.ConfigFile()))
	out, err = s.Run(s.ctx(), "verify", s.JournalDir()+"/"+string(id)+".jsonl")
	s.check(err)
	s.tells("verify of the journal", out, "SHA-256 of the configuration: "+configured)
	if strings.Contains(out, "not recorded") {
		t.Error(out)
	}
}
