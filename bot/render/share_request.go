package render

import (
	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// ShareRequest tells a person exactly what to run. The recipient in the command is the
// ceremony's own subkey and not the identity: of several subkeys gpg takes the newest,
// which is another ceremony's when two are open.
func ShareRequest(c rules.State, to ceremony.Person, key ceremony.Announced) Message {
	if c.Key == nil || c.Key.Subkey != key.Subkey || c.Ended() {
		return renderReplacedRequest(c)
	}
	r := wording.RequestOf(c, to, key.Step)
	blocks := []slack.Block{
		title(r.What),
		section("*%s* (`%s`), %s. Until %s.", wording.Subject(c.Plan), c.ID(), wording.AgreedBy(c),
			wording.When(key.Expires)),
	}
	if r.News != "" {
		blocks = append(blocks, section("%s", r.News))
	}
	blocks = append(blocks,
		section("*1.* Take the key of this ceremony:"),
		Copied(wording.ImportCommand(key.Certificate)),
		section("*2.* Read what you agree to. gpg must say `Good signature` by the key that you were given once and have pinned:"),
		listing(wording.Grouped(key.Identity)),
		Copied(wording.ReadCommand(key.Announcement)),
		section("The plan in it has the hash `%s` (%s).", wording.Short(c.PlanHash),
			ceremony.SpokenHash(c.PlanHash, wording.SpokenWords)),
	)
	if key.Step == ceremony.StepOTP {
		blocks = append(blocks, sendPassword(c, to, key, r)...)
	} else {
		blocks = append(blocks, sendShare(c, to, key, r)...)
	}
	return Message{Line: r.Line, Blocks: blocks}
}

func sendShare(c rules.State, to ceremony.Person, key ceremony.Announced, r wording.Request) []slack.Block {
	blocks := []slack.Block{section("*3.* %s", r.Do), Copied(wording.SealCommand(c, to, key, r.File, ""))}
	blocks = append(blocks, formButton(c)...)
	return append(blocks,
		footnote("%s", r.Note),
		divider(),
		footnote("Or with the program `conclave`: paste this whole message into `conclave seal`. It checks all of this for you, by the identity that you have pinned."),
	)
}

// sendPassword is for a requester without a PGP key. They have the program, which has made
// the password, and nothing to sign with.
func sendPassword(c rules.State, to ceremony.Person, key ceremony.Announced, r wording.Request) []slack.Block {
	blocks := []slack.Block{
		section("*3.* Paste the two PGP blocks above into this, which checks all of it for you, and send me what it prints, %s:", wording.HowToSend(c.Plan)),
		Copied(wording.Paste("conclave seal --otp %s", wording.File(r.File))),
		section("%s", r.Do),
		Copied(wording.SealCommand(c, to, key, r.File, "")),
	}
	blocks = append(blocks, formButton(c)...)
	return append(blocks, footnote("%s", r.Note))
}

// formButton opens the form, for people who don't want their message in a conversation.
// Where the plan does not let envelopes come by a form there is none.
func formButton(c rules.State) []slack.Block {
	if !wording.MayCome(c.Plan, ceremony.ByForm) {
		return nil
	}
	open := button(command.VerbForm, formValue(c), "Use a form", slack.StyleDefault, nil)
	return []slack.Block{slack.NewActionBlock("send", open)}
}

func renderReplacedRequest(c rules.State) Message {
	text := "This request was replaced by a newer one. Follow that."
	if c.Ended() {
		text = "Nothing is wanted from you any more. " + wording.OutcomeWords(c)
	}
	return Message{Line: wording.PlainLine(text), Blocks: []slack.Block{section("%s", text), footnote("`%s`", c.ID())}}
}

func divider() slack.Block { return slack.NewDividerBlock() }
