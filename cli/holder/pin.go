package holder

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conclave/ceremony"
	"conclave/cli"
)

// PinCommand returns conclave pin.
func PinCommand(std cli.Streams) *cobra.Command {
	var replaces, remove, cluster string
	cmd := &cobra.Command{
		Use:   "pin [FINGERPRINT | WORDS]",
		Short: "For holders: say which identity to believe, or show whom you do",
		Long: `Pin the fingerprint of Conclave's identity: conclave seal and conclave open then
believe what it has signed, and nobody else. Type it as you were given it, in
person or on the phone, and not from Slack: whoever could change it there would
be believed. Its ten words will do as well. Without FINGERPRINT, show what is
pinned.

When Conclave gets another identity, everybody is told in person or on the phone;
--replaces then takes the old one's place. An identity that was not announced so
is not Conclave's, whatever the message says.`,
		Example: `  conclave pin '3A23 84C1 … FC51'
  conclave pin topmost Istanbul Pluto vagabond …
  conclave pin NEW --replaces OLD`,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := loadPins()
			if err != nil {
				return err
			}
			switch {
			case len(args) == 0 && (replaces != "" || cluster != ""):
				return cli.NewUsageError(errors.New("--replaces and --cluster are about a fingerprint: give one"))
			case len(args) > 0 && remove != "":
				return cli.NewUsageError(errors.New("--remove names the only fingerprint that it is about"))
			case remove != "":
				return unpin(std, p, remove)
			case len(args) == 0:
				return showPins(std.Out, p)
			}
			return addPin(std, p, strings.Join(args, " "), replaces, cluster, time.Now())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&replaces, "replaces", "", "the identity whose place it takes, and which is believed no more")
	flags.StringVar(&cluster, "cluster", "",
		"a cluster, NAME or NAME=ID, that it holds ceremonies for from now on, and no other identity does")
	flags.StringVar(&remove, "remove", "", "the identity to believe no more")
	return cmd
}

// readTyped reads the identity in an argument or a flag of this name.
func readTyped(name, text string) (typed, error) {
	given, err := parseTyped(text)
	if err != nil {
		return typed{}, cli.NewUsageError(fmt.Errorf("%s: %w", name, err))
	}
	return given, nil
}

// readServed reads a cluster: its name, and behind an equals sign Vault's id of it, which may
// be missing.
func readServed(text string) (served, error) {
	name, id, named := strings.Cut(text, "=")
	of := served{name, id}
	if err := of.shaped(); err != nil || named && id == "" {
		return served{}, cli.NewUsageError(fmt.Errorf("--cluster: %q is no name of a cluster, nor NAME=ID", text))
	}
	return of, nil
}

// addPin pins an identity. It takes over the clusters of the identity that it replaces.
func addPin(std cli.Streams, p *pins, identity, replaces, cluster string, now time.Time) error {
	given, err := readTyped("FINGERPRINT", identity)
	if err != nil {
		return err
	}
	var of served
	if cluster != "" {
		if of, err = readServed(cluster); err != nil {
			return err
		}
	}
	var inherited []served
	if replaces != "" {
		old, err := readTyped("--replaces", replaces)
		if err != nil {
			return err
		}
		before := p.typed(old)
		switch {
		case before == nil:
			return cli.WithHint(fmt.Errorf("%s is not pinned", old), "conclave pin shows what is.")
		case given.names(*before):
			return cli.NewUsageError(errors.New("--replaces: an identity does not replace itself"))
		}
		inherited = before.Clusters
		p.remove(old)
	}
	pinned := p.addTyped(given, now)
	for _, of := range inherited {
		pinned.remember(of)
	}
	if cluster != "" {
		p.give(pinned, of)
	}
	if err := p.save(); err != nil {
		return err
	}
	fmt.Fprintf(std.Err, "Pinned. Compare once more, on the phone:\n\n")
	return showPin(std.Out, *pinned)
}

// give makes an identity the only one that speaks for clusters of this name; or, with Vault's
// id, for the one cluster of that id, beside others of the same name.
func (p *pins) give(to *pin, cluster served) {
	for i := range p.list {
		var kept []served
		for _, of := range p.list[i].Clusters {
			if cluster.ID == "" && of.Name != cluster.Name || cluster.ID != "" && !of.may(cluster) {
				kept = append(kept, of)
			}
		}
		p.list[i].Clusters = kept
	}
	to.remember(cluster)
}

// unpin removes the pin of an identity.
func unpin(std cli.Streams, p *pins, identity string) error {
	given, err := readTyped("--remove", identity)
	if err != nil {
		return err
	}
	if !p.remove(given) {
		return cli.WithHint(fmt.Errorf("%s is not pinned", given), "conclave pin shows what is.")
	}
	if err := p.save(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Err, "%s is believed no more.\n", given)
	return err
}

// showPins prints every pin.
func showPins(w io.Writer, p *pins) error {
	if len(p.list) == 0 {
		return cli.WithHint(errors.New("no identity is pinned"),
			"Pin the one that you were given in person or on the phone: conclave pin FINGERPRINT.")
	}
	for _, known := range p.list {
		if err := showPin(w, known); err != nil {
			return err
		}
	}
	return nil
}

// showPin prints the fingerprint of a pin, its words, its date and its clusters.
func showPin(w io.Writer, known pin) error {
	identity, words := known.Identity.String(), ceremony.IdentityInWords(known.Identity)
	if known.Identity == "" {
		identity, words = "known by its words until the first message", known.Words
	}
	_, err := fmt.Fprintf(w, "identity %s\nin words %s\npinned   %s%s\n",
		identity, words, known.Since.Local().Format(time.RFC1123), spokenFor(known))
	return err
}

// shown returns a pin in the lines by which people compare it.
func (p pin) shown() string {
	if p.Identity == "" {
		return p.Words
	}
	return p.Identity.String() + "\n" + ceremony.IdentityInWords(p.Identity)
}

// typed returns the pin as it can be typed.
func (p pin) typed() typed { return typed{p.Identity, p.Words} }

// spokenFor returns the names of a pin's clusters, as words that follow its date.
func spokenFor(known pin) string {
	if len(known.Clusters) == 0 {
		return ""
	}
	names := make([]string, len(known.Clusters))
	for i, of := range known.Clusters {
		names[i] = of.Name
	}
	return ", for " + strings.Join(names, ", ")
}
