package render

import (
	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Ended tells a person who was asked for a share that the ceremony is over.
func Ended(c rules.State, to ceremony.Person) Message {
	blocks := []slack.Block{section("*%s*\n%s", wording.Subject(c.Plan), wording.OutcomeWords(c))}
	// Of what is not known, the words of the outcome say what to keep.
	known := !c.Unproven && (!c.MadeElsewhere() || c.Verified != nil)
	if c.Plan.Operation.Rekeys() && len(c.NewShares) > 0 && known {
		switch {
		case c.Verified != nil && c.Verified.Unconfirmed:
			blocks = append(blocks, section("If you were given a new share: %s", wording.KeepBoth))
		case c.Outcome == event.Completed:
			blocks = append(blocks, section("If you were given a new share: it is the one that counts from now on. Destroy the old one once you have made sure that you can open the new one."))
		default:
			blocks = append(blocks, section("If you were given a new share: *it did not come into force*, by all that Vault shows. Your old share is the right one. Delete the file `%s` only when a ceremony with the old share has worked.", wording.ShareFile(c, c.Seq())))
		}
	}
	for _, part := range []string{wording.Report(c), wording.BackupLeft(c)} {
		if part != "" {
			blocks = append(blocks, section("%s", part))
		}
	}
	last := "nothing more is wanted from you."
	if r := c.Plan.Requester; r != nil && r.Account == to.Account && c.Outcome == event.Completed {
		last = "what to do with the token stands in the message that brings it."
	}
	blocks = append(blocks, footnote("`%s` · %s", c.ID(), last))
	return Message{Line: wording.StatusLine(c), Blocks: blocks}
}

// renderBackupReminder tells the initiator of a rekey that its backup is still in Vault.
func renderBackupReminder(c rules.State, ev event.BackupReminded) Message {
	what := "Please have the backup of " + c.Plan.Cluster + "'s new shares deleted"
	return Message{Line: wording.Escape(what), Blocks: []slack.Block{
		title(what),
		section("%s", wording.BackupLeft(c)),
		footnote("`%s` · reminder %d", c.ID(), ev.Number),
	}}
}
