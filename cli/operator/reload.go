package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"conclave/app"
	"conclave/cli"
	"conclave/config"
	"conclave/host"
	"conclave/plural"
)

const (
	// takeUpTime is how long a bot may take to see a request for a reload.
	takeUpTime = 10 * time.Second
	// reloadTime is how long it may take to carry it out: it waits for Vault, and for Slack.
	reloadTime = 3 * time.Minute
	answerPace = 100 * time.Millisecond
)

// ReloadCommand returns conclave reload.
func ReloadCommand(std cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the running bot read the configuration again",
		Long: `Have the running bot read people and clusters again, with their keys and the
authorities of their servers. All of it is checked first: when something is wrong,
nothing is changed. Ceremonies that are open are compared with it as at a start, and
freeze where it speaks against them. No holder is asked again.

What stands under slack, identity, journal, archive and log is read by a start only.
The bot is found by its journal: run this as the bot's own account. On Windows the
bot does not run.`,
		Args: cli.Arguments(cobra.NoArgs),
	}
	path := cli.ConfigFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		if _, err := app.ReadKeys(c); err != nil {
			return err
		}
		answer, err := reload(cmd.Context(), c)
		if err != nil {
			return err
		}
		if !answer.Done {
			return cli.WithHint(fmt.Errorf("not reloaded: %s", answer.Fault), "Nothing was changed.")
		}
		out := host.Printable{Writer: std.Out}
		if len(answer.Changed) == 0 {
			fmt.Fprintln(out, "Reloaded: nothing has changed.")
			return nil
		}
		fmt.Fprintf(out, "Reloaded, with %s:\n  %s\n",
			plural.Of(len(answer.Changed), "change"), strings.Join(answer.Changed, "\n  "))
		return nil
	}
	return cmd
}

// reload asks the bot to reload, and returns its answer.
func reload(ctx context.Context, c *config.Config) (app.Answer, error) {
	journal, request := c.Journal.Directory, rand.Text()
	if err := app.RequestReload(journal, request); errors.Is(err, fs.ErrExist) {
		return app.Answer{}, errors.New("another reload is waited for; try again in a moment")
	} else if err != nil {
		return app.Answer{}, fmt.Errorf("ask the bot to reload: %w", err)
	}
	began := time.Now()
	for taken := false; ctx.Err() == nil && time.Since(began) < reloadTime; time.Sleep(answerPace) {
		if r, err := app.ReadRunning(journal); err == nil && r.Answer != nil && r.Answer.Request == request {
			return *r.Answer, nil
		}
		taken = taken || !app.Requested(journal)
		if !taken && time.Since(began) > takeUpTime {
			break
		}
	}
	if app.WithdrawRequest(journal) {
		return app.Answer{}, cli.WithHint(fmt.Errorf("no bot runs with the journal %s", journal),
			"Start it, or name the configuration that it was started with: --config.")
	}
	return app.Answer{}, errors.New("the bot has not answered; its log says what it does")
}
