package wording

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// NotAsked names the people whom a request has not reached, because it is on its way or
// can never be delivered (P10).
func NotAsked(c rules.State) string {
	waiting, lost := c.Unasked()
	var lines []string
	if len(lost) > 0 {
		lines = append(lines, fmt.Sprintf(":x: *Not asked: %s.* The request can't be delivered in Slack and is not sent again. The operator finds out why with `conclave check`.%s", ListAnd(receivers(lost)), instead(c, lost)))
	}
	if len(waiting) > 0 {
		lines = append(lines, fmt.Sprintf(":hourglass_flowing_sand: *Not asked yet: %s.* The request is on its way.", ListAnd(receivers(waiting))))
	}
	return strings.Join(lines, "\n")
}

// instead says what people type whom a request can't reach, unless the status post shows
// that anyway.
func instead(c rules.State, lost []rules.Message) string {
	forms := map[rules.MessageKind]string{
		rules.AskMessage:      "submit %s",
		rules.ApprovalMessage: "approve %s",
		rules.GateMessage:     "witness %s proceed",
		rules.WitnessMessage:  "witness %s agree",
	}
	for _, m := range lost {
		if form := forms[m.Kind]; form != "" {
			return fmt.Sprintf(" Once the account works, they type `/ceremony "+form+"`.", c.ID())
		}
	}
	return ""
}

// receivers returns the people whom messages are for, each of them once.
func receivers(messages []rules.Message) []string {
	var people []ceremony.Person
	for _, m := range messages {
		if !slices.Contains(people, *m.To) {
			people = append(people, *m.To)
		}
	}
	return Names(people)
}

// wanted returns the names of people who are asked for something, and marks those whom the
// request can't reach.
func wanted(c rules.State, people []ceremony.Person) []string {
	_, lost := c.Unasked()
	all := Names(people)
	for i, p := range people {
		if slices.ContainsFunc(lost, func(m rules.Message) bool { return m.To.Account == p.Account }) {
			all[i] += " (not asked)"
		}
	}
	return all
}
