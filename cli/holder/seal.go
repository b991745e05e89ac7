package holder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/cli"
	"conclave/host"
)

// sealFlags is what the command line says about sealing a share or a one-time
// password.
type sealFlags struct {
	keyFlags
	identity  string // the fingerprint to believe; empty: the pinned one
	share     string // file with the plain share, or -
	encrypted string // file with the share, encrypted to its holder
	otp       string // file with a one-time password, instead of all of these but identity
	yes       bool   // do not ask
}

func SealCommand(std cli.Streams) *cobra.Command {
	var f sealFlags
	cmd := &cobra.Command{
		Use:   "seal [FILE]",
		Short: "For holders: check what is asked, then sign and encrypt a share, or answer a roll call",
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
signed, which goes to standard output. It asks for no share.

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

func (f *sealFlags) check(args []string) error {
	switch fromStdin := len(args) == 0 || args[0] == "-"; {
	case f.otp != "" && (f.share != "" || f.encrypted != ""):
		return errors.New("--otp seals a one-time password, and --share and --encrypted are about a share: give one")
	case f.otp != "" && (f.key != "" || f.signer != "" || f.passphraseFile != ""):
		return errors.New("a one-time password is not signed: leave --key, --signer and --passphrase-file out")
	case f.share != "" && f.encrypted != "":
		return errors.New("--share and --encrypted both say where the share is: give one")
	case f.share == "-" && fromStdin:
		return errors.New("both the message and the share are to come from standard input: give the message's file")
	}
	return f.keyFlags.check()
}

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
	fmt.Fprintf(std.Err, "\nSend this to Conclave, in your direct message with it, until %s:\n\n", invitation.Expires().Local().Format(time.RFC1123))
	_, err = fmt.Fprintln(std.Out, strings.TrimSpace(envelope))
	return err
}

// errDelivered means that there is nothing to seal.
var errDelivered = errors.New("the message hands something over, and asks for nothing")

// newestKind is what the newest message asks for. One that hands something over asks
// for nothing, and has no say beside one that does.
func newestKind(claims []openpgp.Claim) openpgp.Kind {
	var newest openpgp.Claim
	for _, c := range claims {
		if newest.Kind == "" || c.Kind != openpgp.Delivers && !c.At.Before(newest.At) {
			newest = c
		}
	}
	return newest.Kind
}

// fits reports whether what the command line gives is what the message asks for.
func (f *sealFlags) fits(inv *openpgp.Invitation) error {
	switch asked := inv.Step() == ceremony.StepOTP; {
	case asked && f.otp == "":
		return cli.WithHint(openpgp.ErrAsksPassword, "Name the file that conclave otp new has made: --otp FILE.")
	case !asked && f.otp != "":
		return cli.WithHint(openpgp.ErrAsksShare, "Leave --otp out, if you keep a share of this cluster's key.")
	}
	return nil
}

// readMessage reads what was pasted.
func readMessage(std cli.Streams, args []string) ([]byte, error) {
	if len(args) > 0 && args[0] != "-" {
		return host.ReadFile(host.Path(args[0]), false)
	}
	return readPasted(std)
}

// readPasted reads standard input, and says so to whoever sits in front of it.
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

// describe shows what is being agreed to.
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
	fmt.Fprintf(w, "for       %s of %s, ceremony %s, until %s\n", inv.Operation(), inv.Cluster(), inv.Ceremony(), inv.Expires().Local().Format(time.RFC1123))
}

// describePlan shows whose message it is, and about what.
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

// confirm asks for the ceremony's id: a y is typed without reading.
func confirm(ctx context.Context, id ceremony.ID) error {
	tty, err := host.OpenTerminal()
	if err != nil {
		return cli.WithHint(fmt.Errorf("ask for confirmation: %w", err), "Without a terminal, read the plan above and add --yes.")
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

// sealPassword needs no key of the requester's at all.
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
		return "", cli.WithHint(err, "Is it the file that you have proposed with? conclave otp show FILE says which commitment a file has.")
	}
	return envelope, err
}

// sealWithKey does without gpg.
func (f *sealFlags) sealWithKey(ctx context.Context, std cli.Streams, inv *openpgp.Invitation) (string, error) {
	key, err := f.read(ctx)
	if err != nil {
		return "", err
	}
	share, err := f.readShare(ctx, std, func(message []byte) ([]byte, error) { return key.Decrypt(message) })
	if err != nil {
		return "", err
	}
	defer clear(share)
	return inv.Seal(share, key, time.Now())
}

// sealWithGPG lets gpg decrypt and sign, so that a key on a smartcard works.
func (f *sealFlags) sealWithGPG(ctx context.Context, std cli.Streams, inv *openpgp.Invitation) (string, error) {
	gpg, err := findGPG(std)
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
	share, err := f.readShare(ctx, std, func(message []byte) ([]byte, error) { return gpg.decrypt(ctx, message, maxShare) })
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

// maxShare is more than any share with the spaces around it.
const maxShare = 512

// readShare gets the share from where the command line says, or asks. The caller
// wipes it.
func (f *sealFlags) readShare(ctx context.Context, std cli.Streams, decrypt func([]byte) ([]byte, error)) ([]byte, error) {
	switch {
	case f.encrypted != "":
		message, err := f.readEncrypted()
		if err != nil {
			return nil, fmt.Errorf("read --encrypted: %w", err)
		}
		share, err := decrypt(message)
		return openpgp.TidySecret(share), err
	case f.share == "-":
		share, err := host.ReadBounded(std.In, maxShare)
		if err != nil {
			return nil, fmt.Errorf("read share: %w", err)
		}
		return openpgp.TidySecret(share), nil
	case f.share != "":
		share, err := host.ReadFile(host.Path(f.share), true)
		if err != nil {
			return nil, fmt.Errorf("read --share: %w", err)
		}
		return openpgp.TidySecret(share), nil
	}
	return askSecret(ctx, "Your share (it is not shown): ")
}

// readEncrypted reads the message in which the share lies, in whatever form Vault or the
// holder's computer has left it.
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
		return nil, cli.WithHint(err, "Encrypt it to yourself and destroy this file; or, if only you can read it, give it with --share.")
	case err != nil:
		return nil, cli.WithHint(fmt.Errorf("%s: %w", f.encrypted, err), "Name the file in which your share is encrypted to you: a PGP message, or the base64 or hexadecimal digits that Vault has printed.")
	}
	return message, nil
}

func askSecret(ctx context.Context, question string) ([]byte, error) {
	tty, err := host.OpenTerminal()
	if err != nil {
		return nil, cli.WithHint(fmt.Errorf("ask: %w", err), "Without a terminal, name files: see conclave seal --help.")
	}
	defer tty.Close()
	return tty.AskSecret(ctx, question)
}
