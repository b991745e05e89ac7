package page

import (
	"fmt"
	"strings"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// condition is a fact about what the ceremony has run under, as the page shows it.
type condition struct {
	Name  string
	Value string
	Hash  bool   // the value is one
	Since string // entry, of what has changed; empty for what was so from the beginning
}

// conditions returns what the ceremony has run under.
func conditions(c rules.State) []condition {
	var rows []condition
	first := 0
	for _, k := range event.ConditionsOf(c.History) {
		row := condition{Name: clean(k.Name), Value: clean(k.Value)}
		row.Hash = strings.HasPrefix(k.Name, "SHA-256") && k.Value != event.NotKnown
		if first == 0 {
			first = k.Seq
		}
		if k.Seq > first {
			row.Since = fmt.Sprintf("since entry %d", k.Seq)
		}
		rows = append(rows, row)
	}
	return rows
}
