package bot

import (
	"fmt"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// renderDeletion asks an approver to let the backup go. Who has got what stands in
// the status post, which is redrawn; this message is not.
func renderDeletion(c ceremony.Ceremony, e ceremony.Entry) message {
	read, _ := e.Event.(ceremony.BackupRead)
	what := "May the backup of " + c.Plan.Cluster + "'s new shares be deleted?"
	blocks := []slack.Block{
		title(what),
		section("%s", originWords(read)),
	}
	if waiting := !c.Ended() && c.Closing == nil && c.Deletion == nil && c.State == ceremony.StateHandingOut; !waiting {
		blocks = append(blocks, section("This no longer waits for you. %s", stateWords(c)))
		return message{line: escape(what), blocks: blocks}
	}
	ask := "Nobody in the configuration has a share in it."
	if people := receiversOf(read); len(people) > 0 {
		ask = "Ask each of these people, in another way than this one, whether the share that I have sent them opens: " + listAnd(people) + "."
	}
	blocks = append(blocks, section("*What is deleted can't be read again.* %s", ask))
	if words := unclaimedWords(read); words != "" {
		blocks = append(blocks, section("%s", words))
	}
	blocks = append(blocks,
		slack.NewActionBlock("decide",
			deleteButton(c),
		),
		footnote("Or type `/ceremony delete %s`. If nobody does until %s, the backup stays in Vault.", c.ID(), when(c.Plan.Closes)),
	)
	return message{line: "Please decide: " + escape(what), blocks: blocks}
}

func deleteButton(c ceremony.Ceremony) slack.BlockElement {
	return button(verbDelete, buttonValue(c), "Delete the backup", slack.StyleDanger,
		confirm("Delete the backup?", "Vault forgets it for good. Everybody whose share was in it has told you that they can open theirs.", "Delete it", "Not yet"))
}

// receiversOf are the people for whom a backup has something, each once.
func receiversOf(read ceremony.BackupRead) []string {
	var all []string
	told := map[ceremony.Account]bool{}
	for _, s := range read.Shares {
		if !told[s.For.Account] {
			told[s.For.Account] = true
			all = append(all, escape(s.For.Name))
		}
	}
	return all
}

// originWords says which rekey a backup is of, and what its shares are good for.
func originWords(read ceremony.BackupRead) string {
	switch {
	case read.Of == "":
		return fmt.Sprintf("No ceremony of Conclave's has made these shares (attempt `%s`): *it is not known here whether they are in force*.", code(read.Nonce))
	case read.Outcome == ceremony.Completed:
		return fmt.Sprintf("`%s` has made these shares, and was completed: they came into force with it.", code(string(read.Of)))
	case read.Unknown:
		return fmt.Sprintf("These shares were made under an attempt of `%s`, which ended without knowing what had come of it: *they may be the ones in force*.", code(string(read.Of)))
	case read.Outcome == ceremony.Failed:
		return fmt.Sprintf("`%s` has made these shares, and failed after it: *they may be the ones in force*.", code(string(read.Of)))
	}
	return fmt.Sprintf("`%s` has made these shares, and ended before they were proven: *most probably they are not in force*.", code(string(read.Of)))
}

// keepWords is what to do with a share from a backup, and with the one before it.
func keepWords(read ceremony.BackupRead) string {
	if read.Outcome == ceremony.Completed {
		return "If you have this share already and it opens, nothing changes for you: it is the same one."
	}
	return "*Keep it, and keep the share that you have*, until a ceremony has shown which of them is in force."
}

// unclaimedWords names the keys for which a backup has shares and that are
// nobody's.
func unclaimedWords(read ceremony.BackupRead) string {
	if len(read.Unclaimed) == 0 {
		return ""
	}
	keys := make([]string, len(read.Unclaimed))
	for i, f := range read.Unclaimed {
		keys[i] = "`" + f.String() + "`"
	}
	return ":warning: It also has shares for keys that the configuration gives to nobody. They were handed to nobody, and are gone when it is deleted: " + listAnd(keys) + "."
}
