package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/plural"
)

// maxListed is how many ceremonies a list shows.
const maxListed = 15

// say is an answer of one paragraph.
func say(format string, args ...any) message {
	text := fmt.Sprintf(format, args...)
	return message{line: plainText(text), blocks: []slack.Block{section("%s", text)}}
}

// sayWords is an answer about an error, with the reference that leads an
// operator to its log line. An error that is part of the rules has none.
func sayWords(w words, reference string) message {
	m := say(":warning: *%s*", w.what)
	if w.hint != "" {
		m.blocks = append(m.blocks, section("%s", w.hint))
	}
	if reference != "" {
		m.blocks = append(m.blocks, footnote("Reference for the operator: `%s`", reference))
	}
	return m
}

func renderList(all []ceremony.Ceremony, now time.Time) message {
	var lines []string
	for _, c := range all {
		if !c.Ended() {
			lines = append(lines, fmt.Sprintf("`%s`  %s: %s, %s", c.ID(), escape(subject(c.Plan)), c.State, left(c.Plan.Closes, now)))
		}
	}
	if len(lines) == 0 {
		return say("No ceremony is open. `/ceremony start OPERATION CLUSTER reason` proposes one.")
	}
	return listed("Open ceremonies", lines)
}

func renderPast(all []ceremony.Ceremony, cluster string) message {
	var lines []string
	for _, c := range all {
		if c.Ended() && (cluster == "" || c.Plan.Cluster == cluster) {
			lines = append(lines, fmt.Sprintf("`%s`  %s: *%s*, %s", c.ID(), escape(subject(c.Plan)), outcomeWord(c.Outcome), when(c.EndedAt())))
		}
	}
	if len(lines) == 0 {
		return say("No ceremony has ended yet.")
	}
	return listed("Past ceremonies, newest first", lines)
}

func listed(heading string, lines []string) message {
	m := message{line: heading, blocks: []slack.Block{section("*%s*", heading)}}
	shown := lines[:min(len(lines), maxListed)]
	m.blocks = append(m.blocks, section("%s", strings.Join(shown, "\n")))
	if more := len(lines) - len(shown); more > 0 {
		m.blocks = append(m.blocks, footnote("and %d more", more))
	}
	return m
}

// renderHolders shows who may do what on each cluster.
func renderHolders(clusters []ceremony.Cluster, ceremonies []ceremony.Ceremony) message {
	clusters = slices.SortedFunc(slices.Values(clusters), func(a, b ceremony.Cluster) int { return cmp.Compare(a.Name, b.Name) })
	m := message{line: "Who may do what"}
	for _, cl := range clusters {
		operations := make([]string, len(cl.Operations))
		for i, op := range cl.Operations {
			operations[i] = "`" + string(op) + "`"
		}
		var holders []string
		for _, p := range cl.Holders {
			holders = append(holders, fmt.Sprintf("%s  `%s`", escape(p.Name), grouped(p.Key)))
		}
		m.blocks = append(m.blocks,
			section("*%s*: %s", escape(cl.Name), strings.Join(operations, ", ")),
			section("May propose: %s\nMay approve: %s (%d needed, never the one who proposed)\nOpen for %s",
				listAnd(names(cl.Initiators)), listAnd(names(cl.Approvers)), cl.Approvals, spell(cl.Window)),
			section("*Holders and their pinned keys*\n%s", strings.Join(holders, "\n")),
		)
		if words := policyLines(cl); words != "" {
			m.blocks = append(m.blocks, section("*What is asked besides*\n%s", words))
		}
		if len(cl.Witnesses) > 0 {
			m.blocks = append(m.blocks, section("May witness: %s", listAnd(names(cl.Witnesses))))
		}
		if len(cl.Owners) > 0 {
			m.blocks = append(m.blocks, section("Are told of alarms: %s", listAnd(names(cl.Owners))))
		}
		if words := exposureWords(ceremony.Exposures(ceremonies, cl.Name)); words != "" {
			m.blocks = append(m.blocks, section("%s", words))
		}
		if !samePeople(cl.Receivers, cl.Holders) {
			m.blocks = append(m.blocks, section("New shares of a rekey go to: %s", listAnd(names(cl.Receivers))))
		}
	}
	if len(clusters) == 0 {
		return sayWords(explain(ceremony.UnknownCluster), "")
	}
	return m
}

func samePeople(a, b []ceremony.Person) bool {
	return slices.EqualFunc(a, b, func(x, y ceremony.Person) bool { return x.Account == y.Account })
}

// spell is a duration as people say it.
func spell(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d%day == 0 && d > day:
		return plural.Of(int(d/day), "day")
	case d%time.Hour == 0 && d > 0:
		return plural.Of(int(d/time.Hour), "hour")
	case d%time.Minute == 0 && d > 0:
		return plural.Of(int(d/time.Minute), "minute")
	}
	return d.String()
}

// renderProposed tells whoever proposed a ceremony who has to act next.
func renderProposed(c ceremony.Ceremony, by ceremony.Account) message {
	about := escape(strings.ToLower(subject(c.Plan)[:1]) + subject(c.Plan)[1:])
	line := fmt.Sprintf("Proposed: %s", c.ID())
	if c.Plan.Approvals == 0 {
		return message{line: line, blocks: []slack.Block{
			section("*Open:* `%s`, %s. Nobody has to approve it: the holders are asked for their shares now.", c.ID(), about),
		}}
	}
	var may []string
	for _, p := range c.Plan.Approvers {
		if p.Account != by {
			may = append(may, escape(p.Name))
		}
	}
	blocks := []slack.Block{section("*Proposed:* `%s`, %s. I have asked %s to approve it.", c.ID(), about, listAnd(may))}
	for _, caution := range cautions(c.Plan) {
		blocks = append(blocks, section("%s", caution))
	}
	return message{line: line, blocks: append(blocks,
		section("Tell them the hash of the plan in another way than Slack:\n`%s`  (%s)", short(c.PlanHash), ceremony.SpokenHash(c.PlanHash, spokenWords)),
	)}
}
