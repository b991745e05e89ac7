package page

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
)

// Tell says in words for people what an event of a ceremony was. bot.Tell is one.
type Tell func(c rules.State, e event.Entry) string

// Media types of the files.
const (
	jsonType = "application/json"
	htmlType = "text/html"
)

// Files are what people take away of a transcript that was signed: the JSON file,
// which is what was signed, and the page that is made of it.
//
// Whoever delivers a [ceremony.TranscriptMessage] uploads both, under their names,
// into the status post's thread; signed is the event of the message's entry. Of a
// ceremony that somebody asks about it is the last of [ceremony.Ceremony.Transcripts].
// The files are the same bytes every time. Nothing in them is secret. An error means
// that the journal is not what was signed.
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
