package openpgp

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"conclave/ceremony"
	"conclave/ceremony/paste"
)

// instructionTag is the first line of an instruction. Another form needs another tag.
const instructionTag = "conclave-instruction1"

// noPlan stands in the place of a plan that was left out.
const noPlan = "# The plan does not fit in here. Read it in Slack, and compare its hash.\n"

// nothing stands in the head of an instruction for a value that is not there.
const nothing = "-"

// SignInstruction signs what one person is told to run:
//
//	conclave-instruction1
//	ceremony: ID
//	operation: OPERATION
//	cluster: NAME
//	about: WORD
//	plan: SHA256
//	for: FINGERPRINT or -
//	identity: FINGERPRINT
//	says: STATEMENT or -
//	signed: TIME
//
// After an empty line follows the plan's text, and after another one come the commands. The
// plan is left out of a brief instruction, of one that would be too long for one block of a
// chat message, and when it has characters that a terminal obeys.
//
// gpg -d prints all of it, and a text that nobody has signed as well: gpg --verify comes first.
// So a person copies a command that the identity has signed, and not one that stands in a
// message which others can change.
func (o *OpenPGP) SignInstruction(i ceremony.Instruction) (ceremony.SignedInstruction, error) {
	signed, err := o.signInstruction(i, time.Now())
	if err != nil {
		return ceremony.SignedInstruction{}, fmt.Errorf("sign instruction: %w", err)
	}
	return ceremony.SignedInstruction{Message: signed, Certificate: o.identity.public}, nil
}

func (o *OpenPGP) signInstruction(i ceremony.Instruction, now time.Time) (string, error) {
	head, err := o.instructionHead(i, now)
	if err != nil {
		return "", err
	}
	// gpg prints what stands there as it is, escape sequences too.
	if !isPrintable(strings.ReplaceAll(i.Text, "\n", "")) {
		return "", ErrInstruction
	}
	if !i.Brief && isPrintable(strings.ReplaceAll(i.Plan.Text(), "\n", "")) {
		whole, err := o.identity.sign(head+"\n"+i.Plan.Text()+"\n"+i.Text, now)
		if err != nil || len(whole) <= maxAnnouncement {
			return whole, err
		}
	}
	if !i.Brief {
		head += "\n\n" + noPlan
	}
	return o.identity.sign(head+"\n\n"+i.Text, now)
}

// instructionHead returns the head. The error is [ErrInstruction] when the instruction would
// not be read again, or when it is about another ceremony than its plan.
func (o *OpenPGP) instructionHead(i ceremony.Instruction, now time.Time) (string, error) {
	var b strings.Builder
	b.WriteString(instructionTag + "\n")
	for _, line := range [...][2]string{
		{"ceremony", string(i.Plan.Ceremony)},
		{"operation", string(i.Plan.Operation)},
		{"cluster", i.Plan.Cluster},
		{"about", i.About},
		{"plan", i.Plan.Hash()},
		{"for", orNothing(string(i.For))},
		{"identity", string(o.identity.fingerprint)},
		{"says", orNothing(i.Says)},
		{"signed", now.UTC().Format(time.RFC3339)},
	} {
		b.WriteString(line[0] + ": " + line[1] + "\n")
	}
	if _, err := parseInstruction(b.String() + "\n\n" + i.Text); err != nil {
		return "", err
	}
	return b.String(), nil
}

func orNothing(value string) string {
	if value == "" {
		return nothing
	}
	return value
}

// WordRequest is an instruction that was checked, on the side of the person who is asked to
// sign a statement.
type WordRequest struct {
	id        ceremony.ID
	operation ceremony.Operation
	cluster   string
	planHash  string
	plan      string
	recipient ceremony.Fingerprint
	identity  ceremony.Fingerprint
	says      string
	signed    time.Time
}

// CheckWordRequest finds an instruction to sign a statement in a pasted text, and makes sure
// that it comes from the identity with the pinned fingerprint. Of several it takes the newest.
// What is to be signed is about the ceremony and the plan that the instruction names.
func CheckWordRequest(text []byte, pinned ceremony.Fingerprint, now time.Time) (*WordRequest, error) {
	w, err := checkWordRequest(text, pinned, now)
	if err != nil {
		return nil, fmt.Errorf("check instruction: %w", err)
	}
	return w, nil
}

func checkWordRequest(text []byte, pinned ceremony.Fingerprint, now time.Time) (*WordRequest, error) {
	blocks, _ := unarmor(paste.Text(text))
	signed, err := signedAmong(blocks, instructionTag+"\n", ErrNoInstruction)
	if err != nil {
		return nil, err
	}
	identity, err := pinnedEntity(blocks, pinned)
	if err != nil {
		return nil, err
	}
	saying := func(text string) (*WordRequest, error) {
		w, err := parseInstruction(text)
		if err == nil && w.says == "" {
			err = ErrNoInstruction
		}
		return w, err
	}
	w, err := newestOf(signed, identity, now, saying, func(w *WordRequest) time.Time { return w.signed })
	switch {
	case err != nil:
		return nil, err
	case w.identity != pinned:
		return nil, ErrOtherIdentity
	case w.signed.After(now.Add(skew)):
		return nil, ErrFromTheFuture
	}
	return w, checkPlan(w.plan, w.planHash, w.id, w.operation, w.cluster, w.identity)
}

// parseInstruction reads what SignInstruction signs. It compares the statement with the rest
// of the head: an instruction about one ceremony must not have a person speak about another.
func parseInstruction(text string) (*WordRequest, error) {
	head, body, _ := strings.Cut(text, "\n\n")
	rest, ok := strings.CutPrefix(head+"\n", instructionTag+"\n")
	if !ok {
		return nil, ErrNoInstruction
	}
	var w WordRequest
	var id, operation, about, recipient, identity, signed string
	err := readHead(rest, ErrInstruction, []headLine{
		{"ceremony", &id, ceremony.IsName},
		{"operation", &operation, ceremony.IsName},
		{"cluster", &w.cluster, ceremony.IsName},
		{"about", &about, ceremony.IsName},
		{"plan", &w.planHash, ceremony.IsHash},
		{"for", &recipient, func(s string) bool { return s == nothing || isFingerprint(s) }},
		{"identity", &identity, isFingerprint},
		{"says", &w.says, isPrintable},
		{"signed", &signed, isTime},
	})
	if err != nil {
		return nil, err
	}
	if w.signed, err = time.Parse(time.RFC3339, signed); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInstruction, err)
	}
	w.id, w.operation, w.identity = ceremony.ID(id), ceremony.Operation(operation), ceremony.Fingerprint(identity)
	if recipient != nothing {
		w.recipient = ceremony.Fingerprint(recipient)
	}
	if w.says == nothing {
		w.says = ""
	} else if said, ok := ceremony.ParseStatement(w.says); !ok || said.Line() != w.says ||
		said.Of != id || said.Hash != w.planHash || string(said.Verb) != about || !said.Verb.Decides() {
		return nil, fmt.Errorf("%w: what it has signed is about something else", ErrInstruction)
	}
	// The plan ends with a line's end, and an empty line follows. Without a plan that is all.
	if plan, _, ok := strings.Cut(body, "\n\n"); ok && !strings.HasPrefix(body, "\n") {
		w.plan = plan + "\n"
	}
	return &w, nil
}

func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Ceremony returns the ceremony's id.
func (w *WordRequest) Ceremony() ceremony.ID { return w.id }

// Operation returns the operation of the ceremony.
func (w *WordRequest) Operation() ceremony.Operation { return w.operation }

// Cluster returns the cluster's name.
func (w *WordRequest) Cluster() string { return w.cluster }

// Plan returns the plan's text, or "" when it was too long for the message. PlanHash is there
// in both cases.
func (w *WordRequest) Plan() string { return w.plan }

// PlanHash returns the SHA-256 of the plan's text, in hexadecimal digits.
func (w *WordRequest) PlanHash() string { return w.planHash }

// Identity returns the bot's fingerprint, which is the pinned one.
func (w *WordRequest) Identity() ceremony.Fingerprint { return w.identity }

// For returns the key of the person who is asked, by which the statement is to be signed.
func (w *WordRequest) For() ceremony.Fingerprint { return w.recipient }

// Word returns the line that the person signs.
func (w *WordRequest) Word() string { return w.says }
