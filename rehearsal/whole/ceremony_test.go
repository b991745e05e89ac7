package whole_test

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// From a slash command to new key shares on a real Vault, and on to a root token.
func TestRekeyAndRootTokenFromSlackToVaultAndBack(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)

	rekey, err := s.Rekey(s.ctx())
	s.check(err)
	s.board(rekey, "*Completed*", "3 of 3")
	old, err := s.Shares(s.ctx(), "", "alice", "bob", "carol")
	s.check(err)
	fresh, err := s.Shares(s.ctx(), rekey, "alice", "dave", "erin")
	s.check(err)

	// The surest check: Vault is sealed, and opened with shares alone.
	if opens, err := s.Vault.UnsealWorks(s.ctx(), old...); err != nil || opens {
		t.Errorf("the old shares open the vault: %t, %v", opens, err)
	}
	s.check(s.Vault.Unseal(s.ctx(), fresh...))
	s.check(s.Adopt(rekey))

	root, token, err := s.GenerateRoot(s.ctx())
	s.check(err)
	s.board(root, "*Completed*")
	if is, err := s.Vault.IsRootToken(s.ctx(), token); err != nil || !is {
		t.Errorf("the token is a root token: %t, %v", is, err)
	}

	s.tap.took(t, startRekey, 1)
	s.tap.took(t, updateRekey, stage.Threshold)
	s.tap.took(t, verifyRekey, stage.Threshold)
	s.tap.took(t, startRoot, 1)
	s.tap.took(t, updateRoot, stage.Threshold)

	for id, lines := range map[ceremony.ID]int{rekey: linesOf[ceremony.Rekey], root: linesOf[ceremony.GenerateRoot]} {
		var c rules.State
		s.until("everybody to be told", func() bool { c = s.now(id); return c.Told() && !c.OwesTranscript() })
		s.everybodyWasTold(c)
		if c.Seq() > lines {
			t.Errorf("%s has %d events: the kill test stops at %d", id, c.Seq(), lines)
		}
	}
	s.check(s.StopBot(s.ctx()))
	report, err := s.Verify(s.ctx())
	s.check(err)
	s.tells("the report", report, string(rekey)+": completed", string(root)+": completed")
}

// took checks how many requests on a route Vault has carried out.
func (p *tap) took(t testing.TB, route string, want int) {
	t.Helper()
	if got := p.done(route); len(got) != want {
		t.Errorf("%s was done %d times, not %d: %v", route, len(got), want, got)
	}
}

// everybodyWasTold makes sure that Slack has every message that the journal says was posted, and that every message in
// Slack follows from the journal (P10). The journal does not know the place of a message whose answer was lost and that
// was outdated by the time the bot looked for it.
func (s *scene) everybodyWasTold(c rules.State) {
	s.t.Helper()
	if !c.Told() {
		s.t.Errorf("%d messages are due", len(c.Due()))
	}
	lies := map[string]string{} // key → timestamp
	for _, ch := range s.Slack.Channels() {
		for _, m := range ch.Messages() {
			if m.Metadata != nil && m.Metadata.EventPayload["ceremony"] == string(c.ID()) {
				key, _ := m.Metadata.EventPayload["key"].(string)
				lies[key] = m.TS
			}
		}
	}
	for _, m := range c.Messages() {
		at, posted := c.Where(m.Key)
		if posted && s.broughtFiles(at, c.ID()) {
			continue // they carry no metadata
		}
		redrawn := strings.HasPrefix(m.Key, "board/") // no post of its own
		if posted && !redrawn && lies[m.Key] != at.TS {
			s.t.Errorf("%s is not where the journal says, but at %q", m.Key, lies[m.Key])
		}
		delete(lies, m.Key)
	}
	if len(lies) > 0 {
		s.t.Errorf("posted, and nothing that the journal tells: %v", lies)
	}
	for _, n := range s.History(c.ID()) {
		if strings.TrimSpace(n.Text) == "" {
			s.t.Errorf("entry %d has no words", n.Seq)
		}
	}
}

// broughtFiles reports whether Slack has a message of the bot with a ceremony's transcript at a place.
func (s *scene) broughtFiles(at ceremony.Ref, id ceremony.ID) bool {
	for _, ch := range s.Slack.Channels() {
		if m, ok := ch.Message(at.TS); ok && ch.ID() == at.Channel && m.BotID != "" {
			return slices.ContainsFunc(m.Files,
				func(f slacktest.File) bool { return strings.HasPrefix(f.Name, string(id)+"-transcript-") })
		}
	}
	return false
}

func TestASecondBotOnTheSameJournalRefusesToStart(t *testing.T) {
	t.Parallel()
	s, _ := onEmulator(t, nil)
	out, err := s.Run(s.ctx(), "run", "--config", s.ConfigFile())
	if err == nil {
		t.Fatalf("a second bot runs: %s", out)
	}
	s.tells("the second bot", err.Error(), ceremony.ErrLocked.Error(), s.JournalDir())
	// The first ceremony goes on unharmed.
	if id := s.begin(ceremony.GenerateRoot); id == "" {
		t.Error("no ceremony")
	}
}

// The search for secrets proves something only if it finds one.
func TestTheSearchForSecretsFindsAPlantedOne(t *testing.T) {
	t.Parallel()
	s, _ := onEmulator(t, nil)
	share, err := s.Person("alice").Share(s.ctx(), "")
	s.check(err)
	s.noLeaks()

	backwards := []byte(share)
	slices.Reverse(backwards)
	plant := func(path, text string) (remove func()) {
		path = filepath.Join(s.Dir(), path)
		before, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		s.check(os.MkdirAll(filepath.Dir(path), 0o700))
		s.check(os.WriteFile(path, append(slices.Clone(before), text...), 0o600))
		return func() {
			if before == nil {
				s.check(os.Remove(path))
				return
			}
			s.check(os.WriteFile(path, before, 0o600))
		}
	}
	for _, place := range []string{"conclave.log", "journal/prod-rekey-aaaa.txt", "keys/notes.txt"} {
		for form, text := range map[string]string{
			"as it is":       share,
			"in upper case":  strings.ToUpper(share),
			"backwards":      string(backwards),
			"in base64":      base64OfHex(t, share),
			"amid base64":    base64.StdEncoding.EncodeToString([]byte("xy" + share + "z")),
			"inside of text": `{"msg":"share ` + share + ` refused"}`,
		} {
			remove := plant(place, text)
			if leaks, err := s.Leaks(); err != nil || len(leaks) == 0 || leaks[0].Where != place {
				t.Errorf("%s in %s is not found: %v, %v", form, place, leaks, err)
			}
			remove()
		}
	}

	// The bot is started with the folder's name in its arguments and as its HOME.
	s.Know("a canary", s.Dir())
	leaks, err := s.Leaks()
	s.check(err)
	for _, place := range []string{"the bot's cmdline", "the bot's environ"} {
		if !slices.ContainsFunc(leaks, func(l stage.Leak) bool { return l.Where == place && l.Secret == "a canary" }) {
			t.Errorf("nothing is found in %s", place)
		}
	}
	s.Know("a canary", share)

	// What passed through Slack can't be removed, so that this scene must end with a leak.
	s.leaky = true
	if _, err := s.Person("alice").Slack.Says(s.Ops, "by the way: "+share); err != nil {
		t.Fatal(err)
	}
	leaks, err = s.Leaks()
	if err != nil || !slices.ContainsFunc(leaks, func(l stage.Leak) bool { return l.Where == "Slack" }) {
		t.Errorf("nothing is found in Slack: %v, %v", leaks, err)
	}
}

func base64OfHex(t *testing.T, text string) string {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}
