package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// PasswordFile is the file of the one-time password of a requester without a PGP key. The request names it. The
// password is in plain text there, on the requester's own computer.
const PasswordFile = "otp.txt"

var commitment = regexp.MustCompile(`(?m)^commitment ([0-9a-f]{64})$`)

// MakesPassword lets the person make a one-time password with the program. It returns the commitment that the program
// prints, which goes into the proposal.
func (p *Person) MakesPassword(ctx context.Context) (string, error) {
	home := p.stage.homeOf(p.Name)
	out, err := p.stage.runIn(ctx, home, "otp", "new", PasswordFile)
	if err != nil {
		return "", fmt.Errorf("%s makes a one-time password: %w", p.Name, err)
	}
	password, err := os.ReadFile(filepath.Join(home, PasswordFile))
	if err != nil {
		return "", fmt.Errorf("%s makes a one-time password: %w", p.Name, err)
	}
	p.stage.Know(p.Name+"'s one-time password", strings.TrimSpace(string(password)))
	shown := commitment.FindStringSubmatch(out)
	if shown == nil {
		return "", errors.New("conclave otp new printed no commitment")
	}
	return shown[1], nil
}

// SendsPassword does what the request for the one-time password says. The bot acknowledges no password that fits: it
// asks the holders next.
func (p *Person) SendsPassword(ctx context.Context, ask Note) error {
	envelope, err := p.Keys.Answer(ctx, ask)
	if err == nil {
		_, err = p.Slack.DMs(envelope)
	}
	if err != nil {
		return fmt.Errorf("%s sends the one-time password: %w", p.Name, err)
	}
	return nil
}

var decoding = regexp.MustCompile("\\bconclave (decode --otp [^\")`]+)")

// decodes returns the arguments of the command with which a message's token is decoded, with the encoded token as the
// last, and reports whether the token was combined with a one-time password.
func decodes(n Note) (args []string, combined bool) {
	m, listings := decoding.FindStringSubmatch(n.Text), n.Listings()
	if m == nil || len(listings) == 0 {
		return nil, false
	}
	return append(strings.Fields(m[1]), listings[0]), true
}

// decode runs the command that the message shows.
func (p *Person) decode(ctx context.Context, n Note) (string, error) {
	args, _ := decodes(n)
	out, err := p.stage.runIn(ctx, p.stage.homeOf(p.Name), args...)
	return strings.TrimSpace(out), err
}
