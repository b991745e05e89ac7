package render

import (
	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// renderDeletion asks an approver to agree that the backup is deleted. Who has received
// what stands in the status post, which is redrawn; this message is not.
func renderDeletion(c rules.State, e event.Entry) Message {
	read, _ := e.Event.(event.BackupRead)
	what := "May the backup of " + c.Plan.Cluster + "'s new shares be deleted?"
	blocks := []slack.Block{
		title(what),
		section("%s", wording.OriginWords(read)),
	}
	if waiting := !c.Ended() && c.Closing == nil && c.Deletion == nil && c.Phase == rules.PhaseHandingOut; !waiting {
		blocks = append(blocks, section("This no longer waits for you. %s", wording.StateWords(c)))
		return Message{Line: wording.Escape(what), Blocks: blocks}
	}
	ask := "Nobody in the configuration has a share in it."
	if people := wording.ReceiversOf(read); len(people) > 0 {
		ask = "Ask each of these people, in another way than this one, whether the share that I have sent them opens: " +
			wording.ListAnd(people) + "."
	}
	blocks = append(blocks, section("*What is deleted can't be read again.* %s", ask))
	if words := wording.UnclaimedWords(read); words != "" {
		blocks = append(blocks, section("%s", words))
	}
	blocks = append(blocks,
		slack.NewActionBlock("decide",
			deleteButton(c),
		),
		footnote("Or type `/ceremony delete %s`. If nobody does until %s, the backup stays in Vault.", c.ID(),
			wording.When(c.Plan.Closes)),
	)
	return Message{Line: "Please decide: " + wording.Escape(what), Blocks: blocks}
}

func deleteButton(c rules.State) slack.BlockElement {
	return button(command.VerbDelete, wording.ButtonValue(c), "Delete the backup", slack.StyleDanger,
		confirm("Delete the backup?", "Vault forgets it for good. Everybody whose share was in it has told you that they can open theirs.", "Delete it", "Not yet"))
}
