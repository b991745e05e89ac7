package openpgp

import (
	"fmt"
	"strings"
	"time"

	"conclave/ceremony"
)

// announcementTag is the first line of an announcement. Another form needs another tag.
const announcementTag = "conclave-announcement1"

// maxAnnouncement is the length in bytes of the longest armored announcement: a block of a
// Slack message holds 3000 characters.
const maxAnnouncement = 2900

// announce signs what holders are told: for what they are asked to bring a share, and to
// which key they encrypt it. The plan's text follows after an empty line. It is left out
// when the announcement would be too long for one block of a chat message. Its hash, which
// was approved, is always there.
func (i *Identity) announce(n ceremony.Notice, a ceremony.Announced) (string, error) {
	head := announcementHead(n, a)
	whole, err := i.sign(head+"\n"+n.Plan.Text(), n.At)
	if err != nil {
		return "", fmt.Errorf("announce: %w", err)
	}
	if len(whole) <= maxAnnouncement {
		return whole, nil
	}
	short, err := i.sign(head, n.At)
	if err != nil {
		return "", fmt.Errorf("announce: %w", err)
	}
	return short, nil
}

func announcementHead(n ceremony.Notice, a ceremony.Announced) string {
	var b strings.Builder
	b.WriteString(announcementTag + "\n")
	for _, field := range [...][2]string{
		{"ceremony", string(n.Plan.Ceremony)},
		{"operation", string(n.Plan.Operation)},
		{"cluster", n.Plan.Cluster},
		{"step", string(n.Step)},
		{"nonce", n.Nonce},
		{"plan", n.Plan.Hash()},
		{"identity", string(a.Identity)},
		{"key", a.Subkey},
		{"announced", n.At.UTC().Format(time.RFC3339)},
		{"expires", n.Expires.UTC().Format(time.RFC3339)},
	} {
		b.WriteString(field[0] + ": " + field[1] + "\n")
	}
	return b.String()
}

// parseAnnouncement reads what announce writes: every field once, in order.
func parseAnnouncement(text string) (*Invitation, error) {
	head, plan, _ := strings.Cut(text, "\n\n")
	rest, ok := strings.CutPrefix(strings.TrimSuffix(head, "\n")+"\n", announcementTag+"\n")
	if !ok {
		return nil, ErrNoAnnouncement
	}
	var inv Invitation
	var operation, step, id, identity, announced, expires string
	err := readHead(rest, ErrAnnouncement, []headLine{
		{"ceremony", &id, ceremony.IsName},
		{"operation", &operation, ceremony.IsName},
		{"cluster", &inv.cluster, ceremony.IsName},
		{"step", &step, ceremony.IsName},
		{"nonce", &inv.nonce, ceremony.IsNonce},
		{"plan", &inv.planHash, ceremony.IsHash},
		{"identity", &identity, isFingerprint},
		{"key", &inv.subkey, isFingerprint},
		{"announced", &announced, isTime},
		{"expires", &expires, isTime},
	})
	if err != nil {
		return nil, err
	}
	if inv.announced, err = time.Parse(time.RFC3339, announced); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnnouncement, err)
	}
	if inv.expires, err = time.Parse(time.RFC3339, expires); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnnouncement, err)
	}
	if inv.identity, err = ceremony.ParseFingerprint(identity); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnnouncement, err)
	}
	inv.id, inv.operation, inv.step = ceremony.ID(id), ceremony.Operation(operation), ceremony.Step(step)
	inv.plan = plan
	return &inv, nil
}

// headLine is a line in the head of a message that the bot signs. Its value gets into names
// of files and into commands: a value of the wrong shape is refused.
type headLine struct {
	key   string
	value *string
	fits  func(string) bool
}

func isFingerprint(s string) bool { return ceremony.Fingerprint(s).Valid() }

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// readHead reads the lines of a head: each once, in order, and of its shape. The error wraps
// bad.
func readHead(head string, bad error, lines []headLine) error {
	for _, want := range lines {
		line, after, _ := strings.Cut(head, "\n")
		value, ok := strings.CutPrefix(line, want.key+": ")
		if !ok || value == "" {
			return fmt.Errorf("%w: no %q where it belongs", bad, want.key)
		}
		if !want.fits(value) {
			return fmt.Errorf("%w: %s can't be %q", bad, want.key, value)
		}
		*want.value, head = value, after
	}
	if head != "" {
		return fmt.Errorf("%w: more lines than it should have", bad)
	}
	return nil
}
