package render

import (
	"fmt"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// ShareRequest tells a person exactly what to run, in an instruction that is signed. The
// recipient in the command is the ceremony's own subkey and not the identity: of several
// subkeys gpg takes the newest, which is another ceremony's when two are open.
func ShareRequest(c rules.State, to ceremony.Person, key ceremony.Announced, by wording.Signer) (Message, error) {
	if c.Key == nil || c.Key.Subkey != key.Subkey || c.Ended() {
		return renderReplacedRequest(c), nil
	}
	r := wording.RequestOf(c, to, key.Step)
	signed, err := wording.OrderShare(c, to, key, r.File, "").Sign(by)
	if err != nil {
		return Message{}, fmt.Errorf("render request: %w", err)
	}
	blocks := []slack.Block{
		title(r.What),
		section("*%s* (`%s`), %s. Until %s.", wording.Subject(c.Plan), c.ID(), wording.AgreedBy(c),
			wording.When(key.Expires)),
	}
	if r.News != "" {
		blocks = append(blocks, section("%s", r.News))
	}
	command := "conclave seal --encrypted " + r.File
	if key.Step == ceremony.StepOTP {
		command = "conclave seal --otp " + r.File
	}
	send := "Send me what it prints, " + wording.HowToSend(c.Plan) + "."
	blocks = append(blocks,
		section("The plan that you agree to has the hash `%s` (%s).", wording.Short(c.PlanHash),
			ceremony.SpokenHash(c.PlanHash, wording.SpokenWords)),
		throughConclave(command, send),
		footnote("%s", r.Note),
	)
	blocks = append(blocks, formButton(c)...)
	blocks = append(blocks, divider())
	blocks = append(blocks, throughGPG(key.Identity, signed, send, key.Certificate)...)
	blocks = append(blocks,
		divider(),
		footnote("This is the same request as `conclave` reads it:"),
		copied(key.Announcement),
	)
	return Message{Line: r.Line, Blocks: blocks}, nil
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
