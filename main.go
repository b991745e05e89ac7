// Command conclave runs Vault key ceremonies in Slack.
//
// Exit codes: 0 when it did what was asked; 1 when it did not, or when a check
// found something; 2 when the command line or the configuration can't be used; 3
// when a message comes from another identity than the one that is pinned.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"conclave/ceremony/leak"
	"conclave/cli"
	"conclave/cli/auditor"
	"conclave/cli/holder"
	"conclave/cli/operator"
	"conclave/cli/terminal"
	"conclave/config"
	"conclave/host"
)

func main() {
	host.Harden()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks; from then on the second one kills, as it would kill
	// any program, for the case that finishing hangs.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

// run is the whole program but for what belongs to its process. It answers the
// exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	if slices.ContainsFunc(args, secretShaped) {
		fmt.Fprintln(std.Err, "conclave: one of the arguments looks like a share, a token or another secret, which no command takes as an argument; it is not repeated here\n"+
			"          It is in your shell's history, and was in the list of processes: remove it there, and tell your security team.")
		return cli.ExitUsage
	}
	root := rootCommand(std)
	root.SetArgs(args)
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return cli.ExitOK
	}
	if _, told := errors.AsType[cli.ReportedError](err); told {
		return cli.ExitFailed
	}
	if problems, ok := errors.AsType[*config.Problems](err); ok {
		fmt.Fprintln(std.Err, problems.Error())
		return cli.ExitUsage
	}
	fmt.Fprintf(host.Printable{Writer: std.Err}, "conclave: %v\n", err)
	if hint, ok := errors.AsType[cli.HintError](err); ok {
		fmt.Fprintf(host.Printable{Writer: std.Err}, "          %s\n", hint.Hint)
	}
	if _, usage := errors.AsType[cli.UsageError](err); usage {
		return cli.ExitUsage
	}
	if holder.IsOtherIdentity(err) {
		return cli.ExitIdentity
	}
	return cli.ExitFailed
}

func rootCommand(std cli.Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "conclave",
		Short: "Vault key ceremonies in Slack",
		Long: `Conclave is a Slack bot that runs HashiCorp Vault's key ceremonies: several
people bring a piece of a key each, encrypted and signed with PGP, and afterwards
anybody can check what happened.`,
		Args:          cli.Arguments(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true, // run says them, once
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.NewUsageError(err) })
	root.AddCommand(
		operator.RunCommand(std), terminal.CeremonyCommand(std), operator.CheckCommand(std), operator.ManifestCommand(std), operator.PolicyCommand(std), operator.IdentityCommand(std),
		holder.SealCommand(std), holder.OpenCommand(std), holder.PinCommand(std), holder.OtpCommand(std), holder.DecodeCommand(std), auditor.VerifyCommand(std), operator.VersionCommand(std),
	)
	return root
}

// digestDigits is the length of a SHA-256 in digits.
const digestDigits = 64

// secretShaped reports whether an argument shows a share, a token or a private key and is
// not a file: it would be repeated in the error that no such file exists (P1). A digest
// alone looks like a whole key; within a message that was pasted as one argument it is a
// digest. What may be a one-time password is for the commands to judge, which know what
// they expect.
func secretShaped(arg string) bool {
	if name, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(name, "-") {
		arg = value
	}
	pasted := len(strings.Fields(arg)) > 1
	shown := leak.In(arg, func(word string) bool { return pasted && len(word) == digestDigits })
	if len(shown) == 0 || shown[0] == leak.Password {
		return false
	}
	_, err := os.Lstat(arg)
	return err != nil
}
