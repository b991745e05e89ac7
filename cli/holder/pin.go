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
		Use:   "pin [FINGERPRINT]",
		Short: "For holders: say which identity to believe, or show whom you do",
		Long: `Pin the fingerprint of Conclave's identity: conclave seal and conclave open then
believe what it has signed, and nobody else. Type it as you were given it, in
person or on the phone, and not from Slack: whoever could change it there would
be believed. Without FINGERPRINT, show what is pinned.

When Conclave gets another identity, everybody is told in person or on the phone;
--replaces then takes the old one's place. An identity that was not announced so
is not Conclave's, whatever the message says.`,
		Example: `  conclave pin '3A23 84C1 … FC51'
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
			return addPin(std, p, strings.Join(args, ""), replaces, cluster, time.Now())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&replaces, "replaces", "", "the identity whose place it takes, and which is believed no more")
	flags.StringVar(&cluster, "cluster", "",
		"a cluster that it holds ceremonies for from now on, and no other identity does")
	flags.StringVar(&remove, "remove", "", "the identity to believe no more")
	return cmd
}

// pinnedFingerprint parses the fingerprint in an argument or a flag of this name.
func pinnedFingerprint(name, text string) (ceremony.Fingerprint, error) {
	f, err := ceremony.ParseFingerprint(text)
	if err != nil {
		return "", cli.NewUsageError(fmt.Errorf("%s: %w", name, err))
	}
	return f, nil
}

// addPin pins an identity. It takes over the clusters of the identity that it replaces.
func addPin(std cli.Streams, p *pins, fingerprint, replaces, cluster string, now time.Time) error {
	f, err := pinnedFingerprint("FINGERPRINT", fingerprint)
	if err != nil {
		return err
	}
	if cluster != "" && !ceremony.IsName(cluster) {
		return cli.NewUsageError(fmt.Errorf("--cluster: %q is no name of a cluster", cluster))
	}
	var inherited []served
	if replaces != "" {
		old, err := pinnedFingerprint("--replaces", replaces)
		if err != nil {
			return err
		}
		before := p.find(old)
		switch {
		case old == f:
			return cli.NewUsageError(errors.New("--replaces: an identity does not replace itself"))
		case before == nil:
			return cli.WithHint(fmt.Errorf("%s is not pinned", old), "conclave pin shows what is.")
		}
		inherited = before.Clusters
		p.remove(old)
	}
	pinned := p.add(f, now)
	for _, of := range inherited {
		pinned.remember(of)
	}
	if cluster != "" {
		p.give(f, cluster)
	}
	if err := p.save(); err != nil {
		return err
	}
	fmt.Fprintf(std.Err, "Pinned. Compare once more, on the phone:\n\n")
	return showPin(std.Out, *p.find(f))
}

// give makes an identity the only one that speaks for clusters of this name.
func (p *pins) give(f ceremony.Fingerprint, cluster string) {
	for i := range p.list {
		var kept []served
		for _, of := range p.list[i].Clusters {
			if of.Name != cluster {
				kept = append(kept, of)
			}
		}
		p.list[i].Clusters = kept
	}
	p.find(f).remember(served{Name: cluster})
}

// unpin removes the pin of an identity.
func unpin(std cli.Streams, p *pins, fingerprint string) error {
	f, err := pinnedFingerprint("--remove", fingerprint)
	if err != nil {
		return err
	}
	if !p.remove(f) {
		return cli.WithHint(fmt.Errorf("%s is not pinned", f), "conclave pin shows what is.")
	}
	if err := p.save(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Err, "%s is believed no more.\n", f)
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
	_, err := fmt.Fprintf(w, "identity %s\nin words %s\npinned   %s%s\n",
		known.Identity, ceremony.IdentityInWords(known.Identity), known.Since.Local().Format(time.RFC1123), spokenFor(known))
	return err
}

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
