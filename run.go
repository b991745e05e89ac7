package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func runCommand(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the bot",
		Long: `Run the bot until SIGINT or SIGTERM: it then takes nothing new, finishes the act
in hand, and closes the journal. A second signal kills it; the next start takes
up what was left.`,
		Args: arguments(cobra.NoArgs),
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		config, err := LoadConfig(*path)
		if err != nil {
			return err
		}
		log := config.Log.newLog(std.err)
		all, err := config.assemble(log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, all.Close()) }()
		log.Info("started", "version", version(), "identity", all.identity, "journal", config.Journal.Directory)
		err = all.run(cmd.Context())
		log.Info("stopped")
		return err
	}
	return cmd
}

// run serves until ctx ends or a part gives up. Intake stops first: what the bot
// has acknowledged is still done by the engine, which stops after it.
func (c *conclave) run(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	acting, stop := context.WithCancel(context.WithoutCancel(ctx))
	parts.Go(func() error { return c.engine.Run(acting) })
	for _, v := range c.vaults {
		parts.Go(func() error { return v.Run(acting) })
	}
	parts.Go(func() error {
		defer stop()
		return c.bot.Run(ctx, c.engine)
	})
	return parts.Wait()
}
