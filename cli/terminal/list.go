package terminal

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"conclave/app"
	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/journal"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
	"conclave/cli"
	"conclave/config"
	"conclave/host"
)

func ceremonyListCommand(std cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the ceremonies of the journal, newest first; also beside the bot",
		Args:  cli.Arguments(cobra.NoArgs),
	}
	path := cli.ConfigFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		all, err := readJournal(std, c)
		screen := newScreen(std.Out)
		for _, c := range all {
			state := string(c.Phase)
			if c.Ended() {
				state = string(c.Outcome)
			}
			screen.say("%-32s %-12s proposed %s by %s",
				c.ID(), state, c.Plan.Proposed.UTC().Format(time.RFC3339), c.Plan.Initiator.Name)
		}
		return err
	}
	return cmd
}

func ceremonyShowCommand(std cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a ceremony: its plan, what happened, where it stands; also beside the bot",
		Args:  cli.Arguments(cobra.ExactArgs(1)),
	}
	path := cli.ConfigFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		key, err := app.JournalKey(c)
		tellUnchecked(std, err)
		shown, err := journal.ReadCeremony(string(c.Journal.Directory), ceremony.ID(args[0]), key)
		if err != nil {
			return fmt.Errorf("show %s: %w", args[0], err)
		}
		showCeremony(newScreen(std.Out), shown)
		return nil
	}
	return cmd
}

// readJournal returns what the identity has written into the journal. Where its key can't be
// read, it says so, and returns what anybody may have written.
func readJournal(std cli.Streams, c *config.Config) ([]rules.State, error) {
	key, err := app.JournalKey(c)
	tellUnchecked(std, err)
	return journal.ReadJournal(string(c.Journal.Directory), key)
}

// tellUnchecked says why the identity's key can't be read, if it can't.
func tellUnchecked(std cli.Streams, err error) {
	if err != nil {
		fmt.Fprintf(host.Printable{Writer: std.Err}, "Who has written the journal is not checked: %v\n", err)
	}
}

// showCeremony prints the plan of a ceremony, its history and its status.
func showCeremony(screen *screen, c rules.State) {
	screen.say("%shash: %s\nin words: %s\n",
		c.Plan.Text(), c.PlanHash, ceremony.SpokenHash(c.PlanHash, ceremony.ReadAloud))
	for _, m := range c.Messages() {
		if m.Kind == rules.HistoryMessage || m.Kind == rules.TranscriptMessage {
			screen.say("%s %s", m.Entry.At.UTC().Format(time.RFC3339), indent(wording.Tell(c, m.Entry)))
		}
	}
	screen.say("\n%s", render.Status(c, rules.Live{}, time.Now()))
}

func ceremonyKeyStatusCommand(std cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key-status CLUSTER",
		Short: "Ask a cluster for its encryption key; also beside the bot",
		Args:  cli.Arguments(cobra.ExactArgs(1)),
	}
	path := cli.ConfigFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		name := args[0]
		from, ok := c.Clusters[name]
		if !ok {
			return cli.NewUsageError(noCluster(c, name))
		}
		done, err := readJournal(std, c)
		if err != nil {
			return err
		}
		client, err := app.NewVault(from)
		if err != nil {
			return err
		}
		defer client.Close()
		report, err := ledger.ReportKeys(cmd.Context(), ceremony.Cluster{Name: name, Vault: client}, done)
		if err != nil {
			return err
		}
		newScreen(std.Out).say("%s", render.KeyStatus(name, report))
		return nil
	}
	return cmd
}
