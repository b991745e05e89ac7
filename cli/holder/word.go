package holder

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/cli"
)

// errAsksWord means that a share or a one-time password was given for a message that asks for a signed word. Somebody may
// have put another request into the message.
var errAsksWord = errors.New("the message asks for a signed word, and for no share and no one-time password")

// errOtherSigner means that the person has not the key by which they are asked to sign.
var errOtherSigner = errors.New("the message asks somebody with another key than yours")

// signWord prints a statement that the person has signed, such as an approval. They read the
// plan first. What is signed is what the identity has signed, and nothing that stands around
// it.
func (f *sealFlags) signWord(ctx context.Context, std cli.Streams, message []byte, who *trust) error {
	ask, err := openpgp.CheckWordRequest(message, who.identity, time.Now())
	if err != nil {
		return cli.WithHint(err, "Sign nothing. If the words above don't explain it, ask the others outside of Slack.")
	}
	if err := who.keep(std.Err); err != nil {
		return err
	}
	if f.otp != "" || f.share != "" || f.encrypted != "" {
		return cli.WithHint(errAsksWord, "Sign nothing unless you meant to. If you did, leave --otp, --share and --encrypted out.")
	}
	describePlan(std.Err, ask.Identity(), ask.Plan(), ask.PlanHash())
	said, _ := ceremony.ParseStatement(ask.Word())
	fmt.Fprintf(std.Err, "asked of  you: to sign this word (%s). No share is asked for\n  %s\n", said.Verb, ask.Word())
	fmt.Fprintf(std.Err, "for       %s of %s, ceremony %s\n", ask.Operation(), ask.Cluster(), ask.Ceremony())
	if !f.yes {
		if err := confirm(ctx, ask.Ceremony()); err != nil {
			return err
		}
	}
	key, err := f.keyOf(ctx, std, ask.For())
	if err != nil {
		return err
	}
	signed, err := key.sign(ctx, ask.Word())
	if err != nil {
		return err
	}
	fmt.Fprint(std.Err, "\nSend this to Conclave, in your direct message with it. "+
		"It is signed and not encrypted: there is no secret in it.\n\n")
	_, err = fmt.Fprintln(std.Out, strings.TrimSpace(signed))
	return err
}

// keyOf returns the key by which a person is asked to sign, from a file or from gpg. --signer
// chooses another one.
func (f *sealFlags) keyOf(ctx context.Context, std cli.Streams, asked ceremony.Fingerprint) (holderKey, error) {
	if f.key != "" {
		key, err := f.read(ctx)
		if err == nil && key.Fingerprint() != asked {
			err = cli.WithHint(errOtherSigner, fmt.Sprintf("It wants %s; the key in %s is %s.", asked, f.key, key.Fingerprint()))
		}
		return fileKey{key}, err
	}
	return f.open(ctx, std, asked.String())
}
