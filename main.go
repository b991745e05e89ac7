// Command conclave runs Vault key ceremonies in Slack.
//
// Its exit codes: 0 when it did what was asked; 1 when it did not, or when a check found
// something; 2 when the command line or something that is configured can't be used; 3 when a message
// comes from another identity than the pinned one.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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

// run runs the command that args name, and returns the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	if slices.ContainsFunc(args, showsSecret) {
		fmt.Fprintln(std.Err, secretArgument)
		return cli.ExitUsage
	}
	root := rootCommand(std)
	root.SetArgs(args)
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	return report(std.Err, root.ExecuteContext(ctx))
}

// report prints the error of a command, unless the command has printed it, and returns
// the exit code.
func report(out io.Writer, err error) int {
	if err == nil {
		return cli.ExitOK
	}
	if told, ok := errors.AsType[cli.ReportedError](err); ok {
		return cmp.Or(told.Code, cli.ExitFailed)
	}
	if problems, ok := errors.AsType[*config.Problems](err); ok {
		fmt.Fprintln(out, problems.Error())
		return cli.ExitUsage
	}
	fmt.Fprintf(host.Printable{Writer: out}, "conclave: %v\n", err)
	if hint, ok := errors.AsType[cli.HintError](err); ok {
		fmt.Fprintf(host.Printable{Writer: out}, "          %s\n", hint.Hint)
	}
	_, usage := errors.AsType[cli.UsageError](err)
	if _, unread := errors.AsType[config.ReadError](err); usage || unread {
		return cli.ExitUsage
	}
	if holder.IsOtherIdentity(err) {
		return cli.ExitIdentity
	}
	return cli.ExitFailed
}

// rootCommand returns conclave with every command that it has, by who runs it.
func rootCommand(std cli.Streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "conclave",
		Short: "Vault key ceremonies in Slack",
		Long: `Conclave is a Slack bot that runs HashiCorp Vault's key ceremonies: several
people bring a piece of a key each, encrypted and signed with PGP, and afterwards
anybody can check what happened.`,
		Version:       operator.Version(),
		Args:          cli.Arguments(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true, // report prints them, once
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.NewUsageError(err) })
	root.AddCommand(
		operator.RunCommand(std),
		operator.CheckCommand(std),
		operator.ReloadCommand(std),
		operator.ManifestCommand(std),
		operator.PolicyCommand(std),
		operator.JournalCommand(std),
		operator.IdentityCommand(std),
		operator.VersionCommand(std),
		operator.ManCommand(std),
		terminal.CeremonyCommand(std),
		holder.SealCommand(std),
		holder.OpenCommand(std),
		holder.PinCommand(std),
		holder.OtpCommand(std),
		holder.DecodeCommand(std),
		auditor.VerifyCommand(std),
	)
	return root
}

// secretArgument is printed in place of what a command would do.
const secretArgument = "conclave: one of the arguments looks like a share, a token or another secret, " +
	"which no command takes as an argument; it is not repeated here\n" +
	"          It is in your shell's history, and was in the list of processes: remove it there, " +
	"and tell your security team."

// digestDigits is the length of a SHA-256 in hexadecimal digits.
const digestDigits = 64

// showsSecret reports whether an argument shows a share, a token or a private key, and
// names no file. The error that no such file exists would repeat it (P1). 64 digits alone
// are taken for a whole key; in a message that was pasted as one argument they are taken
// for a digest. What may be a one-time password is left to the commands, which know
// whether they expect one.
func showsSecret(arg string) bool {
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
