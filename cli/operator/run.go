package operator

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"conclave/app"
	"conclave/bot"
	"conclave/ceremony"
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
up what was left. SIGHUP has it reload the configuration, as conclave reload does.

Exit code 2 means that another start would end the same way: something that is
configured can't be used.`,
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
		if errors.Is(err, ceremony.ErrLocked) {
			return err // the other process may end
		}
		if err != nil {
			return unusable(err)
		}
		defer func() { err = errors.Join(err, all.Close()) }()
		log.Info("started", "version", host.Version(), "identity", all.Identity, "journal", c.Journal.Directory)
		err = all.Run(cmd.Context(), hangups)
		log.Info("stopped")
		if bot.IsLasting(err) || errors.Is(err, ceremony.UnknownCluster) {
			return cli.NewUsageError(err)
		}
		return err
	}
	return cmd
}

// unusable makes an error of what was configured a [cli.UsageError]: another start would end the
// same way. That a disk is full or broken for now is none.
func unusable(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EMFILE) {
		return err
	}
	return cli.NewUsageError(err)
}
