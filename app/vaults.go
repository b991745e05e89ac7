package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

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

// connection is the client of a cluster, and what it was made of.
type connection struct {
	*vault.Client
	from string
	stop context.CancelFunc // ends Run; nil before start
}

// start keeps the client's token alive until ctx ends or stop is called.
func (v *connection) start(ctx context.Context, all *sync.WaitGroup) {
	ctx, v.stop = context.WithCancel(ctx)
	all.Go(func() { _ = v.Run(ctx) }) // it returns no error
}

// connect makes the clients of all clusters. It takes those of before whose cluster is
// reached as it was: a secret id may serve for one login only. An error leaves before as it
// was.
func connect(c *config.Config, before map[string]*connection) (map[string]*connection, error) {
	all := map[string]*connection{}
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		of := c.Clusters[name]
		from := fmt.Sprintf("%q %q %q %q %q %+v %s %s", of.Addresses, of.CAFile, of.ServerName, of.Namespace,
			of.TokenFile, of.Auth, of.Timeout, hashOf(string(of.CAFile)))
		if was := before[name]; was != nil && was.from == from {
			all[name] = was
			continue
		}
		client, err := NewVault(of)
		if err != nil {
			for name, made := range all {
				if made != before[name] {
					made.Close()
				}
			}
			return nil, fmt.Errorf("clusters.%s: %w", name, err)
		}
		all[name] = &connection{Client: client, from: from}
	}
	return all, nil
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
