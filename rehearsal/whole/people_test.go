package whole_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// begin lets olga propose an operation, and returns the ceremony's id when it is on disk. She may get no answer: the
// bot may be killed in that moment.
func (s *scene) begin(op ceremony.Operation, options ...string) ceremony.ID {
	s.t.Helper()
	before := s.journals()
	command := slices.Concat([]string{"start", string(op), stage.ClusterName}, options, []string{"OPS-7: practice"})
	s.Person(stage.Olga).Slack.Command(s.Ops, "/ceremony", strings.Join(command, " "))
	var fresh []ceremony.ID
	s.until("the proposal", func() bool {
		fresh = slices.DeleteFunc(s.journals(), func(id ceremony.ID) bool { return slices.Contains(before, id) })
		return len(fresh) > 0
	})
	return fresh[0]
}

// journals returns the ceremonies that have a line on disk.
func (s *scene) journals() []ceremony.ID {
	s.t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.JournalDir(), "*.jsonl"))
	s.check(err)
	var ids []ceremony.ID
	for _, path := range paths {
		if s.lines(path) > 0 {
			ids = append(ids, ceremony.ID(strings.TrimSuffix(filepath.Base(path), ".jsonl")))
		}
	}
	return ids
}

// opened plays a ceremony until it is approved and collects shares, and returns its id.
func (s *scene) opened(op ceremony.Operation) ceremony.ID {
	s.t.Helper()
	id, err := s.Propose(s.ctx(), stage.Olga, fmt.Sprintf("%s %s OPS-7: practice", op, stage.ClusterName))
	s.check(err)
	s.check(s.Approve(s.ctx(), stage.Paul, id))
	return id
}

// goOn lets people do what they are asked for until the ceremony has ended and all people have been told. They bring as
// many shares as are needed, one after the other, and bring one again when it was not taken.
func (s *scene) goOn(id ceremony.ID) rules.State {
	s.t.Helper()
	var c rules.State
	s.until(fmt.Sprintf("%s to end", id), func() bool {
		c = s.now(id)
		switch {
		case c.Told() && !c.OwesTranscript():
			return true
		case c.Phase == rules.PhaseProposed:
			s.approves(id)
		case c.Phase == rules.PhaseRollCall:
			s.answersCall(c)
		case c.Gate() != "":
			s.letsHappen(c)
		case c.OwesWitness():
			s.testifies(c)
		case c.Phase == rules.PhaseFrozen:
			s.t.Fatalf("%s is frozen: %+v\n%s", id, c.Freeze, story(c))
		case c.Backup != nil && c.Deletion == nil:
			s.deletes(id)
		case c.Wants() && c.Pending == nil:
			s.brings(c)
		}
		return false
	})
	return c
}

// deletes lets paul press the button that deletes the backup, once he has been asked and all receivers have their
// shares.
func (s *scene) deletes(id ceremony.ID) {
	s.presses(id, rules.DeletionMessage, "delete", func(c rules.State) bool { return c.Deletion != nil })
}

// approves lets paul press the button, once he has been asked. He presses it again if it had no effect because the bot
// died in that moment.
func (s *scene) approves(id ceremony.ID) {
	s.presses(id, rules.ApprovalMessage, "approve", func(c rules.State) bool { return c.Phase != rules.PhaseProposed })
}

// presses lets paul press a button, or sign the statement that replaces it.
func (s *scene) presses(id ceremony.ID, under rules.MessageKind, button string, done func(rules.State) bool) {
	asked, ok := newest(s.Person(stage.Paul).Notes(), func(n stage.Note) bool {
		return n.Ceremony == id && n.Kind == under
	})
	if !ok {
		return
	}
	if asked.HasButton(button) {
		_, err := s.Person(stage.Paul).Slack.Clicks(asked.Message, button)
		s.check(err)
	} else {
		s.says(s.Person(stage.Paul), asked)
	}
	s.awaits(id, button, done)
}

// awaits waits for the bot to do what it was asked for. If the bot dies in that moment it does nothing, and people ask
// again.
func (s *scene) awaits(id ceremony.ID, what string, done func(rules.State) bool) {
	patience := time.Now().Add(3 * time.Second)
	s.until("something to come of "+what, func() bool { return done(s.now(id)) || time.Now().After(patience) })
}

// brings lets the next person bring a share, if they have been asked for it under the identity in force.
func (s *scene) brings(c rules.State) {
	missing := slices.DeleteFunc(c.Missing(), func(p ceremony.Person) bool { return slices.Contains(s.away, p.Name) })
	if len(missing) == 0 {
		return
	}
	p := s.Person(missing[0].Name)
	if c.Round.Step == ceremony.StepVerify {
		s.puts(c)
	}
	var ask stage.Note
	asked := false
	s.check(s.Wait(s.ctx(), "a request for "+p.Name+"'s share", func() bool {
		ask, asked = newest(p.Notes(), func(n stage.Note) bool {
			return n.Kind == rules.AskMessage && strings.Contains(n.Instruction(), strings.ToUpper(c.Key.Subkey))
		})
		now := s.now(c.ID())
		return asked || now.Key == nil || now.Key.Subkey != c.Key.Subkey
	}))
	if !asked {
		return
	}
	envelope, err := p.Keys.Answer(s.ctx(), ask)
	s.check(err)
	sent, err := s.sends(p, envelope)
	s.check(err)
	// The message is settled when the journal has an outcome for it, when the identity has changed and made it void, or
	// when the bot has refused it in a direct answer.
	s.until("an outcome of "+p.Name+"'s message", func() bool {
		now := s.now(c.ID())
		if now.Ended() || now.Key == nil || now.Key.Subkey != c.Key.Subkey {
			return true
		}
		if noticed(now, sent) {
			return now.Pending == nil
		}
		_, answered := newest(p.Notes(), func(n stage.Note) bool { return n.TS > sent.TS && n.Kind == "" })
		return answered
	})
}

func (s *scene) sends(p *stage.Person, envelope string) (slacktest.Message, error) {
	if s.asFiles {
		return p.Slack.Uploads("share.asc", []byte(envelope))
	}
	sent, err := p.Slack.DMs(envelope)
	if err != nil {
		return slacktest.Message{}, err
	}
	return sent[len(sent)-1], nil
}

// noticed reports whether the journal has a message.
func noticed(c rules.State, sent slacktest.Message) bool {
	at := ceremony.Ref{Channel: sent.Channel, TS: sent.TS}
	return slices.ContainsFunc(c.History, func(e event.Entry) bool {
		switch ev := e.Event.(type) {
		case event.Offered:
			return ev.Message == at
		case event.Declined:
			return ev.Message == at
		}
		return false
	})
}

// puts lets all receivers check their new share and store it.
func (s *scene) puts(c rules.State) {
	for _, r := range c.Plan.Receivers {
		key := fmt.Sprint(c.ID(), " ", c.Attempt.Number, " ", r.Name)
		if s.received[key] {
			continue
		}
		// After a second attempt there are two deliveries. The newest counts, and Finds returns it.
		made, ok := last[event.Rekeyed](c)
		if !ok {
			return
		}
		p := s.Person(r.Name)
		n, err := p.Finds(s.ctx(), "the new share", func(n stage.Note) bool {
			return n.Ceremony == c.ID() && n.Kind == rules.DeliveryMessage && n.Seq == made
		})
		s.check(err)
		s.check(p.Keys.Receive(s.ctx(), n))
		share, err := p.Keys.Open(s.ctx(), stage.NewShareFile(c.ID()))
		s.check(err)
		s.Know(fmt.Sprintf("%s's new share of %s", r.Name, key), share)
		s.received[key] = true
	}
}

// last returns the sequence number of the newest event of a type.
func last[E event.Event](c rules.State) (int, bool) {
	for _, e := range slices.Backward(c.History) {
		if _, ok := e.Event.(E); ok {
			return e.Seq, true
		}
	}
	return 0, false
}

func newest(notes []stage.Note, fits func(stage.Note) bool) (stage.Note, bool) {
	for _, n := range slices.Backward(notes) {
		if fits(n) {
			return n, true
		}
	}
	return stage.Note{}, false
}

// commands types a slash command and returns the bot's answer.
func (s *scene) commands(who, args string) string {
	s.t.Helper()
	said, err := s.Person(who).Commands(s.ctx(), args)
	s.check(err)
	return said
}

// resumes lets two people thaw a ceremony.
func (s *scene) resumes(id ceremony.ID) {
	s.t.Helper()
	s.commands(stage.Olga, "resume "+string(id))
	s.commands(stage.Paul, "resume "+string(id))
}

// progress returns the number of shares that Vault reports for an attempt, or -1 without an attempt.
func (s *scene) progress(attempt string) int {
	s.t.Helper()
	answer, err := s.Vault.Do(s.ctx(), "GET", attempt, nil)
	s.check(err)
	if answer.Status != 200 {
		s.t.Fatalf("%s: status %d: %v", attempt, answer.Status, answer.Errors)
	}
	if !answer.Bool("started") {
		return -1
	}
	return answer.Int("progress")
}

// tells makes sure that a message contains the words.
func (s *scene) tells(where, text string, want ...string) {
	s.t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			s.t.Errorf("%s does not say %q:\n%s", where, w, text)
		}
	}
}

// board waits until the status post has these words.
func (s *scene) board(id ceremony.ID, want ...string) {
	s.t.Helper()
	s.check(s.Wait(s.ctx(), fmt.Sprintf("the status post to say %q", want), func() bool {
		n, ok := s.BoardOf(id)
		return ok && !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(n.Text, w) })
	}))
}

// newKeyInForce makes sure that the new shares of a rekey open the vault, and the
// old ones don't. People adopt the new ones.
func (s *scene) newKeyInForce(id ceremony.ID) {
	s.t.Helper()
	old, err := s.Shares(s.ctx(), "", "alice", "carol", "erin")
	s.check(err)
	fresh, err := s.Shares(s.ctx(), id, "bob", "dave", "erin")
	s.check(err)
	for _, row := range []struct {
		name   string
		shares []string
		want   bool
	}{{"old", old, false}, {"new", fresh, true}} {
		if got, err := s.Proves(s.ctx(), row.shares...); err != nil || got != row.want {
			s.t.Errorf("the %s shares prove the key: %t, %v", row.name, got, err)
		}
	}
	s.check(s.Adopt(id))
}

// tokenIsRoot lets olga take the token of a generate-root, and makes sure that it is a root token.
func (s *scene) tokenIsRoot(id ceremony.ID) {
	s.t.Helper()
	token, err := s.Person(stage.Olga).TakesToken(s.ctx(), id)
	s.check(err)
	if is, err := s.Vault.IsRootToken(s.ctx(), token); err != nil || !is {
		s.t.Errorf("a root token: %t, %v", is, err)
	}
}

// logged returns the attributes of the bot's log lines with this message.
func (s *scene) logged(message string) []map[string]string {
	s.t.Helper()
	var all []map[string]string
	log, err := os.ReadFile(s.LogFile())
	s.check(err)
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, `msg="`+message+`"`) {
			all = append(all, attributes(line))
		}
	}
	return all
}

func attributes(line string) map[string]string {
	fields := map[string]string{}
	for _, f := range strings.Fields(line) {
		if key, value, ok := strings.Cut(f, "="); ok {
			fields[key] = value
		}
	}
	return fields
}
