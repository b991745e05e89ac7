// Package terminal has conclave ceremony: ceremonies without Slack. The engine and its
// rules are the bot's. People read the screen and type lines, and sign on their own
// computers what counts.
package terminal

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"conclave/ceremony"
	"conclave/ceremony/leak"
	"conclave/cli"
	"conclave/config"
)

// CeremonyCommand returns conclave ceremony.
func CeremonyCommand(std cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ceremony",
		Short: "Hold ceremonies at a terminal, on the day on which Slack is down",
		Long: `Hold ceremonies without Slack: the same operations, by the same rules and checks,
in the same journal. It needs the bot's configuration and runs in the bot's place:
beside a bot that has the journal open it refuses.

Nobody is believed by their name alone. Shares come in envelopes that their holders
sign, and whoever proposes, approves or decides signs one line, for which the
command is shown.`,
		Args: cli.Arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		ceremonyStartCommand(std), ceremonyTakeUpCommand(std),
		ceremonyListCommand(std), ceremonyShowCommand(std), ceremonyKeyStatusCommand(std),
	)
	return cmd
}

func ceremonyStartCommand(std cli.Streams) *cobra.Command {
	var name, reason, out string
	var options []string
	cmd := &cobra.Command{
		Use:   "start OPERATION CLUSTER --as NAME --out DIR",
		Short: "Propose a ceremony, and hold it",
		Long: `Propose a ceremony in the name of somebody in the configuration, who signs that
they do, and hold it until it has ended and everybody has what is theirs.

What people say is read from standard input, a line each; help shows the lines.
What they are to take home is written to the folder --out: requests for shares, new
shares and tokens, each encrypted to its receiver, what people have signed, and the
log.

Exit code 0 when the ceremony was completed or left open, 1 when it ended in another
way.`,
		Example: `  conclave ceremony start unseal prod --as alice --out ~/ceremony`,
		Args:    cli.Arguments(cobra.ExactArgs(2)),
	}
	path := cli.ConfigFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&name, "as", "", "who proposes, by their name in the configuration")
	flags.StringVar(&reason, "reason", "", "why; a line that everybody reads")
	flags.StringArrayVar(&options, "option", nil, "name=value, of an operation that takes options; may be repeated")
	flags.StringVar(&out, "out", "", "folder for what is handed out; made if it is missing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := cli.NeedFlags(cmd, "as", "out"); err != nil {
			return err
		}
		proposal := ceremony.Proposal{Operation: ceremony.Operation(args[0]), Cluster: args[1], Reason: reason}
		if !slices.Contains(ceremony.Operations(), proposal.Operation) {
			return cli.NewUsageError(fmt.Errorf("%q is no operation", args[0]))
		}
		var err error
		if proposal.Options, err = readOptions(options); err != nil {
			return cli.NewUsageError(err)
		}
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		if err := checkProposal(c, proposal); err != nil {
			return cli.NewUsageError(err)
		}
		return runSession(cmd.Context(), c, std, out, func(s *session) beginning {
			return s.start(proposal, name)
		})
	}
	return cmd
}

// commitmentShape is a SHA-256. It looks like a share: it has the same length.
var commitmentShape = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

// checkProposal returns an error for a proposal that nobody may be asked to sign. What the
// line shows must be what is proposed, and must not be secret: it stays on the screen. The
// error repeats no value, which may be the secret itself.
func checkProposal(c *config.Config, p ceremony.Proposal) error {
	if c.Clusters[p.Cluster] == nil {
		return noCluster(c, p.Cluster)
	}
	for name, value := range p.Options {
		switch {
		case !slices.Contains(p.Operation.Options(), name):
			return fmt.Errorf("%s takes no option of this name", p.Operation)
		case len(leak.In(value, nil)) > 0 && !commitmentShape.MatchString(value):
			return fmt.Errorf("--option %s shows something secret in the open; it is not repeated here", name)
		}
	}
	for word := range strings.FieldsSeq(p.Reason) {
		if name, _, ok := strings.Cut(word, "="); ok && slices.Contains(p.Operation.Options(), strings.ToLower(name)) {
			return fmt.Errorf("the reason has %s=…, which would go without effect: it belongs to --option", name)
		}
	}
	if len(leak.In(p.Reason, nil)) > 0 {
		return errors.New("the reason shows something secret in the open; it is not repeated here")
	}
	return nil
}

// noCluster returns the error of a cluster that is not configured.
func noCluster(c *config.Config, name string) error {
	known := slices.Sorted(maps.Keys(c.Clusters))
	return fmt.Errorf("no cluster is called %q, of %s", name, strings.Join(known, ", "))
}

// readOptions reads options of the form name=value, each name once: name → value.
func readOptions(options []string) (map[string]string, error) {
	values := map[string]string{}
	for _, option := range options {
		name, value, ok := strings.Cut(option, "=")
		if _, twice := values[name]; !ok || name == "" || twice {
			return nil, errors.New("--option is name=value, and each name comes once")
		}
		values[name] = value
	}
	return values, nil
}

func ceremonyTakeUpCommand(std cli.Streams) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "take-up [ID] --out DIR",
		Short: "Go on with a ceremony that is open, whether it began here or in Slack",
		Long: `Go on with the ceremonies that are open in the journal, or with one of them. Vault
is compared with the plan first. Whoever has not brought their share yet is asked
anew, since the ceremony's key is in no file.

Lines are read and files are written as by start.`,
		Args: cli.Arguments(cobra.MaximumNArgs(1)),
	}
	path := cli.ConfigFlag(cmd)
	cmd.Flags().StringVar(&out, "out", "", "folder for what is handed out; made if it is missing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := cli.NeedFlags(cmd, "out"); err != nil {
			return err
		}
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		var id ceremony.ID
		if len(args) > 0 {
			id = ceremony.ID(args[0])
		}
		return runSession(cmd.Context(), c, std, out, func(s *session) beginning { return s.resume(id) })
	}
	return cmd
}
