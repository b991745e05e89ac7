package app

import (
	"fmt"

	"conclave/ceremony"
	"conclave/config"
	"conclave/host"
	"conclave/vault"
)

// NewVault makes the client of a cluster, without sending anything. It refuses a file
// of authorities that everybody on this machine may write.
func NewVault(c *config.Cluster) (*vault.Client, error) {
	if c.CAFile != "" {
		// ReadTrusted would refuse a system's bundle: it is larger than host.MaxFile.
		if err := host.Trusted(c.CAFile); err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
	}
	return vault.New(vault.Config{
		Addresses:  c.Addresses,
		CAFile:     string(c.CAFile),
		ServerName: c.ServerName,
		Namespace:  c.Namespace,
		TokenFile:  string(c.TokenFile),
		Login:      login(c.Auth),
		Timeout:    c.Timeout,
	})
}

// login returns how the client gets a token of its own, or nil when it does not.
func login(a config.Auth) vault.Login {
	switch a.Method {
	case "approle":
		return vault.AppRole{Mount: a.Mount, RoleIDFile: string(a.RoleIDFile), SecretIDFile: string(a.SecretIDFile)}
	case "kubernetes":
		return vault.Kubernetes{Mount: a.Mount, Role: a.Role, TokenFile: string(a.JWTFile)}
	}
	return nil
}

// cluster returns a configured cluster as the engine needs it, with v as its client.
func cluster(c *config.Config, name string, keys Keyring, v ceremony.Vault) ceremony.Cluster {
	from := c.Clusters[name]
	cluster := ceremony.Cluster{
		Name:         name,
		Vault:        v,
		Initiators:   People(c, from.Initiators, keys),
		Approvers:    People(c, from.Approvers, keys),
		Approvals:    from.Approvals,
		Holders:      People(c, from.Holders, keys),
		Receivers:    People(c, from.KeyReceivers(), keys),
		NewThreshold: from.Threshold,
		Verification: from.Verification,
		Backup:       from.Backup,
		Window:       from.Window,
		Poll:         from.Poll,
		Watch:        from.Watch && from.Allows(ceremony.Unseal),
		Interference: from.Interference,
		Owners:       People(c, from.AlarmOwners(c.People), keys),

		DailyProposals: from.DailyProposals,
	}
	cluster.Witnesses = People(c, from.Witnesses, keys)
	cluster.Policies = map[ceremony.Operation]ceremony.Policy{}
	for _, name := range from.Operations {
		op := ceremony.Operation(name)
		cluster.Operations = append(cluster.Operations, op)
		cluster.Policies[op] = from.PolicyOf(op)
	}
	return cluster
}
