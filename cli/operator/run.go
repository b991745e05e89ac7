package operator

import (
	"errors"

	"github.com/spf13/cobra"

	"conclave/app"
	"conclave/cli"
	"conclave/config"
	"conclave/host"
)

// RunCommand returns conclave run.
func RunCommand(std cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the bot",
		Long: `Run the bot until SIGINT or SIGTERM: it then takes nothing new, finishes the act
in hand, and closes the journal. A second signal kills it; the next start takes
up what was left.`,
		Args: cli.Arguments(cobra.NoArgs),
	}
	path := cli.ConfigFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		log := app.NewLog(c.Log, std.Err)
		all, err := app.Assemble(c, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, all.Close()) }()
		log.Info("started", "version", host.Version(), "identity", all.Identity, "journal", c.Journal.Directory)
		err = all.Run(cmd.Context())
		log.Info("stopped")
		return err
	}
	return cmd
}
