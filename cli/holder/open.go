package holder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"conclave/ceremony"
	"conclave/ceremony/leak"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/wording"
	"conclave/cli"
	"conclave/host"
	"conclave/host/durable"
)

// openFlags are the flags of conclave open.
type openFlags struct {
	keyFlags
	identity string // the fingerprint to trust; empty: the pinned one
	dir      string // where a share is kept
	unopened bool   // don't decrypt: the key is elsewhere
	token    bool   // print the token
}

// OpenCommand returns conclave open.
func OpenCommand(std cli.Streams) *cobra.Command {
	var f openFlags
	cmd := &cobra.Command{
		Use:   "open [FILE…]",
		Short: "For holders: check a new share or a token, and keep it",
		Long: `Read the message in which Conclave hands over a share or a token, from the FILEs
or standard input, just as it was pasted. Say whether it is genuine: signed by the
pinned identity, for your key, and not altered since. Keep a share, encrypted as
it came, in a new file CEREMONY-share.asc that only you can read, whose name goes
to standard output; one that exists is never replaced.

Then decrypt it, with gpg or --key, to see that it opens and looks like what it
is. A share is never shown: nobody needs to see one, since conclave seal takes it
encrypted. --token prints a token alone to standard output, for
  export VAULT_TOKEN="$(conclave open --token message.txt)"

Exit code 3 says that it comes from another identity than the pinned one.`,
		Example: `  conclave open message.txt
  pbpaste | conclave open --dir ~/shares`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return cli.NewUsageError(err)
			}
			return f.openAll(cmd.Context(), std, args)
		},
	}
	flags := cmd.Flags()
	identityFlag(cmd, &f.identity)
	f.addTo(cmd)
	flags.StringVar(&f.dir, "dir", ".", "directory in which to keep a share")
	flags.BoolVar(&f.unopened, "unopened", false, "don't decrypt, when your key is on another computer")
	flags.BoolVar(&f.token, "token", false, "print the token, alone, to standard output")
	return cmd
}

// check returns an error when the flags contradict each other.
func (f *openFlags) check() error {
	if f.token && f.unopened {
		return errors.New("--token decrypts, and --unopened does not: give one")
	}
	return f.keyFlags.check()
}

// Errors about a delivery that is genuine. A share has been kept all the same.
var (
	errNotYours  = errors.New("it is for another key than yours")
	errNotOpened = errors.New("it is genuine, and could not be opened here")
	errMisshapen = errors.New("it is genuine and opens, and what is in it is not what it should be")
	errOnlyShare = errors.New("there is no token in the message")
)

// openAll checks the deliveries in a message, and opens each of them.
func (f *openFlags) openAll(ctx context.Context, std cli.Streams, args []string) error {
	std.Err = host.Printable{Writer: std.Err}
	message, err := readParts(std, args)
	if err != nil {
		return err
	}
	who, err := establishTrust(ctx, std, message, f.identity, true)
	if err != nil {
		return err
	}
	deliveries, err := openpgp.CheckDeliveries(message, who.identity)
	if err != nil {
		return refusedDelivery(err)
	}
	isToken := func(d openpgp.Delivery) bool { return d.Kind == tokenKind }
	if f.token && !slices.ContainsFunc(deliveries, isToken) {
		return cli.WithHint(errOnlyShare, "A share is never shown. Leave --token out to check and keep it.")
	}
	if err := who.keep(std.Err); err != nil {
		return err
	}
	fmt.Fprintf(std.Err, "Genuine: signed by the identity that you pinned, and not altered since.\n  %s\n",
		who.identity)
	var faults []error
	for _, d := range deliveries {
		faults = append(faults, f.openOne(ctx, std, d))
	}
	return errors.Join(faults...)
}

// refusedDelivery adds to the error of a delivery what to do next.
func refusedDelivery(err error) error {
	switch {
	case errors.Is(err, openpgp.ErrNoDelivery):
		return cli.WithHint(err, "Paste the whole message: the signed line says whether it is genuine. "+
			"For a message that asks for something there is conclave seal.")
	case errors.Is(err, openpgp.ErrNotCiphertext):
		return cli.WithHint(err, "Paste the whole message, with all of its PGP blocks, "+
			"or give the file in which you have saved the share as well.")
	}
	return cli.WithHint(err, "Don't use it, and keep your old share. "+
		"Ask Conclave's operators, not in Slack, what was sent to you.")
}

// readParts reads a message from one or several files, or from standard input.
func readParts(std cli.Streams, args []string) ([]byte, error) {
	if len(args) == 0 || len(args) == 1 && args[0] == "-" {
		return readPasted(std)
	}
	var parts [][]byte
	for _, name := range args {
		part, err := host.ReadFile(host.Path(name), false)
		if err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
		if part, err = openpgp.Armored(part); err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
		parts = append(parts, part)
	}
	return bytes.Join(parts, []byte("\n")), nil
}

// The kinds of deliveries, as the signed line names them.
const (
	shareKind = "share"
	tokenKind = "token"
)

// openOne opens a delivery. It keeps a share before it does anything else, so that the
// share is not lost when something goes wrong.
func (f *openFlags) openOne(ctx context.Context, std cli.Streams, d openpgp.Delivery) error {
	var file string
	switch d.Kind {
	case shareKind:
		fmt.Fprintf(std.Err, "\nIt is share %d of %d of ceremony %s, encrypted by Vault to the key\n  %s\n",
			d.Index, d.Total, d.Ceremony, d.Recipient)
		var err error
		if file, err = keepShare(std, f.dir, d); err != nil {
			return err
		}
	case tokenKind:
		fmt.Fprintf(std.Err, "\nIt is the token of ceremony %s, encrypted by Vault to the key\n  %s\n",
			d.Ceremony, d.Recipient)
	default:
		return cli.WithHint(fmt.Errorf("the line is about a %q, which this program does not know", d.Kind),
			"A newer version of conclave may.")
	}
	if f.unopened {
		fmt.Fprintln(std.Err,
			"It was not opened. Check where your key is that you can open it, before anything depends on it.")
	} else if err := f.try(ctx, std, d); err != nil {
		return err
	}
	if d.Kind == shareKind {
		adviseOnShare(std.Err, d, file)
	}
	return nil
}

// try decrypts a delivery and checks its form. A share is wiped. A token is printed when
// --token asks for it.
func (f *openFlags) try(ctx context.Context, std cli.Streams, d openpgp.Delivery) error {
	const tell = "Tell whoever proposed the ceremony, now and not in Slack, that you can't open it: " +
		"your old share must stay in force."
	key, err := f.openFor(ctx, std, d.Recipient)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotOpened, err)
	}
	content, err := key.decrypt(ctx, []byte(d.Armor))
	if err != nil {
		return cli.WithHint(fmt.Errorf("%w: %w", errNotOpened, err),
			"Is the smartcard in? Is the passphrase right? If so: "+tell)
	}
	defer clear(content)
	trimmed := bytes.TrimSpace(content)
	if d.Kind == tokenKind {
		if !leak.IsToken(trimmed) {
			return cli.WithHint(errMisshapen,
				"It is not printed. Tell whoever proposed the ceremony, and your security team.")
		}
		return f.handOver(std, d, trimmed)
	}
	if err := openpgp.CheckShare(trimmed); err != nil {
		return cli.WithHint(fmt.Errorf("%w: %w", errMisshapen, err), tell)
	}
	fmt.Fprintln(std.Err,
		"It opens with your key, and looks like a share. It was not shown, and is written nowhere in the open.")
	return nil
}

// openFor returns the key to which a delivery is encrypted.
func (f *openFlags) openFor(
	ctx context.Context, std cli.Streams, recipient ceremony.Fingerprint,
) (holderKey, error) {
	if f.key != "" {
		key, err := f.read(ctx)
		if err != nil {
			return nil, err
		}
		if key.Fingerprint() != recipient {
			return nil, cli.WithHint(errNotYours,
				fmt.Sprintf("The key in %s is %s. Have you another one?", f.key, key.Fingerprint()))
		}
		return fileKey{key}, nil
	}
	gpg, err := findGPG(ctx, std)
	if err != nil {
		return nil, err
	}
	own, err := gpg.secretKeys(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(own, recipient) {
		return nil, cli.WithHint(errNotYours, "gpg has no such secret key here. Is the smartcard in, "+
			"and was it used on this computer before (gpg --card-status)? Or give --key, or --unopened.")
	}
	return gpgKey{gpg, recipient}, nil
}

// isFileName matches what every operating system takes for the name of one file.
var isFileName = regexp.MustCompile(`^[\p{L}\p{N}._-]+$`)

// mostAttempts is how many shares of one ceremony are kept in a folder.
const mostAttempts = 9

// keepShare writes the encrypted share to a new file, prints its path, and returns it. When
// there is a file with the same share already, it leaves that one. Another share of the same
// ceremony is one of an earlier attempt, and may be in force: it stays.
func keepShare(std cli.Streams, dir string, d openpgp.Delivery) (string, error) {
	for _, name := range namesFor(d) {
		// The id is part of the file's name, which goes to standard output. An escape sequence
		// is refused, and so is the colon, which on Windows makes a hidden stream of a file.
		if !isFileName.MatchString(name) {
			return "", fmt.Errorf("keep share: %q is no name of a ceremony", d.Ceremony)
		}
		path := filepath.Join(dir, name)
		switch isThere, err := createOrFind(path, []byte(d.Armor)); {
		case errors.Is(err, fs.ErrExist):
			fmt.Fprintf(std.Err, "There is another file %s, which was left alone.\n", path)
			continue
		case err != nil:
			return "", cli.WithHint(fmt.Errorf("keep share: %w", err),
				"Nothing is lost, the message still has it. Say where to keep it: --dir.")
		case isThere:
			fmt.Fprintf(std.Err, "It is kept in %s already.\n", path)
		default:
			fmt.Fprintf(std.Err, "It is kept, encrypted as it came, in %s\n", path)
		}
		_, err := fmt.Fprintln(std.Out, path)
		return path, err
	}
	return "", cli.WithHint(fmt.Errorf("keep share: %w", fs.ErrExist), "Say where to keep this one: --dir.")
}

// namesFor returns the names under which a share may be kept, the best first. It is the one in
// the command that asks for the share next.
func namesFor(d openpgp.Delivery) []string {
	names := []string{wording.NewShareFile(d.Ceremony, 1)}
	if _, operation := partsOf(d.Ceremony); operation == ceremony.ReadBackup {
		return append(names, wording.BackupShareFile(d.Ceremony, d.Index))
	}
	for attempt := 2; attempt <= mostAttempts; attempt++ {
		names = append(names, wording.NewShareFile(d.Ceremony, attempt))
	}
	return names
}

// createOrFind writes a file that was not there, or reports that it is there with the same
// content. The error wraps fs.ErrExist when it has another one.
func createOrFind(path string, content []byte) (isThere bool, err error) {
	err = durable.Create(path, content)
	if !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	there, readErr := host.ReadFile(host.Path(path), false)
	switch {
	case readErr != nil:
		return false, readErr
	case !bytes.Equal(there, content):
		return false, err
	}
	return true, nil
}

// adviseOnShare prints what is to be done with a share that was kept.
func adviseOnShare(w io.Writer, d openpgp.Delivery, file string) {
	fmt.Fprintln(w, "\nWhat to do now:")
	switch _, operation := partsOf(d.Ceremony); operation {
	case ceremony.Init:
		fmt.Fprint(w, `  1. It is in force already, and nobody asks you to prove it. If it did not open,
     say so at once.
`)
	case ceremony.ReadBackup:
		fmt.Fprint(w, `  1. It comes from Vault's backup. If you have this share already and it opens,
     nothing changes for you. If the message does not say that it is in force, keep both.
`)
	default:
		fmt.Fprintf(w, `  1. KEEP YOUR OLD SHARE until Conclave says that the ceremony is completed: it is
     in force until then. (If the message begins with WITHOUT VERIFICATION, the new
     one is in force already. Keep the old one all the same.)
  2. When Conclave asks you to prove it:
       %s
`, wording.ProveCommand(file))
	}
	fmt.Fprintf(w, `
Where to keep it: in two places that don't burn down together, such as a stick in a
safe and your password manager, under the file's own name. It opens with your PGP
key alone, which belongs somewhere else, and needs a copy as well. Don't decrypt it
to disk, don't print it, and don't give it to anybody.

To check it again, and once a year:
  %s
`, wording.TryCommand(file))
}

// handOver prints a token to standard output when --token asks for it, and prints what such
// a token is.
func (f *openFlags) handOver(std cli.Streams, d openpgp.Delivery, token []byte) error {
	if f.token {
		line := append(token, '\n') // within the decrypted content, so that there is no second copy
		if _, err := std.Out.Write(line); err != nil {
			return fmt.Errorf("write token: %w", err)
		}
	} else {
		fmt.Fprint(std.Err, `It opens with your key, and looks like a token. It was not shown. To use it, keep
it out of the shell's history and off the disk:
  export VAULT_TOKEN="$(conclave open --token MESSAGE)"
`)
	}
	if _, operation := partsOf(d.Ceremony); operation == ceremony.DRToken {
		fmt.Fprint(std.Err, `
This is a DR operation token, which never expires. It goes into dr_operation_token
of what is done to the secondary. Delete it as soon as that is done; when the
command waits, paste the token and press Ctrl-D twice, without Return:
  vault write sys/replication/dr/secondary/operation-token/delete dr_operation_token=-
`)
		return nil
	}
	adviseOnToken(std.Err, token)
	return nil
}
