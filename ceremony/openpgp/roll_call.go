package openpgp

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/paste"
)

// rollCallTag is the first line of a roll call. Another form needs another tag.
const rollCallTag = "conclave-roll-call1"

// SignRollCall signs the message by which one person is called in a roll call:
//
//	conclave-roll-call1
//	ceremony: ID
//	operation: OPERATION
//	cluster: NAME
//	plan: SHA256
//	identity: FINGERPRINT
//	challenge sha256: SHA256
//	called: TIME
//	closes: TIME
//
// and, after an empty line, the plan's text. The plan is left out when the message would be
// too long for one block of a chat message. The identity's certificate goes beside the message,
// so that the pinned fingerprint alone is needed to check it, and not behind it: gpg -d
// complains about what follows a long message. The challenge, which is encrypted to the
// person, goes beside it too.
//
// An attacker may put another message in the challenge's place, such as the person's own share
// as Vault once encrypted it, to have them decrypt it and send it back in the open. So only a
// hash is sent back, [ceremony.RollCallAnswer]. And the hash of that is signed here: nobody
// knows it of a share that they don't have.
func (o *OpenPGP) SignRollCall(n ceremony.RollCallNotice) (armored string, err error) {
	head := o.rollCallHead(n)
	whole, err := o.identity.sign(head+"\n"+n.Plan.Text(), n.At)
	if err != nil {
		return "", fmt.Errorf("sign roll call: %w", err)
	}
	if len(whole) <= maxAnnouncement {
		return whole, nil
	}
	short, err := o.identity.sign(head, n.At)
	if err != nil {
		return "", fmt.Errorf("sign roll call: %w", err)
	}
	return short, nil
}

func (o *OpenPGP) rollCallHead(n ceremony.RollCallNotice) string {
	var b strings.Builder
	b.WriteString(rollCallTag + "\n")
	for _, line := range [...][2]string{
		{"ceremony", string(n.Plan.Ceremony)},
		{"operation", string(n.Plan.Operation)},
		{"cluster", n.Plan.Cluster},
		{"plan", n.Plan.Hash()},
		{"identity", string(o.identity.fingerprint)},
		{"challenge sha256", n.Digest},
		{"called", n.At.UTC().Format(time.RFC3339)},
		{"closes", n.Plan.Closes.UTC().Format(time.RFC3339)},
	} {
		b.WriteString(line[0] + ": " + line[1] + "\n")
	}
	return b.String()
}

// RollCall is a roll call that was checked, on the side of the person who is called.
type RollCall struct {
	id         ceremony.ID
	operation  ceremony.Operation
	cluster    string
	planHash   string
	plan       string
	identity   ceremony.Fingerprint
	digest     string
	called     time.Time
	closes     time.Time
	challenges []string
}

// CheckRollCall finds a roll call in a pasted text, and makes sure that it comes from the
// identity with the pinned fingerprint and that its ceremony has not closed. Of several it
// takes the newest.
func CheckRollCall(text []byte, pinned ceremony.Fingerprint, now time.Time) (*RollCall, error) {
	r, err := checkRollCall(text, pinned, now)
	if err != nil {
		return nil, fmt.Errorf("check roll call: %w", err)
	}
	return r, nil
}

func checkRollCall(text []byte, pinned ceremony.Fingerprint, now time.Time) (*RollCall, error) {
	blocks, _ := unarmor(paste.Text(text))
	signed, err := signedAmong(blocks, rollCallTag+"\n", ErrNoRollCall)
	if err != nil {
		return nil, err
	}
	identity, err := pinnedEntity(blocks, pinned)
	if err != nil {
		return nil, err
	}
	r, err := newestOf(signed, identity, now, parseRollCall, func(r *RollCall) time.Time { return r.called })
	if err != nil {
		return nil, err
	}
	switch {
	case r.identity != pinned:
		return nil, ErrOtherIdentity
	case r.called.After(now.Add(skew)):
		return nil, ErrFromTheFuture
	case !now.Before(r.closes):
		return nil, ErrRollCallOver
	}
	if err := checkPlan(r.plan, r.planHash, r.id, r.operation, r.cluster, r.identity); err != nil {
		return nil, err
	}
	for _, data := range encryptedAmong(blocks) {
		armored, err := enarmor(messageBlock, data)
		if err != nil {
			return nil, err
		}
		r.challenges = append(r.challenges, armored)
	}
	if len(r.challenges) == 0 {
		return nil, ErrNoChallenge
	}
	return r, nil
}

// parseRollCall reads what SignRollCall signs.
func parseRollCall(text string) (*RollCall, error) {
	head, plan, _ := strings.Cut(text, "\n\n")
	rest, ok := strings.CutPrefix(strings.TrimSuffix(head, "\n")+"\n", rollCallTag+"\n")
	if !ok {
		return nil, ErrNoRollCall
	}
	r := &RollCall{plan: plan}
	var id, operation, identity, called, closes string
	err := readHead(rest, ErrRollCall, []headLine{
		{"ceremony", &id, ceremony.IsName},
		{"operation", &operation, ceremony.IsName},
		{"cluster", &r.cluster, ceremony.IsName},
		{"plan", &r.planHash, ceremony.IsHash},
		{"identity", &identity, isFingerprint},
		{"challenge sha256", &r.digest, ceremony.IsHash},
		{"called", &called, isTime},
		{"closes", &closes, isTime},
	})
	if err != nil {
		return nil, err
	}
	if r.called, err = time.Parse(time.RFC3339, called); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRollCall, err)
	}
	if r.closes, err = time.Parse(time.RFC3339, closes); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRollCall, err)
	}
	if r.identity, err = ceremony.ParseFingerprint(identity); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRollCall, err)
	}
	r.id, r.operation = ceremony.ID(id), ceremony.Operation(operation)
	return r, nil
}

// Plan returns the plan's text, or "" when it was too long for the message. PlanHash is there
// in both cases.
func (r *RollCall) Plan() string { return r.plan }

// PlanHash returns the SHA-256 of the plan's text, in hexadecimal digits.
func (r *RollCall) PlanHash() string { return r.planHash }

// Ceremony returns the ceremony's id.
func (r *RollCall) Ceremony() ceremony.ID { return r.id }

// Operation returns the operation of the ceremony.
func (r *RollCall) Operation() ceremony.Operation { return r.operation }

// Cluster returns the cluster's name.
func (r *RollCall) Cluster() string { return r.cluster }

// Identity returns the bot's fingerprint, which is the pinned one.
func (r *RollCall) Identity() ceremony.Fingerprint { return r.identity }

// Closes returns when the ceremony ends.
func (r *RollCall) Closes() time.Time { return r.closes }

// Challenges returns the messages that may be the challenge, armored, in the order in which
// they were pasted. Other encrypted messages may have been pasted with it: [RollCall.Word]
// finds out which one it is, by what it decrypts to.
func (r *RollCall) Challenges() []string { return r.challenges }

// response is the form of a decrypted challenge. It is half as long as a share.
var response = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Word returns the line that the person signs: it says that they can decrypt with their key,
// and which plan they have read. The error is [ErrNotTheResponse] when the roll call does not
// name what was decrypted. Then that must be sent to nobody: it may be a share.
func (r *RollCall) Word(decrypted []byte) (string, error) {
	decrypted = bytes.TrimSpace(decrypted)
	answer := ceremony.RollCallAnswer(decrypted)
	if ceremony.RollCallDigest(answer) != r.digest || !response.Match(decrypted) {
		return "", fmt.Errorf("answer roll call: %w", ErrNotTheResponse)
	}
	word := ceremony.Statement{Of: string(r.id), Hash: r.planHash, Verb: ceremony.SayPresent, More: answer}
	return word.Line(), nil
}
