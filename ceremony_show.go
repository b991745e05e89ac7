package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"conclave/bot"
	"conclave/ceremony"
)

func ceremonyListCommand(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the ceremonies of the journal, newest first; also beside the bot",
		Args:  arguments(cobra.NoArgs),
	}
	path := configFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		config, err := LoadConfig(*path)
		if err != nil {
			return err
		}
		all, err := ceremony.ReadJournal(string(config.Journal.Directory))
		screen := newScreen(std.out)
		for _, c := range all {
			state := string(c.State)
			if c.Ended() {
				state = string(c.Outcome)
			}
			screen.say("%-32s %-12s proposed %s by %s", c.ID(), state, c.Plan.Proposed.UTC().Format(time.RFC3339), c.Plan.Initiator.Name)
		}
		return err
	}
	return cmd
}

func ceremonyShowCommand(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a ceremony: its plan, what happened, where it stands; also beside the bot",
		Args:  arguments(cobra.ExactArgs(1)),
	}
	path := configFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		config, err := LoadConfig(*path)
		if err != nil {
			return err
		}
		all, err := ceremony.ReadJournal(string(config.Journal.Directory))
		i := slices.IndexFunc(all, func(c ceremony.Ceremony) bool { return string(c.ID()) == args[0] })
		if i < 0 {
			return errors.Join(err, fmt.Errorf("show %s: %w", args[0], ceremony.ErrUnknownCeremony))
		}
		showCeremony(newScreen(std.out), all[i])
		return err
	}
	return cmd
}

func showCeremony(screen *screen, c ceremony.Ceremony) {
	screen.say("%shash: %s\nin words: %s\n", c.Plan.Text(), c.PlanHash, ceremony.SpokenHash(c.PlanHash, spokenWords))
	for _, m := range c.Messages() {
		if m.Kind == ceremony.HistoryMessage || m.Kind == ceremony.TranscriptMessage {
			screen.say("%s %s", m.Entry.At.UTC().Format(time.RFC3339), indent(bot.Tell(c, m.Entry)))
		}
	}
	screen.say("\n%s", bot.Status(c, ceremony.Live{}, time.Now()))
}

func ceremonyKeyStatusCommand(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key-status CLUSTER",
		Short: "Ask a cluster for its encryption key; also beside the bot",
		Args:  arguments(cobra.ExactArgs(1)),
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		config, err := LoadConfig(*path)
		if err != nil {
			return err
		}
		name := args[0]
		from, ok := config.Clusters[name]
		if !ok {
			return usageError{config.noCluster(name)}
		}
		done, err := ceremony.ReadJournal(string(config.Journal.Directory))
		if err != nil {
			return err
		}
		client, err := from.newVault()
		if err != nil {
			return err
		}
		defer client.Close()
		report, err := ceremony.ReportKeys(cmd.Context(), ceremony.Cluster{Name: name, Vault: client}, done)
		if err != nil {
			return err
		}
		newScreen(std.out).say("%s", bot.KeyStatus(name, report))
		return nil
	}
	return cmd
}
