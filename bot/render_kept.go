package bot

import (
	"fmt"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// keptWords says whether an archive keeps a transcript.
func keptWords(e ceremony.Event) string {
	switch ev := e.(type) {
	case ceremony.Kept:
		if ev.TimeStamp != "" {
			return fmt.Sprintf(":hourglass: A time-stamping server witnesses transcript %d: %s.", ev.Number, escape(ev.Receipt))
		}
		return fmt.Sprintf(":file_cabinet: Transcript %d is kept in the %s: `%s`.", ev.Number, escape(ev.Where), code(ev.Receipt))
	case ceremony.NotKept:
		return fmt.Sprintf(":warning: *Transcript %d did not get into an archive: %s.* Conclave has tried for a day and tries no more; its log says what went wrong.", ev.Number, escape(ev.Where))
	}
	return ""
}

// renderNotKept asks whoever decides to look after what an archive does not keep.
func renderNotKept(c ceremony.Ceremony, e ceremony.Entry) message {
	return message{
		line: subject(c.Plan) + ": its transcript is not kept everywhere",
		blocks: []slack.Block{
			title(subject(c.Plan)),
			section("%s", keptWords(e.Event)),
			section("The transcript itself is signed and complete, and lies in the thread of the status post. Have `conclave check` run on Conclave's host: the next transcript would not be kept there either."),
		},
	}
}
