package wording

import (
	"fmt"
	"strings"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/plural"
)

// maxConditions is how many conditions a message names. The transcript has all of them.
const maxConditions = 10

// conditionHistory tells what the ceremony runs under, when that has changed.
func conditionHistory(c rules.State, e event.Entry) string {
	if !rules.Is[event.Conditions](e.Event) {
		return ""
	}
	changed := c.Changed(e)
	if len(changed) == 0 {
		return "What the ceremony runs under was recorded."
	}
	lines := []string{":gear: Conclave was started anew, and found what the ceremony runs under to be different. " +
		"If nobody has changed it on purpose, freeze the ceremony and find out who did. Now:"}
	for i, k := range changed {
		if i == maxConditions {
			lines = append(lines, fmt.Sprintf("and %s, as the transcript will show", plural.Of(len(changed)-i, "more change")))
			break
		}
		lines = append(lines, fmt.Sprintf("• %s: %s", Escape(k.Name), Escape(k.Value)))
	}
	return strings.Join(lines, "\n")
}

// Conditions returns what a ceremony has run under, a heading and a line for each.
func Conditions(all []event.Condition) []string {
	if len(all) == 0 {
		return []string{"conditions: not recorded"}
	}
	lines := []string{"conditions, by Conclave's own word:"}
	for _, k := range all {
		line := fmt.Sprintf("  %s: %s", k.Name, k.Value)
		if k.Seq > all[0].Seq {
			line += fmt.Sprintf(" (since entry %d)", k.Seq)
		}
		lines = append(lines, line)
	}
	return lines
}
