package rules

import (
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// StatementFor returns what a person signs to say verb of the ceremony as it stands, up to
// what they add themselves. More binds it to this moment, so that an earlier statement is
// good for nothing now:
//
//   - resume: the number of the entry that froze the ceremony
//   - freeze again: the number of the entry that froze it before
//   - reverify: the nonce of the round
//   - reset: the number of the round
//   - proceed: the number of the entry that asked the witnesses
//   - agree, disagree: the first 16 digits of the hash of the entry that ended it
func (c State) StatementFor(verb ceremony.Verb) ceremony.Statement {
	want := ceremony.Statement{Of: string(c.ID()), Hash: c.PlanHash, Verb: verb}
	switch verb {
	case ceremony.SayResume:
		want.More = fmt.Sprint(c.Last(Is[event.Frozen]))
	case ceremony.SayFreeze:
		if before := c.Last(Is[event.Frozen]); before > 0 {
			want.More = fmt.Sprint(before)
		}
	case ceremony.SayReset:
		want.More = fmt.Sprint(c.Round.Number)
	case ceremony.SayReverify:
		want.More = c.Round.Nonce
	case ceremony.SayProceed:
		want.More = fmt.Sprint(c.Last(Is[event.WitnessAsked]))
	case ceremony.SayAgree, ceremony.SayDisagree:
		if i := c.Last(Is[event.Ended]); i > 0 {
			want.More = c.History[i-1].Hash[:16]
		}
	}
	return want
}

// Fits returns nil when a signed statement is the one for the ceremony as it stands. It
// returns [ceremony.PlanChanged] when it was signed for another plan, and
// [ceremony.OldWord] when for another moment.
func (c State) Fits(said ceremony.Statement) error {
	want := c.StatementFor(said.Verb)
	switch {
	case said.Of != want.Of || said.Hash != want.Hash:
		return ceremony.PlanChanged
	case !said.Verb.Adds() && said.More != want.More:
		return ceremony.OldWord
	case said.Verb.Adds() && want.More != "" && !strings.HasPrefix(said.More+" ", want.More+" "):
		return ceremony.OldWord
	}
	return nil
}

// Added returns what the signer has added to the statement by [State.StatementFor].
func (c State) Added(said ceremony.Statement) string {
	return strings.TrimSpace(strings.TrimPrefix(said.More, c.StatementFor(said.Verb).More))
}

// CommandOf returns the command that a signed statement asks for.
func (c State) CommandOf(by ceremony.Account, said ceremony.Statement, signed string) (command.Command, error) {
	added := command.OneLine(c.Added(said))
	switch said.Verb {
	case ceremony.SayApprove:
		return command.Approve{By: by, PlanHash: said.Hash, Signed: signed}, nil
	case ceremony.SayReject:
		return command.Reject{By: by, Why: added, Signed: signed}, nil
	case ceremony.SayPresent:
		return command.AnswerRoll{By: by, Answer: added, Signed: signed}, nil
	case ceremony.SayProceed:
		return command.Proceed{By: by, Signed: signed}, nil
	case ceremony.SayFreeze:
		return command.Freeze{By: by, Why: added, Signed: signed}, nil
	case ceremony.SayResume:
		return command.Resume{By: by, Signed: signed}, nil
	case ceremony.SayCancel:
		return command.Cancel{By: by, Why: added, Signed: signed}, nil
	case ceremony.SayReset:
		return command.Reset{By: by, Signed: signed}, nil
	case ceremony.SayReverify:
		return command.Reverify{By: by, Signed: signed}, nil
	case ceremony.SayDelete:
		return command.Delete{By: by, Signed: signed}, nil
	case ceremony.SayRevoked:
		return command.Revoke{By: by, Signed: signed}, nil
	case ceremony.SayException:
		return command.Note{By: by, Text: added, Signed: signed}, nil
	case ceremony.SayAcknowledge:
		return command.Acknowledge{By: by, Why: added, Signed: signed}, nil
	case ceremony.SayAgree, ceremony.SayDisagree:
		return command.Testify{By: by, Agrees: said.Verb == ceremony.SayAgree, Why: added, Signed: signed}, nil
	}
	return nil, fmt.Errorf("no command for the verb %q", said.Verb)
}
