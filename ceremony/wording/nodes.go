package wording

import (
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/plural"
)

// nodeName returns an address without its scheme, which all of them share.
func nodeName(address string) string {
	return "`" + Code(strings.TrimPrefix(address, "https://")) + "`"
}

func nodeNames(addresses []string) []string {
	all := make([]string, len(addresses))
	for i, a := range addresses {
		all[i] = nodeName(a)
	}
	return all
}

// countUnsealed returns how many nodes are known to be unsealed.
func countUnsealed(c rules.State) int {
	n := 0
	for _, node := range c.Nodes {
		if node.Reached && !node.Sealed {
			n++
		}
	}
	return n
}

// silentNodes returns the nodes that did not answer when they were asked last.
func silentNodes(c rules.State) []string {
	var silent []string
	for _, n := range c.Nodes {
		if !n.Reached {
			silent = append(silent, n.Address)
		}
	}
	return silent
}

// sealedWords says what an unseal waits for.
func sealedWords(c rules.State) string {
	silent := silentNodes(c)
	switch {
	case len(c.Nodes) == 0:
		return ":hourglass: *Opened*. The nodes are being asked."
	case countUnsealed(c) == len(c.Nodes):
		return ":unlock: *Every node is unsealed.*"
	case countUnsealed(c)+len(silent) < len(c.Nodes):
		return fmt.Sprintf(":lock: *Sealed: shares are wanted*, %d for each node. One share serves every sealed node that answers.", c.Plan.Threshold)
	}
	return fmt.Sprintf(":hourglass_flowing_sand: *Every node that answers is unsealed.* Waiting for %s until the ceremony closes; the holders are asked again if it comes back sealed.",
		ListAnd(nodeNames(silent)))
}

// nodeWords returns a line for every node of an unseal: its state, its progress, and whose
// shares it has counted.
func nodeWords(c rules.State) string {
	lines := make([]string, 0, len(c.Nodes)+1)
	for _, n := range c.Nodes {
		lines = append(lines, nodeLine(c, n))
	}
	if c.Wants() {
		line := ":hourglass_flowing_sand: Wanted from: " + ListOr(wanted(c, c.Missing()))
		if c.Round.Number > 1 {
			line += fmt.Sprintf("  (round %d)", c.Round.Number)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func nodeLine(c rules.State, n rules.Sealing) string {
	switch {
	case !n.Reached && len(n.With) > 0:
		return fmt.Sprintf(":grey_question: %s does not answer; it was sent the %s of %s", nodeName(n.Address), sharesOf(n.With), ListAnd(Names(n.With)))
	case !n.Reached:
		return fmt.Sprintf(":grey_question: %s does not answer", nodeName(n.Address))
	case !n.Sealed:
		return fmt.Sprintf(":unlock: %s is unsealed", nodeName(n.Address))
	case c.Ended():
		return fmt.Sprintf(":lock: %s is sealed", nodeName(n.Address)) // what it was sent is forgotten
	}
	line := fmt.Sprintf(":lock: %s is sealed  %s  *%d of %d*", nodeName(n.Address), squares(n.Progress, c.Plan.Threshold), n.Progress, c.Plan.Threshold)
	if len(n.With) > 0 {
		line += "  " + ListAnd(Names(n.With))
		for _, p := range n.With {
			if word := onTheirWord(c, p); word != "" {
				line += " (" + Escape(p.Name) + word + ")"
			}
		}
	}
	if others := n.Progress - len(n.With); others > 0 {
		line += fmt.Sprintf("  (%s not from here)", plural.Of(others, "share"))
	}
	return line
}

func sharesOf(people []ceremony.Person) string {
	if len(people) == 1 {
		return "share"
	}
	return "shares"
}

// enteredWords says what each node made of a share that was sent to it.
func enteredWords(p ceremony.Plan, ev event.Entered) (counted, not []string) {
	after := map[string]ceremony.NodeState{} // address → what it shows
	for _, n := range ev.Nodes {
		after[n.Address] = n
	}
	for _, address := range ev.At {
		said := "unsealed"
		if n := after[address]; n.Sealed {
			said = fmt.Sprintf("%d of %d", n.Progress, p.Threshold)
		}
		counted = append(counted, fmt.Sprintf("%s (%s)", nodeName(address), said))
	}
	for _, address := range ev.Not {
		said := "does not answer"
		if after[address].Reached {
			said = "did not take it"
		}
		not = append(not, fmt.Sprintf("%s (%s)", nodeName(address), said))
	}
	return counted, not
}

// declinedBy reports whether a node that answers has not counted the share: its
// holder has to send it again, since nobody keeps it.
func declinedBy(ev event.Entered) bool {
	for _, n := range ev.Nodes {
		for _, address := range ev.Not {
			if n.Address == address && n.Reached {
				return true
			}
		}
	}
	return false
}
