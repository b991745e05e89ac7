package bot

import (
	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// renderForm is the form that takes an envelope. It shows what to run, so that the
// message need not be found again, and never holds what was typed.
func renderForm(c ceremony.Ceremony, to ceremony.Person) slack.ModalViewRequest {
	r := requestOf(c, to, c.Key.Step)
	blocks := []slack.Block{section("*%s* (`%s`). Until %s.", subject(c.Plan), c.ID(), when(c.Key.Expires))}
	blocks = append(blocks,
		section("This prints the PGP message, once you have taken the key and read what you agree to:"),
		copied(SealCommand(c, to, *c.Key, r.file, "")))
	blocks = message{blocks: blocks}.orStop().blocks
	typing := slack.NewPlainTextInputBlockElement(plainWords("-----BEGIN PGP MESSAGE-----"), formInput)
	typing.Multiline, typing.MaxLength = true, maxTyped
	blocks = append(blocks, slack.NewInputBlock(formCallback,
		plainWords("The PGP message"),
		plainWords("All of what the command has printed. Never a share that is not encrypted."), typing))
	v := modal("Send your message", blocks)
	v.Submit, v.CallbackID = plainWords("Send"), formCallback
	return v
}

// renderFormWords stands in the form's place once it was sent.
func renderFormWords(title string, w words) slack.ModalViewRequest {
	return modal(title, []slack.Block{section("%s", w)})
}

func modal(title string, blocks []slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plainWords(title), Close: plainWords("Close"), Blocks: slack.Blocks{BlockSet: blocks},
	}
}

func plainWords(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}
