package ceremony

import "slices"

// utterance is what somebody said, as the journal has it.
type utterance struct {
	by     Person
	verb   Verb
	added  string // what they added to the word
	signed string // armored; empty when their account alone said it
}

// utteranceOf is what an event says that somebody said.
func utteranceOf(e Event) (utterance, bool) {
	switch ev := e.(type) {
	case Approved:
		return utterance{ev.By, SayApprove, "", ev.Signed}, true
	case Rejected:
		return utterance{ev.By, SayReject, ev.Why, ev.Signed}, true
	case Present:
		return utterance{ev.By, SayPresent, "", ev.Signed}, true
	case Proceeded:
		return utterance{ev.By, SayProceed, "", ev.Signed}, true
	case ExceptionNoted:
		return utterance{ev.By, SayException, ev.Text, ev.Signed}, true
	case WitnessStated:
		if ev.Agrees {
			return utterance{ev.By, SayAgree, ev.Why, ev.Signed}, true
		}
		return utterance{ev.By, SayDisagree, ev.Why, ev.Signed}, true
	case FreezeAsked:
		return utterance{ev.By, SayFreeze, ev.Why, ev.Signed}, true
	case ResumeAsked:
		return utterance{ev.By, SayResume, "", ev.Signed}, true
	case DeletionAsked:
		return utterance{ev.By, SayDelete, "", ev.Signed}, true
	case AccessorGiven:
		return utterance{ev.By, SayAccessor, ev.Accessor, ev.Signed}, true
	case VerificationDropped:
		return utterance{ev.By, SayReverify, "", ev.Signed}, true
	case ResetAsked:
		return utterance{ev.By, SayReset, "", ev.Signed}, true
	case Acknowledged:
		return utterance{ev.By, SayAcknowledge, ev.Why, ev.Signed}, true
	case TokenRevoked:
		if ev.By != nil {
			return utterance{*ev.By, SayRevoked, "", ev.Signed}, true
		}
	case Closing:
		if ev.By != nil {
			return utterance{*ev.By, SayCancel, ev.Why, ev.Signed}, true
		}
	}
	return utterance{}, false
}

// check is which check a word belongs to.
func (u utterance) check() string {
	switch u.verb {
	case SayApprove:
		return checkApprovals
	case SayPresent:
		return checkRollCall
	case SayProceed, SayAgree, SayDisagree:
		return checkWitness
	}
	return checkWords
}

// spoken checks what somebody has signed against what the journal says of them, as of
// the moment at which they said it.
func (v *verifier) spoken(e Entry) {
	u, ok := utteranceOf(e.Event)
	if !ok {
		return
	}
	check := v.check(u.check())
	check.Count++
	key, pinned := v.c.Plan.KeyOf(u.by.Account)
	switch {
	case u.signed != "" && !pinned:
		check.fault("line %d: %s is said to have signed (%s), and the plan pins no key for them", e.Seq, u.by.Name, u.verb)
		return
	case u.signed == "" && u.verb == SayApprove:
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
	said, ok := ParseWord(line)
	switch {
	case !ok || said.Verb != u.verb:
		check.fault("line %d: %s has signed %q, and the journal says %q", e.Seq, u.by.Name, line, u.verb)
	case said.Of != string(v.c.ID()):
		check.fault("line %d: %s has signed for the ceremony %s, and this is %s", e.Seq, u.by.Name, said.Of, v.c.ID())
	case said.Hash != v.c.PlanHash:
		check.fault("line %d: %s has signed for the plan %s, and this one's hash is %s", e.Seq, u.by.Name, said.Hash, v.c.PlanHash)
	case v.c.Fits(said) != nil:
		check.fault("line %d: %s has signed %q, which was about another moment", e.Seq, u.by.Name, line)
	case u.verb == SayPresent:
		v.answered(check, e, u.by, oneLine(v.c.Added(said)))
	case u.verb.Adds() && oneLine(v.c.Added(said)) != u.added:
		check.fault("line %d: %s has signed %q, and the journal has them say %q", e.Seq, u.by.Name, v.c.Added(said), u.added)
	}
}

// answered checks that somebody has decrypted their own challenge.
func (v *verifier) answered(check *Check, e Entry, by Person, answer string) {
	roll := v.c.Called()
	if roll == nil {
		check.fault("line %d: %s answers, and nobody was called", e.Seq, by.Name)
		return
	}
	i := slices.IndexFunc(roll.Challenges, func(ch Challenge) bool { return ch.For == by })
	if i < 0 || roll.Challenges[i].Digest != RollCallDigest(answer) {
		check.fault("line %d: what %s has signed is not the answer to their challenge", e.Seq, by.Name)
	}
}

// called checks that the identity has signed what people were asked in a roll call.
func (v *verifier) called(e Entry, called RollCalled) {
	check := v.check(checkRollCall)
	for _, ch := range called.Challenges {
		check.Count++
		says, err := v.signatures.VerifyRollCall(ch, called.Certificate, v.identity, e.At)
		switch {
		case err != nil:
			check.fault("line %d: the call of %s is not signed by %s, or can't be read (%s)", e.Seq, ch.For.Name, v.identity, reasonOf(err))
		case says.Ceremony != v.c.ID() || says.PlanHash != v.c.PlanHash:
			check.fault("line %d: the call of %s is of %s and the plan %s", e.Seq, ch.For.Name, says.Ceremony, says.PlanHash)
		case says.Digest != ch.Digest:
			check.fault("line %d: the call of %s names another answer than the journal", e.Seq, ch.For.Name)
		}
	}
}
