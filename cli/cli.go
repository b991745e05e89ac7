// Package cli has what the commands share: their streams, their exit codes, and the
// errors that main tells from others. The commands stand in the rooms below it, one for
// each kind of reader of the documentation.
package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Exit codes, as the operator's guide lists them.
const (
	ExitOK       = 0
	ExitFailed   = 1
	ExitUsage    = 2
	ExitIdentity = 3
)

// Streams are what a command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer // what was asked for, and nothing else
	Err io.Writer // everything that is said about it
}

// ConfigFlag adds the flag --config to a command that needs a configuration, and returns
// its value.
func ConfigFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", "conclave.yaml", "configuration file")
}

// Arguments makes the error of check a [UsageError].
func Arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return NewUsageError(fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath()))
		}
		return nil
	}
}

// NeedFlags returns a [UsageError] when one of the flags is not set. Cobra can require
// flags too, but its error can't be told from one of the command itself.
func NeedFlags(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if !cmd.Flags().Changed(name) {
			return NewUsageError(fmt.Errorf("--%s is needed; see: %s --help", name, cmd.CommandPath()))
		}
	}
	return nil
}

// UsageError means that the command line can't be used as it is.
type UsageError struct{ error }

func (e UsageError) Unwrap() error { return e.error }

// NewUsageError wraps the reason why the command line can't be used.
func NewUsageError(err error) error { return UsageError{err} }

// ReportedError means that the command has printed already what went wrong. Code is the exit
// code; 0 stands for [ExitFailed].
type ReportedError struct{ Code int }

func (ReportedError) Error() string { return "told" }

// HintError is an error with a sentence on what to do next.
type HintError struct {
	error
	Hint string
}

func (e HintError) Unwrap() error { return e.error }

// WithHint adds a sentence on what to do next to an error.
func WithHint(err error, hint string) error { return HintError{err, hint} }
