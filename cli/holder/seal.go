package holder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/cli"
	"conclave/host"
)

// sealFlags are the flags of conclave seal.
type sealFlags struct {
	keyFlags
	identity  string // the fingerprint to trust; empty: the pinned one
	share     string // file with the plain share, or -
	encrypted string // file with the share, encrypted to its holder
	otp       string // file with a one-time password, in place of a share and a key
	yes       bool   // don't ask for confirmation
}

// SealCommand returns conclave seal.
func SealCommand(std cli.Streams) *cobra.Command {
	var f sealFlags
	cmd := &cobra.Command{
		Use:   "seal [FILE]",
		Short: "For holders: check what is asked, then seal a share, answer a roll call, or sign a word",
		Long: `Read the message in which Conclave asks for a share, from FILE or standard
input, just as it was pasted; several messages may be pasted, and the newest
counts. Check that it comes from the pinned identity, show what it asks for, and
once that is confirmed sign and encrypt the share so that it counts for this
ceremony, this step, and nothing else. The envelope to send back goes to standard
output.

The first time, you are asked for the fingerprint of Conclave's identity, as you
were given it in person or on the phone. It is pinned then: another one is
refused from that day on, with exit code 3. conclave pin shows and changes that;
--identity says it for one message, and keeps nothing.

The share is asked for without echo, unless --encrypted names the file in which
it lies encrypted (a PGP message, or the base64 or hexadecimal digits that Vault
itself has printed), or --share the one in which it lies open (- is standard
input). gpg decrypts and signs, with keys on a smartcard too; --key takes a
secret key from a file instead. The share is on no command line and in no
temporary file.

Of a message that calls the roll the challenge is decrypted, and the answer
signed, which goes to standard output. It asks for no share. Nor does a message
that asks for a signed word, an approval for example: the word is signed.

A requester without a PGP key is asked for their one-time password instead:
--otp names the file that conclave otp new has made. The password is encrypted
and not signed; its hash, which was approved, says whose it is.`,
		Example: `  conclave seal --encrypted share.asc message.txt
  pbpaste | conclave seal --encrypted share.asc | pbcopy`,
		Args: cli.Arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(args); err != nil {
				return cli.NewUsageError(err)
			}
			return f.seal(cmd.Context(), std, args)
		},
	}
	flags := cmd.Flags()
	identityFlag(cmd, &f.identity)
	f.addTo(cmd)
	flags.StringVar(&f.encrypted, "encrypted", "", "file with your share, encrypted to you")
	flags.StringVar(&f.share, "share", "", "file with your share in the open, or - for standard input")
	flags.StringVar(&f.otp, "otp", "", "file with your one-time password, when that is what you are asked for")
	flags.BoolVar(&f.yes, "yes", false, "don't ask for confirmation, for scripts")
	return cmd
}

// check returns an error when the flags contradict each other.
func (f *sealFlags) check(args []string) error {
	switch fromStdin := len(args) == 0 || args[0] == "-"; {
	case f.otp != "" && (f.share != "" || f.encrypted != ""):
		return errors.New("--otp seals a one-time password, and --share and --encrypted are about a share: give one")
	case f.otp != "" && (f.key != "" || f.signer != "" || f.passphraseFile != ""):
		return errors.New("a one-time password is not signed: leave --key, --signer and --passphrase-file out")
	case f.share != "" && f.encrypted != "":
		return errors.New("--share and --encrypted both say where the share is: give one")
	case f.share == "-" && fromStdin:
		return errors.New("both the message and the share are to come from standard input: " +
			"give the message's file")
	}
	return f.keyFlags.check()
}

// seal checks the message, and prints the answer to it: an envelope, or what a roll call
// asks for.
func (f *sealFlags) seal(ctx context.Context, std cli.Streams, args []string) error {
	std.Err = host.Printable{Writer: std.Err}
	message, err := readMessage(std, args)
	if err != nil {
		return err
	}
	who, err := establishTrust(ctx, std, message, f.identity, !f.yes)
	if err != nil {
		return err
	}
	switch newestKind(who.claims) {
	case openpgp.Calls:
		return f.answer(ctx, std, message, who)
	case openpgp.Words:
		return f.signWord(ctx, std, message, who)
	case openpgp.Tells:
		return cli.WithHint(errForGPG, "Copy the whole message, with all of its PGP blocks, and try again.")
	case openpgp.Delivers:
		return cli.WithHint(errDelivered, "conclave open takes it, and says what to do with it.")
	}
	invitation, err := openpgp.CheckAnnouncement(message, who.identity, time.Now())
	if err != nil {
		return cli.WithHint(err, sendNothing)
	}
	if err := who.keep(std.Err); err != nil {
		return err
	}
	if err := f.fits(invitation); err != nil {
		return err
	}
	describe(std.Err, invitation)
	if !f.yes {
		if err := confirm(ctx, invitation.Ceremony()); err != nil {
			return err
		}
	}
	seal := f.sealWithGPG
	switch {
	case f.otp != "":
		seal = f.sealPassword
	case f.key != "":
		seal = f.sealWithKey
	}
	envelope, err := seal(ctx, std, invitation)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Err, "\nSend this to Conclave, in your direct message with it, until %s:\n\n",
		invitation.Expires().Local().Format(time.RFC1123))
	_, err = fmt.Fprintln(std.Out, strings.TrimSpace(envelope))
	return err
}

// errDelivered means that the message is a delivery.
var errDelivered = errors.New("the message hands something over, and asks for nothing")

// errForGPG means that the only part of the message is the one that gpg prints.
var errForGPG = errors.New("the message says what to run with gpg, and what conclave needs is missing")

// newestKind returns the kind of the newest message that asks for something. Without one it
// returns the kind of a delivery, and then that of what only tells what to run.
func newestKind(claims []openpgp.Claim) openpgp.Kind {
	rank := func(k openpgp.Kind) int { return slices.Index([]openpgp.Kind{"", openpgp.Tells, openpgp.Delivers}, k) }
	var newest openpgp.Claim
	for _, c := range claims {
		switch before, now := rank(newest.Kind), rank(c.Kind); {
		case now < 0 && (before >= 0 || !c.At.Before(newest.At)), now >= 0 && before >= 0 && now > before:
			newest = c
		}
	}
	return newest.Kind
}

// fits returns an error when the flags give something else than the message asks for.
func (f *sealFlags) fits(inv *openpgp.Invitation) error {
	switch asked := inv.Step() == ceremony.StepOTP; {
	case asked && f.otp == "":
		return cli.WithHint(openpgp.ErrAsksPassword, "Name the file that conclave otp new has made: --otp FILE.")
	case !asked && f.otp != "":
		return cli.WithHint(openpgp.ErrAsksShare, "Leave --otp out, if you keep a share of this cluster's key.")
	}
	return nil
}

// readMessage reads a message from a file or from standard input.
func readMessage(std cli.Streams, args []string) ([]byte, error) {
	if len(args) > 0 && args[0] != "-" {
		return host.ReadFile(host.Path(args[0]), false)
	}
	return readPasted(std)
}

// readPasted reads standard input. At a terminal it tells the person to paste.
func readPasted(std cli.Streams) ([]byte, error) {
	if in, ok := std.In.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprintln(std.Err, "Paste the whole message from Conclave, then press Ctrl-D on a line of its own:")
	}
	message, err := host.ReadBounded(std.In, host.MaxFile)
	if err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return message, nil
}

// describe prints what the holder agrees to by sealing.
func describe(w io.Writer, inv *openpgp.Invitation) {
	describePlan(w, inv.Identity(), inv.Plan(), inv.PlanHash())
	switch inv.Step() {
	case ceremony.StepVerify:
		fmt.Fprintln(w, "asked of  you: your NEW share, as proof that you can use it")
	case ceremony.StepOTP:
		fmt.Fprintln(w, "asked of  you: your one-time password, whose hash is in the plan")
	default:
		fmt.Fprintln(w, "asked of  you: your share of the key in force")
	}
	fmt.Fprintf(w, "for       %s of %s, ceremony %s, until %s\n",
		inv.Operation(), inv.Cluster(), inv.Ceremony(), inv.Expires().Local().Format(time.RFC1123))
}

// describePlan prints the identity that has signed the message, and the plan.
func describePlan(w io.Writer, identity ceremony.Fingerprint, plan, hash string) {
	fmt.Fprintf(w, "The message is signed by the identity that you pinned:\n  %s\n\n", identity)
	if plan != "" {
		fmt.Fprintln(w, "The plan that was approved:")
		for line := range strings.Lines(plan) {
			fmt.Fprint(w, "  "+line)
		}
	} else {
		fmt.Fprintln(w, "The plan is too long to be in the message. Read it in Slack, and compare its hash.")
	}
	fmt.Fprintf(w, "\nhash      %s\n", hash)
	fmt.Fprintf(w, "in words  %s\n", ceremony.SpokenHash(hash, ceremony.ReadAloud))
}

// errNotConfirmed means that the holder did not agree.
var errNotConfirmed = errors.New("not confirmed, so nothing was sealed or signed")

// confirm asks the holder to type the ceremony's id: a "y" is typed without reading.
func confirm(ctx context.Context, id ceremony.ID) error {
	tty, err := host.OpenTerminal()
	if err != nil {
		return cli.WithHint(fmt.Errorf("ask for confirmation: %w", err),
			"Without a terminal, read the plan above and add --yes.")
	}
	defer tty.Close()
	answer, err := tty.Ask(ctx, fmt.Sprintf("\nIf this is what you agreed on, type %s: ", id))
	if err != nil {
		return fmt.Errorf("ask for confirmation: %w", err)
	}
	if answer != string(id) {
		return errNotConfirmed
	}
	return nil
}

// sealPassword seals a one-time password, for which the requester needs no key.
func (f *sealFlags) sealPassword(_ context.Context, std cli.Streams, inv *openpgp.Invitation) (string, error) {
	password, err := readPassword(host.Path(f.otp))
	if err != nil {
		return "", err
	}
	defer clear(password)
	fmt.Fprintf(std.Err, "\nThe password in %s:\n", f.otp)
	showCommitment(std.Err, password)
	envelope, err := inv.SealPassword(password, time.Now())
	if errors.Is(err, openpgp.ErrOtherPassword) {
		return "", cli.WithHint(err, "Is it the file that you have proposed with? "+
			"conclave otp show FILE says which commitment a file has.")
	}
	return envelope, err
}

// sealWithKey seals a share with the key from a file.
func (f *sealFlags) sealWithKey(ctx context.Context, std cli.Streams, inv *openpgp.Invitation) (string, error) {
	key, err := f.read(ctx)
	if err != nil {
		return "", err
	}
	share, err := f.readShare(ctx, std, key.Decrypt)
	if err != nil {
		return "", err
	}
	defer clear(share)
	return inv.Seal(share, key, time.Now())
}

// sealWithGPG seals a share by gpg, so that a key on a smartcard can be used.
func (f *sealFlags) sealWithGPG(ctx context.Context, std cli.Streams, inv *openpgp.Invitation) (string, error) {
	gpg, err := findGPG(ctx, std)
	if err != nil {
		return "", err
	}
	signer, err := f.chooseSigner(ctx, gpg, inv.Plan())
	if err != nil {
		return "", err
	}
	if err := gpg.learn(ctx, inv.Certificate()); err != nil {
		return "", err
	}
	share, err := f.readShare(ctx, std, func(message []byte) ([]byte, error) {
		return gpg.decrypt(ctx, message, maxShare)
	})
	if err != nil {
		return "", err
	}
	defer clear(share)
	payload, err := inv.Payload(share)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	defer clear(payload)
	envelope, err := gpg.seal(ctx, payload, signer, inv.Subkey(), inv.Notation())
	return string(envelope), err
}

// The largest sizes in bytes: of what is decrypted, and of a text with a share in the open, which
// may be all that Vault has printed.
const (
	maxShare     = 4 << 10
	maxShareText = host.MaxFile
)

// readShare reads the share from the file that the flags name, or asks for it. The caller
// wipes it.
func (f *sealFlags) readShare(
	ctx context.Context, std cli.Streams, decrypt func([]byte) ([]byte, error),
) ([]byte, error) {
	switch {
	case f.encrypted != "":
		message, err := f.readEncrypted()
		if err != nil {
			return nil, fmt.Errorf("read --encrypted: %w", err)
		}
		plain, err := decrypt(message)
		if err != nil {
			return nil, err
		}
		share, err := shareIn(plain)
		return share, explainShare("what is encrypted in "+f.encrypted, err)
	case f.share == "-":
		text, err := host.ReadBounded(std.In, maxShareText)
		if err != nil {
			return nil, fmt.Errorf("read share: %w", err)
		}
		share, err := shareIn(text)
		return share, explainShare("standard input", err)
	case f.share != "":
		text, err := host.ReadFile(host.Path(f.share), true)
		if err != nil {
			return nil, fmt.Errorf("read --share: %w", err)
		}
		share, err := shareIn(text)
		return share, explainShare(f.share, err)
	}
	return askShare(ctx)
}

// readEncrypted reads the encrypted share, in any form in which Vault or the holder's
// computer has saved it.
func (f *sealFlags) readEncrypted() ([]byte, error) {
	file, err := host.ReadFile(host.Path(f.encrypted), false)
	if err != nil {
		return nil, err
	}
	message, err := openpgp.Ciphertext(file)
	switch {
	case errors.Is(err, openpgp.ErrSeveralCiphertexts):
		return nil, cli.WithHint(err, "Put the one that is encrypted to you into a file of its own, as it is.")
	case errors.Is(err, openpgp.ErrOpenShare):
		return nil, cli.WithHint(err, "Encrypt it to yourself and destroy this file; "+
			"or, if only you can read it, give it with --share.")
	case err != nil:
		return nil, cli.WithHint(fmt.Errorf("%s: %w", f.encrypted, err),
			"Name the file in which your share is encrypted to you: a PGP message, "+
				"or the base64 or hexadecimal digits that Vault has printed.")
	}
	return message, nil
}

// askSecret asks at the terminal for a secret. The caller wipes it.
func askSecret(ctx context.Context, question string) ([]byte, error) {
	tty, err := host.OpenTerminal()
	if err != nil {
		return nil, cli.WithHint(fmt.Errorf("ask: %w", err), "Without a terminal, name files: see conclave seal --help.")
	}
	defer tty.Close()
	return tty.AskSecret(ctx, question)
}
