package ceremony

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// longestReason is how many characters a proposal's reason may have.
const longestReason = 300

// plan works out what is proposed and refuses what can't work.
func (e *Engine) plan(ctx context.Context, cluster Cluster, p Proposal, initiator Person) (Plan, error) {
	if !slices.Contains(cluster.Operations, p.Operation) {
		return Plan{}, fmt.Errorf("%q on %s: %w", p.Operation, cluster.Name, UnknownOperation)
	}
	reason := strings.TrimSpace(p.Reason)
	// What is not printable turns text around, or hides it.
	if len([]rune(reason)) > longestReason || !utf8.ValidString(reason) || strings.ContainsFunc(reason, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return Plan{}, BadReason
	}
	now := time.Now().UTC().Truncate(time.Second)
	policy := cluster.policy(p.Operation)
	plan := Plan{
		Ceremony:  newID(cluster.Name, p.Operation),
		Operation: p.Operation,
		Cluster:   cluster.Name,
		Reason:    reason,
		Initiator: initiator,
		Identity:  e.config.Opener.Identity(),
		Proposed:  now,
		Closes:    now.Add(policy.Window),
	}
	if p.Operation.TakesShares() {
		plan.Holders = cluster.Holders
	}
	if err := p.checkOptions(); err != nil {
		return Plan{}, err
	}
	if used := e.passwordOf(p.Options["otp"]); used != "" {
		return Plan{}, fmt.Errorf("of %s: %w", used, UsedPassword)
	}
	if err := preflight(ctx, cluster, p, &plan); err != nil {
		return Plan{}, err
	}
	if p.Operation.TakesShares() && len(plan.Holders) < plan.Threshold {
		return Plan{}, fmt.Errorf("%d holders, and Vault asks for %d shares: %w", len(plan.Holders), plan.Threshold, TooFewHolders)
	}
	if err := plan.follow(cluster, policy); err != nil {
		return Plan{}, err
	}
	e.callRoll(&plan, policy.RollCall)
	return plan, e.checkKeys(plan)
}

// preflight asks Vault whether the operation can be begun at all, and fills in what
// the plan takes from there.
func preflight(ctx context.Context, cluster Cluster, p Proposal, plan *Plan) error {
	switch op := p.Operation; {
	case op == Unseal:
		return planUnseal(ctx, cluster, plan)
	case op == Init:
		return planInit(ctx, cluster, plan)
	case op == RecoveryToken:
		plan.Requester = &plan.Initiator
		return planAttempt(ctx, cluster, p, plan)
	}
	seal, err := cluster.Vault.Seal(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("ask %s for its seal: %w", cluster.Name, err)
	case !seal.Initialized:
		return NotInitialized
	case seal.Sealed:
		return ErrSealed
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
	case op == Rotate:
		key, err := cluster.Vault.KeyStatus(ctx)
		if err != nil {
			return fmt.Errorf("ask %s for its encryption key: %w", cluster.Name, err)
		}
		plan.KeyTerm = key.Term
		return nil
	case op == RotateConfig:
		return planPolicy(ctx, cluster, p, plan)
	case op == ReadBackup:
		return planBackup(ctx, cluster, seal, plan)
	case op == Drill:
		return nil
	}
	return planAttempt(ctx, cluster, p, plan)
}

// planAttempt makes sure that Vault has no attempt of the operation, and that a
// requester can read the token that comes out of it.
func planAttempt(ctx context.Context, cluster Cluster, p Proposal, plan *Plan) error {
	seen, err := cluster.Vault.Progress(ctx, p.Operation, Update)
	switch {
	case err != nil:
		return fmt.Errorf("ask %s for its progress: %w", cluster.Name, err)
	case seen.Started:
		return fmt.Errorf("attempt %s: %w", seen.Nonce, AlreadyStarted)
	}
	if p.Operation == RecoveryToken {
		plan.Threshold = seen.Required // in recovery mode nothing else tells it
	}
	if !p.Operation.IssuesToken() {
		return nil
	}
	plan.OTP = strings.ToLower(p.Options["otp"])
	if plan.OTP == "" && plan.Requester.Key == "" {
		return fmt.Errorf("a one-time password of %d characters: %w", seen.OTPLength, NeedsPassword)
	}
	return nil
}

// planUnseal takes over what the sealed nodes tell.
func planUnseal(ctx context.Context, cluster Cluster, plan *Plan) error {
	nodes, err := cluster.Vault.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("ask the nodes of %s: %w", cluster.Name, err)
	}
	var unreached error
	reached, initialized := false, false
	var sealed *Node
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
		return NotInitialized
	case sealed == nil:
		return NotSealed
	}
	if err := Unseal.CheckSeal(sealed.Seal); err != nil {
		return err
	}
	plan.Shares, plan.Threshold = sealed.Seal.Shares, sealed.Seal.Threshold
	return nil
}

// planInit makes sure that no node belongs to a cluster yet.
func planInit(ctx context.Context, cluster Cluster, plan *Plan) error {
	nodes, err := cluster.Vault.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("ask the nodes of %s: %w", cluster.Name, err)
	}
	d, err := plan.compareFresh(nodes)
	switch {
	case err != nil:
		return fmt.Errorf("ask the nodes of %s: %w", cluster.Name, err)
	case d != nil:
		return fmt.Errorf("%s: %w", d.got, AlreadyInitialized)
	}
	plan.Seal = nodes[0].Seal.Type
	plan.Receivers, plan.NewThreshold = cluster.Receivers, cluster.NewThreshold
	plan.Requester = &plan.Initiator
	for _, n := range nodes {
		plan.Nodes = append(plan.Nodes, n.Address)
	}
	return nil
}

// compareFresh holds the nodes of a cluster that is to be initialised against the
// plan. Each of them has to answer: the one that does not may have a key.
func (p Plan) compareFresh(nodes []Node) (*difference, error) {
	for _, n := range nodes {
		switch {
		case n.Err != nil:
			return nil, fmt.Errorf("%s: %w", n.Address, n.Err)
		case n.Seal.Initialized:
			return &difference{VaultDiffers, "no node initialised", n.Address + " is initialised"}, nil
		case p.Seal != "" && n.Seal.Type != p.Seal:
			return &difference{VaultDiffers, "seal " + p.Seal, n.Address + " has seal " + n.Seal.Type}, nil
		}
	}
	return nil, nil
}

// planBackup makes sure that there is a backup. Who gets what of it is found out
// when people have agreed that it is read.
func planBackup(ctx context.Context, cluster Cluster, seal Seal, plan *Plan) error {
	if _, err := cluster.Vault.Backup(ctx, seal.rekey()); errors.Is(err, ErrNoBackup) {
		return NoBackupKept
	} else if err != nil {
		return fmt.Errorf("ask %s for its backup: %w", cluster.Name, err)
	}
	plan.Seal = seal.Type
	for _, p := range slices.Concat(cluster.Receivers, cluster.Holders) {
		if _, known := find(plan.Receivers, p.Account); !known {
			plan.Receivers = append(plan.Receivers, p)
		}
	}
	return nil
}

// planToken notes when the bot's own token ends, should that be in the middle.
func planToken(ctx context.Context, cluster Cluster, plan *Plan) error {
	own, err := cluster.Vault.OwnToken(ctx)
	switch {
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrUnsupported), errors.Is(err, ErrRefused):
		// What the operation itself needs is asked for by itself; a secondary of disaster
		// recovery takes no token's request.
		return nil
	case err != nil:
		return fmt.Errorf("ask %s for the bot's own token: %w", cluster.Name, err)
	case own.Exists && !own.Renewed && !own.Expires.IsZero() && own.Expires.Before(plan.Closes):
		plan.TokenExpires = own.Expires.UTC().Truncate(time.Second)
	}
	return nil
}

// checkKeys makes sure that Vault can encrypt to every key that it is given,
// and that every holder's signature will be accepted, until the window ends.
func (e *Engine) checkKeys(plan Plan) error {
	var faults []error
	checked := map[Fingerprint]bool{}
	good := 0
	people := slices.Concat(plan.Holders, plan.Receivers)
	if plan.Operation == ReadBackup {
		people = nil // what Vault has is encrypted already
	}
	if plan.Requester != nil && plan.OTP == "" {
		people = append(people, *plan.Requester)
	}
	for _, p := range people {
		if checked[p.Key] {
			continue
		}
		checked[p.Key] = true
		if err := e.config.Opener.CheckKey(p.Key, plan.Proposed, plan.Closes); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", p.Name, err))
			continue
		}
		good++
	}
	if plan.Operation == Unseal && good >= plan.Threshold {
		return nil // one person's expired key keeps no cluster down
	}
	return errors.Join(faults...)
}

// passwordOf is the ceremony that a one-time password with this commitment was made
// for. Two tokens under one password would give each other away.
func (e *Engine) passwordOf(commitment string) ID {
	for _, c := range e.Ceremonies() {
		if commitment != "" && c.Plan.OTP == strings.ToLower(commitment) {
			return c.ID()
		}
	}
	return ""
}

// Options are what an operation takes besides its cluster, by name.
func (op Operation) Options() []string {
	switch {
	case op.IssuesToken():
		return []string{"otp"}
	case op == RotateConfig:
		return []string{"enabled", "interval", "max-operations"}
	}
	return nil
}

// checkOptions refuses what the operation does not take.
func (p Proposal) checkOptions() error {
	for name := range p.Options {
		if !slices.Contains(p.Operation.Options(), name) {
			return fmt.Errorf("%s has no option %q: %w", p.Operation, name, WrongOption)
		}
	}
	if otp, given := p.Options["otp"]; given {
		if sum, err := hex.DecodeString(otp); err != nil || len(sum) != 32 {
			return fmt.Errorf("otp is not a commitment, 64 hexadecimal digits: %w", WrongOption)
		}
	}
	return nil
}
