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
	"conclave/ceremony/planning"
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
// aside and may be open, or that the journal has lost. The caller must call release when the
// ceremony is open or refused.
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
	if lost := e.lostLocked(cluster); lost != "" && slotOf(op) == "" {
		return nil, fmt.Errorf("%s is missing: %w", lost, ceremony.JournalLost)
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
	if err := planning.Preflight(ctx, cluster, p, &plan); err != nil {
		return ceremony.Plan{}, err
	}
	if p.Operation.TakesShares() && len(plan.Holders) < plan.Threshold {
		return ceremony.Plan{}, fmt.Errorf("%d holders, and Vault asks for %d shares: %w", len(plan.Holders),
			plan.Threshold, ceremony.TooFewHolders)
	}
	usable := func(f ceremony.Fingerprint) error { return e.config.OpenPGP.CheckKey(f, now, now) }
	if err := planning.Follow(&plan, cluster, policy, usable); err != nil {
		return ceremony.Plan{}, err
	}
	e.callRoll(&plan, policy.RollCall)
	return plan, e.checkKeys(plan)
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
