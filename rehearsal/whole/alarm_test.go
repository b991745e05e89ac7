package whole_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// An operator works on Vault without Conclave. Each act is found, shown in the ops channel and to the owners of alarms,
// and closed when one of them acknowledges it.
func TestWhatSomebodyDoesPastConclaveIsToldAndAcknowledged(t *testing.T) {
	t.Parallel()
	watching := func(to *stage.Settings) { to.Interference = true }
	t.Run("on a real Vault", func(t *testing.T) {
		t.Parallel()
		interferes(onVault(t, watching))
	})
	t.Run("on the emulator", func(t *testing.T) {
		t.Parallel()
		s, _ := onEmulator(t, watching)
		interferes(s)
	})
}

func interferes(s *scene) {
	const root, rekey = "sys/generate-root/attempt", "sys/rekey/init"
	shares, err := s.Shares(s.ctx(), "", "alice", "bob", "carol")
	s.check(err)
	var want []ceremony.Finding
	var id ceremony.ID
	finds := func(kind ceremony.Finding) {
		s.t.Helper()
		want = append(want, kind)
		s.until(fmt.Sprintf("%q to be found", want), func() bool {
			id = s.alarm()
			return id != "" && slices.Equal(found(s.now(id)), want)
		})
	}
	does := func(method, path string, body any) string {
		s.t.Helper()
		answer, err := s.Vault.Do(s.ctx(), method, path, body)
		s.check(err)
		if answer.Status >= 300 {
			s.t.Fatalf("%s %s: %d %v", method, path, answer.Status, answer.Errors)
		}
		return answer.String("nonce")
	}

	nonce := does("PUT", root, map[string]any{})
	finds(ceremony.ForeignStart)
	does("PUT", "sys/generate-root/update", map[string]string{"key": shares[0], "nonce": nonce})
	finds(ceremony.ForeignProgress)
	does("DELETE", root, nil)
	finds(ceremony.ForeignCancel)
	nonce = does("PUT", rekey, map[string]any{"secret_shares": 1, "secret_threshold": 1})
	finds(ceremony.ForeignStart)
	does("DELETE", rekey, map[string]string{"nonce": nonce})
	finds(ceremony.ForeignCancel)
	does("PUT", "sys/rotate", nil)
	finds(ceremony.TermChanged)
	s.check(s.Vault.Seal(s.ctx()))
	finds(ceremony.SealChanged)
	s.check(s.Vault.Unseal(s.ctx(), shares...))
	finds(ceremony.SealChanged)

	// A restart in the middle neither hides nor repeats an alarm.
	s.check(s.StopBot(s.ctx()))
	s.check(s.StartBot(s.ctx()))
	s.board(id, "Nobody has acknowledged it yet", "vault operator generate-root -cancel")
	told, err := s.Person(stage.Paul).Told(s.ctx(), id, rules.AlarmMessage)
	s.check(err)
	s.tells("what the owner is told", told.Text, "ALARM", "acknowledge "+string(id))
	said, err := s.Person(stage.Paul).Clicks(s.ctx(), told, "acknowledge")
	s.check(err)
	s.tells("the answer", said, "You look after")
	c := s.reaches(id, rules.PhaseEnded)
	if c.Outcome != event.Completed || c.Acknowledged == nil || c.Acknowledged.By.Name != stage.Paul {
		s.t.Errorf("%s: %s", c.Outcome, story(c))
	}
	s.board(id, "looks after it")
	if got := found(c); !slices.Equal(got, want) {
		s.t.Errorf("found %q, and not %q", got, want)
	}
	kinds := map[ceremony.Finding]int{}
	for _, n := range s.Person(stage.Paul).Notes() {
		if n.Kind == rules.AlarmMessage {
			kinds[c.History[n.Seq-1].Event.(event.Noticed).Kind]++
		}
	}
	for kind, times := range kinds {
		if times != 1 {
			s.t.Errorf("the owner is told %d times of %s", times, kind)
		}
	}
}

// alarm returns the alarm that was raised, or "".
func (s *scene) alarm() ceremony.ID {
	i := slices.IndexFunc(s.journals(), func(id ceremony.ID) bool { return strings.Contains(string(id), "-alarm-") })
	if i < 0 {
		return ""
	}
	return s.journals()[i]
}

func found(c rules.State) []ceremony.Finding {
	var kinds []ceremony.Finding
	for _, e := range c.Findings() {
		kinds = append(kinds, e.Event.(event.Noticed).Kind)
	}
	return kinds
}
