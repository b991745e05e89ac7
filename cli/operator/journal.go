package operator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conclave/app"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/transcript"
	"conclave/cli"
	"conclave/config"
	"conclave/host"
	"conclave/plural"
)

// JournalCommand returns conclave journal.
func JournalCommand(std cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Take over what this identity has not written into the journal",
		Args:  cli.Arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(journalAdoptCommand(std))
	return cmd
}

func journalAdoptCommand(std cli.Streams) *cobra.Command {
	var seen string
	cmd := &cobra.Command{
		Use:   "adopt [--seen DIGEST]",
		Short: "Show what the identity has not written, and take it over",
		Long: `Show every ceremony in the journal that this identity has not written: from before
Conclave authenticated what it writes, or under another identity. Nothing vouches
for what stands there. Of each that is open, show who has agreed to it and how, and
ask those people whether they did.

With --seen and the digest that is printed below the list, take over exactly what was
shown. A ceremony that is open freezes, until an initiator and an approver resume it
or one of them cancels it. One that has ended is taken over as it is.

The bot must not run meanwhile.`,
		Args: cli.Arguments(cobra.NoArgs),
	}
	path := cli.ConfigFlag(cmd)
	cmd.Flags().StringVar(&seen, "seen", "", "take over what the list with this `DIGEST` has shown")
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		_, pgp, err := app.ReadOpenPGP(c)
		if err != nil {
			return err
		}
		if err := host.TrustedJournal(c.Journal.Directory); err != nil {
			return fmt.Errorf("journal.directory: %w", err)
		}
		j, err := journal.OpenJournal(string(c.Journal.Directory), pgp.JournalKey())
		if errors.Is(err, ceremony.ErrLocked) {
			return cli.WithHint(err, "Stop the bot, or whoever is in a ceremony at a terminal, first.")
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, j.Close()) }()
		return adopt(cmd.Context(), host.Printable{Writer: std.Out}, j, pgp, seen)
	}
	return cmd
}

// adopt shows what the identity has not written. It takes that over when it is what seen
// stands for.
func adopt(ctx context.Context, out io.Writer, j *journal.Journal, pgp *openpgp.OpenPGP, seen string) error {
	all, ours, err := j.Foreigners(ctx)
	if err != nil {
		return err
	}
	var foreign, broken []journal.Foreign
	for _, f := range all {
		if errors.Is(f.Why, ceremony.ErrNotAdopted) {
			foreign = append(foreign, f)
		} else {
			broken = append(broken, f)
		}
	}
	switch digest := digestOf(foreign); {
	case len(foreign) == 0:
		fmt.Fprintf(out, "Nothing is to be taken over: %s of this identity.\n", plural.Count(ours, "ceremony is", "ceremonies are"))
	case seen == "":
		showForeign(out, foreign, pgp)
		fmt.Fprintf(out, "\nNothing was changed. Ask the people above, outside of Slack. Then take over what is listed here:\n"+
			"  conclave journal adopt --seen %s\n", digest)
	case seen != digest:
		return cli.WithHint(errors.New("--seen: what is in the journal now is not what that list has shown"),
			"conclave journal adopt shows it again.")
	default:
		for _, f := range foreign {
			if err := j.Adopt(ctx, f.Ceremony); err != nil {
				return fmt.Errorf("adopt %s: %w", f.Ceremony, err)
			}
		}
		open := slices.DeleteFunc(slices.Clone(foreign), hasEnded)
		fmt.Fprintf(out, "Taken over: %s. Start the bot.\n", plural.Count(len(foreign), "ceremony", "ceremonies"))
		for _, f := range open {
			fmt.Fprintf(out, "%s freezes then, and waits for its people.\n", f.Ceremony)
		}
	}
	for _, f := range broken {
		fmt.Fprintf(out, "%s is not taken over: %v\n", f.Ceremony, f.Why)
	}
	if len(broken) > 0 {
		return cli.WithHint(fmt.Errorf("%s can't be obeyed", plural.Count(len(broken), "journal", "journals")),
			"Somebody may have written to it: keep the file and tell your security team. Put the file from a backup in its place, or take it out of the folder.")
	}
	return nil
}

// hasEnded reports whether nothing freezes when the ceremony is taken over.
func hasEnded(f journal.Foreign) bool {
	return f.State.Ended() || f.State.Plan.Operation == ceremony.Alarm
}

// digestOf stands for the lines of ceremonies.
func digestOf(foreign []journal.Foreign) string {
	var text strings.Builder
	for _, f := range foreign {
		fmt.Fprintf(&text, "%s %s\n", f.Ceremony, f.State.History[len(f.State.History)-1].Hash)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:8])
}

// showForeign prints what is open, one ceremony after the other, and then the names of what
// has ended.
func showForeign(out io.Writer, foreign []journal.Foreign, pgp *openpgp.OpenPGP) {
	var ended []string
	for _, f := range foreign {
		if f.State.Settled() {
			ended = append(ended, string(f.Ceremony))
			continue
		}
		showUnsettled(out, f, pgp)
	}
	if len(ended) > 0 {
		fmt.Fprintf(out, "%s ended and settled: %s\n", plural.Count(len(ended), "ceremony is", "ceremonies are"), strings.Join(ended, ", "))
	}
}

func showUnsettled(out io.Writer, f journal.Foreign, pgp *openpgp.OpenPGP) {
	c := f.State
	state := string(c.Phase)
	if c.Ended() {
		state = fmt.Sprintf("%s, and not settled", c.Outcome)
	}
	fmt.Fprintf(out, "%s: %s, proposed %s by %s\n  plan %s\n", c.ID(), state, c.Plan.Proposed.UTC().Format(time.RFC3339),
		c.Plan.Initiator.Name, c.PlanHash)
	for _, k := range f.Keys {
		key := "no authentication code"
		if k.Key != "" {
			key = "authenticated by key " + k.Key
		}
		if k.Key == pgp.JournalKey().Name() {
			key += ", which is this identity's"
		}
		fmt.Fprintf(out, "  lines %d to %d: %s\n", k.From, k.To, key)
	}
	for _, e := range c.History {
		if what, by, signed := agreed(e.Event); what != "" {
			how := "by their account alone, nothing signed"
			if signed != "" {
				how = "signed"
			}
			fmt.Fprintf(out, "  %s %s by %s: %s\n", e.At.UTC().Format(time.RFC3339), what, by.Name, how)
		}
	}
	certificates := map[ceremony.Fingerprint]string{}
	for _, key := range c.Plan.Keys() {
		if armored, err := pgp.PublicKey(key); err == nil {
			certificates[key] = armored
		}
	}
	faults, err := transcript.StatementFaults(c, certificates, openpgp.Signatures{})
	if err != nil {
		faults = append(faults, err.Error())
	}
	for _, fault := range faults {
		fmt.Fprintf(out, "  NOT SO: %s\n", fault)
	}
}

// agreed returns what a person has agreed to or decided, who it was, and what they have
// signed. It returns "" for any other event.
func agreed(e event.Event) (what string, by ceremony.Person, signed string) {
	switch ev := e.(type) {
	case event.Approved:
		return "approved", ev.By, ev.Signed
	case event.Proceeded:
		return "let to proceed", ev.By, ev.Signed
	case event.ResumeAsked:
		return "resumed", ev.By, ev.Signed
	case event.DeletionAsked:
		return "deletion agreed to", ev.By, ev.Signed
	case event.Closing:
		if ev.By != nil {
			return "cancelled", *ev.By, ev.Signed
		}
	}
	return "", by, ""
}

// checkAuthorship tells which ceremonies the identity has not written.
func checkAuthorship(f *findings, reports []journal.Report, pgp *openpgp.OpenPGP) {
	var foreign []string
	for _, r := range reports {
		switch err := journal.Authentic(r.Path, pgp.JournalKey()); {
		case errors.Is(err, ceremony.ErrNotAdopted):
			foreign = append(foreign, string(r.Ceremony))
		case err != nil:
			f.add(stop, "journal", "%s: %v", r.Path, err)
		}
	}
	if len(foreign) > 0 {
		f.add(stop, "journal", "%s not this identity's, from before Conclave authenticated what it writes, or under another identity, "+
			"and hold up their clusters: stop the bot, and run conclave journal adopt with this configuration\n%s",
			plural.Count(len(foreign), "ceremony is", "ceremonies are"), strings.Join(foreign, ", "))
	}
}
