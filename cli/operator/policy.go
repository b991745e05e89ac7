package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"conclave/app"
	"conclave/ceremony"
	"conclave/cli"
	"conclave/config"
	"conclave/vault"
)

// PolicyCommand returns conclave policy.
func PolicyCommand(std cli.Streams) *cobra.Command {
	var dialect string
	cmd := &cobra.Command{
		Use:   "policy CLUSTER",
		Short: "Print the Vault policy that a cluster's operations need",
		Long: `Print the least policy for the operations that the configuration allows on a
cluster, with the reason for each line. What a server asks a token for is up to
the server and its configuration: it is asked, without a token, and nothing is
changed. With --dialect nobody is asked:

  open     the endpoints of rekey and generate-root are open: Vault 1
  closed   they ask for a token: Vault 2
  openbao  OpenBao has others, which ask for a token`,
		Example: `  conclave policy prod | vault policy write conclave -`,
		Args:    cli.Arguments(cobra.ExactArgs(1)),
	}
	path := cli.ConfigFlag(cmd)
	cmd.Flags().StringVar(&dialect, "dialect", "", "open, closed or openbao; leave it out to ask the server")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if dialect != "" && !slices.Contains(vault.Dialects(), vault.Dialect(dialect)) {
			return cli.NewUsageError(fmt.Errorf("--dialect: %q is none of open, closed, openbao", dialect))
		}
		c, err := config.Load(*path)
		if err != nil {
			return err
		}
		cluster := c.Clusters[args[0]]
		if cluster == nil {
			return cli.NewUsageError(fmt.Errorf("the configuration has no clusters.%s", args[0]))
		}
		uses, err := uses(cmd.Context(), cluster, vault.Dialect(dialect))
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(std.Out, vault.Policy(vault.Rights(uses, cluster.Auth.Method != "")))
		return err
	}
	return cmd
}

// uses returns for what the cluster's token is used. When dialect is empty it asks the
// server for the dialect of each operation.
func uses(ctx context.Context, c *config.Cluster, dialect vault.Dialect) ([]vault.Use, error) {
	var client *vault.Client
	if dialect == "" {
		// No token is needed to ask, and there may be none yet.
		asking := *c
		asking.TokenFile, asking.Auth = "", config.Auth{}
		var err error
		if client, err = app.NewVault(&asking); err != nil {
			return nil, err
		}
		defer client.Close()
	}
	var uses []vault.Use
	for _, op := range operations(c) {
		use := vault.Use{Operation: op, Dialect: dialect, Backup: c.Backup}
		if client != nil {
			var err error
			use.Dialect, err = client.Dialect(ctx, op)
			switch {
			case errors.Is(err, ceremony.ErrUnsupported) && (op == ceremony.RecoveryToken || op == ceremony.DRToken):
				use.Dialect = vault.Closed // a server in the state for it may ask for a token
			case err != nil:
				return nil, cli.WithHint(err, "to print the policy without asking, give --dialect: open, closed or openbao")
			}
		}
		uses = append(uses, use)
	}
	for _, op := range watched(c) {
		use := vault.Use{Operation: op, Dialect: dialect, Watch: true}
		if client != nil {
			var err error
			if use.Dialect, err = client.Dialect(ctx, op); err != nil {
				continue // there is nothing to watch of what the server does not offer
			}
		}
		uses = append(uses, use)
	}
	return uses, nil
}

// watched returns the operations that the interference watch looks at. Of the two rekeys
// a cluster has the one that suits its seal.
func watched(c *config.Cluster) []ceremony.Operation {
	switch {
	case !c.Interference:
		return nil
	case c.Allows(ceremony.RekeyRecovery):
		return []ceremony.Operation{ceremony.RekeyRecovery, ceremony.GenerateRoot, ceremony.Rotate}
	case c.Allows(ceremony.Rekey), c.Allows(ceremony.Unseal):
		return []ceremony.Operation{ceremony.Rekey, ceremony.GenerateRoot, ceremony.Rotate}
	}
	return []ceremony.Operation{ceremony.Rekey, ceremony.RekeyRecovery, ceremony.GenerateRoot, ceremony.Rotate}
}

// operations returns the operations that the configuration allows.
func operations(c *config.Cluster) []ceremony.Operation {
	var operations []ceremony.Operation
	for _, op := range c.Operations {
		operations = append(operations, ceremony.Operation(op))
	}
	return operations
}
