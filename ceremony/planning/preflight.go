// Package planning works out what a ceremony's plan says: what Vault has to show before the
// operation can begin, what the policy demands of people, and in what a plan and today's
// configuration differ. It changes nothing in Vault.
package planning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Preflight asks Vault whether the operation can begin. It fills in the plan's facts about
// Vault.
func Preflight(ctx context.Context, cluster ceremony.Cluster, p ceremony.Proposal, plan *ceremony.Plan) error {
	switch op := p.Operation; {
	case op == ceremony.Unseal:
		return planUnseal(ctx, cluster, plan)
	case op == ceremony.Init:
		return planInit(ctx, cluster, plan)
	case op == ceremony.RecoveryToken:
		plan.Requester = &plan.Initiator
		return planAttempt(ctx, cluster, p, plan)
	}
	seal, err := cluster.Vault.Seal(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("ask %s for its seal: %w", cluster.Name, err)
	case !seal.Initialized:
		return ceremony.NotInitialized
	case seal.Sealed:
		return ceremony.ErrSealed
	}
	if err := p.Operation.CheckSeal(seal); err != nil {
		return err
	}
	plan.ClusterID, plan.Shares, plan.Threshold = seal.ClusterID, seal.Shares, seal.Threshold
	if err := planToken(ctx, cluster, plan); err != nil {
		return err
	}
	switch op := p.Operation; {
	case op.Rekeys():
		plan.Receivers = cluster.Receivers
		plan.NewThreshold = cluster.NewThreshold
		plan.Verification = cluster.Verification
		plan.Backup = cluster.Backup
	case op.IssuesToken():
		plan.Requester = &plan.Initiator
	case op == ceremony.Rotate:
		key, err := cluster.Vault.KeyStatus(ctx)
		if err != nil {
			return fmt.Errorf("ask %s for its encryption key: %w", cluster.Name, err)
		}
		plan.KeyTerm = key.Term
		return nil
	case op == ceremony.RotateConfig:
		return planPolicy(ctx, cluster, p, plan)
	case op == ceremony.ReadBackup:
		return planBackup(ctx, cluster, seal, plan)
	case op == ceremony.Drill:
		return nil
	}
	return planAttempt(ctx, cluster, p, plan)
}

// planAttempt makes sure that Vault has no attempt of the operation, and that the requester
// will be able to read a token that it issues.
func planAttempt(ctx context.Context, cluster ceremony.Cluster, p ceremony.Proposal, plan *ceremony.Plan) error {
	seen, err := cluster.Vault.Progress(ctx, p.Operation, ceremony.StepUpdate)
	switch {
	case err != nil:
		return fmt.Errorf("ask %s for its progress: %w", cluster.Name, err)
	case seen.Started:
		return fmt.Errorf("attempt %s: %w", seen.Nonce, ceremony.AlreadyStarted)
	}
	if p.Operation == ceremony.RecoveryToken {
		plan.Threshold = seen.Required // in recovery mode the seal is not shown
	}
	if !p.Operation.IssuesToken() {
		return nil
	}
	plan.OTP = strings.ToLower(p.Options["otp"])
	if plan.OTP == "" && plan.Requester.Key == "" {
		return fmt.Errorf("a one-time password of %d characters: %w", seen.OTPLength, ceremony.NeedsPassword)
	}
	return nil
}

// planUnseal fills in what the nodes show. It refuses when no node is sealed.
func planUnseal(ctx context.Context, cluster ceremony.Cluster, plan *ceremony.Plan) error {
	nodes, err := cluster.Vault.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("ask the nodes of %s: %w", cluster.Name, err)
	}
	var unreached error
	reached, initialized := false, false
	var sealed *ceremony.Node
	for _, n := range nodes {
		plan.Nodes = append(plan.Nodes, n.Address)
		switch {
		case n.Err != nil:
			unreached = n.Err
			continue
		case n.Seal.Initialized && n.Seal.Sealed && sealed == nil:
			sealed = &n
		case n.Seal.Initialized && !n.Seal.Sealed:
			plan.ClusterID = n.Seal.ClusterID
		}
		reached, initialized = true, initialized || n.Seal.Initialized
	}
	switch {
	case !reached:
		return fmt.Errorf("ask the nodes of %s: %w", cluster.Name, unreached)
	case !initialized:
		return ceremony.NotInitialized
	case sealed == nil:
		return ceremony.NotSealed
	}
	if err := ceremony.Unseal.CheckSeal(sealed.Seal); err != nil {
		return err
	}
	plan.Shares, plan.Threshold = sealed.Seal.Shares, sealed.Seal.Threshold
	return nil
}

// planInit makes sure that no node belongs to a cluster yet.
func planInit(ctx context.Context, cluster ceremony.Cluster, plan *ceremony.Plan) error {
	nodes, err := cluster.Vault.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("ask the nodes of %s: %w", cluster.Name, err)
	}
	d, err := CompareFresh(*plan, nodes)
	switch {
	case err != nil:
		return fmt.Errorf("ask the nodes of %s: %w", cluster.Name, err)
	case d != nil:
		return fmt.Errorf("%s: %w", d.Got, ceremony.AlreadyInitialized)
	}
	plan.Seal = nodes[0].Seal.Type
	plan.Receivers, plan.NewThreshold = cluster.Receivers, cluster.NewThreshold
	plan.Requester = &plan.Initiator
	for _, n := range nodes {
		plan.Nodes = append(plan.Nodes, n.Address)
	}
	return nil
}

// CompareFresh returns the first way in which the nodes of a cluster that is to be
// initialised differ from the plan, or nil. Each node has to answer: one that does not may
// already have a key.
func CompareFresh(p ceremony.Plan, nodes []ceremony.Node) (*rules.Difference, error) {
	for _, n := range nodes {
		switch {
		case n.Err != nil:
			return nil, fmt.Errorf("%s: %w", n.Address, n.Err)
		case n.Seal.Initialized:
			return VaultDiffers("no node initialised", n.Address+" is initialised"), nil
		case p.Seal != "" && n.Seal.Type != p.Seal:
			return VaultDiffers("seal "+p.Seal, n.Address+" has seal "+n.Seal.Type), nil
		}
	}
	return nil, nil
}

// planBackup makes sure that there is a backup. Its shares are assigned to people later,
// when it is read after the approval.
func planBackup(ctx context.Context, cluster ceremony.Cluster, seal ceremony.Seal, plan *ceremony.Plan) error {
	if _, err := cluster.Vault.Backup(ctx, seal.Rekey()); errors.Is(err, ceremony.ErrNoBackup) {
		return ceremony.NoBackupKept
	} else if err != nil {
		return fmt.Errorf("ask %s for its backup: %w", cluster.Name, err)
	}
	plan.Seal = seal.Type
	for _, p := range slices.Concat(cluster.Receivers, cluster.Holders) {
		if _, there := ceremony.Find(plan.Receivers, p.Account); !there {
			plan.Receivers = append(plan.Receivers, p)
		}
	}
	return nil
}

// planToken notes when the bot's own token expires, if that is before the window closes.
func planToken(ctx context.Context, cluster ceremony.Cluster, plan *ceremony.Plan) error {
	own, err := cluster.Vault.OwnToken(ctx)
	switch {
	case errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported),
		errors.Is(err, ceremony.ErrRefused):
		// The operation's own requests show whether the token suffices. A secondary of disaster
		// recovery takes no request with a token.
		return nil
	case err != nil:
		return fmt.Errorf("ask %s for the bot's own token: %w", cluster.Name, err)
	case own.Exists && !own.Renewed && !own.Expires.IsZero() && own.Expires.Before(plan.Closes):
		plan.TokenExpires = own.Expires.UTC().Truncate(time.Second)
	}
	return nil
}

// VaultDiffers returns a difference between Vault and the plan.
func VaultDiffers(want, got string) *rules.Difference {
	return &rules.Difference{Why: event.VaultDiffers, Want: want, Got: got}
}
