package holder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/cli"
	"conclave/host"
	"conclave/plural"
)

// errIdentityChanged means that an identity speaks for a cluster for which another identity
// has spoken until now. Nothing is sent, and no question is asked: at three in the morning
// people answer yes.
var errIdentityChanged = errors.New("THE IDENTITY HAS CHANGED: nothing was signed, sealed or kept")

// errStranger means that a message comes from an identity that the person has not pinned,
// though they have pinned others.
var errStranger = errors.New("the message comes from an identity that you have not pinned: " +
	"nothing was signed, sealed or kept")

// errNotThisIdentity means that a message comes from another identity than the one
// that was typed.
var errNotThisIdentity = errors.New("the message comes from another identity than the one that you typed: " +
	"nothing was signed, sealed or kept")

// errNotPinned means that --identity names an identity that the person has not pinned,
// though they have pinned others.
var errNotPinned = errors.New("--identity names an identity that is not among those that you have pinned")

// errNobodyPinned means that the identity is not pinned, and the person can't be asked.
var errNobodyPinned = errors.New("the message's identity is not pinned")

// IsOtherIdentity reports whether a message was refused because it comes from another
// identity than the one that the person trusts.
func IsOtherIdentity(err error) bool {
	return errors.Is(err, errIdentityChanged) || errors.Is(err, errStranger) || errors.Is(err, errNotThisIdentity) ||
		errors.Is(err, errNotPinned) || errors.Is(err, openpgp.ErrOtherIdentity)
}

// trust is the identity that a person trusts about one message.
type trust struct {
	identity ceremony.Fingerprint
	claims   []openpgp.Claim // that it has signed
	pins     *pins           // nil when --identity names the identity
}

// establishTrust finds out which identity has signed a message, and makes sure that the
// person trusts it: --identity names it, or it is pinned, or the person pins it now, if
// mayAsk is set. It does not judge what the message says.
func establishTrust(
	ctx context.Context, std cli.Streams, message []byte, identity string, mayAsk bool,
) (*trust, error) {
	claims, err := openpgp.Claims(message, time.Now())
	if identity != "" {
		return trustNamed(std, claims, identity)
	}
	if err != nil {
		return nil, cli.WithHint(err, sendNothing)
	}
	speaker := claims[0].Identity
	if slices.ContainsFunc(claims, func(c openpgp.Claim) bool { return c.Identity != speaker }) {
		return nil, cli.WithHint(fmt.Errorf("read message: %w", openpgp.ErrSeveralIdentities),
			"Somebody may have put a message of their own between Conclave's. "+
				"Paste one message at a time, and see which of them is refused.")
	}
	p, err := loadPins()
	if err != nil {
		return nil, err
	}
	if err := p.contradict(std.Err, claims); err != nil {
		return nil, err
	}
	if p.find(speaker) == nil {
		if len(p.list) > 0 {
			return nil, p.refuseStranger(std.Err, claims[0])
		}
		if err := pinFirst(ctx, std.Err, p, speaker, claims[0], mayAsk); err != nil {
			return nil, err
		}
	}
	return &trust{speaker, claims, p}, nil
}

// trustNamed trusts the identity that --identity names, and keeps nothing. It refuses one
// that contradicts a pin: an attacker who makes up a message puts their own fingerprint
// into the command that it tells to run.
func trustNamed(std cli.Streams, claims []openpgp.Claim, identity string) (*trust, error) {
	f, err := ceremony.ParseFingerprint(identity)
	if err != nil {
		return nil, cli.NewUsageError(fmt.Errorf("--identity: %w", err))
	}
	// The checks that follow refuse a message of another identity.
	own := slices.DeleteFunc(claims, func(c openpgp.Claim) bool { return c.Identity != f })
	p, err := loadPins()
	if errors.Is(err, errNoConfigDir) {
		return &trust{identity: f, claims: own}, nil // a script, which can't have pinned anybody
	}
	if err != nil {
		return nil, err
	}
	if len(p.list) > 0 && p.find(f) == nil {
		return nil, cli.WithHint(errNotPinned,
			"If somebody has told you of it in person or on the phone: conclave pin FINGERPRINT. "+
				"If you found it in the message itself, send nothing, and call them.")
	}
	if err := p.contradict(std.Err, own); err != nil {
		return nil, err
	}
	return &trust{identity: f, claims: own}, nil
}

// contradict returns errIdentityChanged, and prints a warning, when one of the claims is
// about a cluster for which another identity has spoken until now.
func (p *pins) contradict(w io.Writer, claims []openpgp.Claim) error {
	for _, c := range claims {
		if rival := p.rival(c.Identity, servedBy(c)); rival != nil {
			p.warnOfChange(w, c, *rival)
			return errIdentityChanged
		}
	}
	return nil
}

const sendNothing = "Don't send a share. If the words above don't explain it, ask the others outside of Slack."

// keep adds the clusters of the message to the identity's pin. It is called once the message
// has turned out to be right.
func (t *trust) keep(w io.Writer) error {
	if t.pins == nil {
		return nil
	}
	pinned := t.pins.find(t.identity)
	news := false
	for _, c := range t.claims {
		of := servedBy(c)
		if pinned.remember(of) {
			news = true
			fmt.Fprintf(w, "From now on this identity speaks for %s, and no other one does.\n", of.Name)
		}
	}
	if !news && !t.pins.seen {
		return nil
	}
	if err := t.pins.save(); err != nil {
		return cli.WithHint(err, "Without that, another identity could ask for the same share and not be noticed. "+
			"Make room for it, or say whom you believe by --identity FINGERPRINT.")
	}
	return nil
}

// warnOfChange prints a warning that can't be overlooked. It does not show the fingerprint of
// the message's identity: a person would copy it from there.
func (p *pins) warnOfChange(w io.Writer, c openpgp.Claim, rival pin) {
	of := servedBy(c)
	bar := strings.Repeat("@", 78)
	fmt.Fprintf(w, `%s
@  THIS IS NOT THE IDENTITY THAT YOU HAVE PINNED. SEND NOTHING.
%[1]s

It speaks for    %s, ceremony %s
but you pinned   %s
                 %s%s

Somebody may be asking for your share in Conclave's name. Don't answer in Slack:
call whoever runs Conclave, and another holder, by a number that you know.

If they say that the identity was changed on purpose, have them read the new
fingerprint out to you. Type what you hear:
  conclave pin NEW-FINGERPRINT --replaces %s

`, bar, of.Name, c.Ceremony, strings.ReplaceAll(rival.shown(), "\n", "\n                 "),
		rival.Since.Local().Format(time.RFC1123), spokenFor(rival), rival.typed())
	if p.find(c.Identity) == nil {
		return
	}
	fmt.Fprintf(w, `You have pinned the other identity as well, for other clusters. If they say that
%[1]s is its cluster from now on, or that there are two clusters of that name:
  conclave pin FINGERPRINT --cluster %[1]s
  conclave pin FINGERPRINT --cluster %[1]s=THE-CLUSTER-ID-THAT-THEY-READ-OUT

`, of.Name)
}

// refuseStranger prints a warning about an identity that is not pinned, while others are, and
// returns errStranger. It does not show the identity's fingerprint.
func (p *pins) refuseStranger(w io.Writer, c openpgp.Claim) error {
	bar := strings.Repeat("@", 78)
	fmt.Fprintf(w, `%s
@  THIS IS NOT AN IDENTITY THAT YOU HAVE PINNED. SEND NOTHING.
%[1]s

It says that it is about ceremony %s. You have pinned %s,
and a second Conclave is rare: somebody who wants your share looks just like one.
Call whoever runs Conclave by a number that you know.

`, bar, c.Ceremony, plural.Count(len(p.list), "another identity", "other identities"))
	former := ceremony.FormerIdentityWords(c.Identity)
	if slices.ContainsFunc(p.list, func(known pin) bool { return known.Words == former }) {
		return cli.WithHint(fmt.Errorf("%w: %w", errStranger, errFormerWords), askAnew)
	}
	return cli.WithHint(errStranger, "If they say that there is a second Conclave, have them read its fingerprint out to you, "+
		"and type what you hear: conclave pin FINGERPRINT.")
}

// pinFirst asks a person who has pinned nobody for the fingerprint of the identity, and pins
// it. It never shows the fingerprint: people copy from the screen without a thought.
func pinFirst(
	ctx context.Context, w io.Writer, p *pins, speaker ceremony.Fingerprint, c openpgp.Claim, mayAsk bool,
) error {
	const how = "Pin the fingerprint that you were given in person or on the phone: conclave pin FINGERPRINT. " +
		"Or name it once: --identity FINGERPRINT."
	if !mayAsk {
		return cli.WithHint(errNobodyPinned, how)
	}
	tty, err := host.OpenTerminal()
	if err != nil {
		return cli.WithHint(fmt.Errorf("%w, and there is no terminal to ask at: %w", errNobodyPinned, err), how)
	}
	defer tty.Close()
	fmt.Fprintf(host.Printable{Writer: tty.Out},
		"You have pinned no identity yet. The message says that it is about ceremony %s.\n", c.Ceremony)
	answer, err := tty.Ask(ctx, `
This is the moment in which you decide whom to believe. Type the fingerprint of
Conclave's identity as you were given it in person or on the phone, and not from
Slack: its 40 digits, or its 10 words.
> `)
	if err != nil {
		return fmt.Errorf("ask whom to believe: %w", err)
	}
	switch said, err := readsAs(answer, speaker); {
	case errors.Is(err, errFormerWords):
		return cli.WithHint(err, askAnew)
	case err != nil:
		return err
	case !said:
		// The right one is not shown: the person would type that.
		return cli.WithHint(errNotThisIdentity, "If you may have mistyped, try again. "+
			"If not, call whoever runs Conclave by a number that you know, and tell them.")
	}
	p.add(speaker, time.Now())
	if err := p.save(); err != nil {
		return cli.WithHint(err, "Say whom you believe by --identity FINGERPRINT, which keeps nothing.")
	}
	fmt.Fprintf(w, "\nPinned: %s\n"+
		"You are not asked again, and another identity is refused. conclave pin shows it.\n\n", speaker)
	return nil
}
