package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"conclave/ceremony"
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
		return say("No ceremony is open. `/ceremony start rekey CLUSTER reason` proposes one.")
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
func renderHolders(clusters []ceremony.Cluster) message {
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
	switch {
	case d%time.Hour == 0 && d > 0:
		return plural(int(d/time.Hour), "hour")
	case d%time.Minute == 0 && d > 0:
		return plural(int(d/time.Minute), "minute")
	}
	return d.String()
}

func renderHelp(topic string) message {
	switch topic {
	case "":
		var lines []string
		for _, f := range grammar() {
			lines = append(lines, fmt.Sprintf("`/ceremony %s`  %s", f.how, f.what))
		}
		return message{line: "What you can type", blocks: []slack.Block{
			section("*What you can type*\n%s", strings.Join(lines, "\n")),
			footnote("An ID may be shortened to its last word: `k7m2` for `prod-rekey-k7m2`. Shares go into a direct message to me, encrypted, never behind a command."),
		}}
	case "shares", "share", "submit":
		return say("*Shares.* When your share is needed I write to you, with the commands to copy. They encrypt your share to a key that exists for this one ceremony, and sign it with your own key. " +
			"Send me what they print, here in our direct messages, as text or as a file. I answer with a receipt. Never send a share that is not encrypted.")
	case "plan", "approve", "reject":
		return say("*The plan* says what is done to which cluster, by whose shares, for whom and until when. Nothing in it can change once it is proposed. " +
			"Its hash, in digits and in words, is the same for everybody: compare it with the person who proposed it, by voice. Whoever proposes a plan can't approve it.")
	case "frozen", "resume", "cancel":
		return say("*Frozen.* Before every share Conclave compares Vault with the plan. On any difference it stops. " +
			"Find out why, then the initiator and an approver both `/ceremony resume ID`, or one of them `/ceremony cancel ID`.")
	case string(ceremony.Rekey):
		return say("*rekey* replaces all key shares. The holders bring enough of the old shares; Vault makes new ones, each encrypted to its holder. " +
			"With verification the old key stays in force until enough holders have proven that they can use the new ones.")
	case string(ceremony.RekeyRecovery):
		return say("*rekey-recovery* is `rekey` for a cluster that unseals itself. Its key shares are those of the *recovery key*: Vault asks for it before it makes a root token, and to open again after somebody has sealed it by hand. " +
			"The holders bring enough of them; Vault makes new ones, each encrypted to its holder. With verification the old ones stay in force until enough holders have proven the new ones.")
	case string(ceremony.GenerateRoot):
		return say("*generate-root* makes a root token for the person who proposes it, encrypted to their PGP key. The holders bring enough shares. Revoke the token when the work is done.")
	}
	return sayWords(words{"There is no help on this.", "Topics are `shares`, `plan`, `frozen`, `rekey`, `rekey-recovery` and `generate-root`."}, "")
}

// renderDirectHelp answers a direct message that holds nothing to work with.
func renderDirectHelp() message {
	return say("I take encrypted shares here: PGP messages, as text or as a file. `/ceremony submit` shows what to run when yours is needed, `/ceremony status` where a ceremony stands, `/ceremony help` the rest.")
}
