package whole_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/needs"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/realvault"
)

// These tests search the memory of the bot as root on its host would, while it
// runs as it is shipped.

// forwards is how many shares are sent to Vault, three a ceremony.
const forwards = 27

// P1: no copy is left of shares that were encrypted with the real gpg and that a real Vault has taken over TLS, nor of
// anything else that was in plain text for a moment.
func TestP1NoCopyOfAForwardedShareRemains(t *testing.T) {
	t.Parallel()
	s := shippedOnVault(t, quiet)
	sent, left, late := 0, 0, 0
	for sent < forwards {
		id := s.begin(ceremony.GenerateRoot)
		s.commands(stage.Paul, "approve "+string(id))
		for _, name := range stage.Holders()[:stage.Threshold] {
			before := len(s.logged("share answered"))
			s.sendsShare(id, name)
			s.until("vault's answer", func() bool { return len(s.logged("share answered")) > before })
			remains, first := s.remains(name + "'s first share")
			sent, left, late = sent+1, left+len(remains), late+first
			for _, leak := range remains {
				t.Errorf("after it was forwarded: %s", leak)
			}
		}
		s.free(id)
	}
	t.Logf("%d shares were forwarded, and %d copies of them are left; %d were seen before garbage was collected", sent,
		left, late)

	remains, _ := s.remains("the identity's passphrase")
	for _, leak := range remains {
		t.Errorf("since the start: %s", leak)
	}
}

// P1: a share that is not forwarded leaves no copy either, whether it was checked in a drill or refused.
func TestP1NoCopyOfAShareRemainsThatWasNotForwarded(t *testing.T) {
	t.Parallel()
	s := shippedOnVault(t, func(to *stage.Settings) {
		quiet(to)
		allowing(ceremony.Drill)(to)
	})
	id := s.begin(ceremony.Drill)
	s.commands(stage.Paul, "approve "+string(id))
	for _, name := range stage.Holders()[:3] {
		before := len(s.now(id).Round.Counted)
		s.sendsShare(id, name)
		s.until("the drill to have it", func() bool { return len(s.now(id).Round.Counted) > before })
		remains, _ := s.remains(name + "'s first share")
		for _, leak := range remains {
			t.Errorf("after a drill: %s", leak)
		}
	}
}

// P1: a one-time password is in memory until Vault has it, and not longer.
func TestP1NoCopyOfAOneTimePasswordRemains(t *testing.T) {
	t.Parallel()
	s := shippedOnVault(t, func(to *stage.Settings) {
		quiet(to)
		to.Keyless = []string{stage.Olga}
	})
	commitment, err := s.Person(stage.Olga).MakesPassword(s.ctx())
	s.check(err)
	id := s.begin(ceremony.GenerateRoot, "otp="+commitment)
	s.commands(stage.Paul, "approve "+string(id))
	ask, err := s.Person(stage.Olga).Asked(s.ctx(), id, ceremony.StepOTP)
	s.check(err)
	s.check(s.Person(stage.Olga).SendsPassword(s.ctx(), ask))
	s.until("vault to have the password", func() bool { return s.now(id).Round.Step == ceremony.StepUpdate })
	remains, _ := s.remains(stage.Olga + "'s one-time password")
	for _, leak := range remains {
		t.Errorf("after vault has it: %s", leak)
	}
}

// shippedOnVault is onVault with the program as it is shipped: what the race detector
// keeps for itself can't be searched.
func shippedOnVault(t *testing.T, configure settings) *scene {
	t.Helper()
	needs.Programs(t, stage.GPGPrograms()...)
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	server := realvault.StartReal(t, realvault.RealOptions{TLS: authority})
	s := setProgram(t, ship(t), stage.Options{
		Keyring: stage.GPG, Configure: configure, Vault: stage.Server{Addrs: []string{server.Addr()}, CA: authority.PEM},
		Environment: shippedEnvironment(t),
	})
	s.check(s.GiveLeastToken(s.ctx()))
	s.start()
	if _, err := s.Remains(); errors.Is(err, stage.ErrNoMemory) {
		needs.Lack(t, "reading another process's memory, as root on Linux: %v", err)
	}
	return s
}

// shippedEnvironment returns the variables that the systemd unit sets for the bot.
func shippedEnvironment(t *testing.T) []string {
	t.Helper()
	unit, err := os.ReadFile("../../docs/conclave.service")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(unit)) {
		if variables, ok := strings.CutPrefix(line, "Environment="); ok {
			return strings.Fields(variables)
		}
	}
	t.Fatal("the unit sets no environment")
	return nil
}

// collecting is how long the test waits for garbage to be collected, on however busy a machine. The bot collects it
// twice, the second time after a second.
const collecting = time.Minute

// remains returns the copies of secrets that are left in the bot's memory, and their number at the first look, when
// garbage may not have been collected yet.
func (s *scene) remains(names ...string) (left []stage.Leak, first int) {
	s.t.Helper()
	for deadline := time.Now().Add(collecting); ; time.Sleep(pollPause) {
		found, err := s.Remains(names...)
		s.check(err)
		first = max(first, len(found))
		if len(found) == 0 || time.Now().After(deadline) {
			return found, first
		}
	}
}
