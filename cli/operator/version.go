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
			_, err := fmt.Fprintf(std.Out, "conclave %s %s %s/%s\n", host.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
