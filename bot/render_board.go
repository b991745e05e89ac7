package bot

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// spokenWords is how many PGP words of a plan's hash are shown. They tell two
// plans apart over the phone; the whole hash is in the approver's message.
const spokenWords = 4

// renderBoard is the status post. It mentions nobody: it is redrawn all the time,
// and people whose help is wanted have a direct message.
func renderBoard(c ceremony.Ceremony, live ceremony.Live, now time.Time) message {
	blocks := []slack.Block{
		title(subject(c.Plan)),
		section("%s", stateWords(c)),
	}
	if picture := progress(c); picture != "" {
		blocks = append(blocks, section("%s", picture))
	}
	if open := unknownYet(c); open != "" {
		blocks = append(blocks, section("%s", open))
	}
	if c.State == ceremony.StateFrozen && c.Freeze != nil {
		blocks = append(blocks, section("%s", freezeWords(c)))
	}
	if handed := handedOut(c); handed != "" {
		blocks = append(blocks, section("%s", handed))
	}

	table := []fact{
		{"Ceremony", "`" + string(c.ID()) + "`"},
		{"Plan", planHash(c)},
		{"Proposed by", escape(c.Plan.Initiator.Name) + ", " + when(c.Plan.Proposed)},
	}
	if c.Ended() {
		table = append(table, fact{"Ended", when(c.EndedAt())})
	} else {
		table = append(table,
			fact{"Closes", when(c.Plan.Closes) + "\n" + left(c.Plan.Closes, now)},
			fact{"Vault", vaultLine(c, live)},
		)
	}
	blocks = append(blocks, facts(table...))
	if c.Plan.Reason != "" {
		blocks = append(blocks, section("*Reason*\n%s", escape(c.Plan.Reason)))
	}
	blocks = append(blocks, footnote("What happened, step by step, is in this post's thread."))
	return message{line: boardLine(c), blocks: blocks}
}

func boardLine(c ceremony.Ceremony) string {
	switch {
	case c.Ended():
		return fmt.Sprintf("%s: %s", subject(c.Plan), outcomeWord(c.Outcome))
	case c.Wants():
		return fmt.Sprintf("%s: %d of %d shares", subject(c.Plan), len(c.Round.Counted), needed(c))
	default:
		return fmt.Sprintf("%s: %s", subject(c.Plan), c.State)
	}
}

// subject is what a ceremony is about.
func subject(p ceremony.Plan) string {
	switch p.Operation {
	case ceremony.Rekey:
		return "New key shares for " + p.Cluster
	case ceremony.RekeyRecovery:
		return "New recovery key shares for " + p.Cluster
	case ceremony.GenerateRoot:
		return "A root token for " + p.Cluster
	}
	return fmt.Sprintf("%s on %s", p.Operation, p.Cluster)
}

// stateWords says where the ceremony stands and what it waits for.
func stateWords(c ceremony.Ceremony) string {
	if c.Ended() {
		return outcomeWords(c)
	}
	if c.Closing != nil {
		return ":hourglass: *Being ended* (" + outcomeWord(c.Closing.Outcome) + "). The attempt in Vault is being cancelled."
	}
	switch c.State {
	case ceremony.StateProposed:
		var may []string
		for _, p := range c.Plan.Approvers {
			if p.Account != c.Plan.Initiator.Account && !approved(c, p.Account) {
				may = append(may, escape(p.Name))
			}
		}
		return fmt.Sprintf(":raised_hand: *Waiting for approval*: %d of %d. Nothing has been sent to Vault.\nMay approve: %s",
			len(c.Approvals), c.Plan.Approvals, listOr(may))
	case ceremony.StateApproved:
		return ":hourglass: *Approved*. Vault is being asked to begin."
	case ceremony.StateCollecting:
		return ":inbox_tray: *Collecting shares* of the key in force."
	case ceremony.StateHandingOut:
		return ":outbox_tray: *Handing out* the new shares. The old key stays in force until the new one is proven."
	case ceremony.StateVerifying:
		return ":mag: *Collecting the new shares*, as proof that they can be used. The old key stays in force until then."
	case ceremony.StateFrozen:
		return ":octagonal_sign: *Frozen*. Nothing is sent to Vault until people decide."
	}
	return "*" + string(c.State) + "*"
}

func approved(c ceremony.Ceremony, who ceremony.Account) bool {
	return slices.ContainsFunc(c.Approvals, func(a ceremony.Approval) bool { return a.By.Account == who })
}

func needed(c ceremony.Ceremony) int {
	if c.Round.Required > 0 {
		return c.Round.Required
	}
	return c.Plan.Needed(c.Round.Step)
}

// progress is a square for every share that is needed, and by name who is in and
// who is still missing.
func progress(c ceremony.Ceremony) string {
	proof := c.Round.Step == ceremony.Verify
	if c.Round.Number == 0 || c.State == ceremony.StateHandingOut || proof && !c.Plan.Verification {
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
		fmt.Fprintf(&b, "\n:white_check_mark: %s, %s", escape(s.By.Name), clock(s.At))
	}
	if c.Closing == nil && len(in) < needed(c) && (c.State == ceremony.StateCollecting || c.State == ceremony.StateVerifying) {
		fmt.Fprintf(&b, "\n:hourglass_flowing_sand: %s from: %s", plural(needed(c)-len(in), "more share"), listOr(names(c.Missing())))
	}
	return b.String()
}

// unknownYet says what is on its way and has no outcome (P10).
func unknownYet(c ceremony.Ceremony) string {
	if c.Pending == nil {
		return ""
	}
	switch ev := c.Pending.Event.(type) {
	case ceremony.Offered:
		return fmt.Sprintf(":hourglass: A message of %s is being opened and checked.", escape(ev.By.Name))
	case ceremony.Submitting:
		if c.Pending.Asking {
			return fmt.Sprintf(":grey_question: %s's share was sent, and Vault's answer was lost. *It is not known yet* whether it counts; Vault is being asked.", escape(ev.By.Name))
		}
		return fmt.Sprintf(":hourglass: %s's share is on its way to Vault.", escape(ev.By.Name))
	}
	return ""
}

// contributions are the shares of the round, with the one that completed it:
// that one is told by what Vault made of it, and not counted in the round.
func contributions(c ceremony.Ceremony) []ceremony.Contribution {
	in := slices.Clone(c.Round.Counted)
	for _, e := range c.History {
		switch ev := e.Event.(type) {
		case ceremony.Verified:
			if ev.By != nil {
				in = append(in, ceremony.Contribution{By: *ev.By, At: e.At})
			}
		case ceremony.TokenIssued:
			in = append(in, ceremony.Contribution{By: ev.By, At: e.At})
		}
	}
	return in
}

// freezeWords says what stopped the ceremony and what may be done about it.
func freezeWords(c ceremony.Ceremony) string {
	var b strings.Builder
	b.WriteString(":warning: " + freezeReason(c.Freeze.Why))
	if c.Freeze.Want != "" || c.Freeze.Got != "" {
		fmt.Fprintf(&b, "\nThe plan says: `%s`\nVault says: `%s`", code(c.Freeze.Want), code(c.Freeze.Got))
	}
	fmt.Fprintf(&b, "\nFind out why. Then the initiator *and* an approver type `/ceremony resume %s`, or one of them `/ceremony cancel %s`.", c.ID(), c.ID())
	switch {
	case c.Freeze.Initiator && !c.Freeze.Approver:
		b.WriteString("\n:white_check_mark: The initiator wants to go on; an approver is missing.")
	case c.Freeze.Approver && !c.Freeze.Initiator:
		b.WriteString("\n:white_check_mark: An approver wants to go on; the initiator is missing.")
	}
	return b.String()
}

func freezeReason(why ceremony.FreezeReason) string {
	switch why {
	case ceremony.VaultDiffers:
		return "Vault's state is not what the plan says. Somebody may be interfering."
	case ceremony.AttemptGone:
		return "Vault does not have the attempt any more: somebody cancelled it, or Vault was sealed or restarted. Nothing of it has taken effect."
	case ceremony.ForeignAttempt:
		return "Vault has an attempt in progress that did not come from here."
	case ceremony.ForeignShare:
		return "Vault's count of shares is not ours: somebody has sent a share past Conclave, or progress was dropped."
	case ceremony.SealedMidway:
		return "Vault was sealed in the middle of the ceremony."
	case ceremony.OtherBot:
		return "Conclave has another identity than the one that the plan pins and that holders know. Cancel this ceremony, and find out why it has changed."
	case ceremony.KeysLost:
		return "Vault's answer with the new shares was lost. The old shares are still in force; resuming begins a new attempt."
	}
	return "Vault is not as expected."
}

// handedOut says for each new share, or for the token, whether it has reached
// its receiver.
func handedOut(c ceremony.Ceremony) string {
	var lines []string
	for _, m := range c.Messages() {
		if m.Kind != ceremony.DeliveryMessage && m.Kind != ceremony.TokenMessage {
			continue
		}
		what := "new share"
		if m.Kind == ceremony.TokenMessage {
			what = "root token, encrypted"
		}
		mark, state := ":hourglass_flowing_sand:", "on its way"
		if _, ok := c.Where(m.Key); ok {
			mark, state = ":white_check_mark:", "delivered"
		} else if givenUp(c, m.Key) {
			mark, state = ":x:", "can't be delivered in Slack; the operator has it in the journal"
		} else if c.Ended() {
			continue // this post is drawn for the last time, and would say so for ever
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s, %s", mark, escape(m.To.Name), what, state))
	}
	return strings.Join(lines, "\n")
}

func givenUp(c ceremony.Ceremony, key string) bool {
	return slices.ContainsFunc(c.History, func(e ceremony.Entry) bool {
		u, ok := e.Event.(ceremony.Undeliverable)
		return ok && u.Key == key
	})
}

func vaultLine(c ceremony.Ceremony, live ceremony.Live) string {
	if live.Since.IsZero() {
		return "not asked yet"
	}
	line := vaultSays(live.Vault) + ", since " + clock(live.Since)
	if live.Vault == nil && c.Attempt.Nonce != "" {
		line += "\nnonce `" + code(c.Attempt.Nonce) + "`"
	}
	return line
}

func planHash(c ceremony.Ceremony) string {
	return fmt.Sprintf("`%s`\n%s", short(c.PlanHash), ceremony.SpokenHash(c.PlanHash, spokenWords))
}

// short is as much of a hash as people compare at a glance.
func short(hash string) string { return hash[:min(len(hash), 16)] }

// outcomeWords says how it ended, and what became of the attempt in Vault.
func outcomeWords(c ceremony.Ceremony) string {
	var b strings.Builder
	switch c.Outcome {
	case ceremony.Completed:
		b.WriteString(":white_check_mark: *Completed*. ")
		switch {
		case c.Plan.Operation == ceremony.GenerateRoot:
			b.WriteString("The root token was made, encrypted to " + escape(receiverOfToken(c)) + ". Revoke it when the work is done.")
		case c.Verified != nil && c.Verified.Unconfirmed:
			b.WriteString("Vault has ended the rekey, but its last answer was lost: *make sure that the new shares work before you throw the old ones away*.")
		case c.Plan.Verification && c.Plan.Operation == ceremony.RekeyRecovery:
			b.WriteString("The new shares are in force; the old ones prove nothing any more.")
		case c.Plan.Verification:
			b.WriteString("The new shares are in force; the old ones open nothing any more.")
		default:
			b.WriteString("The new shares are in force. They were not proven: the plan asked for no verification.")
		}
	case ceremony.WasRejected:
		b.WriteString(":no_entry_sign: *Rejected*.")
	case ceremony.Cancelled:
		b.WriteString(":no_entry_sign: *Cancelled*.")
	case ceremony.Expired:
		b.WriteString(":alarm_clock: *Expired*: its time was over.")
	case ceremony.Failed:
		b.WriteString(":x: *Failed*.")
	}
	for _, e := range c.History {
		closing, ok := e.Event.(ceremony.Closing)
		if r, rejected := e.Event.(ceremony.Rejected); rejected {
			closing, ok = ceremony.Closing{By: &r.By, Why: r.Why}, true
		}
		if ok && closing.By != nil {
			fmt.Fprintf(&b, " By %s.", escape(closing.By.Name))
		}
		if why := closingReason(closing); ok && why != "" {
			fmt.Fprintf(&b, " %s", why)
		}
	}
	if ending := endingWords(c.Ending); ending != "" {
		b.WriteString("\n" + ending)
	}
	return b.String()
}

// closingReason is what a person gave as the reason or, when the ceremony could
// not go on, what went wrong.
func closingReason(cl ceremony.Closing) string {
	switch {
	case cl.Fault != "":
		return explainRefusal(cl.Fault).String()
	case cl.Why == "":
		return ""
	}
	return "Why: " + escape(cl.Why)
}

func receiverOfToken(c ceremony.Ceremony) string {
	if c.Plan.Requester == nil {
		return c.Plan.Initiator.Name
	}
	return c.Plan.Requester.Name
}

func outcomeWord(o ceremony.Outcome) string { return string(o) }

func endingWords(e ceremony.VaultEnding) string {
	switch e {
	case ceremony.NothingToCancel:
		return "Nothing had to be cancelled in Vault."
	case ceremony.AttemptDropped:
		return "The attempt in Vault is cancelled; nothing of it has taken effect."
	case ceremony.AttemptForeign:
		return ":warning: Vault has an attempt in progress that did not come from here; it was left alone."
	}
	return ""
}

// listOr is "a, b or c".
func listOr(names []string) string { return enumerate(names, "or") }

// listAnd is "a, b and c".
func listAnd(names []string) string { return enumerate(names, "and") }

func enumerate(names []string, word string) string {
	switch len(names) {
	case 0:
		return "nobody"
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + word + " " + names[len(names)-1]
}

// maxCode is how much of a text of Vault's is shown: what to do stands behind it.
const maxCode = 1000

// code keeps a text from ending the inline code that it stands in, which a new
// line does as well.
func code(s string) string {
	if s == "" {
		return "nothing"
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '`':
			return '\''
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
	return escape(clip(s, maxCode))
}
