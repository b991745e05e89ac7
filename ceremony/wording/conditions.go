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
