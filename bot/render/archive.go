package render

import (
	"github.com/slack-go/slack"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// renderArchiveFailed asks a person to find out why an archive does not keep a transcript.
func renderArchiveFailed(c rules.State, e event.Entry) Message {
	return Message{
		Line: wording.Subject(c.Plan) + ": its transcript is not kept everywhere",
		Blocks: []slack.Block{
			title(wording.Subject(c.Plan)),
			section("%s", wording.ArchivedWords(e.Event)),
			section("The transcript itself is signed and complete, and lies in the thread of the status post. Have `conclave check` run on Conclave's host: the next transcript would not be kept there either."),
		},
	}
}
