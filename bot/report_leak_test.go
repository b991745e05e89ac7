package bot

import (
	"slices"
	"strings"
	"testing"

	"conclave/bot/slacktest"
	"conclave/ceremony"
)

// raisedFor returns the exposures of a person that the engine was told of.
func (s *stage) raisedFor(user string) []string {
	s.settle()
	var kinds []string
	for _, call := range s.engine.said() {
		if kind, ok := strings.CutSuffix(call, " by "+s.w.TeamID()+"/"+user); ok && ceremony.Finding(kind).Exposure() {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// TestSecurityPeopleHearOfEverySecretInTheOpen, whichever way it was shown, and once.
func TestSecurityPeopleHearOfEverySecretInTheOpen(t *testing.T) {
	for name, c := range map[string]struct {
		show func(t *testing.T, s *stage) error
		want []string
	}{
		"in a direct message": {func(t *testing.T, s *stage) error {
			_, err := s.carol.DMs("Unseal Key 1: " + baseShare)
			return err
		}, []string{"exposed-share"}},
		"twice": {func(t *testing.T, s *stage) error {
			if _, err := s.carol.DMs(hexShare); err != nil {
				return err
			}
			_, err := s.carol.DMs("again " + hexShare)
			return err
		}, []string{"exposed-share"}},
		"a token and a share": {func(t *testing.T, s *stage) error {
			_, err := s.carol.DMs(newToken + "\n" + hexShare)
			return err
		}, []string{"exposed-token", "exposed-share"}},
		"in a file": {func(t *testing.T, s *stage) error {
			_, err := s.carol.Uploads("key.txt", []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n"))
			return err
		}, []string{"exposed-key"}},
		"in an edit": {func(t *testing.T, s *stage) error {
			sent, err := s.carol.DMs("hello")
			if err != nil {
				return err
			}
			return s.carol.Edits(sent[0], hexShare)
		}, []string{"exposed-share"}},
		"in a channel": {func(t *testing.T, s *stage) error {
			_, err := s.carol.Says(s.ops, hexShare)
			return err
		}, []string{"exposed-share"}},
		"behind a command": {func(t *testing.T, s *stage) error {
			s.expect("looks like a share", s.types(s.carol, "submit "+hexShare))
			return nil
		}, []string{"exposed-share"}},
		"as an accessor": {func(t *testing.T, s *stage) error {
			s.expect("revoke it now", s.types(s.carol, "accessor prod-rekey-k7m2 "+newToken))
			return nil
		}, []string{"exposed-token"}},
		"signed and not encrypted": {func(t *testing.T, s *stage) error {
			s.engine.fail(ceremony.NotEncrypted)
			_, err := s.carol.DMs(envelope)
			return err
		}, []string{"exposed-envelope"}},
		"a password is the requester's own affair": {func(t *testing.T, s *stage) error {
			_, err := s.carol.DMs(oneTime)
			return err
		}, nil},
		"an envelope is no secret": {func(t *testing.T, s *stage) error {
			_, err := s.carol.DMs(envelope)
			return err
		}, nil},
		"nor is the hash of a plan": {func(t *testing.T, s *stage) error {
			c := s.holds(begin(t, s.plan()))
			s.types(s.carol, "approve "+string(c.ID())+" "+c.PlanHash)
			s.types(s.carol, "reject "+string(c.ID())+" I was told "+c.PlanHash)
			_, err := s.carol.DMs(c.PlanHash)
			return err
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, slacktest.Config{Events: append(slacktest.DefaultEvents(), "message.channels")})
			if err := c.show(t, s); err != nil {
				t.Fatal(err)
			}
			if got := s.raisedFor(s.carol.ID()); !slices.Equal(got, c.want) {
				t.Errorf("heard of %q, want %q\n%s", got, c.want, s.log)
			}
			for _, secret := range []string{hexShare, baseShare, newToken} {
				if strings.Contains(s.log.String(), secret) || strings.Contains(strings.Join(s.engine.said(), " "), secret) {
					t.Error("it is in the log, or was given to the engine as words")
				}
			}
		})
	}
}

func TestStrangersWhoShowASecretAreToldAndHeardOf(t *testing.T) {
	s := start(t, slacktest.Config{})
	for name, trait := range map[string]slacktest.Trait{"mallory": func(*slacktest.Person) {}, "gast": slacktest.Guest} {
		p := s.w.AddPerson(name, trait)
		if _, err := p.DMs("is this a key? " + hexShare); err != nil {
			t.Fatal(err)
		}
		s.told(p, warnOpen)
		if got := s.raisedFor(p.ID()); !slices.Equal(got, []string{"exposed-share"}) {
			t.Errorf("of %s people heard %q", name, got)
		}
		s.ops.Invite(p)
		s.expect("revoke it now", s.types(p, "start rekey prod "+newToken))
	}
	far := s.w.AddPerson("connected", slacktest.Connected)
	if _, err := far.DMs(hexShare); err != nil {
		t.Fatal(err)
	}
	s.told(far, warnOpen)
	s.settle()
	if said := strings.Join(s.engine.said(), "\n"); !strings.Contains(said, "exposed-share by ") ||
		strings.Contains(said, "exposed-share by "+s.w.TeamID()+"/"+far.ID()) {
		t.Errorf("an account of another workspace is taken for one of ours:\n%s", said)
	}
	if len(s.engine.offered()) != 0 {
		t.Error("it was offered")
	}
}

// TestAlarmThatFailedIsRaisedTheNextTime, since nobody was told of it.
func TestAlarmThatFailedIsRaisedTheNextTime(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.engine.fail(ceremony.ErrJournal)
	for range 2 {
		if _, err := s.carol.DMs(newToken); err != nil {
			t.Fatal(err)
		}
		s.told(s.carol, "revoke it now")
	}
	if got := s.raisedFor(s.carol.ID()); len(got) != 2 {
		t.Errorf("raised %q", got)
	}
}

// What somebody signs is armor, in which nothing is looked for: a token in a
// signed exception would stand in the journal, the thread and the transcript.
func TestP1ASignedWordThatShowsASecretIsNotTaken(t *testing.T) {
	s := start(t, slacktest.Config{})
	hash := strings.Repeat("5d", 32)
	armored := func(line string) string {
		return "-----BEGIN PGP MESSAGE-----\n\n" + line + "\n-----END PGP MESSAGE-----"
	}
	for _, secret := range []string{newToken, oldToken, hexShare, baseShare, soleHex} {
		if _, err := s.carol.DMs(armored("conclave-word1 prod-rekey-k7m2 " + hash + " exception it was " +
			secret)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.raisedFor(s.carol.ID()); !slices.Equal(got, []string{"exposed-token", "exposed-share"}) {
		t.Errorf("raised %q", got)
	}
	if _, err := s.carol.DMs(armored("conclave-word1 prod-rekey-k7m2 " + hash + " present " +
		strings.ToUpper(soleHex))); err != nil {
		t.Fatal(err)
	}
	s.settle()
	for _, call := range s.engine.said() {
		if strings.HasPrefix(call, "speak ") && !strings.Contains(call, " present ") {
			t.Errorf("the engine was told %q", call)
		}
	}
	if !slices.ContainsFunc(s.engine.said(), func(call string) bool { return strings.Contains(call, " present ") }) {
		t.Error("the answer to a roll call was taken for a share")
	}
}

func TestHashesThatBelongIntoASignedWordAreNoSecrets(t *testing.T) {
	hash := strings.Repeat("5d", 32)
	for line, want := range map[string]bool{
		"conclave-word1 prod-rekey-k7m2 " + hash + " approve":                    false,
		"conclave-word1 prod-rekey-k7m2 " + hash + " present " + soleHex:         false,
		"conclave-word1 prod-rekey-k7m2 " + hash + " freeze 17 he called me":     false,
		"conclave-word1 prod-rekey-k7m2 " + hash + " exception " + soleHex:       true,
		"conclave-word1 prod-rekey-k7m2 " + hash + " present " + hexShare:        true,
		"conclave-word1 prod-rekey-k7m2 " + hash + " cancel " + newToken:         true,
		"conclave-word1 prod-rekey-k7m2 " + newToken + " approve":                true,
		"conclave-word1 prod-rekey-k7m2 " + hash + " agree 0123456789abcdef yes": false,
	} {
		if got := WordExposes(line); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
}

// TestWrongLineIsAnsweredForWhatItIs: as an envelope it would be called a share in the open, with an alarm.
func TestWrongLineIsAnsweredForWhatItIs(t *testing.T) {
	s := start(t, slacktest.Config{})
	for _, wrong := range []string{
		"-----BEGIN PGP MESSAGE-----\n\nconclave-word1 prod-rekey-k7m2 approved\n-----END PGP MESSAGE-----",
		"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nconclave-word0 prod-rekey-k7m2 approve\n-----BEGIN PGP SIGNATURE-----\n\nowE=\n-----END PGP SIGNATURE-----",
	} {
		if _, err := s.carol.DMs(wrong); err != nil {
			t.Fatal(err)
		}
		s.told(s.carol, "is no word about a ceremony")
	}
	s.settle()
	if len(s.engine.offered()) != 0 || len(s.raisedFor(s.carol.ID())) != 0 {
		t.Errorf("offered as a share: %q, raised: %q", s.engine.offered(), s.raisedFor(s.carol.ID()))
	}
}
