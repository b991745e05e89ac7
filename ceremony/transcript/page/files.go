package page

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
)

// Tell returns an event of a ceremony in words for people.
type Tell func(c rules.State, e event.Entry) string

// Media types of the files.
const (
	jsonType = "application/json"
	htmlType = "text/html"
)

// Files returns what people take away of a signed transcript: the JSON file, which is what
// was signed, and the page that is made of it.
//
// A notifier that delivers a [rules.TranscriptMessage] uploads both, under their names, into
// the status post's thread; signed is the event of the message's entry. For a ceremony that
// a person asks about, signed is the last of [rules.State.Transcripts]. The files are the
// same bytes every time. Nothing in them is secret. An error means that the journal is not
// what was signed.
func Files(c rules.State, signed event.TranscriptSigned, s ceremony.Signatures, tell Tell) ([]ceremony.File, error) {
	file, err := transcript.File(c, signed)
	if err != nil {
		return nil, err
	}
	page, err := Render(file, transcript.VerifyTranscript(file, c.Plan.Identity, s), tell)
	if err != nil {
		return nil, fmt.Errorf("page of transcript %d of %s: %w", signed.Number, c.ID(), err)
	}
	return []ceremony.File{
		{Name: ceremony.TranscriptName(c.ID(), signed.Number, "json"), Type: jsonType, Content: file},
		{Name: ceremony.TranscriptName(c.ID(), signed.Number, "html"), Type: htmlType, Content: page},
	}, nil
}
