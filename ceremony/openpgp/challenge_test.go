package openpgp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
)

func TestChallengeIsOpenedByTheKeyThatVaultIsGiven(t *testing.T) {
	s := newStage(t)
	ciphertext, response, err := s.bot.Challenge(s.want.Signer, s.now)
	if err != nil {
		t.Fatal(err)
	}
	if got := decrypt(t, s.holder, dearmor(t, []byte(ciphertext))); got != response || len(got) != 32 {
		t.Errorf("it holds %d bytes", len(got))
	}
	if strings.Contains(ciphertext, response) {
		t.Error("the response can be read")
	}
	_, second, err := s.bot.Challenge(s.want.Signer, s.now)
	if err != nil || second == response {
		t.Errorf("the second has the same response, %v", err)
	}
}

func TestChallengeToAKeyThatVaultCanNotUseIsNotMade(t *testing.T) {
	s := stageFor(t, newHolder(t, "Ada", start, lifetime(26*time.Hour)), start)
	for name, tt := range map[string]struct {
		to  ceremony.Fingerprint
		now time.Time
	}{
		"expired": {s.want.Signer, start.Add(3 * time.Hour)},
		"nobody":  {"0123456789012345678901234567890123456789", start},
	} {
		ciphertext, response, err := s.bot.Challenge(tt.to, tt.now)
		if !errors.Is(err, ceremony.HolderKeyInvalid) || ciphertext != "" || response != "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestGPGOpensAChallenge(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	ciphertext, response, err := s.bot.Challenge(s.want.Signer, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	d.write("challenge.asc", []byte(ciphertext))
	if got := string(d.run("gpg --batch -qd challenge.asc")); got != response {
		t.Errorf("gpg prints %d bytes", len(got))
	}
}
