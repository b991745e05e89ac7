package bot

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
)

// drillReport says who could use their share, who could not and why, who has not
// answered, and how many holders the cluster could lose.
func drillReport(c ceremony.Ceremony) string {
	if c.Attempt.Nonce == "" {
		return ""
	}
	proven := c.Round.Counted
	lines := []string{
		fmt.Sprintf("%s  *%d of %d holders* have proven that they can use their share", squares(len(proven), len(c.Plan.Holders)), len(proven), len(c.Plan.Holders)),
		drillMargin(len(proven), c.Plan.Threshold, c.Ended()),
	}
	for _, s := range proven {
		lines = append(lines, fmt.Sprintf(":white_check_mark: %s, %s", escape(s.By.Name), clock(s.At)))
	}
	tried := tries(c)
	var silent []ceremony.Person
	for _, h := range c.Missing() {
		reason, answered := tried[h.Account]
		if !answered {
			silent = append(silent, h)
			continue
		}
		lines = append(lines, fmt.Sprintf(":x: %s could not: %s", escape(h.Name), explainRefusal(reason).what))
	}
	switch {
	case len(silent) > 0 && c.Ended():
		lines = append(lines, ":grey_question: No answer from "+listAnd(names(silent)))
	case len(silent) > 0:
		lines = append(lines, ":hourglass_flowing_sand: No answer yet from "+listAnd(names(silent)))
	}
	return strings.Join(lines, "\n")
}

// drillMargin is what a drill is for: how many more holders may be lost.
func drillMargin(proven, threshold int, ended bool) string {
	spare := proven - threshold
	switch {
	case spare > 0:
		return fmt.Sprintf(":shield: *The cluster can lose %s* and its key still be used: %d are needed.", plural(spare, "more holder"), threshold)
	case !ended:
		return fmt.Sprintf(":information_source: To use the key, %d are needed.", threshold)
	case spare == 0:
		return fmt.Sprintf(":warning: *The cluster can't lose anybody*: %d could use their share, and as many are needed.", proven)
	}
	return fmt.Sprintf(":rotating_light: *Too few could use their share*: %d of the %d that are needed. Find out what is wrong with the others before the key is needed.", proven, threshold)
}

// tries is why the last message of each person was not used.
func tries(c ceremony.Ceremony) map[ceremony.Account]ceremony.Refusal {
	tried := map[ceremony.Account]ceremony.Refusal{}
	for _, e := range c.History {
		if d, ok := e.Event.(ceremony.Declined); ok && !tellsNothing(d.Reason) {
			tried[d.By.Account] = d.Reason
		}
	}
	return tried
}

// tellsNothing says whether a refusal is silent about whether somebody can use
// their share.
func tellsNothing(r ceremony.Refusal) bool {
	return slices.Contains([]ceremony.Refusal{
		ceremony.Busy, ceremony.IsFrozen, ceremony.NotCollecting, ceremony.Interrupted, ceremony.AlreadyCounted, ceremony.Closed, ceremony.Replayed,
	}, r)
}
