package holder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"conclave/ceremony/openpgp"
	"conclave/cli"
)

// answer prints the answer to a roll call: the holder reads the plan, decrypts the
// challenge with the key that Vault will be given, and signs both in one line.
func (f *sealFlags) answer(ctx context.Context, std cli.Streams, message []byte, who *trust) error {
	call, err := openpgp.CheckRollCall(message, who.identity, time.Now())
	if errors.Is(err, openpgp.ErrNoChallenge) {
		return cli.WithHint(err, "Copy the whole message, with all of its PGP blocks, and try again.")
	}
	if err != nil {
		return cli.WithHint(err, "Don't send an answer. "+
			"If the words above don't explain it, ask the others outside of Slack.")
	}
	if err := who.keep(std.Err); err != nil {
		return err
	}
	if f.otp != "" || f.share != "" || f.encrypted != "" {
		return cli.WithHint(errCallsRoll, "Leave --otp, --share and --encrypted out.")
	}
	describeCall(std.Err, call)
	if !f.yes {
		if err := confirm(ctx, call.Ceremony()); err != nil {
			return err
		}
	}
	key, err := f.open(ctx, std, call.Plan())
	if err != nil {
		return err
	}
	line, err := findLine(ctx, call, key)
	if err != nil {
		return err
	}
	signed, err := key.sign(ctx, line)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Err, "\nSend this to Conclave, in your direct message with it, until %s. "+
		"It is signed and not encrypted: there is no secret in it.\n\n",
		call.Closes().Local().Format(time.RFC1123))
	_, err = fmt.Fprintln(std.Out, strings.TrimSpace(signed))
	return err
}

// errCallsRoll means that a share or a one-time password was given for a roll call.
var errCallsRoll = errors.New("the message calls the roll, and asks for no share and no one-time password")

// findLine decrypts what may be the challenge, and returns the line to sign. If it turns
// out to be a share it is wiped, and not signed.
func findLine(ctx context.Context, call *openpgp.RollCall, key holderKey) (string, error) {
	var last error
	for _, challenge := range call.Challenges() {
		decrypted, err := key.decrypt(ctx, []byte(challenge))
		if err != nil {
			last = cli.WithHint(err, "Is it your key that the plan names, and is the smartcard in? "+
				"If you can't decrypt this, you could not decrypt a share either: tell whoever proposed the ceremony, now.")
			continue
		}
		line, err := call.Word(decrypted)
		clear(decrypted)
		if err == nil {
			return line, nil
		}
		last = cli.WithHint(err, "Send nothing of what it decrypts to: it may be your share. "+
			"Ask Conclave for the roll call again; if that is the same, call your security team.")
	}
	return "", last
}

// describeCall prints what the holder says by an answer.
func describeCall(w io.Writer, call *openpgp.RollCall) {
	describePlan(w, call.Identity(), call.Plan(), call.PlanHash())
	fmt.Fprintln(w, "asked of  you: that you are there, have read this plan, and can decrypt with your key. "+
		"No share is asked for")
	fmt.Fprintf(w, "for       %s of %s, ceremony %s, until %s\n",
		call.Operation(), call.Cluster(), call.Ceremony(), call.Closes().Local().Format(time.RFC1123))
}
