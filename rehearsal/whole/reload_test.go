package whole_test

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// A reload checks first, compares what is open as a start does, and voids no request.
func TestReloadFollowsPeopleAsTheyChange(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	s.alarmed = true // what is wrong with the configuration is logged as an error
	id := s.opened(ceremony.Rekey)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))

	// What can't be followed changes nothing, by the command and by the signal.
	whole, err := os.ReadFile(s.ConfigFile())
	s.check(err)
	for _, row := range []struct{ old, broken, why string }{
		{"threshold: 3", "threshold: 9", "9 is more than the 5 holders"},
		{"key: keys/erin.asc", "key: keys/none.asc", "people.erin.key"},
		{"level: debug", "level: info", "log.level: read by a start only"},
		{"  prod:", "  other:", "clusters.prod is gone, and " + string(id) + " is open"},
	} {
		broken := strings.Replace(string(whole), row.old, row.broken, 1)
		s.check(os.WriteFile(s.ConfigFile(), []byte(broken), 0o600))
		if _, err := s.reload(); err == nil || !strings.Contains(err.Error(), row.why) {
			t.Errorf("the reload with %s: %v", row.broken, err)
		}
	}
	before := strings.Count(s.log(), "not reloaded")
	s.check(syscall.Kill(s.Pid(), syscall.SIGHUP))
	s.until("the signal to be refused", func() bool { return strings.Count(s.log(), "not reloaded") > before })
	if c := s.now(id); c.Phase != rules.PhaseCollecting || count[event.Conditions](c) != 1 {
		t.Errorf("what was refused has changed the ceremony:\n%s", story(c))
	}

	// Until the reload, people hear that it is due.
	s.check(s.Configure(func(to *stage.Settings) { to.Initiators = append(to.Initiators, stage.Wendy) }))
	said, err := s.Person(stage.Olga).Commands(s.ctx(), "status "+string(id))
	s.check(err)
	s.tells("the status", said, "A reload is due", "conclave.yaml")
	found, _ := s.Run(s.ctx(), "check", "--local", "--config", s.ConfigFile())
	s.tells("the check", found, "a reload is due")

	// Bob encrypts to the key that was announced before.
	ask, err := s.Person("bob").Asked(s.ctx(), id, ceremony.StepUpdate)
	s.check(err)
	out, err := s.reload()
	s.check(err)
	s.tells("the reload", out, "clusters.prod.initiators")
	receipt, err := s.Person("bob").Answers(s.ctx(), ask)
	s.check(err)
	s.tells("bob's receipt", receipt.Text, "2 of 3")
	if n := count[event.KeyAnnounced](s.now(id)); n != 1 {
		t.Errorf("%d keys were announced, and holders asked each time", n)
	}
	said, err = s.Person(stage.Olga).Commands(s.ctx(), "status "+string(id))
	s.check(err)
	if strings.Contains(said, "reload") {
		t.Errorf("the status after it: %s", said)
	}

	// Carol is in the plan, and does not hold a share any more.
	s.check(s.Configure(func(to *stage.Settings) {
		to.Holders = slices.DeleteFunc(stage.Holders(), func(name string) bool { return name == "carol" })
	}))
	_, err = s.reload()
	s.check(err)
	s.until("the freeze", func() bool { return s.now(id).Phase == rules.PhaseFrozen })
	if f := s.now(id).Freeze; f.Why != event.OtherConfig || !strings.Contains(f.Want, "carol") {
		t.Errorf("it is frozen for %s: %q, %q", f.Why, f.Want, f.Got)
	}
	if n := count[event.Conditions](s.now(id)); n != 3 {
		t.Errorf("%d conditions are recorded; the start and two reloads make 3", n)
	}
	_, err = s.Person(stage.Olga).Commands(s.ctx(), "cancel "+string(id)+" other people")
	s.check(err)
	s.check(s.Ended(s.ctx(), id, "Cancelled"))

	// Wendy was nobody when the bot was started.
	_, err = s.Propose(s.ctx(), stage.Wendy, "generate-root prod OPS-8: practice")
	s.check(err)
}

// log returns the bot's log.
func (s *scene) log() string {
	text, err := os.ReadFile(s.LogFile())
	s.check(err)
	return string(text)
}

// reload runs conclave reload beside the bot.
func (s *scene) reload() (string, error) {
	return s.Run(s.ctx(), "reload", "--config", s.ConfigFile())
}

// count returns how many events of a type a ceremony has.
func count[E event.Event](c rules.State) int {
	n := 0
	for _, e := range c.History {
		if rules.Is[E](e.Event) {
			n++
		}
	}
	return n
}
