package render

import (
	"github.com/slack-go/slack"

	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Form returns the form that takes an envelope. It says nothing of what to run, since nobody
// could sign that here, and never holds what was typed.
func Form(c rules.State) slack.ModalViewRequest {
	blocks := []slack.Block{
		section("*%s* (`%s`). Until %s.", wording.Subject(c.Plan), c.ID(), wording.When(c.Key.Expires)),
		section("Paste what `conclave seal` has printed, or what the command has printed that gpg has shown you. My request in our direct messages says how, and is signed; this form is not."),
	}
	typing := slack.NewPlainTextInputBlockElement(plainText("-----BEGIN PGP MESSAGE-----"), FormInput)
	typing.Multiline, typing.MaxLength = true, MaxTyped
	blocks = append(blocks, slack.NewInputBlock(FormCallback,
		plainText("The PGP message"),
		plainText("All of what was printed. Never a share that is not encrypted."), typing))
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
