package operator

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"conclave/cli"
	"conclave/host"
)

// VersionCommand returns conclave version.
func VersionCommand(std cli.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Args:  cli.Arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(std.Out, Version())
			return err
		},
	}
}

// Version returns which build this is, in a line.
func Version() string {
	return fmt.Sprintf("conclave %s %s %s/%s", host.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
