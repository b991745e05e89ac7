package render

import (
	"fmt"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// Notification returns one message of the outbox. by signs what is handed out, and what a
// person is told to run.
func Notification(c rules.State, m rules.Message, by wording.Signer) (Message, error) {
	switch m.Kind {
	case rules.HistoryMessage, rules.TranscriptMessage:
		return History(c, m.Entry), nil
	case rules.ApprovalMessage:
		return renderApproval(c, m.To, by)
	case rules.AskMessage:
		ev, ok := m.Entry.Event.(event.KeyAnnounced)
		if !ok || m.To == nil {
			return Message{}, fmt.Errorf("render %s: not an ask", m.Key)
		}
		return ShareRequest(c, *m.To, ev.Key, by)
	case rules.ReceiptMessage:
		return renderReceipt(c, m.Entry), nil
	case rules.DeliveryMessage, rules.TokenMessage:
		if issued, ok := m.Entry.Event.(event.TokenIssued); ok && issued.Encoded != "" {
			return EncodedToken(c, issued.Encoded), nil
		}
		return renderParcel(c, m, by)
	case rules.FrozenMessage:
		return renderFrozen(c, m.Entry), nil
	case rules.EndedMessage:
		if m.To == nil {
			return Message{}, fmt.Errorf("render %s: an end for nobody", m.Key)
		}
		return Ended(c, *m.To), nil
	case rules.AlarmMessage:
		return Alarm(c, m.Entry), nil
	case rules.NotKeptMessage:
		return renderArchiveFailed(c, m.Entry), nil
	case rules.DeletionMessage:
		return renderDeletion(c, m.Entry), nil
	case rules.RollCallMessage, rules.GateMessage, rules.WitnessMessage:
		return renderWatched(c, m, by)
	case rules.ReminderMessage:
		if ev, ok := m.Entry.Event.(event.BackupReminded); ok {
			return renderBackupReminder(c, ev), nil
		}
		return Reminder(c, m.Entry), nil
	}
	return Message{}, fmt.Errorf("render %s: no words for kind %q", m.Key, m.Kind)
}

// renderWatched asks a person who is called to the roll, or a witness.
func renderWatched(c rules.State, m rules.Message, by wording.Signer) (Message, error) {
	switch {
	case m.To == nil:
		return Message{}, fmt.Errorf("render %s: for nobody", m.Key)
	case m.Kind == rules.RollCallMessage:
		return renderRollCall(c, *m.To, by)
	case m.Kind == rules.GateMessage:
		return renderGate(c, *m.To, m.Entry, by)
	}
	return renderWitness(c, *m.To, m.Entry, by)
}

// renderParcel returns a message that brings an encrypted share or token.
func renderParcel(c rules.State, m rules.Message, by wording.Signer) (Message, error) {
	parcel, err := wording.ParcelOf(c, m)
	if err != nil {
		return Message{}, fmt.Errorf("render %s: %w", m.Key, err)
	}
	signed, err := by.SignDelivery(parcel)
	if err != nil {
		return Message{}, fmt.Errorf("render %s: sign: %w", m.Key, err)
	}
	if m.Kind == rules.TokenMessage {
		return Token(c, *m.To, signed, by)
	}
	return Delivery(c, m, parcel, signed, by)
}

// renderApproval shows the plan whole. Its buttons carry the hash of the plan
// that was shown, so that a click approves that plan and no other. Where approvals
// are signed there is a line to sign in the button's place.
func renderApproval(c rules.State, to *ceremony.Person, by wording.Signer) (Message, error) {
	who := wording.Initiator(c.Plan)
	waiting := c.Phase == rules.PhaseProposed && c.Closing == nil
	blocks := []slack.Block{title("Please read a plan: " + wording.Subject(c.Plan))}
	if waiting {
		blocks = append(blocks, section("*%s* proposes this. Nothing is sent to Vault before it is approved. "+
			"Approve it only if you expected it: ask %s in another way than this one, and compare the words of the plan's hash.", who, who))
	} else {
		blocks = append(blocks, section("The plan no longer waits for approval. %s", wording.StateWords(c)))
	}
	blocks = append(blocks, section("*What it does:* %s", wording.Purpose(c.Plan)))
	for _, caution := range wording.Cautions(c.Plan) {
		blocks = append(blocks, section("%s", caution))
	}
	blocks = append(blocks, listings(c.Plan.Text())...)
	blocks = append(blocks,
		section("*Hash of the plan*\n`%s`\n*in words:* %s", c.PlanHash, ceremony.SpokenHash(c.PlanHash, wording.SpokenWords)),
	)
	if waiting {
		value := wording.ButtonValue(c)
		reject := button(command.VerbReject, value, "Reject", slack.StyleDanger,
			confirm("Reject the plan?", "This ends the proposal.", "Reject", "Not yet"))
		if c.Plan.SignedApprovals {
			how, err := signWord(c, to.Key, ceremony.SayApprove, by)
			if err != nil {
				return Message{}, err
			}
			blocks = append(blocks, section("*To approve it*, sign its hash with your PGP key."))
			blocks = append(blocks, how...)
			blocks = append(blocks,
				slack.NewActionBlock("decide", reject),
				footnote("An account alone approves nothing here. Or type `/ceremony reject %s why`. Open until %s.", c.ID(),
					wording.When(c.Plan.Closes)),
			)
		} else {
			blocks = append(blocks,
				slack.NewActionBlock("decide",
					button(command.VerbApprove, value, "Approve", slack.StylePrimary,
						confirm("Approve the plan?", "You have read it, and it is what you agreed on with "+wording.Clip(c.Plan.Initiator.Name, 100)+".", "Approve", "Not yet")),
					reject,
				),
				footnote("Or type `/ceremony approve %s %s`, or `/ceremony reject %s why`. Open until %s.", c.ID(),
					wording.Short(c.PlanHash), c.ID(), wording.When(c.Plan.Closes)),
			)
		}
	}
	return Message{Line: fmt.Sprintf("%s asks you to approve: %s", who, wording.Subject(c.Plan)), Blocks: blocks}, nil
}

// renderFrozen asks initiator and approvers to decide.
func renderFrozen(c rules.State, e event.Entry) Message {
	blocks := []slack.Block{
		title("A ceremony is frozen: " + wording.Subject(c.Plan)),
		section("%s", wording.HistoryWords(c, e)),
		section("Nothing is sent to Vault until you decide. First find out *why* this happened: who has access to Vault, and what does its audit log say?"),
	}
	if ev, ok := e.Event.(event.Frozen); ok && ev.Why == event.AttemptGone {
		blocks = append(blocks, section("If Conclave's journal was restored from a copy, the thread of the status post may tell more than the journal: read it before you decide. To go on begins a new attempt, with shares of the key in force."))
	}
	if c.Phase == rules.PhaseFrozen && c.Closing == nil && e.Seq == wording.LastFreeze(c) {
		value, takes := wording.FreezeValue(c), "it takes the initiator and an approver"
		if c.Plan.Initiator == ceremony.SealWatch {
			takes = "an approver's word is enough"
		}
		goOn := button(command.VerbResume, value, "Go on", slack.StyleDefault,
			confirm("Go on?", "You know why this happened, and it is harmless. "+wording.Upper(takes)+".", "Go on", "Not yet"))
		cancel := button(command.VerbCancel, value, "Cancel the ceremony", slack.StyleDanger,
			confirm("Cancel the ceremony?", wording.Cancelled(c), "Cancel it", "Not yet"))
		if c.Stands() {
			blocks = append(blocks, slack.NewActionBlock("decide", cancel), footnote("Or type `/ceremony cancel %s why`.", c.ID()))
		} else {
			blocks = append(blocks, slack.NewActionBlock("decide", goOn, cancel),
				footnote("Or type `/ceremony resume %s` (%s) or `/ceremony cancel %s why`.", c.ID(), takes, c.ID()))
		}
	} else {
		blocks = append(blocks, section("This is over. %s", wording.StateWords(c)))
	}
	return Message{Line: "Frozen, please decide: " + wording.Subject(c.Plan), Blocks: blocks}
}
