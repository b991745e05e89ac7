package auditor

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"conclave/ceremony/journal"
	"conclave/ceremony/openpgp"
	"conclave/cli"
	"conclave/host"
)

// author checks who has written a journal. That takes the identity's own key, which the
// operator has and an auditor has not.
type author struct {
	keyFile, passphraseFile string
	identity                *openpgp.Identity // nil when no key is given
}

// load reads the identity's key, when one is named.
func (a *author) load(cmd *cobra.Command) error {
	if a.keyFile == "" && a.passphraseFile == "" {
		return nil
	}
	if err := cli.NeedFlags(cmd, "identity-key", "passphrase-file"); err != nil {
		return err
	}
	passphrase, err := host.ReadSecret(host.Path(a.passphraseFile))
	if err != nil {
		return fmt.Errorf("read passphrase: %w", err)
	}
	defer clear(passphrase)
	if a.identity, err = openpgp.Load(a.keyFile, passphrase); err != nil {
		return fmt.Errorf("read identity: %w", err)
	}
	return nil
}

// check prints whether the identity has written a journal whose chain is whole.
func (a *author) check(out io.Writer, path string) error {
	if a.identity == nil {
		fmt.Fprintln(out, "  chain whole, authorship not checked")
		return nil
	}
	if err := journal.Authentic(path, openpgp.New(a.identity, nil).JournalKey()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Fprintf(out, "  written, or adopted, by %s\n", a.identity.Fingerprint())
	return nil
}
