package render

import (
	"slices"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Buttons returns the buttons for what a person may do now in a ceremony and for which no
// direct message to them has a button.
func Buttons(c rules.State, by ceremony.Account) []slack.Block {
	var buttons []slack.BlockElement
	if mayReverify(c, by) {
		buttons = append(buttons, button(command.VerbReverify, RoundValue(c), "Prove the new shares again", slack.StyleDefault,
			confirm("Prove them again?", "Vault forgets who has proven a new share so far, and everybody is asked once more. The new shares stay as they are, and the old key stays in force.", "Again", "Not yet")))
	}
	if mayDelete(c, by) {
		buttons = append(buttons, deleteButton(c))
	}
	if maySayRevoked(c, by) {
		buttons = append(buttons, button(command.VerbRevoked, wording.ButtonValue(c), "The token is revoked", slack.StyleDefault,
			confirm("Is it revoked?", "Say so only if you have seen it: nobody can check it. While the token is still there, name its accessor instead, and Vault is asked.", "It is revoked", "Not yet")))
	}
	if buttons == nil {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("deeds", buttons...)}
}

func mayReverify(c rules.State, who ceremony.Account) bool {
	return c.Phase == rules.PhaseVerifying && c.Pending == nil && c.Closing == nil &&
		(who == c.Plan.Initiator.Account || mayApprove(c.Plan, who))
}

func mayDelete(c rules.State, who ceremony.Account) bool {
	return wording.Deletable(c) && c.Closing == nil && mayApprove(c.Plan, who)
}

func maySayRevoked(c rules.State, who ceremony.Account) bool {
	return c.OwesRevocation() && c.Accessor == "" && (who == c.Plan.Requester.Account || mayApprove(c.Plan, who))
}

// mayApprove reports whether an account is an approver's who has not proposed the plan.
func mayApprove(p ceremony.Plan, who ceremony.Account) bool {
	return who != p.Initiator.Account &&
		slices.ContainsFunc(p.Approvers, func(a ceremony.Person) bool { return a.Account == who })
}

// RoundValue is the value of a button that drops the proof of one round. It is not good
// for the next round.
func RoundValue(c rules.State) string { return wording.ButtonValue(c) + " " + c.Round.Nonce }
