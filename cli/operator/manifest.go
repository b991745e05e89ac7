package operator

import (
	"github.com/spf13/cobra"

	"conclave/bot"
	"conclave/cli"
)

// ManifestCommand returns conclave manifest.
func ManifestCommand(std cli.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "manifest",
		Short: "Print the Slack app manifest",
		Long: `Print the Slack app manifest: every setting and scope that the bot needs, and no
other. Paste it at https://api.slack.com/apps under Create New App, From a manifest, as JSON.`,
		Args: cli.Arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			manifest, err := bot.Manifest()
			if err != nil {
				return err
			}
			_, err = std.Out.Write(manifest)
			return err
		},
	}
}
