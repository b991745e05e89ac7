package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// Tell returns the next message that is due, of those whose key and place are not in skip:
// first what people have to act upon, and of equals the oldest, so that a thread is in order.
func (c State) Tell(skip map[string]bool) (next Message, ok bool) {
	_, thread := c.Board()
	line, best := false, 0 // a line of the thread is due
	for _, m := range c.Due() {
		line = line || m.Kind == HistoryMessage && m.Place() == ""
		if skip[m.Key] || skip[m.Place()] || m.Drawing() || m.threaded() && !thread || c.heldBack(m) ||
			line && m.Place() == "files" {
			continue // the status post is drawn elsewhere, and there is no thread without one
		}
		if rank := m.Kind.Urgency(); rank > best {
			next, best = m, rank
		}
	}
	return next, best > 0
}

// Tells reports whether a message is still to be told.
func (c State) Tells(m Message) bool {
	return !c.heldBack(m) && slices.ContainsFunc(c.Due(), func(d Message) bool { return d.Key == m.Key })
}

// Place names where a message belongs. Those of one place are told one after the other. Files
// have a place of their own: what hinders an upload holds up no line.
func (m Message) Place() string {
	if m.To != nil {
		return "to " + m.To.Account.String()
	}
	if m.Kind == TranscriptMessage || Is[event.Archived](m.Entry.Event) {
		return "files"
	}
	return ""
}

// heldBack reports whether people hear of something only when they have decided what becomes
// of lines that were taken over, or of an older copy of the journal: they may have heard of it
// before, or of what followed.
func (c State) heldBack(m Message) bool {
	held := c.FrozenFor(event.RolledBack) || c.FrozenFor(event.TakenOver) || c.Freezes() && c.Adoption() != nil
	return held && m.Kind != FrozenMessage && m.Kind != HistoryMessage && m.Kind != BoardMessage
}

// Urgency returns more for what people have to act upon. Receipts come behind it: one
// person's many messages must not hold up the requests to them.
func (k MessageKind) Urgency() int {
	switch k {
	case HistoryMessage, TranscriptMessage:
		return 1
	case ReceiptMessage:
		return 2
	}
	return 3
}

// Drawing reports whether a message only has the status post drawn once more.
func (m Message) Drawing() bool {
	return m.Key == boardEndedKey || strings.HasPrefix(m.Key, boardFollowUpKey)
}

// Drawn reports whether the status post shows how everything ended.
func (c State) Drawn() bool {
	_, ended := c.Where(boardEndedKey)
	return ended && !slices.ContainsFunc(c.Due(), Message.Drawing)
}

// Message is one piece of news for people. Its text follows from the ceremony and the
// entry, so that the outbox can be worked out again from the journal after a restart.
// Each key is posted once. Nothing else is told to people as having happened (P10).
type Message struct {
	Key   string // unique in the ceremony
	Kind  MessageKind
	To    *ceremony.Person // nil for the ops channel
	Entry event.Entry      // the event that it tells about
	Share int              // of a delivery: which of the event's shares, counted from 0
}

// MessageKind is what a message is for.
type MessageKind string

// Kinds of messages.
const (
	BoardMessage    MessageKind = "board"    // the status post in the ops channel, redrawn as things happen
	HistoryMessage  MessageKind = "history"  // one event, in the status post's thread
	ApprovalMessage MessageKind = "approval" // asks an approver to read the plan
	AskMessage      MessageKind = "ask"      // asks a holder for a share, with exactly what to run
	ReceiptMessage  MessageKind = "receipt"  // tells a holder what became of their message
	DeliveryMessage MessageKind = "delivery" // a new share, encrypted to its receiver
	TokenMessage    MessageKind = "token"    // the root token, encrypted to the requester
	FrozenMessage   MessageKind = "frozen"   // asks initiator and approvers to decide
	EndedMessage    MessageKind = "ended"    // tells everybody who was asked that nothing is wanted any more
	DeletionMessage MessageKind = "deletion" // asks an approver to let the backup go
	ReminderMessage MessageKind = "reminder" // tells the requester or the initiator of what a ceremony has left behind
	AlarmMessage    MessageKind = "alarm"    // tells an owner of a cluster what was noticed
	NotKeptMessage  MessageKind = "not-kept" // tells deciders and owners that an archive does not keep the transcript
	// TranscriptMessage brings the files of a signed transcript into the status post's
	// thread.
	TranscriptMessage MessageKind = "transcript"
	RollCallMessage   MessageKind = "roll-call" // asks a person to show that they can read what they will get
	GateMessage       MessageKind = "gate"      // asks a witness whether the next step may happen
	WitnessMessage    MessageKind = "witness"   // asks a witness what they say of the whole ceremony
)

const (
	BoardKey = "board" // of the status post
	// boardEndedKey stands for the status post's last redrawing: until it is done
	// the ceremony is not settled, so that the last state is always shown.
	boardEndedKey = "board/ended"
	// boardFollowUpKey is the same for what becomes of what the ceremony has left behind.
	boardFollowUpKey = "board/follow-up"
)

// Messages returns everything that people are to be told, in order.
func (c State) Messages() []Message {
	o := outbox{
		asked: map[ceremony.Account]ceremony.Person{}, counted: map[ceremony.Account]bool{}, noticed: map[string]bool{},
	}
	for _, e := range c.History {
		o.tell(c.Plan, e)
	}
	return o.messages
}

// Due returns the messages that have neither been posted nor given up, and that still say
// what is true.
func (c State) Due() []Message {
	settled := c.GivenUp()
	maps.Copy(settled, c.posts())
	// What belongs into the thread of a status post that can never be posted has no place.
	_, posted := c.Board()
	homeless := settled[BoardKey] && !posted
	return slices.DeleteFunc(c.Messages(), func(m Message) bool {
		return settled[m.Key] || c.overtaken(m) || homeless && (m.threaded() || m.Kind == BoardMessage)
	})
}

// threaded reports whether a message's place is the thread of the status post.
func (m Message) threaded() bool { return m.Kind == HistoryMessage || m.Kind == TranscriptMessage }

// overtaken reports whether events have made a message untrue before it could be posted.
// Nobody is asked to encrypt to a key that is gone, or to approve what has been decided.
func (c State) overtaken(m Message) bool {
	switch m.Kind {
	case ApprovalMessage:
		return c.Phase != PhaseProposed
	case FrozenMessage:
		return c.Phase != PhaseFrozen || m.Entry.Seq != c.Last(Is[event.Frozen])
	case ReceiptMessage: // of a share that ended in a freeze; its holder is told of what follows, too
		return Is[event.Frozen](m.Entry.Event) && c.Phase != PhaseFrozen
	case DeletionMessage:
		return c.Ended() || c.Deletion != nil
	case RollCallMessage:
		return c.Phase != PhaseRollCall && c.Phase != PhaseFrozen || c.IsPresent(m.To.Account)
	case GateMessage:
		return c.Gate() == "" || m.Entry.Seq != c.Last(Is[event.WitnessAsked])
	case WitnessMessage:
		return !c.awaitsWitness()
	case ReminderMessage:
		return !c.Owes() || m.Entry.Seq != max(c.Last(Is[event.Reminded]), c.Last(Is[event.BackupReminded]))
	case TranscriptMessage:
		return m.Entry.Seq != c.Last(Is[event.TranscriptSigned])
	case AskMessage:
		return c.Key == nil || c.Phase == PhaseFrozen || c.HasCounted(m.To.Account) ||
			m.Entry.Seq != c.Last(Is[event.KeyAnnounced])
	case DeliveryMessage:
		// New shares that never came into force and never will.
		dropped := c.Ended() && c.Outcome != event.Completed && c.Plan.Verification && !c.Unproven
		return dropped || m.Entry.Seq < c.Last(func(e event.Event) bool {
			lost, ok := e.(event.AttemptLost)
			return ok && !lost.Unproven
		})
	}
	return false
}

// Last returns the sequence number of the newest event that matches, 0 if none does.
func (c State) Last(match func(event.Event) bool) int {
	for _, e := range slices.Backward(c.History) {
		if match(e.Event) {
			return e.Seq
		}
	}
	return 0
}

// newest returns the newest event of one type, nil if there is none.
func newest[E event.Event](c State) *E {
	if seq := c.Last(Is[E]); seq > 0 {
		e := c.History[seq-1].Event.(E)
		return &e
	}
	return nil
}

// all returns the events of one type, oldest first.
func all[E event.Event](c State) (events []E) {
	for _, e := range c.History {
		if e, ok := e.Event.(E); ok {
			events = append(events, e)
		}
	}
	return events
}

// Is reports whether an event is of one type.
func Is[E event.Event](e event.Event) bool {
	_, ok := e.(E)
	return ok
}

// Told reports whether the ceremony has ended and everybody has been told.
func (c State) Told() bool { return c.Ended() && len(c.Due()) == 0 }

// OwesNews reports whether any message is due besides the status post, which shows what
// people have been told.
func (c State) OwesNews() bool {
	return slices.ContainsFunc(c.Due(), func(m Message) bool { return m.Kind != BoardMessage })
}

// Settled reports whether the ceremony has ended, everybody has been told, no witness is
// waited for, it has left nothing behind, and its transcript is signed and kept.
func (c State) Settled() bool {
	return c.Told() && !c.Owes() && !c.awaitsWitness() && !c.OwesTranscript() && !c.owesKeeping()
}

// Where returns where the message with this key was last posted.
func (c State) Where(key string) (ceremony.Ref, bool) {
	for _, e := range slices.Backward(c.History) {
		if p, ok := e.Event.(event.Posted); ok && p.Key == key {
			return p.Ref, true
		}
	}
	return ceremony.Ref{}, false
}

// Board returns where the status post is.
func (c State) Board() (ceremony.Ref, bool) { return c.Where(BoardKey) }

// outbox walks a history and collects what is to be said about it.
type outbox struct {
	messages []Message
	asked    map[ceremony.Account]ceremony.Person // who was asked for a share, and is told when it is over
	order    []ceremony.Account                   // of asked
	counted  map[ceremony.Account]bool            // in the current round
	noticed  map[string]bool                      // kinds of findings, and whose, that an alarm's owners were told of
	observed bool                                 // the conditions at the beginning
	ended    bool
	early    []ceremony.Person // whose envelope came before a witness had let it
	sent     *event.Submitting // whose outcome is not told yet
}

// tell adds what is to be said about an entry: the status post comes first, then its thread,
// then the people whom it concerns.
func (o *outbox) tell(p ceremony.Plan, e event.Entry) {
	if key := redrawn(p, e); key != "" {
		o.add(key, BoardMessage, nil, e)
	}
	if o.inThread(e.Event) {
		o.add(fmt.Sprintf("history/%d", e.Seq), HistoryMessage, nil, e)
	}
	o.tellOfAgreement(p, e)
	o.tellOfShare(p, e)
	o.tellOfResult(p, e)
	o.tellOfEnd(p, e)
	o.follow(e.Event)
}

// follow keeps the share that was sent until an event tells its holder what came of it.
func (o *outbox) follow(e event.Event) {
	switch ev := e.(type) {
	case event.Submitting:
		o.sent = &ev
	case event.Declined:
		if o.sent != nil && o.sent.Message == ev.Message {
			o.sent = nil
		}
	case event.Rekeyed:
		if !Elsewhere(ev) {
			o.sent = nil
		}
	case event.Counted, event.Entered, event.RoundRefused, event.RoundReset, event.TokenIssued, event.Verified,
		event.AttemptLost, event.Frozen:
		o.sent = nil
	}
}

// redrawn returns the key of the message that has the status post drawn after an entry, or "".
func redrawn(p ceremony.Plan, e event.Entry) string {
	again := fmt.Sprintf("%s/%d", boardFollowUpKey, e.Seq)
	switch ev := e.Event.(type) {
	case event.Proposed:
		return BoardKey
	case event.Ended:
		return boardEndedKey
	case event.TokenRevoked, event.TokenLeft, event.BackupLeft:
		return boardFollowUpKey
	case event.BackupDeleted:
		if p.Operation.Rekeys() {
			return boardFollowUpKey
		}
	case event.WitnessStated:
		return again
	case event.Undeliverable:
		// The status post may have been drawn for the last time before a reminder was due.
		if strings.HasPrefix(ev.Key, string(ReminderMessage)+"/") {
			return again
		}
	}
	return ""
}

// inThread reports whether the thread has a line for an event. People are told what came of
// an intent, and not of the intent; of conditions, what has changed; of adoptions, those of a
// ceremony that had not ended: an operator may take over hundreds that had.
func (o *outbox) inThread(e event.Event) bool {
	switch e.(type) {
	case event.Proposed, event.TranscriptSigned, event.Posted, event.Undeliverable, event.NodesSeen,
		event.Starting, event.Offered, event.Submitting, event.AnswerLost, event.Dropping, event.Acting:
		return false
	case event.Approved, event.Rejected, event.RollCalled, event.Present, event.WitnessAsked, event.Proceeded,
		event.ExceptionNoted, event.WitnessStated, event.WitnessLeft, event.FreezeAsked, event.Frozen,
		event.ResumeAsked, event.Resumed, event.Started, event.KeyAnnounced, event.Declined, event.Counted,
		event.Entered, event.Proven, event.RoundRefused, event.RoundReset, event.ResetAsked, event.Rekeyed,
		event.TokenIssued, event.PasswordLost, event.Verified, event.VerificationDropped, event.AttemptLost,
		event.Initialized, event.Rotated, event.RotationSet, event.BackupRead, event.DeletionAsked,
		event.BackupDeleted, event.BackupReminded, event.BackupLeft, event.AccessorGiven, event.Reminded,
		event.TokenRevoked, event.TokenLeft, event.Closing, event.Ended, event.Noticed, event.Acknowledged,
		event.Archived, event.ArchiveFailed:
		return true
	case event.Adopted:
		return !o.ended
	case event.Conditions:
		first := !o.observed
		o.observed = true
		return !first
	}
	panic(fmt.Sprintf("no message for %T", e))
}

// tellOfAgreement asks for approvals, answers and decisions, and tells what became of them.
func (o *outbox) tellOfAgreement(p ceremony.Plan, e event.Entry) {
	switch ev := e.Event.(type) {
	case event.Proposed:
		o.approvers(ApprovalMessage, p, e)
	case event.RollCalled:
		for _, ch := range ev.Challenges {
			o.ask(RollCallMessage, ch.For, e)
		}
	case event.Present:
		o.toPerson(ReceiptMessage, ev.By, e)
	case event.WitnessAsked:
		o.toEach(GateMessage, p.Witnesses, e)
	case event.Proceeded:
		o.toEach(ReceiptMessage, o.early, e)
		o.early = nil
	case event.Frozen:
		if p.Initiator != ceremony.SealWatch {
			o.toPerson(FrozenMessage, p.Initiator, e)
		}
		o.approvers(FrozenMessage, p, e)
	case event.Noticed:
		o.alarm(p, e, ev)
	}
}

// tellOfShare asks for shares and tells their senders what became of them.
func (o *outbox) tellOfShare(p ceremony.Plan, e event.Entry) {
	switch ev := e.Event.(type) {
	case event.Started:
		clear(o.counted)
		if p.OTP != "" {
			o.toPerson(ReceiptMessage, *p.Requester, e)
		}
	case event.KeyAnnounced:
		for _, h := range p.Contributors(ev.Key.Step) {
			if !o.counted[h.Account] {
				o.ask(AskMessage, h, e)
			}
		}
	case event.Declined:
		o.toPerson(ReceiptMessage, ev.By, e)
		if ev.Reason == ceremony.WitnessAwaited && !slices.Contains(o.early, ev.By) {
			o.early = append(o.early, ev.By)
		}
	case event.Counted:
		o.counted[ev.By.Account] = true
		o.toPerson(ReceiptMessage, ev.By, e)
	case event.Proven:
		o.counted[ev.By.Account] = true
		o.toPerson(ReceiptMessage, ev.By, e)
	case event.Entered:
		o.toPerson(ReceiptMessage, ev.By, e)
	case event.RoundRefused:
		clear(o.counted)
		o.toEach(ReceiptMessage, ev.With, e)
	case event.RoundReset:
		clear(o.counted)
	case event.Frozen:
		if o.sent != nil {
			o.toPerson(ReceiptMessage, o.sent.By, e)
		}
	}
}

// tellOfResult hands out what Vault has made.
func (o *outbox) tellOfResult(p ceremony.Plan, e event.Entry) {
	switch ev := e.Event.(type) {
	case event.Rekeyed:
		clear(o.counted)
		if Elsewhere(ev) {
			for _, who := range p.Deciders() {
				o.expect(who) // nobody has asked them to decide, and they have to know
			}
		} else {
			o.toPerson(ReceiptMessage, ev.By, e)
		}
		o.deliver(ev.Shares, e)
	case event.Verified:
		if ev.By != nil {
			o.toPerson(ReceiptMessage, *ev.By, e)
		}
	case event.TokenIssued:
		o.toPerson(ReceiptMessage, ev.By, e)
		o.toPerson(TokenMessage, *p.Requester, e)
	case event.Initialized:
		o.deliver(ev.Shares, e)
		o.toPerson(TokenMessage, *p.Requester, e)
	case event.BackupRead:
		o.deliver(ev.Shares, e)
		o.approvers(DeletionMessage, p, e)
	}
}

// tellOfEnd tells that nothing is wanted any more, and what the ceremony has left behind.
func (o *outbox) tellOfEnd(p ceremony.Plan, e event.Entry) {
	switch ev := e.Event.(type) {
	case event.Ended:
		o.ended = true
		for _, who := range o.order {
			o.toPerson(EndedMessage, o.asked[who], e)
		}
		if ev.Outcome != event.WasRejected {
			o.toEach(WitnessMessage, p.Witnesses, e)
		}
	case event.Reminded:
		o.toPerson(ReminderMessage, *p.Requester, e)
	case event.BackupReminded:
		o.toPerson(ReminderMessage, p.Initiator, e)
	case event.TranscriptSigned:
		o.add(fmt.Sprintf("%s/%d", TranscriptMessage, e.Seq), TranscriptMessage, nil, e)
	case event.ArchiveFailed:
		o.archiveFailed(p, e)
	}
}

func (o *outbox) add(key string, kind MessageKind, to *ceremony.Person, e event.Entry) {
	o.messages = append(o.messages, Message{Key: key, Kind: kind, To: to, Entry: e})
}

func (o *outbox) toPerson(kind MessageKind, to ceremony.Person, e event.Entry) {
	o.add(fmt.Sprintf("%s/%d/%s", kind, e.Seq, to.Account), kind, &to, e)
}

func (o *outbox) toEach(kind MessageKind, people []ceremony.Person, e event.Entry) {
	for _, to := range people {
		o.toPerson(kind, to, e)
	}
}

// approvers tells the approvers but the initiator.
func (o *outbox) approvers(kind MessageKind, p ceremony.Plan, e event.Entry) {
	for _, a := range p.Approvers {
		if a.Account != p.Initiator.Account {
			o.toPerson(kind, a, e)
		}
	}
}

func (o *outbox) ask(kind MessageKind, to ceremony.Person, e event.Entry) {
	o.toPerson(kind, to, e)
	o.expect(to)
}

// expect has a person told when nothing is wanted of them any more.
func (o *outbox) expect(to ceremony.Person) {
	if _, ok := o.asked[to.Account]; !ok {
		o.asked[to.Account] = to
		o.order = append(o.order, to.Account)
	}
}

// deliver sends each new share to its receiver. A backup may have several for one person,
// each of which is a message.
func (o *outbox) deliver(shares []event.NewShare, e event.Entry) {
	nth := map[ceremony.Account]int{}
	for i, s := range shares {
		nth[s.For.Account]++
		o.toPerson(DeliveryMessage, s.For, e)
		m := &o.messages[len(o.messages)-1]
		if m.Share = i; nth[s.For.Account] > 1 {
			m.Key += fmt.Sprintf("/%d", nth[s.For.Account])
		}
	}
}
