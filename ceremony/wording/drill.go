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

// drillReport says who could use their share, who could not and why, who has not
// answered, and how many holders the cluster could lose.
func drillReport(c rules.State) string {
	if c.Attempt.Nonce == "" {
		return ""
	}
	proven := c.Round.Counted
	lines := []string{
		"", "", // how many, and how many more than are needed
	}
	trusted := 0
	for _, s := range proven {
		line, doubt := drillLine(c, s)
		if lines = append(lines, line); !doubt {
			trusted++
		}
	}
	of := len(c.Plan.Holders)
	lines[0] = fmt.Sprintf("%s  *%d of %d holders* have proven that they can use their share", squares(trusted, of), trusted, of)
	lines[1] = drillMargin(trusted, c.Plan.Threshold, c.Ended())
	tried := tries(c)
	var silent []ceremony.Person
	for _, h := range c.Missing() {
		reason, answered := tried[h.Account]
		if !answered {
			silent = append(silent, h)
			continue
		}
		lines = append(lines, fmt.Sprintf(":x: %s could not: %s", Escape(h.Name), ExplainRefusal(reason).What))
	}
	switch {
	case len(silent) > 0 && c.Ended():
		lines = append(lines, ":grey_question: No answer from "+ListAnd(silentNames(c, silent)))
	case len(silent) > 0:
		lines = append(lines, ":hourglass_flowing_sand: No answer yet from "+ListAnd(wanted(c, silent)))
	}
	return strings.Join(lines, "\n")
}

// silentNames returns the names of holders who have not answered, and marks those whom no
// request has reached: their silence says nothing of their share (P10).
func silentNames(c rules.State, silent []ceremony.Person) []string {
	all := Names(silent)
	for i, p := range silent {
		reached := slices.ContainsFunc(c.Messages(), func(m rules.Message) bool {
			_, posted := c.Where(m.Key)
			return m.Kind == rules.AskMessage && m.To.Account == p.Account && posted
		})
		if !reached {
			all[i] += " (not asked)"
		}
	}
	return all
}

// drillLine tells of a holder who could decrypt and sign, and reports whether their share
// is doubted. The cluster can't count on a holder with a wrong share.
func drillLine(c rules.State, s rules.Contribution) (line string, doubt bool) {
	line = fmt.Sprintf("%s, %s", Escape(s.By.Name), clock(s.At))
	switch r := c.Brought(s.By, c.History[len(c.History)-1]); {
	case r.Insisted != "":
		return fmt.Sprintf(":grey_question: %s: can decrypt and sign, but %s", line, lower(ExplainRefusal(r.Insisted).What)), true
	case r.Whose != nil:
		return fmt.Sprintf(":white_check_mark: %s, with the share that %s has brought before", line, Escape(r.Whose.Name)), false
	case r.Known:
		return ":white_check_mark: " + line + ", with the right share", false
	}
	return ":white_check_mark: " + line, false
}

// provenWords says what everybody reads about a holder's answer to a drill.
func provenWords(ev event.Proven) string {
	who := Escape(ev.By.Name)
	switch {
	case ev.Insisted != "":
		return fmt.Sprintf(":grey_question: *%s* can decrypt and sign, and stays with a share that Conclave doubts. %s", who, ExplainRefusal(ev.Insisted).What)
	case ev.Whose != nil:
		return fmt.Sprintf(":white_check_mark: *%s* has proven that they can use a share of the key in force: the one that %s has brought before.", who, Escape(ev.Whose.Name))
	case ev.Known:
		return fmt.Sprintf(":white_check_mark: *%s* has proven that they can use their share, and that it is the right one.", who)
	}
	return fmt.Sprintf(":white_check_mark: *%s* has proven that they can use their share.", who)
}

// provenReceipt says what that holder reads.
func provenReceipt(ev event.Proven) string {
	const opened = "Your message opened, you have signed it, and there is a share in it; it was thrown away.\n"
	switch {
	case ev.Insisted != "":
		return ":grey_question: *You can decrypt and sign, but your share is most likely the wrong one.* " + ExplainRefusal(ev.Insisted).What + " " + opened +
			"The report says so. Look for the newest share that you were given for this cluster, before the key is needed."
	case ev.Whose != nil:
		return ":white_check_mark: *You can use this share, and it is one of the key in force:* the one that " + Escape(ev.Whose.Name) + " has brought before. " + opened +
			"Thank you: nothing more is wanted from you. Find out which of you is to have it: two people must not hold the same share."
	case ev.Known:
		return ":white_check_mark: *You can still use your share, and it is the right one.* " + opened +
			"Thank you: nothing more is wanted from you. Conclave knows it again from the last ceremony in which Vault took it."
	}
	return ":white_check_mark: *You can still use your share.* " + opened +
		"Thank you: nothing more is wanted from you. Whether it is the *right* share, Vault alone could say: make sure that it is the newest one that you were given for this cluster."
}

// drillMargin says how many more holders the cluster can lose. That is what a drill is for.
func drillMargin(proven, threshold int, ended bool) string {
	spare := proven - threshold
	switch {
	case spare > 0:
		return fmt.Sprintf(":shield: *The cluster can lose %s* and its key still be used: %d are needed.", plural.Of(spare, "more holder"), threshold)
	case !ended:
		return fmt.Sprintf(":information_source: To use the key, %d are needed.", threshold)
	case spare == 0:
		return fmt.Sprintf(":warning: *The cluster can't lose anybody*: %d could use their share, and as many are needed.", proven)
	}
	return fmt.Sprintf(":rotating_light: *Too few could use their share*: %d of the %d that are needed. Find out what is wrong with the others before the key is needed.", proven, threshold)
}

// tries returns for each account why its last message was not used.
func tries(c rules.State) map[ceremony.Account]ceremony.Refusal {
	tried := map[ceremony.Account]ceremony.Refusal{}
	for _, e := range c.History {
		if d, ok := e.Event.(event.Declined); ok && !tellsNothing(d.Reason) {
			tried[d.By.Account] = d.Reason
		}
	}
	return tried
}

// tellsNothing reports whether a refusal leaves open whether the holder can use their
// share.
func tellsNothing(r ceremony.Refusal) bool {
	return slices.Contains([]ceremony.Refusal{
		ceremony.Busy, ceremony.IsFrozen, ceremony.NotCollecting, ceremony.Interrupted, ceremony.AlreadyCounted, ceremony.Closed, ceremony.Replayed,
	}, r)
}
