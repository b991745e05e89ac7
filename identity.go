package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conclave/ceremony/openpgp"
)

func identityCommand(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "identity",
		Short: "Make the bot's OpenPGP key, or show what holders pin",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(identityNewCommand(std), identityShowCommand(std))
	return cmd
}

func identityNewCommand(std streams) *cobra.Command {
	var name, key, passphraseFile string
	cmd := &cobra.Command{
		Use:   "new --name NAME --key FILE --passphrase-file FILE",
		Short: "Make the bot's OpenPGP key",
		Long: `Make the OpenPGP key by which holders know this bot, and write it to a new file,
encrypted with the passphrase. A file that exists is never replaced: a lost
identity means that every holder pins again.

A good passphrase is made by a machine for a machine:
  (umask 077; head -c 32 /dev/urandom | base64 > secrets/identity-passphrase)`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needFlags(cmd, "name", "key", "passphrase-file"); err != nil {
				return err
			}
			passphrase, err := readSecret(Path(passphraseFile))
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
					return hinted{err, "An identity is never replaced. Name another file, or move this one away yourself."}
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

func identityShowCommand(std streams) *cobra.Command {
	var key, passphraseFile string
	cmd := &cobra.Command{
		Use:   "show [--config FILE | --key FILE --passphrase-file FILE]",
		Short: "Show the fingerprint that holders pin, and the public key",
		Long: `Show the fingerprint that holders pin, and the public key for
  gpg --import
which skips the lines around the armor.`,
		Args: arguments(cobra.NoArgs),
	}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		from := IdentityConfig{KeyFile: Path(key), PassphraseFile: Path(passphraseFile)}
		if key == "" && passphraseFile == "" {
			c, err := LoadConfig(*config)
			if err != nil {
				return err
			}
			from = c.Identity
		} else if err := needFlags(cmd, "key", "passphrase-file"); err != nil {
			return err
		}
		id, err := loadIdentity(from)
		if err != nil {
			return err
		}
		return showIdentity(std, id)
	}
	cmd.Flags().StringVar(&key, "key", "", "the key's file, instead of the configured one")
	cmd.Flags().StringVar(&passphraseFile, "passphrase-file", "", "file with its passphrase")
	return cmd
}

func showIdentity(std streams, id *openpgp.Identity) error {
	armor, err := id.PublicArmor()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "identity %s\nin words %s\n%s\n", id.Fingerprint(), identityInWords(id.Fingerprint()), strings.TrimSpace(armor))
	return err
}

func loadIdentity(c IdentityConfig) (*openpgp.Identity, error) {
	passphrase, err := readSecret(c.PassphraseFile)
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	defer clear(passphrase)
	// A passphrase protects the key, but a file that everybody may copy can be
	// tried against every passphrase.
	if _, err := readFile(c.KeyFile, true); err != nil {
		return nil, fmt.Errorf("read identity: %w", err)
	}
	return openpgp.Load(string(c.KeyFile), passphrase)
}
