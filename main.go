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
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"conclave/ceremony/leak"
)

// Exit codes, as the operator's guide lists them.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUsage    = 2
	exitIdentity = 3
)

func main() {
	harden()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks; from then on the second one kills, as it would kill
	// any program, for the case that finishing hangs.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are what a command reads and writes.
type streams struct {
	in  io.Reader
	out io.Writer // what was asked for, and nothing else
	err io.Writer // everything said about it
}

// run is the whole program but for what belongs to its process. It answers the
// exit code.
func run(ctx context.Context, args []string, std streams) int {
	if slices.ContainsFunc(args, secretShaped) {
		fmt.Fprintln(std.err, "conclave: one of the arguments looks like a share, a token or another secret, which no command takes as an argument; it is not repeated here\n"+
			"          It is in your shell's history, and was in the list of processes: remove it there, and tell your security team.")
		return exitUsage
	}
	root := rootCommand(std)
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if _, told := errors.AsType[toldError](err); told {
		return exitFailed
	}
	if problems, ok := errors.AsType[*Problems](err); ok {
		fmt.Fprintln(std.err, problems.Error())
		return exitUsage
	}
	fmt.Fprintf(printable{std.err}, "conclave: %v\n", err)
	if hint, ok := errors.AsType[hinted](err); ok {
		fmt.Fprintf(printable{std.err}, "          %s\n", hint.hint)
	}
	if _, usage := errors.AsType[usageError](err); usage {
		return exitUsage
	}
	if isOtherIdentity(err) {
		return exitIdentity
	}
	return exitFailed
}

func rootCommand(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "conclave",
		Short: "Vault key ceremonies in Slack",
		Long: `Conclave is a Slack bot that runs HashiCorp Vault's key ceremonies: several
people bring a piece of a key each, encrypted and signed with PGP, and afterwards
anybody can check what happened.`,
		Args:          arguments(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true, // run says them, once
		SilenceUsage:  true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		runCommand(std), ceremonyCommand(std), checkCommand(std), manifestCommand(std), policyCommand(std), identityCommand(std),
		sealCommand(std), openCommand(std), pinCommand(std), otpCommand(std), decodeCommand(std), verifyCommand(std), versionCommand(std),
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

// configFlag adds --config, which every command has that needs a configuration.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", "conclave.yaml", "configuration file")
}

// arguments makes a wrong number of arguments an error of usage.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
		}
		return nil
	}
}

// needFlags makes flags obligatory. Cobra has this too, but its error can't be
// told from one of the command itself.
func needFlags(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if !cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s is needed; see: %s --help", name, cmd.CommandPath())}
		}
	}
	return nil
}

// usageError means that the command line can't be used as it is.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// toldError means that the command has said everything already.
type toldError struct{}

func (toldError) Error() string { return "told" }

// hinted is an error with a word on what to do next.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }
