package terminal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// notifier is an [engine.Notifier] at a terminal. It prints what people read on the
// screen, and writes what they take home to files.
//
// It leaves to Slack what belongs there. When a ceremony's status post is in Slack, the
// thread and the last state of the post stay due. A request to decide always stays due
// until it is decided. A bot that takes the ceremony up posts what is due.
type notifier struct {
	screen *screen
	folder folder
	sign   wording.Signer
	person func(ceremony.Account) (ceremony.Person, bool) // as the configuration has them

	mu    sync.Mutex
	shown map[string]bool        // ceremony and key of each message that was shown
	vault map[ceremony.ID]string // the last words about Vault; empty when it answered
}

func newNotifier(
	screen *screen, folder folder, sign wording.Signer,
	person func(ceremony.Account) (ceremony.Person, bool),
) *notifier {
	return &notifier{
		screen: screen, folder: folder, sign: sign, person: person,
		shown: map[string]bool{}, vault: map[ceremony.ID]string{},
	}
}

// errSlacks means that a message was shown here and is still due in Slack.
var errSlacks = fmt.Errorf("its place is in Slack: %w", ceremony.ErrStaysDue)

// Deliver shows one message, once. It returns ErrNotPosted for a message that stays due.
// See [engine.Notifier].
func (m *notifier) Deliver(
	_ context.Context, now func() rules.State, msg rules.Message, _ bool,
) (ceremony.Ref, error) {
	c := now()
	if !m.wasShown(c, msg) {
		if err := m.show(c, msg); err != nil {
			m.tellOnce(c, fmt.Sprintf("A message (%s) could not be handed out: %v", msg.Key, err))
			return ceremony.Ref{}, err
		}
		m.noteShown(c, msg)
	}
	if staysDue(c, msg) {
		return ceremony.Ref{}, fmt.Errorf("%w: %w", ceremony.ErrNotPosted, errSlacks)
	}
	return ceremony.Ref{Channel: ceremony.Terminal, TS: msg.Key}, nil
}

func (m *notifier) wasShown(c rules.State, msg rules.Message) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shown[string(c.ID())+" "+msg.Key]
}

func (m *notifier) noteShown(c rules.State, msg rules.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shown[string(c.ID())+" "+msg.Key] = true
}

// staysDue reports whether a message stays due after it was shown.
func staysDue(c rules.State, msg rules.Message) bool {
	switch msg.Kind {
	case rules.ApprovalMessage, rules.FrozenMessage, rules.DeletionMessage, rules.RollCallMessage,
		rules.GateMessage, rules.WitnessMessage, rules.AlarmMessage:
		return true
	case rules.BoardMessage, rules.HistoryMessage, rules.TranscriptMessage:
		board, posted := c.Board()
		return posted && board.Channel != ceremony.Terminal
	}
	return false
}

// toldHere reports whether the ceremony has ended, a terminal has shown all that it can,
// and no transcript is left to be signed.
func toldHere(c rules.State) bool {
	return c.Ended() && saidHere(c) && !c.TranscriptDue(time.Now())
}

// saidHere reports whether nothing is due but what stays due at a terminal.
func saidHere(c rules.State) bool {
	return !slices.ContainsFunc(c.Due(), func(msg rules.Message) bool { return !staysDue(c, msg) })
}

// Redraw prints when Vault stops answering, and when it answers again. The status is
// printed when the line status is typed. See [engine.Notifier].
func (m *notifier) Redraw(
	_ context.Context, now func() (rules.State, rules.Live), at ceremony.Ref,
) (ceremony.Ref, error) {
	c, live := now()
	m.sayVault(c, live)
	if at.Channel != ceremony.Terminal {
		return at, fmt.Errorf("redraw %s: %w", c.ID(), errSlacks)
	}
	return at, nil
}

// sayVault prints what is wrong with Vault, when that has changed.
func (m *notifier) sayVault(c rules.State, live rules.Live) {
	said := ""
	if live.Vault != nil {
		said = wording.Explain(live.Vault)
	}
	if still := wording.StandsStill(live); still != "" {
		said = wording.PlainText(still)
	}
	m.mu.Lock()
	before := m.vault[c.ID()]
	m.vault[c.ID()] = said
	m.mu.Unlock()
	switch {
	case said == before || c.Ended():
	case said == "":
		m.screen.tell(c.ID(), "Vault answers again.")
	default:
		m.screen.tell(c.ID(), "%s", said)
	}
}

// show prints a message, and writes to files what people take home.
func (m *notifier) show(c rules.State, msg rules.Message) error {
	switch msg.Kind {
	case rules.BoardMessage:
		m.screen.tell(c.ID(), "This is the plan:\n%shash: %s\nin words: %s",
			c.Plan.Text(), c.PlanHash, ceremony.SpokenHash(c.PlanHash, ceremony.ReadAloud))
	case rules.HistoryMessage, rules.TranscriptMessage:
		m.screen.tell(c.ID(), "%s", wording.Tell(c, msg.Entry))
	case rules.ApprovalMessage:
		m.decide(c, *msg.To, "whether the plan is approved", ceremony.SayApprove, ceremony.SayReject)
	case rules.FrozenMessage:
		m.decide(c, *msg.To, "whether the frozen ceremony goes on", ceremony.SayResume, ceremony.SayCancel)
	case rules.NotKeptMessage:
		// The history on the same screen has it.
	case rules.AlarmMessage:
		m.decide(c, *msg.To, "to look after the alarm", ceremony.SayAcknowledge)
	case rules.DeletionMessage:
		m.decide(c, *msg.To, "when the backup that was handed out may go", ceremony.SayDelete)
	case rules.RollCallMessage:
		return m.call(c, *msg.To)
	case rules.GateMessage:
		m.decide(c, *msg.To, "whether the next step may happen", ceremony.SayProceed, ceremony.SayFreeze)
	case rules.WitnessMessage:
		m.decide(c, *msg.To, "whether they agree with how it went", ceremony.SayAgree, ceremony.SayDisagree)
	case rules.ReminderMessage:
		if c.OwesRevocation() {
			m.decide(c, *msg.To, "what has become of the token", ceremony.SayAccessor, ceremony.SayRevoked)
		}
	case rules.AskMessage:
		return m.ask(c, *msg.To, msg.Entry)
	case rules.DeliveryMessage, rules.TokenMessage:
		return m.handOut(c, msg)
	case rules.EndedMessage:
		m.tellOnce(c, render.TellEnded(c, *msg.To))
	case rules.ReceiptMessage:
		// The history on the same screen says the same.
	default:
		return fmt.Errorf("%w: no words for kind %q", ceremony.ErrUndeliverable, msg.Kind)
	}
	return nil
}

// tellOnce prints once what Slack tells several people, each in a direct message.
func (m *notifier) tellOnce(c rules.State, text string) {
	m.mu.Lock()
	said := string(c.ID()) + " said " + text
	again := m.shown[said]
	m.shown[said] = true
	m.mu.Unlock()
	if !again {
		m.screen.tell(c.ID(), "%s", text)
	}
}

// decide shows how a person signs each of the statements that they can choose from.
func (m *notifier) decide(c rules.State, to ceremony.Person, what string, verbs ...ceremony.Verb) {
	key, ok := m.keyOf(to)
	if !ok {
		m.screen.tell(c.ID(), "%s has no PGP key in the configuration, and so no voice at a terminal.", to.Name)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s is asked %s. On their own computer they sign:\n", to.Name, what)
	for _, verb := range verbs {
		file := statementFile(string(c.ID()), to.Name, verb)
		fmt.Fprintf(&b, "%s\n  and here: %s %s %s\n", signCommand(c.StatementFor(verb), key, file), verb, to.Name, file)
	}
	if slices.ContainsFunc(verbs, ceremony.Verb.TakesReason) {
		b.WriteString("A reason may stand behind the verb, before it is signed.\n")
	}
	m.screen.tell(c.ID(), "%s", b.String())
}

// keyOf returns the key that the plan pins for a person. When it pins none, it returns the
// key in the configuration.
func (m *notifier) keyOf(p ceremony.Person) (ceremony.Fingerprint, bool) {
	if p.Key != "" {
		return p.Key, true
	}
	known, ok := m.person(p.Account)
	return known.Key, ok && known.Key != ""
}

// ask writes a request for a share or a password to a file.
func (m *notifier) ask(c rules.State, to ceremony.Person, e event.Entry) error {
	announced, ok := e.Event.(event.KeyAnnounced)
	if !ok {
		return fmt.Errorf("%w: entry %d announces no key", ceremony.ErrUndeliverable, e.Seq)
	}
	name := fmt.Sprintf("%s-%s-request-%d.txt", c.ID(), to.Name, e.Seq)
	text, err := requestText(c, to, announced.Key, m.sign)
	if err != nil {
		return fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
	}
	path, err := m.folder.keep(name, text)
	if err != nil {
		return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	m.screen.tell(c.ID(), "%s is asked for %s. Give them %s; what they make of it comes here: share %s FILE",
		to.Name, askedOf(announced.Key.Step), path, to.Name)
	return nil
}

// call writes the request of a roll call to a file.
func (m *notifier) call(c rules.State, to ceremony.Person) error {
	i := -1
	if called := c.Called(); called != nil {
		i = slices.IndexFunc(called.Challenges, func(ch ceremony.Challenge) bool { return ch.For == to })
	}
	if i < 0 {
		return fmt.Errorf("%w: %s is not called", ceremony.ErrUndeliverable, to.Name)
	}
	name := fmt.Sprintf("%s-%s-roll-call.txt", c.ID(), to.Name)
	text, err := rollCallText(c, to, c.Called().Challenges[i], m.sign)
	if err != nil {
		return fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
	}
	path, err := m.folder.keep(name, text)
	if err != nil {
		return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	m.screen.tell(c.ID(), "%s is asked to show that they can use their key. Give them %s; "+
		"what they make of it comes here: present %[1]s FILE", to.Name, path)
	return nil
}

// handOut writes a new share or a token to files, for its receiver.
func (m *notifier) handOut(c rules.State, msg rules.Message) error {
	to := msg.To.Name
	if issued, ok := msg.Entry.Event.(event.TokenIssued); ok && issued.Encoded != "" {
		path, err := m.folder.keep(fmt.Sprintf("%s-%s-token.txt", c.ID(), to), issued.Encoded+"\n")
		if err != nil {
			return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
		}
		m.screen.tell(c.ID(), "%s's token, combined with their one-time password, is in %s. On %[1]s's computer: %[3]s",
			to, path, wording.DecodeCommand(path))
		return nil
	}
	parcel, err := wording.ParcelOf(c, msg)
	if err != nil {
		return fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
	}
	signed, err := m.sign.SignDelivery(parcel)
	if err != nil {
		return fmt.Errorf("%w: %w", ceremony.ErrUndeliverable, err)
	}
	what, stem := "token", fmt.Sprintf("%s-%s-token", c.ID(), to)
	if parcel.Kind != "token" {
		what = fmt.Sprintf("share %d of %d", parcel.Index, parcel.Total)
		stem = fmt.Sprintf("%s-%s-share-%d", c.ID(), to, parcel.Index)
	}
	path, err := m.folder.keep(stem+".asc", signed.Armor)
	if err != nil {
		return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	line, err := m.folder.keep(stem+".signed.asc", signed.Line)
	if err != nil {
		return fmt.Errorf("%w: %w", ceremony.ErrNotPosted, err)
	}
	m.screen.tell(c.ID(), "Give %s their %s: %s, encrypted to %s. What it is, signed by Conclave, is in %s.",
		to, what, path, parcel.Recipient, line)
	return nil
}
