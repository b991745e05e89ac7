package whole_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// copyJournal copies the journal's folder while the bot runs, as a backup does.
func (s *scene) copyJournal() map[string][]byte {
	s.t.Helper()
	files := map[string][]byte{}
	list, err := filepath.Glob(filepath.Join(s.JournalDir(), "*.jsonl"))
	s.check(err)
	for _, path := range list {
		files[path], err = os.ReadFile(path)
		s.check(err)
	}
	return files
}

// restoreJournal puts a copy in the folder's place, while the bot is away, as docs/operator.md says.
func (s *scene) restoreJournal(backup map[string][]byte) {
	s.t.Helper()
	for path := range s.copyJournal() {
		s.check(os.Remove(path))
	}
	for path, data := range backup {
		s.check(os.WriteFile(path, data, 0o600))
	}
	clear(s.read)
	clear(s.size)
	s.restored = true
	if report, err := s.Verify(s.ctx()); err != nil {
		s.t.Fatalf("an older copy is a whole chain, and verify says: %v\n%s", err, report)
	}
}

// askedAboutOlderCopy makes sure that a ceremony has frozen as an older copy, that its status post was left alone, and
// that initiator and approver are asked.
func (s *scene) askedAboutOlderCopy(id ceremony.ID, shown string) {
	s.t.Helper()
	if c := s.reaches(id, rules.PhaseFrozen); c.Freeze.Why != event.RolledBack {
		s.t.Fatalf("frozen because of %s: %s", c.Freeze.Why, story(c))
	}
	for _, name := range []string{stage.Olga, stage.Paul} {
		n, err := s.Person(name).Told(s.ctx(), id, rules.FrozenMessage)
		s.check(err)
		s.tells("what "+name+" is told", n.Text, "older than what Conclave has already done", "resume "+string(id))
	}
	if n, _ := s.BoardOf(id); n.Text != shown {
		s.t.Errorf("OBEYED: the status post was edited from\n%s\nto\n%s", shown, n.Text)
	}
}

// The operator restores a backup in the middle of a rekey, by the steps of docs/operator.md. Vault has more shares by now
// than the backup knows.
func TestOperatorRestoresTheJournalInTheMiddleOfARekey(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	s.alarmed = true
	id := s.opened(ceremony.Rekey)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	backup := s.copyJournal()
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "bob"))
	s.board(id, "2 of 3")
	s.check(s.StopBot(s.ctx()))
	newest := s.copyJournal()
	shown, _ := s.BoardOf(id)

	s.restoreJournal(backup)
	report, err := s.Run(s.ctx(), "check", "--local", "--config", s.ConfigFile())
	if err == nil {
		t.Error("check finds nothing")
	}
	s.tells("conclave check", report, "STOP  marks", string(id)+" was at line", "it is an older copy")
	s.tap.forget()
	s.start()
	s.askedAboutOlderCopy(id, shown.Text)
	s.tap.took(t, updateRekey, 0)

	// There is a newer copy after all.
	s.check(s.StopBot(s.ctx()))
	s.restoreJournal(newest)
	if report, err := s.Run(s.ctx(), "check", "--local", "--config", s.ConfigFile()); err != nil {
		t.Errorf("check of the newest copy: %v\n%s", err, report)
	}
	s.start()
	s.board(id, "2 of 3")

	// There is none. People decide, and Vault's count shows what the copy lacks.
	s.check(s.StopBot(s.ctx()))
	shown, _ = s.BoardOf(id)
	s.restoreJournal(backup)
	s.start()
	s.askedAboutOlderCopy(id, shown.Text)
	s.resumes(id)
	s.until("another freeze", func() bool { c := s.now(id); return c.Freeze != nil && c.Freeze.Why == event.ForeignShare })
	s.board(id, "*Frozen*", "a share past Conclave")
	s.tap.took(t, updateRekey, 0)
	s.tells("the answer", s.commands(stage.Olga, "cancel "+string(id)+" restored"), "You cancelled")
	if c := s.goOn(id); c.Outcome != event.Cancelled || c.Ending != event.AttemptDropped {
		t.Errorf("%s, %s: %s", c.Outcome, c.Ending, story(c))
	}
	s.board(id, "*Cancelled*", "put back from an older copy")
}

// The whole host is restored, the file of marks too. The status post says that the ceremony was completed.
func TestStatusPostThatSaysCompletedIsNotEditedByAnOlderJournal(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	s.alarmed = true
	marks := s.JournalDir() + ".marks"
	id := s.opened(ceremony.GenerateRoot)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	backup := s.copyJournal()
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "bob", "carol"))
	s.board(id, "*Completed*")
	s.until("the transcript", func() bool { c := s.now(id); return c.Told() && !c.OwesTranscript() })
	s.check(s.StopBot(s.ctx()))
	shown, _ := s.BoardOf(id)
	s.restoreJournal(backup)
	s.check(os.Remove(marks))

	s.tap.forget()
	s.start()
	s.askedAboutOlderCopy(id, shown.Text)
	s.tap.took(t, "/v1/sys/generate-root/update", 0)
	s.tells("the answer", s.commands(stage.Olga, "cancel "+string(id)+" restored"), "You cancelled")
	if c := s.goOn(id); c.Outcome != event.Cancelled || c.Ending != event.AttemptUnknown {
		t.Errorf("%s, %s: %s", c.Outcome, c.Ending, story(c))
	}
	s.board(id, "*Cancelled*", "not known whether Vault has made a root token")
}

// A ceremony that the copy does not have at all holds up its cluster until somebody looks after it.
func TestCeremonyThatTheCopyLacksIsToldFromItsStatusPost(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	s.alarmed = true
	id := s.opened(ceremony.GenerateRoot)
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	s.check(s.StopBot(s.ctx()))
	gone := maps.Clone(s.copyJournal())
	for path := range gone {
		if strings.Contains(path, string(id)) {
			s.check(os.Remove(path))
		}
	}
	s.check(os.Remove(s.JournalDir() + ".marks"))
	s.start()
	var alarm ceremony.ID
	s.until("an alarm", func() bool {
		list, _ := filepath.Glob(filepath.Join(s.JournalDir(), "*-alarm-*.jsonl"))
		if len(list) == 1 {
			alarm = ceremony.ID(strings.TrimSuffix(filepath.Base(list[0]), ".jsonl"))
		}
		return len(list) == 1
	})
	s.board(alarm, "has lost `"+string(id)+"` altogether")
	const proposal = "start rekey " + stage.ClusterName + " again"
	s.tells("the answer", s.commands(stage.Olga, proposal), "has lost a ceremony of this cluster")
	s.tells("the answer", s.commands(stage.Paul, "acknowledge "+string(alarm)+" it was restored"), string(alarm))
	s.board(alarm, "looks after it")
	s.tells("the answer", s.commands(stage.Olga, proposal), "*Proposed:*")
}
