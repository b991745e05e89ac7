package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Propose opens a ceremony. Before that it asks Vault whether the operation can begin, and
// checks every PGP key that Vault will be given: Vault itself notices a bad key only after
// the last share. The error is or wraps a Refusal when the proposal is at fault.
func (e *Engine) Propose(ctx context.Context, p ceremony.Proposal) (rules.State, error) {
	cluster, ok := e.clusters[p.Cluster]
	if !ok {
		return rules.State{}, fmt.Errorf("cluster %q: %w", p.Cluster, ceremony.UnknownCluster)
	}
	initiator, ok := ceremony.Find(cluster.Initiators, p.By)
	if !ok {
		return rules.State{}, ceremony.NotInitiator
	}
	if err := e.mayPropose(ctx, cluster, p.Operation, initiator); err != nil {
		return rules.State{}, err
	}
	return e.propose(ctx, cluster, p, initiator)
}

func (e *Engine) propose(ctx context.Context, cluster ceremony.Cluster, p ceremony.Proposal,
	initiator ceremony.Person) (rules.State, error) {
	release, err := e.reserve(cluster.Name, p.Operation)
	if err != nil {
		return rules.State{}, err
	}
	defer release()

	plan, err := e.plan(ctx, cluster, p, initiator)
	if err != nil {
		return rules.State{}, err
	}
	return e.open(ctx, cluster, plan)
}

// reserve makes sure that a cluster has one ceremony at a time: shares of a key that
// another ceremony replaces would fail in this one. Only an unseal, which a sealed cluster
// needs to go on, and an alarm may run beside another ceremony, also beside one that was set
// aside and may be open. The caller must call
// release when the ceremony is open or refused.
func (e *Engine) reserve(cluster string, op ceremony.Operation) (release func(), err error) {
	slot := cluster + " " + slotOf(op)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run == nil {
		return nil, ceremony.ErrNotRunning
	}
	if e.taken[slot] {
		return nil, ceremony.ClusterBusy
	}
	if slotOf(op) == "" {
		for _, a := range e.SetAside() {
			if a.HoldsUp(cluster) {
				return nil, fmt.Errorf("%s: %w", a.Ceremony, ceremony.JournalAside)
			}
		}
	}
	for id, k := range e.snapshots {
		if k.c.Plan.Cluster == cluster && !k.c.Ended() && slotOf(k.c.Plan.Operation) == slotOf(op) {
			return nil, fmt.Errorf("%s is open: %w", id, ceremony.ClusterBusy)
		}
	}
	e.taken[slot] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.taken, slot)
	}, nil
}

// slotOf returns the slot of an operation. Operations of one slot must not run together.
func slotOf(op ceremony.Operation) string {
	if op == ceremony.Unseal || op == ceremony.Alarm {
		return string(op)
	}
	return ""
}

// open writes the first line of a ceremony and the lines that belong to it, and starts the
// actor.
func (e *Engine) open(ctx context.Context, cluster ceremony.Cluster, plan ceremony.Plan,
	more ...event.Event) (rules.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run == nil {
		return rules.State{}, ceremony.ErrNotRunning
	}
	events := append([]event.Event{event.Proposed{Plan: plan, PlanHash: plan.Hash(), Previous: e.first}}, more...)
	if err := (rules.State{}).Takes(events, time.Now()); err != nil {
		return rules.State{}, err
	}
	entries, err := e.config.Journal.Append(ctx, plan.Ceremony, 0, events...)
	if err != nil {
		return rules.State{}, err
	}
	c, err := rules.Replay(entries)
	if err != nil {
		return rules.State{}, err
	}
	e.first = entries[0].Hash
	e.publishLocked(snapshot{c: c})
	a := newActor(e, cluster, c, false)
	e.actors[c.ID()] = a
	e.run(a)
	return c, nil
}

// idAlphabet has no letter or digit that is mistaken for another one when it is read
// aloud.
const idAlphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// newID returns a ceremony's id: its cluster, its operation and four random characters.
func newID(cluster string, op ceremony.Operation) ceremony.ID {
	var word [4]byte
	_, _ = rand.Read(word[:]) // crypto/rand never fails
	for i, b := range word {
		word[i] = idAlphabet[int(b)%len(idAlphabet)]
	}
	return ceremony.ID(cluster + "-" + string(op) + "-" + string(word[:]))
}

// longestReason is how many characters a proposal's reason may have.
const longestReason = 300

// plan works out the plan of a proposal. It refuses a proposal that can't work.
func (e *Engine) plan(ctx context.Context, cluster ceremony.Cluster, p ceremony.Proposal,
	initiator ceremony.Person) (ceremony.Plan, error) {
	if !slices.Contains(cluster.Operations, p.Operation) {
		return ceremony.Plan{}, fmt.Errorf("%q on %s: %w", p.Operation, cluster.Name, ceremony.UnknownOperation)
	}
	reason := strings.TrimSpace(p.Reason)
	// Characters that are not printable turn text around, or hide it.
	if len([]rune(reason)) > longestReason || !utf8.ValidString(reason) ||
		strings.ContainsFunc(reason, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ceremony.Plan{}, ceremony.BadReason
	}
	now := time.Now().UTC().Truncate(time.Second)
	policy := cluster.Policy(p.Operation)
	plan := ceremony.Plan{
		Ceremony:  newID(cluster.Name, p.Operation),
		Operation: p.Operation,
		Cluster:   cluster.Name,
		Reason:    reason,
		Initiator: initiator,
		Identity:  e.config.OpenPGP.Identity(),
		Proposed:  now,
		Closes:    now.Add(policy.Window),
	}
	if p.Operation.TakesShares() {
		plan.Holders = cluster.Holders
	}
	if err := p.CheckOptions(); err != nil {
		return ceremony.Plan{}, err
	}
	if used := e.passwordOf(p.Options["otp"]); used != "" {
		return ceremony.Plan{}, fmt.Errorf("of %s: %w", used, ceremony.UsedPassword)
	}
	if err := preflight(ctx, cluster, p, &plan); err != nil {
		return ceremony.Plan{}, err
	}
	if p.Operation.TakesShares() && len(plan.Holders) < plan.Threshold {
		return ceremony.Plan{}, fmt.Errorf("%d holders, and Vault asks for %d shares: %w", len(plan.Holders),
			plan.Threshold, ceremony.TooFewHolders)
	}
	if err := follow(&plan, cluster, policy); err != nil {
		return ceremony.Plan{}, err
	}
	e.callRoll(&plan, policy.RollCall)
	return plan, e.checkKeys(plan)
}

// preflight asks Vault whether the operation can begin. It fills in the plan's facts about
// Vault.
func preflight(ctx context.Context, cluster ceremony.Cluster, p ceremony.Proposal, plan *ceremony.Plan) error {
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
	d, err := compareFresh(*plan, nodes)
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

// compareFresh returns the first way in which the nodes of a cluster that is to be
// initialised differ from the plan, or nil. Each node has to answer: one that does not may
// already have a key.
func compareFresh(p ceremony.Plan, nodes []ceremony.Node) (*rules.Difference, error) {
	for _, n := range nodes {
		switch {
		case n.Err != nil:
			return nil, fmt.Errorf("%s: %w", n.Address, n.Err)
		case n.Seal.Initialized:
			return vaultDiffers("no node initialised", n.Address+" is initialised"), nil
		case p.Seal != "" && n.Seal.Type != p.Seal:
			return vaultDiffers("seal "+p.Seal, n.Address+" has seal "+n.Seal.Type), nil
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

// checkKeys makes sure that until the window closes Vault can encrypt to every key that it
// is given, and every holder's signature is accepted.
func (e *Engine) checkKeys(plan ceremony.Plan) error {
	var faults []error
	checked := map[ceremony.Fingerprint]bool{}
	good := 0
	people := slices.Concat(plan.Holders, plan.Receivers)
	if plan.Operation == ceremony.ReadBackup {
		people = nil // the backup is encrypted already
	}
	if plan.Requester != nil && plan.OTP == "" {
		people = append(people, *plan.Requester)
	}
	for _, p := range people {
		if checked[p.Key] {
			continue
		}
		checked[p.Key] = true
		if err := e.config.OpenPGP.CheckKey(p.Key, plan.Proposed, plan.Closes); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", p.Name, err))
			continue
		}
		good++
	}
	if plan.Operation == ceremony.Unseal && good >= plan.Threshold {
		return nil // an expired key must not keep a cluster sealed while enough others are good
	}
	return errors.Join(faults...)
}

// passwordOf returns the ceremony whose one-time password has this commitment, or "". Two
// tokens under one password would give each other away.
func (e *Engine) passwordOf(commitment string) ceremony.ID {
	if commitment = strings.ToLower(commitment); commitment == "" {
		return ""
	}
	for _, c := range e.Current() {
		if c.Plan.OTP == commitment {
			return c.ID()
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.past.PasswordOf(commitment)
}
