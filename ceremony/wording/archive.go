package wording

import (
	"fmt"

	"conclave/ceremony/event"
)

// ArchivedWords tells whether an archive keeps a transcript.
func ArchivedWords(e event.Event) string {
	switch ev := e.(type) {
	case event.Archived:
		if ev.TimeStamp != "" {
			return fmt.Sprintf(":hourglass: A time-stamping server witnesses transcript %d: %s.", ev.Number, Escape(ev.Receipt))
		}
		return fmt.Sprintf(":file_cabinet: Transcript %d is kept in the %s: `%s`.", ev.Number, Escape(ev.Where), Code(ev.Receipt))
	case event.ArchiveFailed:
		return fmt.Sprintf(":warning: *Transcript %d did not get into an archive: %s.* Conclave has tried for a day and tries no more; its log says what went wrong.", ev.Number, Escape(ev.Where))
	}
	return ""
}
