package wording

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/plural"
)

// Progress says how far the ceremony has come, as a picture and by name: whose shares are
// counted, and whose are missing.
func Progress(c rules.State) string {
	switch {
	case c.Plan.Operation == ceremony.Unseal:
		return nodeWords(c)
	case c.Plan.Operation == ceremony.Drill:
		return drillReport(c)
	}
	proof := c.Round.Step == ceremony.StepVerify
	if c.Round.Number == 0 || c.Round.Step == ceremony.StepOTP || c.Phase == rules.PhaseHandingOut || proof && !c.Plan.Verification {
		return ""
	}
	in := contributions(c)
	var b strings.Builder
	fmt.Fprintf(&b, "%s  *%d of %d*", squares(len(in), needed(c)), len(in), needed(c))
	if c.Round.Number > 1 {
		fmt.Fprintf(&b, "  (round %d)", c.Round.Number)
	}
	if c.Attempt.Number > 1 {
		fmt.Fprintf(&b, "  (attempt %d)", c.Attempt.Number)
	}
	for _, s := range in {
		fmt.Fprintf(&b, "\n:white_check_mark: %s, %s%s", Escape(s.By.Name), clock(s.At), onTheirWord(c, s.By))
	}
	if c.Closing == nil && len(in) < needed(c) && (c.Phase == rules.PhaseCollecting || c.Phase == rules.PhaseVerifying) {
		fmt.Fprintf(&b, "\n:hourglass_flowing_sand: %s from: %s", plural.Of(needed(c)-len(in), "more share"), ListOr(wanted(c, c.Missing())))
	}
	return b.String()
}

// needed returns how many shares the round needs.
func needed(c rules.State) int {
	if c.Round.Required > 0 {
		return c.Round.Required
	}
	return c.Plan.Needed(c.Round.Step)
}

// contributions returns the shares of the round, with the one that completed it. That one
// is not counted in the round: the event of what Vault made names its holder.
func contributions(c rules.State) []rules.Contribution {
	in := slices.Clone(c.Round.Counted)
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case event.Verified:
			if ev.By != nil {
				in = append(in, rules.Contribution{By: *ev.By, At: e.At})
			}
		case event.TokenIssued:
			in = append(in, rules.Contribution{By: ev.By, At: e.At})
		}
	}
	return in
}

// HandedOut says for each share and token whether it has reached its receiver.
func HandedOut(c rules.State) string {
	var lines []string
	for _, m := range c.Messages() {
		if m.Kind != rules.DeliveryMessage && m.Kind != rules.TokenMessage {
			continue
		}
		mark, state := ":hourglass_flowing_sand:", "on its way"
		if _, ok := c.Where(m.Key); ok {
			mark, state = ":white_check_mark:", "delivered"
		} else if givenUp(c, m.Key) {
			mark, state = ":x:", "can't be delivered in Slack; the operator has it in the journal"
		} else if !slices.ContainsFunc(c.Due(), func(due rules.Message) bool { return due.Key == m.Key }) {
			continue // it is not wanted any more
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s, %s", mark, Escape(m.To.Name), parcelName(c.Plan, m.Kind), state))
	}
	return strings.Join(lines, "\n")
}

// undelivered returns the people whose share or token has not reached them: who waits for
// it, and whom it can never reach.
func undelivered(c rules.State) (waiting, lost []ceremony.Person) {
	for _, m := range c.Messages() {
		if m.Kind != rules.DeliveryMessage && m.Kind != rules.TokenMessage {
			continue
		}
		switch _, posted := c.Where(m.Key); {
		case posted:
		case givenUp(c, m.Key):
			lost = append(lost, *m.To)
		default:
			waiting = append(waiting, *m.To)
		}
	}
	return waiting, lost
}

// anyLost reports whether a share or a token can't be delivered to its receiver.
func anyLost(c rules.State) bool {
	_, lost := undelivered(c)
	return len(lost) > 0
}

// HandedOver says how much of a backup has reached its receivers (P10).
func HandedOver(c rules.State) string {
	switch waiting, lost := undelivered(c); {
	case len(lost) > 0:
		return fmt.Sprintf("*Not handed out*, since it can't be delivered: what the backup had for %s.", ListAnd(Names(lost)))
	case len(waiting) > 0:
		return fmt.Sprintf("What the backup had is on its way to %s.", ListAnd(Names(waiting)))
	}
	return "What the backup had was handed out."
}

// TokenFor says whether the token has reached its requester (P10).
func TokenFor(c rules.State) string {
	for _, m := range c.Messages() {
		switch _, posted := c.Where(m.Key); {
		case m.Kind != rules.TokenMessage:
		case posted:
			return "has"
		case givenUp(c, m.Key):
			return "could not be sent"
		}
	}
	return "is being sent"
}

// parcelName returns the name of what a person is sent.
func parcelName(p ceremony.Plan, kind rules.MessageKind) string {
	switch {
	case kind == rules.TokenMessage && p.Operation == ceremony.Init:
		return "first root token, encrypted"
	case kind == rules.TokenMessage && p.OTP != "":
		return tokenName(p.Operation) + ", combined with the one-time password"
	case kind == rules.TokenMessage:
		return tokenName(p.Operation) + ", encrypted"
	case p.Operation == ceremony.Init:
		return shareName(p)
	case p.Operation == ceremony.ReadBackup:
		return "share from the backup"
	}
	return "new share"
}

// givenUp reports whether a message can't be delivered and is not tried again.
func givenUp(c rules.State, key string) bool {
	return slices.ContainsFunc(c.History, func(e event.Entry) bool {
		u, ok := e.Event.(event.Undeliverable)
		return ok && u.Key == key
	})
}
