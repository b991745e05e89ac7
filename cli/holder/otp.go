package holder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/paste"
	"conclave/cli"
	"conclave/host"
	"conclave/host/durable"
)

// OtpCommand returns conclave otp.
func OtpCommand(std cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "otp",
		Short: "For a requester without a PGP key: make a one-time password",
		Args:  cli.Arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(otpNewCommand(std), otpShowCommand(std))
	return cmd
}

func otpNewCommand(std cli.Streams) *cobra.Command {
	var length int
	cmd := &cobra.Command{
		Use:   "new FILE",
		Short: "Make a one-time password, and show its commitment",
		Long: `Make the one-time password for a token that you are going to request, on your own
computer, and keep it there in a new file that only you can read. It is printed
nowhere and must never be sent to anybody: whoever has it can read your token.

What is shown is its commitment, the SHA-256 of the password. It goes into the
plan, is not secret, and is the proof that you are who asked: tell its words to
whoever approves, on the phone. A password is for one ceremony.`,
		Example: `  conclave otp new otp.txt
  /ceremony start generate-root prod otp=COMMITMENT reason     (in Slack)
  conclave seal --otp otp.txt message.txt
  conclave decode --otp otp.txt ENCODED`,
		Args: cli.Arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if length < openpgp.MinPassword || length > openpgp.MaxPassword {
				return cli.NewUsageError(fmt.Errorf("--length: %d is not between %d and %d",
					length, openpgp.MinPassword, openpgp.MaxPassword))
			}
			password, err := openpgp.NewPassword(length)
			if err != nil {
				return err
			}
			defer clear(password)
			if err := durable.Create(args[0], password); err != nil {
				return fmt.Errorf("keep one-time password: %w", err)
			}
			fmt.Fprintf(std.Err, "The password is in %s. Propose with otp= and its commitment, "+
				"and read out the words to whoever approves:\n\n", args[0])
			return showCommitment(std.Out, password)
		},
	}
	cmd.Flags().IntVar(&length, "length", 28, "as long as the server's tokens: 28 for Vault, 26 for OpenBao")
	return cmd
}

func otpShowCommand(std cli.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Show the commitment of a one-time password again",
		Args:  cli.Arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			password, err := readPassword(host.Path(args[0]))
			if err != nil {
				return err
			}
			defer clear(password)
			return showCommitment(std.Out, password)
		},
	}
}

// commitmentWords is the number of words of a commitment that are read out on the phone.
// They take the place of a signature. An attacker with the requester's Slack account could
// look for a password of their own with the same words: these are 64 bits.
const commitmentWords = 8

// showCommitment prints the commitment of a password, and its words.
func showCommitment(w io.Writer, password []byte) error {
	commitment := openpgp.Commitment(password)
	_, err := fmt.Fprintf(w, "commitment %s\nin words   %s\n",
		commitment, ceremony.SpokenHash(commitment, commitmentWords))
	return err
}

// readPassword reads the file of a one-time password. The caller wipes it.
func readPassword(path host.Path) ([]byte, error) {
	password, err := host.ReadSecret(path)
	password = paste.Secret(password) // PowerShell saves Vault's -generate-otp in UTF-16
	switch {
	case errors.Is(err, fs.ErrNotExist) && openpgp.CheckPassword([]byte(path)) == nil:
		// The name would be repeated in the error that no such file exists (P1).
		return nil, cli.WithHint(
			errors.New("the file with the one-time password is wanted; what was given looks like the password itself, "+
				"and is not repeated here"),
			"It is in your shell's history, and was in the list of processes: make another one with conclave otp new, "+
				"and propose again.",
		)
	case err != nil:
		return nil, fmt.Errorf("read one-time password: %w", err)
	}
	if err := openpgp.CheckPassword(password); err != nil {
		clear(password)
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return password, nil
}
