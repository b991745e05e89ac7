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

// errIdentityChanged means that somebody speaks for a cluster for whom another
// identity has spoken until now. Nothing is sent, and no question is asked: at three
// in the morning it would be answered with yes.
var errIdentityChanged = errors.New("THE IDENTITY HAS CHANGED: nothing was signed, sealed or kept")

// errNotThisIdentity means that a message comes from another identity than the one
// that was typed.
var errNotThisIdentity = errors.New("the message comes from another identity than the one that you typed: nothing was signed, sealed or kept")

// errOverAPin means that --identity names somebody whom the person has not pinned,
// though they have pinned others.
var errOverAPin = errors.New("--identity names an identity that is not among those that you have pinned")

// errNobodyPinned means that it was not confirmed whose message it is.
var errNobodyPinned = errors.New("the message's identity is not pinned")

// IsOtherIdentity reports whether something was refused since it came from somebody else
// than the person believes.
func IsOtherIdentity(err error) bool {
	return errors.Is(err, errIdentityChanged) || errors.Is(err, errNotThisIdentity) ||
		errors.Is(err, errOverAPin) || errors.Is(err, openpgp.ErrOtherIdentity)
}

// trust is whom a person believes about one message.
type trust struct {
	identity ceremony.Fingerprint
	claims   []openpgp.Claim // what it has signed
	pins     *pins           // nil when --identity says whom to believe
}

// establishTrust finds out who has signed what was pasted, and whether that is whom the
// person believes: the identity that --identity names or that they have pinned, or
// pin now. It decides whom to believe, and not whether what they say is right.
func establishTrust(ctx context.Context, std cli.Streams, message []byte, identity string, mayAsk bool) (*trust, error) {
	claims, err := openpgp.Claims(message, time.Now())
	if identity != "" {
		return believeNamed(std, claims, identity)
	}
	if err != nil {
		return nil, cli.WithHint(err, sendNothing)
	}
	speaker := claims[0].Identity
	if slices.ContainsFunc(claims, func(c openpgp.Claim) bool { return c.Identity != speaker }) {
		return nil, cli.WithHint(fmt.Errorf("read message: %w", openpgp.ErrSeveralIdentities), "Somebody may have put a message of their own between Conclave's. Paste one message at a time, and see which of them is refused.")
	}
	p, err := loadPins()
	if err != nil {
		return nil, err
	}
	if err := p.contradict(std.Err, claims); err != nil {
		return nil, err
	}
	if p.find(speaker) == nil {
		if err := pinFirst(ctx, std.Err, p, speaker, claims[0], mayAsk); err != nil {
			return nil, err
		}
	}
	return &trust{speaker, claims, p}, nil
}

// believeNamed believes whom --identity names, and keeps nothing. It does not go
// over the head of a pin: whoever makes up a message puts their own fingerprint into
// the command that it says to run.
func believeNamed(std cli.Streams, claims []openpgp.Claim, identity string) (*trust, error) {
	f, err := ceremony.ParseFingerprint(identity)
	if err != nil {
		return nil, cli.NewUsageError(fmt.Errorf("--identity: %w", err))
	}
	// What is wrong with a message that is not the identity's, the checks say.
	own := slices.DeleteFunc(claims, func(c openpgp.Claim) bool { return c.Identity != f })
	p, err := loadPins()
	if errors.Is(err, errNoConfigDir) {
		return &trust{identity: f, claims: own}, nil // a script, which can have pinned nobody
	}
	if err != nil {
		return nil, err
	}
	if len(p.list) > 0 && p.find(f) == nil {
		return nil, cli.WithHint(errOverAPin, "If somebody has told you of it in person or on the phone: conclave pin FINGERPRINT. If you found it in the message itself, send nothing, and call them.")
	}
	if err := p.contradict(std.Err, own); err != nil {
		return nil, err
	}
	return &trust{identity: f, claims: own}, nil
}

// contradict reports whether one of the claims is about a cluster for which another
// identity has spoken until now, and warns of it.
func (p *pins) contradict(w io.Writer, claims []openpgp.Claim) error {
	for _, c := range claims {
		if rival := p.rival(c.Identity, servedBy(c)); rival != nil {
			warnOfChange(w, c, *rival)
			return errIdentityChanged
		}
	}
	return nil
}

const sendNothing = "Don't send a share. If the words above don't explain it, ask the others outside of Slack."

// keep writes down for which clusters the identity has spoken, once the message has
// turned out to be right.
func (b *trust) keep(w io.Writer) error {
	if b.pins == nil {
		return nil
	}
	pinned := b.pins.find(b.identity)
	news := false
	for _, c := range b.claims {
		of := servedBy(c)
		if pinned.remember(of) {
			news = true
			fmt.Fprintf(w, "From now on this identity speaks for %s, and no other one does.\n", of.Name)
		}
	}
	if !news {
		return nil
	}
	if err := b.pins.save(); err != nil {
		return cli.WithHint(err, "Without that, another identity could ask for the same share and not be noticed. Make room for it, or say whom you believe by --identity FINGERPRINT.")
	}
	return nil
}

// warnOfChange is loud.
func warnOfChange(w io.Writer, c openpgp.Claim, rival pin) {
	of := servedBy(c)
	bar := strings.Repeat("@", 78)
	fmt.Fprintf(w, `%s
@  THIS IS NOT THE IDENTITY THAT YOU HAVE PINNED. SEND NOTHING.
%[1]s

It speaks for    %s, ceremony %s
and is           %s
                 %s
but you pinned   %s
                 %s
                 %s%s

Somebody may be asking for your share in Conclave's name. Don't answer in Slack:
call whoever runs Conclave, and another holder, by a number that you know.

If they say that the identity was changed on purpose, have them read the new
fingerprint out to you. Type what you hear, and not what stands here:
  conclave pin NEW-FINGERPRINT --replaces %s

`, bar, of.Name, c.Ceremony, c.Identity, ceremony.IdentityInWords(c.Identity),
		rival.Identity, ceremony.IdentityInWords(rival.Identity), rival.Since.Local().Format(time.RFC1123), spokenFor(rival), rival.Identity)
}

// pinFirst has the person say whom they believe. The fingerprint is not shown
// before: what can be copied from the screen is typed without a thought.
func pinFirst(ctx context.Context, w io.Writer, p *pins, speaker ceremony.Fingerprint, c openpgp.Claim, mayAsk bool) error {
	const how = "Pin the fingerprint that you were given in person or on the phone: conclave pin FINGERPRINT. Or name it once: --identity FINGERPRINT."
	if !mayAsk {
		return cli.WithHint(errNobodyPinned, how)
	}
	tty, err := host.OpenTerminal()
	if err != nil {
		return cli.WithHint(fmt.Errorf("%w, and there is no terminal to ask at: %w", errNobodyPinned, err), how)
	}
	defer tty.Close()
	if len(p.list) == 0 {
		fmt.Fprintf(host.Printable{Writer: tty.Out}, "You have pinned no identity yet. The message says that it is about ceremony %s.\n", c.Ceremony)
	} else {
		fmt.Fprintf(host.Printable{Writer: tty.Out}, `WARNING: the message is signed by an identity that you have not pinned.
It says that it is about ceremony %s. You have pinned %s already, and a
second Conclave is rare: somebody who wants your share looks just like one. If
nobody has told you of it in person or on the phone, press Ctrl-C and call them.
`, c.Ceremony, plural.Count(len(p.list), "another identity", "other identities"))
	}
	answer, err := tty.Ask(ctx, `
This is the moment in which you decide whom to believe. Type the fingerprint of
Conclave's identity as you were given it in person or on the phone, and not from
Slack: its 40 digits, or its words, 10 at least.
> `)
	if err != nil {
		return fmt.Errorf("ask whom to believe: %w", err)
	}
	switch said, err := readsAs(answer, speaker); {
	case err != nil:
		return err
	case !said:
		fmt.Fprintf(w, "\nThe message is signed by\n  %s\n  %s\n", speaker, ceremony.IdentityInWords(speaker))
		return cli.WithHint(errNotThisIdentity, "If you may have mistyped, try again. If not, call whoever runs Conclave by a number that you know, and tell them.")
	}
	p.add(speaker, time.Now())
	if err := p.save(); err != nil {
		return cli.WithHint(err, "Say whom you believe by --identity FINGERPRINT, which keeps nothing.")
	}
	fmt.Fprintf(w, "\nPinned: %s\nYou are not asked again, and another identity is refused. conclave pin shows it.\n\n", speaker)
	return nil
}

// errNotFingerprint is about what somebody has typed in a fingerprint's place.
var errNotFingerprint = errors.New("that is neither a fingerprint of 40 hexadecimal digits nor 10 of its words: nothing was pinned")

// readsAs reports whether what was typed is the fingerprint, in digits or in words.
func readsAs(typed string, f ceremony.Fingerprint) (bool, error) {
	if got, err := ceremony.ParseFingerprint(typed); err == nil {
		return got == f, nil
	}
	words := strings.Fields(strings.ToLower(typed))
	all := strings.Fields(strings.ToLower(ceremony.SpokenHash(string(f), len(f)/2)))
	if len(words) < ceremony.IdentityWords || len(words) > len(all) {
		return false, errNotFingerprint
	}
	return slices.Equal(words, all[:len(words)]), nil
}
