package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// initialize makes the key of a new cluster. Vault shows the key once: a lost answer loses
// the key of a cluster in which nothing is stored yet.
func (a *actor) initialize(ctx context.Context) (progress bool, err error) {
	order, err := a.order()
	if err != nil {
		a.log.Error("a PGP key of the plan can't be given to Vault", "error", err)
		return a.advance(ctx, command.Fail{Fault: ceremony.HolderKeyInvalid})
	}
	root, err := a.e.config.OpenPGP.Certificate(a.c.Plan.Requester.Key)
	if err != nil {
		return a.advance(ctx, command.Fail{Fault: ceremony.HolderKeyInvalid})
	}
	made, err := a.cluster.Vault.Initialize(ctx, ceremony.InitOrder{
		UnsealsItself: ceremony.Seal{Type: a.c.Plan.Seal}.UnsealsItself(),
		Threshold:     order.Threshold, Keys: order.Keys, RootKey: root,
	})
	if err == nil {
		result := event.Initialized{Token: made.Token}
		for i, r := range a.c.Plan.Receivers {
			if i < len(made.Ciphertexts) {
				result.Shares = append(result.Shares, event.NewShare{For: r, Ciphertext: made.Ciphertexts[i]})
			}
		}
		return a.advance(ctx, command.Done{Result: result})
	}
	a.lost = time.Now()
	a.log.Warn("Vault did not confirm the initialisation", "error", err)
	return a.initialized(ctx, a.permanent(err))
}

// errNoNode means that no node of the cluster answers.
var errNoNode = errors.New("no node answers")

// initialized finds out by asking what came of an initialisation whose answer was lost.
// fault is Vault's refusal, if it gave one.
func (a *actor) initialized(ctx context.Context, fault ceremony.Refusal) (progress bool, err error) {
	nodes, err := a.cluster.Vault.Nodes(ctx)
	if err == nil && !slices.ContainsFunc(nodes, func(n ceremony.Node) bool { return n.Err == nil }) {
		err = errNoNode
	}
	if err != nil {
		return false, fmt.Errorf("ask the nodes what came of the initialisation: %w", err)
	}
	switch {
	case slices.ContainsFunc(nodes, func(n ceremony.Node) bool { return n.Err == nil && n.Seal.Initialized }):
		return a.advance(ctx, command.Fail{Fault: ceremony.InitLost})
	case fault != "":
		return a.advance(ctx, command.Fail{Fault: fault})
	case a.mayArrive(), slices.ContainsFunc(nodes, func(n ceremony.Node) bool { return n.Err != nil }):
		return false, nil // the node that was asked may be the one that does not answer
	case a.c.Closing != nil:
		return a.advance(ctx, command.Close{Vault: event.NothingToCancel})
	case a.session.Doubt != nil:
		return a.do(ctx, rules.ActDoubt)
	}
	return a.initialize(ctx)
}
