package bot

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
)

// notAsked says whom a request has not reached: it is on its way, or can never be
// delivered (P10).
func notAsked(c ceremony.Ceremony) string {
	waiting, lost := c.Unasked()
	var lines []string
	if len(lost) > 0 {
		lines = append(lines, fmt.Sprintf(":x: *Not asked: %s.* The request can't be delivered in Slack and is not sent again. The operator finds out why with `conclave check`.%s", listAnd(receivers(lost)), instead(c, lost)))
	}
	if len(waiting) > 0 {
		lines = append(lines, fmt.Sprintf(":hourglass_flowing_sand: *Not asked yet: %s.* The request is on its way.", listAnd(receivers(waiting))))
	}
	return strings.Join(lines, "\n")
}

// instead says what people type whom a request can't reach, where that does not stand
// in the status post in any case.
func instead(c ceremony.Ceremony, lost []ceremony.Message) string {
	form := ""
	switch lost[0].Kind {
	case ceremony.AskMessage:
		form = "submit %s"
	case ceremony.ApprovalMessage:
		form = "approve %s"
	case ceremony.GateMessage:
		form = "witness %s proceed"
	case ceremony.WitnessMessage:
		form = "witness %s agree"
	default:
		return ""
	}
	return fmt.Sprintf(" Once the account works, they type `/ceremony "+form+"`.", c.ID())
}

// receivers are the people whom messages are for, each of them once.
func receivers(messages []ceremony.Message) []string {
	var people []ceremony.Person
	for _, m := range messages {
		if !slices.Contains(people, *m.To) {
			people = append(people, *m.To)
		}
	}
	return names(people)
}

// wanted are people of whom something is wanted, those marked whom the request for it
// can't reach.
func wanted(c ceremony.Ceremony, people []ceremony.Person) []string {
	_, lost := c.Unasked()
	all := names(people)
	for i, p := range people {
		if slices.ContainsFunc(lost, func(m ceremony.Message) bool { return m.To.Account == p.Account }) {
			all[i] += " (not asked)"
		}
	}
	return all
}
