package whole_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
	"conclave/rehearsal/stage"
)

// demanding sets every demand that a policy can make of a rekey.
func demanding(to *stage.Settings) {
	to.Witnesses = []string{stage.Wendy}
	to.Classes = map[string]string{stage.Paul: "security"}
	to.Policy = map[string]string{
		string(ceremony.Rekey): "{approvals_from: [security], signed: true, separate: true, witness: true, roll_call: all}",
	}
}

// Everything is signed with the commands in the messages, run in a shell as they are shown. The bot is killed between
// any two acts of people, and the ceremony is frozen for a while.
func TestAllThatAPolicyAsksIsDoneWithThePrintedCommandsThoughTheBotDies(t *testing.T) {
	t.Parallel()
	s := onVault(t, demanding)
	id := s.begin(ceremony.Rekey)
	s.dies()
	s.check(s.Approve(s.ctx(), stage.Paul, id))
	s.dies()
	s.check(s.Present(s.ctx(), id, "alice", "bob"))
	if n := s.progress(rekeyAttempt); n >= 0 {
		t.Errorf("Vault was asked before everybody was there: progress %d", n)
	}
	s.dies()
	s.check(s.Present(s.ctx(), id, "carol", "dave", "erin"))
	s.until("the witness to be asked", func() bool { return s.now(id).Gate() == ceremony.GateStart })
	if n := s.progress(rekeyAttempt); n >= 0 {
		t.Errorf("Vault was asked before the witness has let it happen: progress %d", n)
	}
	s.dies()
	s.letsHappen(s.now(id))
	s.until("the holders to be asked", func() bool { return s.now(id).Wants() })
	s.brings(s.now(id))
	s.dies()

	// A holder freezes the ceremony, and two other people have to agree that it can go on.
	s.commands("dave", "freeze "+string(id)+" somebody is logged in at Vault")
	s.freezes(id, event.PersonStopped, "dave")
	s.dies()
	s.commands(stage.Olga, "exception "+string(id)+" it was the backup job")
	s.resumes(id)
	s.until("the thaw", func() bool { return s.now(id).Phase != rules.PhaseFrozen })

	c := s.goOn(id)
	if c.Outcome != event.Completed || c.Attempt.Number != 1 {
		t.Fatalf("%s in attempt %d: %s", c.Outcome, c.Attempt.Number, story(c))
	}
	s.everybodyWasTold(c)
	s.tap.took(t, startRekey, 1)
	s.tap.took(t, updateRekey, stage.Threshold)
	s.tap.took(t, verifyRekey, stage.Threshold)
	s.everythingWasSigned(c)
	s.opensWithTheProgram("bob", c)
	s.newKeyInForce(id)
	s.transcriptHolds(c)
}

// dies kills the bot in the middle of its work, and starts it again.
func (s *scene) dies() {
	s.t.Helper()
	s.check(s.KillBot())
	s.check(s.StartBot(s.ctx()))
}

// says runs the command in a message, and sends its output.
func (s *scene) says(p *stage.Person, ask stage.Note) {
	s.t.Helper()
	sign := p.Keys.Sign
	if ask.Kind == rules.RollCallMessage {
		sign = p.Keys.Present
	}
	signed, err := sign(s.ctx(), ask)
	s.check(err)
	_, err = s.sends(p, signed)
	s.check(err)
}

// answersCall lets the next person who is called answer the roll call.
func (s *scene) answersCall(c rules.State) {
	for _, called := range c.Plan.RollCall {
		p := s.Person(called.Name)
		call, asked := newest(p.Notes(),
			func(n stage.Note) bool { return n.Ceremony == c.ID() && n.Kind == rules.RollCallMessage })
		if c.IsPresent(called.Account) || !asked {
			continue
		}
		s.says(p, call)
		s.awaits(c.ID(), p.Name+"'s answer", func(c rules.State) bool { return c.IsPresent(called.Account) })
		return
	}
}

// letsHappen lets the witness sign that the next step may happen.
func (s *scene) letsHappen(c rules.State) {
	s.t.Helper()
	asked, _ := last[event.WitnessAsked](c)
	ask, err := s.Person(stage.Wendy).Finds(s.ctx(), "question whether the next step may happen", func(n stage.Note) bool {
		return n.Ceremony == c.ID() && n.Kind == rules.GateMessage && n.Seq >= asked
	})
	s.check(err)
	s.says(s.Person(stage.Wendy), ask)
	s.awaits(c.ID(), "the witness's word", func(now rules.State) bool { return now.Gate() != c.Gate() })
}

// testifies lets the witness state her agreement at the end.
func (s *scene) testifies(c rules.State) {
	s.t.Helper()
	ask, asked := newest(s.Person(stage.Wendy).Notes(), func(n stage.Note) bool {
		return n.Ceremony == c.ID() && n.Kind == rules.WitnessMessage
	})
	if !asked {
		return
	}
	s.says(s.Person(stage.Wendy), ask)
	s.awaits(c.ID(), "the witness's statement", func(c rules.State) bool { return !c.OwesWitness() })
}

// everythingWasSigned makes sure that every act was signed with a key, not only sent from an account.
func (s *scene) everythingWasSigned(c rules.State) {
	s.t.Helper()
	signed := map[string]int{}
	for _, e := range c.History {
		armored := ""
		switch ev := e.Event.(type) {
		case event.Approved:
			armored = ev.Signed
		case event.Present:
			armored = ev.Signed
		case event.Proceeded:
			armored = ev.Signed
		case event.WitnessStated:
			armored = ev.Signed
		default:
			continue
		}
		if !strings.HasPrefix(armored, "-----BEGIN PGP MESSAGE-----") {
			s.t.Errorf("entry %d (%s) is not signed", e.Seq, event.TypeOf(e.Event))
		}
		signed[event.TypeOf(e.Event)]++
	}
	for ev, want := range map[event.Event]int{event.Approved{}: 1, event.Present{}: 5, event.Proceeded{}: 3,
		event.WitnessStated{}: 1} {
		if got := signed[event.TypeOf(ev)]; got != want {
			s.t.Errorf("%d times %s, not %d", got, event.TypeOf(ev), want)
		}
	}
}

// opensWithTheProgram lets a person check their delivery with conclave open instead of pasted commands.
func (s *scene) opensWithTheProgram(who string, c rules.State) {
	s.t.Helper()
	n, err := s.Person(who).Told(s.ctx(), c.ID(), rules.DeliveryMessage)
	s.check(err)
	s.check(os.WriteFile(s.home(who, "message.txt"), []byte(n.Text), 0o600))
	file := strings.TrimSpace(s.shell(who, program+" open --identity "+s.Identity.String()+" message.txt"))
	share, err := s.Person(who).Keys.Open(s.ctx(), filepath.Base(file))
	s.check(err)
	kept, err := s.Person(who).Share(s.ctx(), c.ID())
	s.check(err)
	if share != kept {
		s.t.Errorf("what %s has kept in %s is not the share that the message's own commands keep", who, file)
	}
}

// transcriptHolds takes the transcript from the thread, and lets an auditor check it.
func (s *scene) transcriptHolds(c rules.State) {
	s.t.Helper()
	file, page, err := s.Transcript(s.ctx(), c.ID(), len(c.Transcripts()))
	s.check(err)
	audit, err := s.Audit(s.ctx(), file)
	s.check(err)
	if faults := audit.Faults(); len(faults) > 0 {
		s.t.Errorf("the transcript does not hold: %q", faults)
	}
	for _, name := range []string{"signature", "approvals", "roll call", "witness", "envelopes", "announcements",
		"deliveries"} {
		if i := slices.IndexFunc(audit.Checks, func(k transcript.Check) bool { return k.Name == name }); i < 0 ||
			audit.Checks[i].Count == 0 {
			s.t.Errorf("nothing was looked at for %s", name)
		}
	}
	for _, gap := range audit.NotProven {
		s.t.Logf("not proven: %s: %s", gap.Code, gap.Words)
	}
	html, err := os.ReadFile(page)
	s.check(err)
	s.tells("the page", string(html), string(c.ID()), "it was the backup job", "wendy", "dave")
}
