package render

import (
	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Form returns the form that takes an envelope. It shows what to run, so that the message
// need not be found again, and never holds what was typed.
func Form(c rules.State, to ceremony.Person) slack.ModalViewRequest {
	r := wording.RequestOf(c, to, c.Key.Step)
	blocks := []slack.Block{section("*%s* (`%s`). Until %s.", wording.Subject(c.Plan), c.ID(),
		wording.When(c.Key.Expires))}
	blocks = append(blocks,
		section("This prints the PGP message, once you have taken the key and read what you agree to:"),
		Copied(wording.SealCommand(c, to, *c.Key, r.File, "")))
	blocks = Message{Blocks: blocks}.OrStop().Blocks
	typing := slack.NewPlainTextInputBlockElement(plainText("-----BEGIN PGP MESSAGE-----"), FormInput)
	typing.Multiline, typing.MaxLength = true, MaxTyped
	blocks = append(blocks, slack.NewInputBlock(FormCallback,
		plainText("The PGP message"),
		plainText("All of what the command has printed. Never a share that is not encrypted."), typing))
	v := modal("Send your message", blocks)
	v.Submit, v.CallbackID = plainText("Send"), FormCallback
	return v
}

// FormAnswer returns the view that takes the form's place after it was sent.
func FormAnswer(title string, w wording.Words) slack.ModalViewRequest {
	return modal(title, []slack.Block{section("%s", w)})
}

func modal(title string, blocks []slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plainText(title), Close: plainText("Close"), Blocks: slack.Blocks{BlockSet: blocks},
	}
}
