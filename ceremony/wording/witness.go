package wording

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// GateWords says what a gate keeps from happening.
func GateWords(c rules.State, gate ceremony.Gate) string {
	switch gate {
	case ceremony.GateStart:
		return "Vault is asked for anything"
	case ceremony.GateUpdate:
		if c.Plan.Operation.Rekeys() {
			return "the last share is sent, with which Vault makes the new ones"
		}
		return "the last share is sent, with which Vault makes the token"
	case ceremony.GateVerify:
		return "the last new share is sent, with which the new key comes into force"
	case ceremony.GateDelete:
		return "Vault deletes its backup"
	}
	return "the next step happens"
}

// GateValue is the value of a button that lets one step happen. It is not good for the next
// step.
func GateValue(c rules.State) string {
	return ButtonValue(c) + " " + c.StatementFor(ceremony.SayProceed).More
}

// mostSteps is how many steps a request to a witness shows, and longestStep how long each may be: together they stay
// within a block of a chat message.
const mostSteps, longestStep = 8, 240

// SinceWords returns what has happened since a witness was asked or has spoken last, before the entry until, as the
// thread of the status post tells it. It returns "" if nothing has.
func SinceWords(c rules.State, until event.Entry) string {
	var steps []string
	for _, m := range c.Messages() {
		if m.Kind != rules.HistoryMessage || m.Entry.Seq >= until.Seq {
			continue
		}
		switch m.Entry.Event.(type) {
		case event.Proceeded, event.WitnessAsked:
			steps = nil
			continue
		}
		steps = append(steps, fmt.Sprintf("• %s  %s", clock(m.Entry.At), Clip(firstLine(HistoryWords(c, m.Entry)), longestStep)))
	}
	if more := len(steps) - mostSteps; more > 0 {
		steps = slices.Insert(steps[more:], 0, fmt.Sprintf("… %d more in the thread", more))
	}
	return strings.Join(steps, "\n")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
