package operator

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

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
up what was left. SIGHUP has it reload the configuration, as conclave reload does.`,
		Args: cli.Arguments(cobra.NoArgs),
	}
	path := cli.ConfigFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		// Before anything else: a reload that comes too early must not end the program.
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
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
		err = all.Run(cmd.Context(), hangups)
		log.Info("stopped")
		return err
	}
	return cmd
}
