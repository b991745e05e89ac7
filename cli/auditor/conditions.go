package auditor

import (
	"fmt"
	"io"

	"conclave/ceremony/event"
)

// printConditions prints what a ceremony has run under.
func printConditions(out io.Writer, all []event.Condition) {
	if len(all) == 0 {
		fmt.Fprintln(out, "  conditions: not recorded")
		return
	}
	fmt.Fprintln(out, "  conditions, by Conclave's own word:")
	for _, k := range all {
		since := ""
		if k.Seq > all[0].Seq {
			since = fmt.Sprintf(" (since entry %d)", k.Seq)
		}
		fmt.Fprintf(out, "    %s: %s%s\n", k.Name, k.Value, since)
	}
}
