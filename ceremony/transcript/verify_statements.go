package transcript

import (
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// utterance is a person's statement as the journal has it.
type utterance struct {
	by     ceremony.Person
	verb   ceremony.Verb
	added  string // what the person added to the verb
	signed string // the armored message; empty when only their account stands for it
}

// utteranceOf returns the statement that an event records. It reports whether there is one.
func utteranceOf(e event.Event) (utterance, bool) {
	switch ev := e.(type) {
	case event.Approved:
		return utterance{ev.By, ceremony.SayApprove, "", ev.Signed}, true
	case event.Rejected:
		return utterance{ev.By, ceremony.SayReject, ev.Why, ev.Signed}, true
	case event.Present:
		return utterance{ev.By, ceremony.SayPresent, "", ev.Signed}, true
	case event.Proceeded:
		return utterance{ev.By, ceremony.SayProceed, "", ev.Signed}, true
	case event.ExceptionNoted:
		return utterance{ev.By, ceremony.SayException, ev.Text, ev.Signed}, true
	case event.WitnessStated:
		if ev.Agrees {
			return utterance{ev.By, ceremony.SayAgree, ev.Why, ev.Signed}, true
		}
		return utterance{ev.By, ceremony.SayDisagree, ev.Why, ev.Signed}, true
	case event.FreezeAsked:
		return utterance{ev.By, ceremony.SayFreeze, ev.Why, ev.Signed}, true
	case event.ResumeAsked:
		return utterance{ev.By, ceremony.SayResume, "", ev.Signed}, true
	case event.DeletionAsked:
		return utterance{ev.By, ceremony.SayDelete, "", ev.Signed}, true
	case event.AccessorGiven:
		return utterance{ev.By, ceremony.SayAccessor, ev.Accessor, ev.Signed}, true
	case event.VerificationDropped:
		return utterance{ev.By, ceremony.SayReverify, "", ev.Signed}, true
	case event.ResetAsked:
		return utterance{ev.By, ceremony.SayReset, "", ev.Signed}, true
	case event.Acknowledged:
		return utterance{ev.By, ceremony.SayAcknowledge, ev.Why, ev.Signed}, true
	case event.TokenRevoked:
		if ev.By != nil {
			return utterance{*ev.By, ceremony.SayRevoked, "", ev.Signed}, true
		}
	case event.Closing:
		if ev.By != nil {
			return utterance{*ev.By, ceremony.SayCancel, ev.Why, ev.Signed}, true
		}
	}
	return utterance{}, false
}

// check returns the name of the check that a statement belongs to.
func (u utterance) check() string {
	switch u.verb {
	case ceremony.SayApprove:
		return checkApprovals
	case ceremony.SayPresent:
		return checkRollCall
	case ceremony.SayProceed, ceremony.SayAgree, ceremony.SayDisagree:
		return checkWitness
	}
	return checkWords
}

// Unsigned returns the statements in a ceremony's journal that nobody has signed, as one
// difference, or nil when there is none. publicKey returns the armored certificate of a key.
func Unsigned(c rules.State, publicKey func(ceremony.Fingerprint) (string, error),
	s ceremony.Signatures) *rules.Difference {
	certificates := map[ceremony.Fingerprint]string{}
	for _, f := range c.Plan.Keys() {
		if armored, err := publicKey(f); err == nil {
			certificates[f] = armored
		}
	}
	faults, err := StatementFaults(c, certificates, s)
	switch {
	case err != nil: // although it was replayed a moment ago
		return &rules.Difference{Why: event.NotSigned, Got: err.Error()}
	case len(faults) > 0:
		return &rules.Difference{Why: event.NotSigned, Got: strings.Join(faults, "; ")}
	}
	return nil
}

// StatementFaults returns what is wrong with the statements that people are said to have
// signed in a ceremony's journal, each with its line and its reason. The certificates are
// armored public keys; a signature without its certificate is a fault. An error means
// that the journal can't be replayed.
func StatementFaults(c rules.State, certificates map[ceremony.Fingerprint]string,
	s ceremony.Signatures) ([]string, error) {
	v := verifier{
		identity: c.Plan.Identity, signatures: s, checks: map[string]*Check{},
		t: Transcript{Certificates: certificates},
	}
	for _, entry := range c.History {
		v.statement(entry)
		next, err := rules.Apply(v.c, entry)
		if err != nil {
			return nil, err
		}
		v.c = next
	}
	return Audit{}.with(v.checks).Faults(), nil
}

// statement checks that what a person has signed is what the journal says of them, with the
// ceremony as it was at that moment.
func (v *verifier) statement(e event.Entry) {
	u, ok := utteranceOf(e.Event)
	if !ok {
		return
	}
	check := v.check(u.check())
	check.Count++
	key, pinned := v.c.Plan.KeyOf(u.by.Account)
	switch {
	case u.signed != "" && !pinned:
		check.fault("line %d: %s is said to have signed (%s), and the plan pins no key for them", e.Seq, u.by.Name,
			u.verb)
		return
	case u.signed == "" && u.verb == ceremony.SayApprove:
		v.loose.pressed = append(v.loose.pressed, u.by)
		return
	case u.signed == "":
		v.loose.said = append(v.loose.said, u.by)
		return
	}
	line, _, err := v.signatures.VerifySignedWord(v.t.Certificates[key], key, u.signed, v.c.Plan.Proposed, e.At)
	if err != nil {
		check.fault("line %d: %s's signature (%s) does not hold: %s", e.Seq, u.by.Name, u.verb, reasonOf(err))
		return
	}
	said, ok := ceremony.ParseStatement(line)
	switch {
	case !ok || said.Verb != u.verb:
		check.fault("line %d: %s has signed %q, and the journal says %q", e.Seq, u.by.Name, line, u.verb)
	case said.Of != string(v.c.ID()):
		check.fault("line %d: %s has signed for the ceremony %s, and this is %s", e.Seq, u.by.Name, said.Of, v.c.ID())
	case said.Hash != v.c.PlanHash:
		check.fault("line %d: %s has signed for the plan %s, and this one's hash is %s", e.Seq, u.by.Name, said.Hash,
			v.c.PlanHash)
	case v.c.Fits(said) != nil:
		check.fault("line %d: %s has signed %q, which was about another moment", e.Seq, u.by.Name, line)
	case u.verb == ceremony.SayPresent:
		v.answered(check, e, u.by, command.OneLine(v.c.Added(said)))
	case u.verb.Adds() && command.OneLine(v.c.Added(said)) != u.added:
		check.fault("line %d: %s has signed %q, and the journal has them say %q", e.Seq, u.by.Name, v.c.Added(said),
			u.added)
	}
}

// answered checks that a person has decrypted their own challenge.
func (v *verifier) answered(check *Check, e event.Entry, by ceremony.Person, answer string) {
	roll := v.c.Called()
	if roll == nil {
		check.fault("line %d: %s answers, and nobody was called", e.Seq, by.Name)
		return
	}
	i := slices.IndexFunc(roll.Challenges, func(ch ceremony.Challenge) bool { return ch.For == by })
	if i < 0 || roll.Challenges[i].Digest != ceremony.RollCallDigest(answer) {
		check.fault("line %d: what %s has signed is not the answer to their challenge", e.Seq, by.Name)
	}
}

// called checks that the identity has signed each challenge of a roll call.
func (v *verifier) called(e event.Entry, called event.RollCalled) {
	check := v.check(checkRollCall)
	for _, ch := range called.Challenges {
		check.Count++
		says, err := v.signatures.VerifyRollCall(ch, called.Certificate, v.identity, e.At)
		switch {
		case err != nil:
			check.fault("line %d: the call of %s is not signed by %s, or can't be read (%s)", e.Seq, ch.For.Name,
				v.identity, reasonOf(err))
		case says.Ceremony != v.c.ID() || says.PlanHash != v.c.PlanHash:
			check.fault("line %d: the call of %s is of %s and the plan %s", e.Seq, ch.For.Name, says.Ceremony,
				says.PlanHash)
		case says.Digest != ch.Digest:
			check.fault("line %d: the call of %s names another answer than the journal", e.Seq, ch.For.Name)
		}
	}
}
