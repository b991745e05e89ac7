package render

import (
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/wording"
)

// copied shows PGP blocks, which people paste into gpg or conclave. No message shows
// anything that belongs at a shell's prompt: whoever can edit a message could type there.
func copied(armor string) slack.Block {
	if !wording.IsArmor(armor) {
		return Stop
	}
	return listing(strings.TrimRight(armor, "\n"))
}

// throughConclave says how a person does with the program what is asked. The command is
// typed, and the message pasted into it.
func throughConclave(command, then string) slack.Block {
	return section("*With `conclave`*, which checks all of this for you by the identity that you have pinned: type `%s` and press Return. Then paste this whole message, press Return, and Ctrl-D. %s", command, then)
}

// throughGPG says how a person does with gpg alone what is asked. then says what to do with
// what the command prints. A key is what gpg needs first. Commands are typed in the order in
// which they stand here, and each tee reads the block below it.
func throughGPG(by ceremony.Fingerprint, signed ceremony.SignedInstruction, then string, keys ...string) []slack.Block {
	blocks := []slack.Block{
		section("*With gpg alone*, paste nothing of this message at your shell's prompt: whoever can edit a message in Slack would type there. Nor into gpg, which stops at a fault and leaves the rest of the paste to the shell. `tee` reads all of it, until Ctrl-D. What you type stands in the holders' guide as well: if it differs here, stop."),
	}
	step := 1
	save := func(before, command, block string) {
		blocks = append(blocks,
			section("*%d.* %sType `%s` and press Return. Paste this, press Return, and Ctrl-D:", step, before, wording.Escape(command)),
			copied(block))
		step++
	}
	before := ""
	for _, key := range keys {
		save(before, wording.SaveKey, key)
		before = "Type `" + wording.ImportKey + "` and press Return. "
	}
	save(before, wording.SaveOrder, signed.Message)
	return append(blocks,
		section("*%d.* Type `%s` and press Return. Read what gpg prints below that. It must say `Good signature` by the key that you were given once and have pinned, and nowhere `BAD`:",
			step, wording.VerifyOrder),
		listing(wording.Grouped(by)),
		section("*%d.* Only then type `%s` and press Return. Copy the command from what gpg prints now, and from nowhere else. %s",
			step+1, wording.PrintOrder, then),
	)
}

// Stop takes the place of a command that was not made.
var Stop slack.Block = section(":octagonal_sign: *Paste nothing and send nothing.* %s", wording.OddWords)

// OrStop returns the message, or Stop alone if something in it has not the shape that it
// always has.
func (m Message) OrStop() Message {
	if !slices.Contains(m.Blocks, Stop) {
		return m
	}
	return Message{Line: "Paste nothing and send nothing. " + wording.OddWords, Blocks: []slack.Block{Stop}}
}
