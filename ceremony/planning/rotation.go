package planning

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"conclave/ceremony"
)

// Vault's limits of a rotation policy (vault/keyring.go).
const (
	leastOperations  = 1_000_000
	mostOperations   = 3_865_470_566
	shortestInterval = 24 * time.Hour
)

// planPolicy works out the wanted rotation policy: the one in force with the proposal's
// changes.
func planPolicy(ctx context.Context, cluster ceremony.Cluster, p ceremony.Proposal, plan *ceremony.Plan) error {
	now, err := cluster.Vault.RotationPolicy(ctx)
	if err != nil {
		return fmt.Errorf("ask %s for its rotation policy: %w", cluster.Name, err)
	}
	wanted, err := with(now, p.Options)
	switch {
	case err != nil:
		return err
	case wanted == now:
		return ceremony.SamePolicy
	case wanted.MaxOperations == now.MaxOperations && wanted.Interval == now.Interval:
		// Vault answers 204 and changes nothing (seen on Vault 1.21.2).
		return ceremony.EnabledAlone
	}
	plan.OldPolicy, plan.NewPolicy = &now, &wanted
	return nil
}

// with returns the policy with the values of the options.
func with(p ceremony.RotationPolicy, options map[string]string) (ceremony.RotationPolicy, error) {
	wrong := func(name, what string) error {
		return fmt.Errorf("%s=%s: %s: %w", name, options[name], what, ceremony.WrongOption)
	}
	if text, given := options["enabled"]; given {
		switch text {
		case "yes", "true":
			p.Enabled = true
		case "no", "false":
			p.Enabled = false
		default:
			return p, wrong("enabled", "yes or no")
		}
	}
	if text, given := options["max-operations"]; given {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < leastOperations || n > mostOperations {
			return p, wrong("max-operations", fmt.Sprintf("a number from %d to %d", leastOperations, mostOperations))
		}
		p.MaxOperations = n
	}
	if text, given := options["interval"]; given {
		interval, err := time.ParseDuration(text)
		if err != nil || interval != 0 && interval < shortestInterval || interval%time.Second != 0 {
			return p, wrong("interval", "0, or a time of at least 24h such as 720h")
		}
		p.Interval = interval
	}
	return p, nil
}
