package bot

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// sign makes of a parcel what its receiver gets.
type sign func(ceremony.Parcel) (ceremony.SignedParcel, error)

// render is one message of the outbox.
func render(c ceremony.Ceremony, m ceremony.Message, sign sign) (message, error) {
	switch m.Kind {
	case ceremony.HistoryMessage, ceremony.TranscriptMessage:
		return renderHistory(c, m.Entry), nil
	case ceremony.ApprovalMessage:
		return renderApproval(c, m.To), nil
	case ceremony.AskMessage:
		ev, ok := m.Entry.Event.(ceremony.KeyAnnounced)
		if !ok || m.To == nil {
			return message{}, fmt.Errorf("render %s: not an ask", m.Key)
		}
		return renderAsk(c, *m.To, ev.Key), nil
	case ceremony.ReceiptMessage:
		return renderReceipt(c, m.Entry), nil
	case ceremony.DeliveryMessage, ceremony.TokenMessage:
		if issued, ok := m.Entry.Event.(ceremony.TokenIssued); ok && issued.Encoded != "" {
			return renderEncodedToken(c, issued.Encoded), nil
		}
		return renderParcel(c, m, sign)
	case ceremony.FrozenMessage:
		return renderFrozen(c, m.Entry), nil
	case ceremony.EndedMessage:
		if m.To == nil {
			return message{}, fmt.Errorf("render %s: an end for nobody", m.Key)
		}
		return renderEnded(c, *m.To), nil
	case ceremony.AlarmMessage:
		return renderAlarm(c, m.Entry), nil
	case ceremony.NotKeptMessage:
		return renderNotKept(c, m.Entry), nil
	case ceremony.DeletionMessage:
		return renderDeletion(c, m.Entry), nil
	case ceremony.RollCallMessage, ceremony.GateMessage, ceremony.WitnessMessage:
		return renderWatched(c, m)
	case ceremony.ReminderMessage:
		if ev, ok := m.Entry.Event.(ceremony.BackupReminded); ok {
			return renderBackupReminder(c, ev), nil
		}
		return renderReminder(c, m.Entry), nil
	}
	return message{}, fmt.Errorf("render %s: no words for kind %q", m.Key, m.Kind)
}

// renderWatched asks somebody who is called, or who watches.
func renderWatched(c ceremony.Ceremony, m ceremony.Message) (message, error) {
	switch {
	case m.To == nil:
		return message{}, fmt.Errorf("render %s: for nobody", m.Key)
	case m.Kind == ceremony.RollCallMessage:
		return renderRollCall(c, *m.To), nil
	case m.Kind == ceremony.GateMessage:
		return renderGate(c, *m.To, m.Entry), nil
	}
	return renderWitness(c, *m.To), nil
}

// renderParcel is a message that brings something encrypted.
func renderParcel(c ceremony.Ceremony, m ceremony.Message, sign sign) (message, error) {
	parcel, err := parcelOf(c, m)
	if err != nil {
		return message{}, fmt.Errorf("render %s: %w", m.Key, err)
	}
	signed, err := sign(parcel)
	if err != nil {
		return message{}, fmt.Errorf("render %s: sign: %w", m.Key, err)
	}
	if m.Kind == ceremony.TokenMessage {
		return renderToken(c, signed), nil
	}
	return renderDelivery(c, m, parcel, signed), nil
}

// renderApproval shows the plan whole. Its buttons carry the hash of the plan
// that was shown, so that a click approves that plan and no other. Where approvals
// are signed there is a line to sign in the button's place.
func renderApproval(c ceremony.Ceremony, to *ceremony.Person) message {
	who := initiator(c.Plan)
	waiting := c.State == ceremony.StateProposed && c.Closing == nil
	blocks := []slack.Block{title("Please read a plan: " + subject(c.Plan))}
	if waiting {
		blocks = append(blocks, section("*%s* proposes this. Nothing is sent to Vault before it is approved. "+
			"Approve it only if you expected it: ask %s in another way than this one, and compare the words of the plan's hash.", who, who))
	} else {
		blocks = append(blocks, section("The plan no longer waits for approval. %s", stateWords(c)))
	}
	blocks = append(blocks, section("*What it does:* %s", purpose(c.Plan)))
	for _, caution := range cautions(c.Plan) {
		blocks = append(blocks, section("%s", caution))
	}
	blocks = append(blocks, listings(c.Plan.Text())...)
	blocks = append(blocks,
		section("*Hash of the plan*\n`%s`\n*in words:* %s", c.PlanHash, ceremony.SpokenHash(c.PlanHash, spokenWords)),
	)
	if waiting {
		value := buttonValue(c)
		reject := button(verbReject, value, "Reject", slack.StyleDanger,
			confirm("Reject the plan?", "This ends the proposal.", "Reject", "Not yet"))
		if c.Plan.SignedApprovals {
			blocks = append(blocks,
				section("*To approve it*, sign its hash with your PGP key, and send me what this prints, here:"),
				copied(signCommand(c.WordFor(ceremony.SayApprove), to.Key)),
				slack.NewActionBlock("decide", reject),
				footnote("An account alone approves nothing here. Or type `/ceremony reject %s why`. Open until %s.", c.ID(), when(c.Plan.Closes)),
			)
		} else {
			blocks = append(blocks,
				slack.NewActionBlock("decide",
					button(verbApprove, value, "Approve", slack.StylePrimary,
						confirm("Approve the plan?", "You have read it, and it is what you agreed on with "+clip(c.Plan.Initiator.Name, 100)+".", "Approve", "Not yet")),
					reject,
				),
				footnote("Or type `/ceremony approve %s %s`, or `/ceremony reject %s why`. Open until %s.", c.ID(), short(c.PlanHash), c.ID(), when(c.Plan.Closes)),
			)
		}
	}
	return message{line: fmt.Sprintf("%s asks you to approve: %s", who, subject(c.Plan)), blocks: blocks}
}

// buttonValue names the ceremony and the plan that a button stands under.
func buttonValue(c ceremony.Ceremony) string { return string(c.ID()) + " " + c.PlanHash }

// freezeValue names the freeze, too: who agreed that one was harmless has said
// nothing about the next.
func freezeValue(c ceremony.Ceremony) string {
	return buttonValue(c) + " " + strconv.Itoa(lastFreeze(c))
}

// lastFreeze is the entry by which the ceremony froze most lately.
func lastFreeze(c ceremony.Ceremony) int {
	for _, e := range slices.Backward(c.History) {
		if _, ok := e.Event.(ceremony.Froze); ok {
			return e.Seq
		}
	}
	return 0
}

// renderFrozen asks initiator and approvers to decide.
func renderFrozen(c ceremony.Ceremony, e ceremony.Entry) message {
	blocks := []slack.Block{
		title("A ceremony is frozen: " + subject(c.Plan)),
		section("%s", historyWords(c, e)),
		section("Nothing is sent to Vault until you decide. First find out *why* this happened: who has access to Vault, and what does its audit log say?"),
	}
	if ev, ok := e.Event.(ceremony.Froze); ok && ev.Why == ceremony.AttemptGone {
		blocks = append(blocks, section("If Conclave's journal was restored from a copy, the thread of the status post may tell more than the journal: read it before you decide. To go on begins a new attempt, with shares of the key in force."))
	}
	if c.State == ceremony.StateFrozen && c.Closing == nil && e.Seq == lastFreeze(c) {
		value, takes := freezeValue(c), "it takes the initiator and an approver"
		if c.Plan.Initiator == ceremony.SealWatch {
			takes = "an approver's word is enough"
		}
		blocks = append(blocks,
			slack.NewActionBlock("decide",
				button(verbResume, value, "Go on", slack.StyleDefault,
					confirm("Go on?", "You know why this happened, and it is harmless. "+upper(takes)+".", "Go on", "Not yet")),
				button(verbCancel, value, "Cancel the ceremony", slack.StyleDanger,
					confirm("Cancel the ceremony?", cancelled(c), "Cancel it", "Not yet")),
			),
			footnote("Or type `/ceremony resume %s` (%s) or `/ceremony cancel %s why`.", c.ID(), takes, c.ID()),
		)
	} else {
		blocks = append(blocks, section("This is over. %s", stateWords(c)))
	}
	return message{line: "Frozen, please decide: " + subject(c.Plan), blocks: blocks}
}

// cancelled says what a cancellation does.
func cancelled(c ceremony.Ceremony) string {
	op := c.Plan.Operation
	switch {
	case c.FrozenFor(ceremony.AttemptGone):
		return "Vault does not have its attempt any more. If nothing shows until then what came of it, the ceremony ends with that, and says so."
	case op == ceremony.Unseal:
		return "The nodes forget the shares that they were sent. Those that are sealed stay so."
	case op == ceremony.ReadBackup:
		return "The backup stays in Vault, and what was handed out stays with its receivers."
	case op.HasAttempt():
		return "Its attempt in Vault is cancelled, too. The key in force stays as it is."
	}
	return "Nothing more is sent to Vault."
}
