package holder

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/cli"
	"conclave/host"
)

// keyFlags are the flags that say where a holder's secret key is.
type keyFlags struct {
	key            string // file with the key; empty: gpg has it
	passphraseFile string // of key
	signer         string // fingerprint of one of gpg's keys; empty: the one in the plan
}

// addTo adds the flags to a command.
func (f *keyFlags) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.key, "key", "", "file with your secret key, instead of asking gpg")
	flags.StringVar(&f.passphraseFile, "passphrase-file", "",
		"file with the passphrase of --key; asked for when it has one")
	flags.StringVar(&f.signer, "signer", "", "fingerprint of your key, when gpg has several that the plan names")
}

// identityFlag adds --identity, for a person who has pinned nobody.
func identityFlag(cmd *cobra.Command, identity *string) {
	cmd.Flags().StringVar(identity, "identity", "",
		"fingerprint of Conclave's identity, instead of the one that you have pinned")
}

// check returns an error when the flags contradict each other.
func (f *keyFlags) check() error {
	switch {
	case f.key != "" && f.signer != "":
		return errors.New("--signer chooses among gpg's keys, and --key does without gpg: give one")
	case f.key == "" && f.passphraseFile != "":
		return errors.New("--passphrase-file is about --key, and gpg asks for its own passphrase")
	}
	return nil
}

// holderKey is a holder's secret key: from a file, or one of gpg's.
type holderKey interface {
	// decrypt decrypts a message to the key. The caller wipes the result.
	decrypt(ctx context.Context, message []byte) ([]byte, error)
	// sign signs a line, and returns the armored message.
	sign(ctx context.Context, line string) (string, error)
}

// open returns the key. The plan names the one of gpg's keys that is meant; when it is
// empty, gpg must have only one.
func (f *keyFlags) open(ctx context.Context, std cli.Streams, plan string) (holderKey, error) {
	if f.key != "" {
		key, err := f.read(ctx)
		if err != nil {
			return nil, err
		}
		return fileKey{key}, nil
	}
	gpg, err := findGPG(ctx, std)
	if err != nil {
		return nil, err
	}
	signer, err := f.chooseSigner(ctx, gpg, plan)
	if err != nil {
		return nil, err
	}
	return gpgKey{gpg, signer}, nil
}

// read reads --key. It asks for the passphrase when the key has one and no file is given.
func (f *keyFlags) read(ctx context.Context) (*openpgp.HolderKey, error) {
	key, err := f.readFile(ctx)
	if errors.Is(err, openpgp.ErrKeyOnCard) {
		return nil, cli.WithHint(err, "Leave --key out: gpg reaches the card.")
	}
	return key, err
}

// readFile is read without the hint for a key on a card.
func (f *keyFlags) readFile(ctx context.Context) (*openpgp.HolderKey, error) {
	data, err := host.ReadFile(host.Path(f.key), true)
	if err != nil {
		return nil, fmt.Errorf("read --key: %w", err)
	}
	defer clear(data)
	var passphrase []byte
	if f.passphraseFile != "" {
		if passphrase, err = host.ReadSecret(host.Path(f.passphraseFile)); err != nil {
			return nil, fmt.Errorf("read --passphrase-file: %w", err)
		}
		defer clear(passphrase)
	}
	key, err := openpgp.ReadHolderKey(data, passphrase)
	if f.passphraseFile != "" || !errors.Is(err, openpgp.ErrPassphrase) {
		return key, err
	}
	question := "Passphrase of " + f.key + ": "
	for range mostAnswers {
		if passphrase, err = askSecret(ctx, question); err != nil {
			return nil, err
		}
		key, err = openpgp.ReadHolderKey(data, passphrase)
		clear(passphrase)
		if !errors.Is(err, openpgp.ErrPassphrase) {
			break
		}
		question = "The passphrase does not open it. Once more: "
	}
	return key, err
}

// chooseSigner returns the one of gpg's keys that the plan names.
func (f *keyFlags) chooseSigner(ctx context.Context, gpg gpg, plan string) (ceremony.Fingerprint, error) {
	if f.signer != "" {
		signer, err := ceremony.ParseFingerprint(f.signer)
		if err != nil {
			return "", cli.NewUsageError(fmt.Errorf("--signer: %w", err))
		}
		return signer, nil
	}
	own, err := gpg.secretKeys(ctx)
	if err != nil {
		return "", err
	}
	var fitting []ceremony.Fingerprint
	for _, key := range own {
		if plan == "" || strings.Contains(plan, key.String()) {
			fitting = append(fitting, key)
		}
	}
	switch len(fitting) {
	case 0:
		return "", cli.WithHint(errors.New("gpg has none of the keys that the plan names"),
			"Is the smartcard in? Has this computer your key? Otherwise give --key.")
	case 1:
		return fitting[0], nil
	}
	return "", cli.WithHint(fmt.Errorf("gpg has %d keys that could sign", len(fitting)),
		"Choose with --signer FINGERPRINT.")
}

// fileKey is a key from a file.
type fileKey struct{ key *openpgp.HolderKey }

func (k fileKey) decrypt(_ context.Context, message []byte) ([]byte, error) {
	return k.key.Decrypt(message)
}

func (k fileKey) sign(_ context.Context, line string) (string, error) {
	return k.key.SignWord(line, time.Now())
}

// gpgKey is one of gpg's keys.
type gpgKey struct {
	gpg    gpg
	signer ceremony.Fingerprint
}

func (k gpgKey) decrypt(ctx context.Context, message []byte) ([]byte, error) {
	return k.gpg.decrypt(ctx, message, maxShare)
}

func (k gpgKey) sign(ctx context.Context, line string) (string, error) {
	armored, err := k.gpg.sign(ctx, line, k.signer)
	return string(armored), err
}
