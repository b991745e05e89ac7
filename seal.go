package main

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
)

// sealFlags is what the command line says about sealing a share or a one-time
// password.
type sealFlags struct {
	identity       string // the pinned fingerprint
	share          string // file with the plain share, or -
	encrypted      string // file with the share, encrypted to its holder
	key            string // file with the holder's secret key; empty: gpg signs
	passphraseFile string // of key
	signer         string // which of gpg's keys signs; empty: the one in the plan
	otp            string // file with a one-time password, instead of all of these but identity
	yes            bool   // do not ask
}

func sealCommand(std streams) *cobra.Command {
	var f sealFlags
	cmd := &cobra.Command{
		Use:   "seal --identity FINGERPRINT [FILE]",
		Short: "For holders: check what is asked, then sign and encrypt a share",
		Long: `Read the message in which Conclave asks for a share, from FILE or standard
input, just as it was pasted. Check that it comes from the pinned identity, show
what it asks for, and once that is confirmed sign and encrypt the share so that
it counts for this ceremony, this step, and nothing else. The envelope to send
back goes to standard output.

The share is asked for without echo, unless --encrypted names the file in which
it lies encrypted, or --share the one in which it lies open (- is standard
input). gpg decrypts and signs, with keys on a smartcard too; --key takes a
secret key from a file instead. The share is on no command line and in no
temporary file.

A requester without a PGP key is asked for their one-time password instead:
--otp names the file that conclave otp new has made. The password is encrypted
and not signed; its hash, which was approved, says whose it is.`,
		Example: `  conclave seal --identity 3A23…FC51 --encrypted share.asc message.txt
  pbpaste | conclave seal --identity 3A23…FC51 --encrypted share.asc | pbcopy`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := needFlags(cmd, "identity"); err != nil {
				return err
			}
			if err := f.check(args); err != nil {
				return usageError{err}
			}
			return f.seal(cmd.Context(), std, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.identity, "identity", "", "the bot's fingerprint, as you were given it once and not in Slack")
	flags.StringVar(&f.encrypted, "encrypted", "", "file with your share, encrypted to you")
	flags.StringVar(&f.share, "share", "", "file with your share in the open, or - for standard input")
	flags.StringVar(&f.key, "key", "", "file with your secret key, instead of asking gpg")
	flags.StringVar(&f.passphraseFile, "passphrase-file", "", "file with the passphrase of --key; asked for when it has one")
	flags.StringVar(&f.signer, "signer", "", "fingerprint of your key, when gpg has several that the plan names")
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
	case f.key != "" && f.signer != "":
		return errors.New("--signer chooses among gpg's keys, and --key does without gpg: give one")
	case f.key == "" && f.passphraseFile != "":
		return errors.New("--passphrase-file is about --key, and gpg asks for its own passphrase")
	}
	return nil
}

func (f *sealFlags) seal(ctx context.Context, std streams, args []string) error {
	pinned, err := ceremony.ParseFingerprint(f.identity)
	if err != nil {
		return usageError{fmt.Errorf("--identity: %w", err)}
	}
	message, err := readMessage(std, args)
	if err != nil {
		return err
	}
	invitation, err := openpgp.CheckAnnouncement(message, pinned, time.Now())
	if err != nil {
		return hinted{err, "Don't send a share. If the words above don't explain it, ask the others outside of Slack."}
	}
	if err := f.fits(invitation); err != nil {
		return err
	}
	describe(std.err, invitation)
	if !f.yes {
		if err := confirm(ctx, invitation); err != nil {
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
	fmt.Fprintf(std.err, "\nSend this to Conclave, in your direct message with it, until %s:\n\n", invitation.Expires().Local().Format(time.RFC1123))
	_, err = fmt.Fprintln(std.out, strings.TrimSpace(envelope))
	return err
}

// fits says whether what the command line gives is what the message asks for.
func (f *sealFlags) fits(inv *openpgp.Invitation) error {
	switch asked := inv.Step() == ceremony.Password; {
	case asked && f.otp == "":
		return hinted{openpgp.ErrAsksPassword, "Name the file that conclave otp new has made: --otp FILE."}
	case !asked && f.otp != "":
		return hinted{openpgp.ErrAsksShare, "Leave --otp out, if you keep a share of this cluster's key."}
	}
	return nil
}

// readMessage reads what was pasted.
func readMessage(std streams, args []string) ([]byte, error) {
	if len(args) > 0 && args[0] != "-" {
		return readFile(Path(args[0]), false)
	}
	return readPasted(std)
}

// readPasted reads standard input, and says so to whoever sits in front of it.
func readPasted(std streams) ([]byte, error) {
	if in, ok := std.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		fmt.Fprintln(std.err, "Paste the whole message from Conclave, then press Ctrl-D on a line of its own:")
	}
	message, err := io.ReadAll(io.LimitReader(std.in, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	return message, nil
}

// describe shows what is being agreed to.
func describe(w io.Writer, inv *openpgp.Invitation) {
	fmt.Fprintf(w, "The message is signed by the identity that you pinned:\n  %s\n\n", inv.Identity())
	if inv.Plan() != "" {
		fmt.Fprintln(w, "The plan that was approved:")
		for line := range strings.Lines(inv.Plan()) {
			fmt.Fprint(w, "  "+line)
		}
	} else {
		fmt.Fprintln(w, "The plan is too long to be in the message. Read it in Slack, and compare its hash.")
	}
	fmt.Fprintf(w, "\nhash      %s\n", inv.PlanHash())
	fmt.Fprintf(w, "in words  %s\n", ceremony.SpokenHash(inv.PlanHash(), spokenWords))
	switch inv.Step() {
	case ceremony.Verify:
		fmt.Fprintln(w, "asked of  you: your NEW share, as proof that you can use it")
	case ceremony.Password:
		fmt.Fprintln(w, "asked of  you: your one-time password, whose hash is in the plan")
	default:
		fmt.Fprintln(w, "asked of  you: your share of the key in force")
	}
	fmt.Fprintf(w, "for       %s of %s, ceremony %s, until %s\n", inv.Operation(), inv.Cluster(), inv.Ceremony(), inv.Expires().Local().Format(time.RFC1123))
}

// spokenWords is how many words of the plan's hash are read out on the phone: as
// many as Slack shows, 32 bits.
const spokenWords = 4

// errNotConfirmed means that the holder did not agree.
var errNotConfirmed = errors.New("not confirmed, so nothing was sealed")

// confirm asks for the ceremony's id: a y is typed without reading.
func confirm(ctx context.Context, inv *openpgp.Invitation) error {
	tty, err := openTerminal()
	if err != nil {
		return hinted{fmt.Errorf("ask for confirmation: %w", err), "Without a terminal, read the plan above and add --yes."}
	}
	defer tty.Close()
	answer, err := tty.ask(ctx, fmt.Sprintf("\nIf this is what you agreed on, type %s: ", inv.Ceremony()))
	if err != nil {
		return fmt.Errorf("ask for confirmation: %w", err)
	}
	if answer != string(inv.Ceremony()) {
		return errNotConfirmed
	}
	return nil
}

// sealPassword needs no key of the requester's at all.
func (f *sealFlags) sealPassword(_ context.Context, std streams, inv *openpgp.Invitation) (string, error) {
	password, err := readPassword(Path(f.otp))
	if err != nil {
		return "", err
	}
	defer clear(password)
	fmt.Fprintf(std.err, "\nThe password in %s:\n", f.otp)
	showCommitment(std.err, password)
	envelope, err := inv.SealPassword(password, time.Now())
	if errors.Is(err, openpgp.ErrOtherPassword) {
		return "", hinted{err, "Is it the file that you have proposed with? conclave otp show FILE says which commitment a file has."}
	}
	return envelope, err
}

// sealWithKey does without gpg.
func (f *sealFlags) sealWithKey(ctx context.Context, std streams, inv *openpgp.Invitation) (string, error) {
	key, err := f.readKey(ctx)
	if err != nil {
		if errors.Is(err, openpgp.ErrKeyOnCard) {
			return "", hinted{err, "Leave --key out: gpg reaches the card."}
		}
		return "", err
	}
	share, err := f.readShare(ctx, std, func(message []byte) ([]byte, error) { return key.Decrypt(message) })
	if err != nil {
		return "", err
	}
	defer clear(share)
	return inv.Seal(share, key, time.Now())
}

// readKey reads --key, and asks for its passphrase when it turns out to have one
// and no file says it.
func (f *sealFlags) readKey(ctx context.Context) (*openpgp.HolderKey, error) {
	data, err := readFile(Path(f.key), true)
	if err != nil {
		return nil, fmt.Errorf("read --key: %w", err)
	}
	defer clear(data)
	var passphrase []byte
	if f.passphraseFile != "" {
		if passphrase, err = readSecret(Path(f.passphraseFile)); err != nil {
			return nil, fmt.Errorf("read --passphrase-file: %w", err)
		}
		defer clear(passphrase)
	}
	key, err := openpgp.ReadHolderKey(data, passphrase)
	if f.passphraseFile != "" || !errors.Is(err, openpgp.ErrPassphrase) {
		return key, err
	}
	passphrase, err = askSecret(ctx, "Passphrase of "+f.key+": ")
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	return openpgp.ReadHolderKey(data, passphrase)
}

// sealWithGPG lets gpg decrypt and sign, so that a key on a smartcard works.
func (f *sealFlags) sealWithGPG(ctx context.Context, std streams, inv *openpgp.Invitation) (string, error) {
	gpg, err := findGPG(std)
	if err != nil {
		return "", err
	}
	signer, err := f.chooseSigner(ctx, gpg, inv)
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
	envelope, err := gpg.seal(ctx, payload, signer, inv.Subkey())
	return string(envelope), err
}

// maxShare is more than any share with the spaces around it.
const maxShare = 512

// chooseSigner finds which of gpg's keys the plan expects.
func (f *sealFlags) chooseSigner(ctx context.Context, gpg gpg, inv *openpgp.Invitation) (ceremony.Fingerprint, error) {
	if f.signer != "" {
		signer, err := ceremony.ParseFingerprint(f.signer)
		if err != nil {
			return "", usageError{fmt.Errorf("--signer: %w", err)}
		}
		return signer, nil
	}
	own, err := gpg.secretKeys(ctx)
	if err != nil {
		return "", err
	}
	var fitting []ceremony.Fingerprint
	for _, key := range own {
		if inv.Plan() == "" || strings.Contains(inv.Plan(), key.String()) {
			fitting = append(fitting, key)
		}
	}
	switch len(fitting) {
	case 0:
		return "", hinted{errors.New("gpg has none of the keys that the plan names"), "Is the smartcard in? Has this computer your key? Otherwise give --key."}
	case 1:
		return fitting[0], nil
	}
	return "", hinted{fmt.Errorf("gpg has %d keys that could sign", len(fitting)), "Choose with --signer FINGERPRINT."}
}

// readShare gets the share from where the command line says, or asks. The caller
// wipes it.
func (f *sealFlags) readShare(ctx context.Context, std streams, decrypt func([]byte) ([]byte, error)) ([]byte, error) {
	switch {
	case f.encrypted != "":
		message, err := readFile(Path(f.encrypted), false)
		if err != nil {
			return nil, fmt.Errorf("read --encrypted: %w", err)
		}
		return decrypt(message)
	case f.share == "-":
		share, err := readBounded(std.in, maxShare)
		if err != nil {
			return nil, fmt.Errorf("read share: %w", err)
		}
		return share, nil
	case f.share != "":
		share, err := readFile(Path(f.share), true)
		if err != nil {
			return nil, fmt.Errorf("read --share: %w", err)
		}
		return share, nil
	}
	return askSecret(ctx, "Your share (it is not shown): ")
}

func askSecret(ctx context.Context, question string) ([]byte, error) {
	tty, err := openTerminal()
	if err != nil {
		return nil, hinted{fmt.Errorf("ask: %w", err), "Without a terminal, name files: see conclave seal --help."}
	}
	defer tty.Close()
	return tty.askSecret(ctx, question)
}
