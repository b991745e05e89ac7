package render

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Say returns an answer of one paragraph.
func Say(format string, args ...any) Message {
	text := fmt.Sprintf(format, args...)
	return Message{Line: wording.PlainLine(text), Blocks: []slack.Block{section("%s", text)}}
}

// SayWords returns an answer about an error. The reference leads an operator to its log
// line; it is empty for an error that is part of the rules.
func SayWords(w wording.Words, reference string) Message {
	m := Say(":warning: *%s*", w.What)
	if w.Hint != "" {
		m.Blocks = append(m.Blocks, section("%s", w.Hint))
	}
	if reference != "" {
		m.Blocks = append(m.Blocks, footnote("Reference for the operator: `%s`", reference))
	}
	return m
}

// OpenCeremonies lists the ceremonies that are open.
func OpenCeremonies(all []rules.State, aside []ceremony.Aside, now time.Time) Message {
	var lines []string
	for _, c := range all {
		if !c.Ended() {
			lines = append(lines, fmt.Sprintf("`%s`  %s: %s, %s", c.ID(), wording.Escape(wording.Subject(c.Plan)), c.Phase, wording.Left(c.Plan.Closes, now)))
		}
	}
	for _, a := range aside {
		lines = append(lines, wording.SetAside(a))
	}
	if len(lines) == 0 {
		return Say("No ceremony is open. `/ceremony start OPERATION CLUSTER reason` proposes one.")
	}
	return listed("Open ceremonies", lines, len(lines))
}

// ReloadDue says that files of the configuration were changed since they were read.
func ReloadDue(changed []string) slack.Block {
	names := make([]string, len(changed))
	for i, path := range changed {
		names[i] = "`" + wording.Escape(filepath.Base(path)) + "`"
	}
	return footnote("A reload is due: changed since Conclave has read the configuration: %s. Until an operator runs "+
		"`conclave reload`, ceremonies follow what was read before.", strings.Join(names, ", "))
}

// KeyExpires tells the owner of a key that it expires, or has expired when until is zero.
func KeyExpires(key ceremony.Fingerprint, until, now time.Time) Message {
	w := wording.KeyExpires(key, until, now)
	m := Say(":hourglass_flowing_sand: *%s*", w.What)
	m.Blocks = append(m.Blocks, section("%s", w.Hint))
	return m
}

// PastCeremonies lists the newest ceremonies that have ended, newest first. all is how many
// have.
func PastCeremonies(newest []rules.State, all int) Message {
	var lines []string
	for _, c := range newest {
		lines = append(lines, fmt.Sprintf("`%s`  %s: *%s*, %s", c.ID(), wording.Escape(wording.Subject(c.Plan)), wording.OutcomeWord(c.Outcome), wording.When(c.EndedAt())))
	}
	if all == 0 {
		return Say("No ceremony has ended yet.")
	}
	return listed("Past ceremonies, newest first", lines, all)
}

// listed shows as many lines as a list may have. all is how many there would be.
func listed(heading string, lines []string, all int) Message {
	m := Message{Line: heading, Blocks: []slack.Block{section("*%s*", heading)}}
	shown := lines[:min(len(lines), wording.MaxListed)]
	if len(shown) > 0 {
		m.Blocks = append(m.Blocks, section("%s", strings.Join(shown, "\n")))
	}
	if more := all - len(shown); more > 0 {
		m.Blocks = append(m.Blocks, footnote("and %d more", more))
	}
	return m
}

// Holders shows who may do what on each cluster. exposed returns whose shares of a cluster
// count as exposed.
func Holders(clusters []ceremony.Cluster, exposed func(cluster string) []ledger.Exposure) Message {
	byName := func(a, b ceremony.Cluster) int { return cmp.Compare(a.Name, b.Name) }
	clusters = slices.SortedFunc(slices.Values(clusters), byName)
	m := Message{Line: "Who may do what"}
	for _, cl := range clusters {
		operations := make([]string, len(cl.Operations))
		for i, op := range cl.Operations {
			operations[i] = "`" + string(op) + "`"
		}
		var holders []string
		for _, p := range cl.Holders {
			holders = append(holders, fmt.Sprintf("%s  `%s`", wording.Escape(p.Name), wording.Grouped(p.Key)))
		}
		m.Blocks = append(m.Blocks,
			section("*%s*: %s", wording.Escape(cl.Name), strings.Join(operations, ", ")),
			section("May propose: %s\nMay approve: %s (%d needed, never the one who proposed)\nOpen for %s",
				wording.ListAnd(wording.Names(cl.Initiators)), wording.ListAnd(wording.Names(cl.Approvers)), cl.Approvals,
				wording.Spell(cl.Window)),
			section("*Holders and their pinned keys*\n%s", strings.Join(holders, "\n")),
		)
		if words := wording.PolicyLines(cl); words != "" {
			m.Blocks = append(m.Blocks, section("*What is asked besides*\n%s", words))
		}
		if len(cl.Witnesses) > 0 {
			m.Blocks = append(m.Blocks, section("May witness: %s", wording.ListAnd(wording.Names(cl.Witnesses))))
		}
		if len(cl.Owners) > 0 {
			m.Blocks = append(m.Blocks, section("Are told of alarms: %s", wording.ListAnd(wording.Names(cl.Owners))))
		}
		if words := wording.ExposureWords(exposed(cl.Name)); words != "" {
			m.Blocks = append(m.Blocks, section("%s", words))
		}
		if !wording.SamePeople(cl.Receivers, cl.Holders) {
			m.Blocks = append(m.Blocks, section("New shares of a rekey go to: %s", wording.ListAnd(wording.Names(cl.Receivers))))
		}
	}
	if len(clusters) == 0 {
		return SayWords(wording.ExplainError(ceremony.UnknownCluster), "")
	}
	return m
}

// Proposed tells the initiator of a ceremony who has to act next.
func Proposed(c rules.State, by ceremony.Account) Message {
	about := wording.Escape(strings.ToLower(wording.Subject(c.Plan)[:1]) + wording.Subject(c.Plan)[1:])
	line := fmt.Sprintf("Proposed: %s", c.ID())
	if c.Plan.Approvals == 0 {
		return Message{Line: line, Blocks: []slack.Block{
			section("*Open:* `%s`, %s. Nobody has to approve it: the holders are asked for their shares now.", c.ID(), about),
		}}
	}
	var may []string
	for _, p := range c.Plan.Approvers {
		if p.Account != by {
			may = append(may, wording.Escape(p.Name))
		}
	}
	blocks := []slack.Block{section("*Proposed:* `%s`, %s. I have asked %s to approve it.", c.ID(), about,
		wording.ListAnd(may))}
	for _, caution := range wording.Cautions(c.Plan) {
		blocks = append(blocks, section("%s", caution))
	}
	return Message{Line: line, Blocks: append(blocks,
		section("Tell them the hash of the plan in another way than Slack:\n`%s`  (%s)", wording.Short(c.PlanHash),
			ceremony.SpokenHash(c.PlanHash, wording.SpokenWords)),
	)}
}
