package operator

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conclave/app"
	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/cli"
	"conclave/config"
	"conclave/host"
)

// IdentityCommand returns conclave identity.
func IdentityCommand(std cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "identity",
		Short: "Make the bot's OpenPGP key, or show what holders pin",
		Args:  cli.Arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(identityNewCommand(std), identityShowCommand(std))
	return cmd
}

func identityNewCommand(std cli.Streams) *cobra.Command {
	var name, key, passphraseFile string
	cmd := &cobra.Command{
		Use:   "new --name NAME --key FILE --passphrase-file FILE",
		Short: "Make the bot's OpenPGP key",
		Long: `Make the OpenPGP key by which holders know this bot, and write it to a new file,
encrypted with the passphrase. A file that exists is never replaced: a lost
identity means that every holder pins again.

A good passphrase is made by a machine for a machine:
  (umask 077; head -c 32 /dev/urandom | base64 > secrets/identity-passphrase)`,
		Args: cli.Arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.NeedFlags(cmd, "name", "key", "passphrase-file"); err != nil {
				return err
			}
			passphrase, err := host.ReadSecret(host.Path(passphraseFile))
			if err != nil {
				return fmt.Errorf("read passphrase: %w", err)
			}
			defer clear(passphrase)
			id, err := openpgp.Generate(name, time.Now())
			if err != nil {
				return err
			}
			if err := id.Save(key, passphrase); err != nil {
				if errors.Is(err, fs.ErrExist) {
					return cli.WithHint(err, "An identity is never replaced. Name another file, or move this one away yourself.")
				}
				return err
			}
			return showIdentity(std, id)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "what holders see beside the fingerprint, such as \"Conclave prod\"")
	cmd.Flags().StringVar(&key, "key", "", "file to write the key to; must not exist")
	cmd.Flags().StringVar(&passphraseFile, "passphrase-file", "", "file with the passphrase")
	return cmd
}

func identityShowCommand(std cli.Streams) *cobra.Command {
	var key, passphraseFile string
	cmd := &cobra.Command{
		Use:   "show [FILE | --config FILE | --key FILE --passphrase-file FILE]",
		Short: "Show the fingerprint that holders pin, and the public key",
		Long: `Show the fingerprint that holders pin, and the public key for
  gpg --import
which skips the lines around the armor.

With FILE it is that key's. No passphrase is needed then, and none is tried: what is
shown is not secret. Without FILE the passphrase is tried as well.`,
		Args: cli.Arguments(cobra.MaximumNArgs(1)),
	}
	cfg := cli.ConfigFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			if cmd.Flags().Changed("key") || cmd.Flags().Changed("config") || cmd.Flags().Changed("passphrase-file") {
				return cli.NewUsageError(errors.New("a FILE stands alone: leave --config, --key and --passphrase-file out"))
			}
			return showFile(std, args[0])
		}
		from := config.Identity{KeyFile: host.Path(key), PassphraseFile: host.Path(passphraseFile)}
		if key == "" && passphraseFile == "" {
			c, err := config.Load(*cfg)
			if err != nil {
				return err
			}
			from = c.Identity
		} else if err := cli.NeedFlags(cmd, "key", "passphrase-file"); err != nil {
			return err
		}
		id, err := app.LoadIdentity(from)
		if err != nil {
			return err
		}
		return showIdentity(std, id)
	}
	cmd.Flags().StringVar(&key, "key", "", "the key's file, instead of the configured one")
	cmd.Flags().StringVar(&passphraseFile, "passphrase-file", "", "file with its passphrase")
	return cmd
}

// showFile shows the identity in a file, without its passphrase. It refuses a file that other
// accounts may read.
func showFile(std cli.Streams, path string) error {
	if _, err := host.ReadFile(host.Path(path), true); err != nil {
		return fmt.Errorf("read identity: %w", err)
	}
	f, armor, err := openpgp.ReadPublic(path)
	if err != nil {
		return err
	}
	return showPublic(std, f, armor)
}

// showIdentity prints the fingerprint, its words, and the public key.
func showIdentity(std cli.Streams, id *openpgp.Identity) error {
	armor, err := id.PublicArmor()
	if err != nil {
		return err
	}
	return showPublic(std, id.Fingerprint(), armor)
}

func showPublic(std cli.Streams, f ceremony.Fingerprint, armor string) error {
	_, err := fmt.Fprintf(std.Out, "identity %s\nin words %s\n%s\n",
		f, ceremony.IdentityInWords(f), strings.TrimSpace(armor))
	return err
}
