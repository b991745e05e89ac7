package wording

import (
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/plural"
)

// Report tells the people who took part in an unseal or a drill what came of it.
func Report(c rules.State) string {
	switch c.Plan.Operation {
	case ceremony.Unseal:
		return nodeWords(c)
	case ceremony.Drill:
		return drillReport(c)
	}
	return ""
}

// KeepBoth is said of a rekey whose last answer was lost: Vault has ended it, and nothing
// shows which key is in force.
const KeepBoth = "*keep your old share and the new one* until a ceremony with the new shares has worked, a generate-root for example."

// OutcomeWords says how it ended, and what became of the attempt in Vault.
func OutcomeWords(c rules.State) string {
	var b strings.Builder
	switch c.Outcome {
	case event.Completed:
		b.WriteString(":white_check_mark: *Completed*. " + ResultWords(c))
	case event.WasRejected:
		b.WriteString(":no_entry_sign: *Rejected*.")
	case event.Cancelled:
		b.WriteString(":no_entry_sign: *Cancelled*.")
	case event.Expired:
		b.WriteString(":alarm_clock: *Expired*: its time was over.")
	case event.Failed:
		b.WriteString(":x: *Failed*.")
	}
	for _, e := range c.History {
		closing, ok := e.Event.(event.Closing)
		if r, rejected := e.Event.(event.Rejected); rejected {
			closing, ok = event.Closing{By: &r.By, Why: r.Why}, true
		}
		if ok && closing.By != nil {
			fmt.Fprintf(&b, " By %s.", Escape(closing.By.Name))
		}
		if why := closingReason(closing); ok && why != "" {
			fmt.Fprintf(&b, " %s", why)
		}
	}
	if ending := endingWords(c.Plan.Operation, c.Outcome, c.Ending); ending != "" {
		b.WriteString("\n" + ending)
	}
	if words := unprovenEnd(c); words != "" {
		b.WriteString("\n" + words)
	}
	return b.String()
}

// ResultWords says what a completed ceremony has brought.
func ResultWords(c rules.State) string {
	switch p := c.Plan; p.Operation {
	case ceremony.Init:
		return initResult(c)
	case ceremony.Unseal:
		if silent := silentNodes(c); len(silent) > 0 {
			return fmt.Sprintf("Every node that answers is unsealed. *Without an answer:* %s.", ListAnd(nodeNames(silent)))
		}
		return "Every node is unsealed."
	case ceremony.GenerateRoot, ceremony.RecoveryToken, ceremony.DRToken:
		return fmt.Sprintf("The %s was made, %s.", tokenName(p.Operation), tokenForm(p))
	case ceremony.Rotate:
		return "Vault writes with a new encryption key: " + termWords(c) + "."
	case ceremony.RotateConfig:
		if set, ok := c.Result.(event.RotationSet); ok {
			return "Vault rotates its encryption key " + PolicyWords(set.Policy) + "."
		}
		return ""
	case ceremony.ReadBackup:
		switch {
		case c.Result == nil && c.Deletion != nil:
			return HandedOver(c) + fmt.Sprintf(" *Vault may still keep the backup*: its deletion was agreed to, and was not seen to be done. `/ceremony start backup %s` looks again.", Escape(p.Cluster))
		case c.Result == nil:
			return HandedOver(c) + fmt.Sprintf(" *The backup was left in Vault*: nobody agreed to its deletion in time. `/ceremony start backup %s` begins again.", Escape(p.Cluster))
		}
		return HandedOver(c) + " Vault keeps no backup any more."
	case ceremony.Drill:
		return "Nothing was sent to Vault."
	case ceremony.Alarm:
		return acknowledgedWords(*c.Acknowledged)
	}
	return rekeyResult(c)
}

func rekeyResult(c rules.State) string {
	switch {
	case c.MadeElsewhere() && c.Verified == nil:
		return elsewhereWords + " " + keepElsewhere + " Find out who has done it."
	case c.MadeElsewhere():
		return elsewhereWords + " Vault's numbers show that they are in force. Find out who has done it."
	case c.Verified != nil && c.Verified.Unconfirmed:
		return "Vault has ended the rekey, but its last answer was lost: *make sure that the new shares work before you throw the old ones away*."
	case c.Plan.Verification && c.Plan.Operation == ceremony.RekeyRecovery:
		return "The new shares are in force; the old ones prove nothing any more."
	case c.Plan.Verification:
		return "The new shares are in force; the old ones open nothing any more."
	}
	return fmt.Sprintf("The new shares are in force. They were not proven: the plan asked for no verification. `/ceremony start drill %s` has every holder prove theirs.", Escape(c.Plan.Cluster))
}

func initResult(c rules.State) string {
	p := c.Plan
	text := fmt.Sprintf("The cluster has its key: %s, %s. Nobody has proven theirs yet: `/ceremony start drill %s` has every holder do so.",
		plural.Of(len(c.NewShares), shareName(p)), quorum(p.NewThreshold, len(c.NewShares)), Escape(p.Cluster))
	if !(ceremony.Seal{Type: p.Seal}).UnsealsItself() {
		text += fmt.Sprintf("\n:lock: It is *still sealed*: `/ceremony start unseal %s` is next.", Escape(p.Cluster))
	}
	return text + fmt.Sprintf("\n:key: %s %s the first root token. It is to be revoked when the cluster is set up.", requester(p), TokenFor(c))
}

// closingReason returns the reason that a person gave or, when the ceremony could not go
// on, what went wrong.
func closingReason(cl event.Closing) string {
	switch {
	case cl.Fault == ceremony.PlainPassword: // said of a message to its sender; here it is about the ceremony
		return "The one-time password was sent in the open: whoever reads that message could read the token, too. Another ceremony with another password can follow."
	case cl.Fault != "":
		return ExplainRefusal(cl.Fault).String()
	case cl.Why == "":
		return ""
	}
	return "Why: " + Escape(cl.Why)
}

// OutcomeWord returns an outcome in one word.
func OutcomeWord(o event.Outcome) string { return string(o) }

// endingWords says what became of what was open in Vault, if anything could have
// been.
func endingWords(op ceremony.Operation, outcome event.Outcome, ending ceremony.VaultEnding) string {
	switch {
	case ending == event.AttemptForeign:
		return ":warning: Vault has an attempt in progress that is not known to have come from here; it was left alone."
	case outcome == event.Completed, ending == event.AttemptUsed:
		return ""
	case op == ceremony.Drill:
		return "Nothing was sent to Vault."
	case ending == event.AttemptUnknown && op.HasAttempt():
		return "Vault does not have its attempt any more, and nothing shows what came of it."
	case ending == event.AttemptUnknown:
		return ":warning: *It is not known whether Vault has done what it was asked for.* Look there before you begin again."
	case ending == event.AttemptDropped && op == ceremony.Unseal:
		return "The nodes that answer have forgotten the shares that they were sent. A node that does not forgets them when it is started again."
	case ending == event.AttemptDropped:
		return "The attempt in Vault is cancelled: Vault had it, unfinished, just before, and has it no more."
	case op == ceremony.ReadBackup:
		return "Nothing was deleted in Vault."
	case op == ceremony.Init, op == ceremony.Rotate, op == ceremony.RotateConfig:
		return "By its journal, this ceremony has changed nothing in Vault."
	case op == ceremony.Alarm:
		return "Nobody has acknowledged it. What it is about may still be so."
	case op == ceremony.Unseal:
		return "" // the nodes say it
	}
	return "Nothing had to be cancelled in Vault."
}

// BackupLeft says that a rekey leaves its backup behind, and how to be rid of it.
func BackupLeft(c rules.State) string {
	p := c.Plan
	made := MomentOf[event.Rekeyed](c)
	if !p.Operation.Rekeys() || !p.Backup || made.IsZero() || !c.Ended() {
		return ""
	}
	once := "When everybody can open theirs"
	switch {
	case c.Result != nil:
		return ":wastebasket: Vault's backup of the new shares is gone."
	case c.Unproven, c.MadeElsewhere() && c.Verified == nil, c.Verified != nil && c.Verified.Unconfirmed:
		once = "When it is known which shares are in force, and not before"
	case c.Outcome != event.Completed:
		return fmt.Sprintf(":package: *Vault still keeps a backup* of the new shares, which are not in force. `/ceremony start backup %s` lets an approver delete it.", Escape(p.Cluster))
	}
	words := fmt.Sprintf(":package: *Vault still keeps a backup* of the new shares, encrypted as they were. %s, `/ceremony start backup %s` lets an approver delete it.", once, Escape(p.Cluster))
	if c.Left {
		words += " Conclave reminds nobody of it any more."
	}
	return words
}
