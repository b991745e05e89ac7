package engine

import (
	"context"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// recognise returns the tag of an opened share, and the ledger's verdict on it.
func (a *actor) recognise(share *secret.Secret, by ceremony.Account) (secret.ShareTag, ceremony.Verdict, error) {
	name, key := a.e.config.OpenPGP.CommitmentKey()
	tag, err := share.Tag(name, key)
	if err != nil {
		return secret.ShareTag{}, ceremony.Verdict{}, err
	}
	known := a.e.ledger(name)
	if slices.ContainsFunc(a.e.SetAside(), func(s ceremony.Aside) bool { return s.HoldsUp(a.cluster.Name) }) {
		// What was set aside may have replaced the key. An unseal goes on by itself alone.
		known = ledger.NewLedger([]rules.State{a.c}, name)
	}
	return tag, known.Judge(a.c.Plan, a.c.Round.Step, by, tag), nil
}

// ledger returns what all journals show of shares with this tag key.
func (e *Engine) ledger(tagKey string) *ledger.Ledger {
	e.mu.Lock()
	all := make([]rules.State, 0, len(e.snapshots))
	for _, k := range e.snapshots {
		all = append(all, k.c)
	}
	e.mu.Unlock()
	return ledger.NewLedger(all, tagKey)
}

// declineShare records that an opened share is not used, without asking Vault. It returns the
// reason.
func (a *actor) declineShare(ctx context.Context, cmd command.Decline) error {
	a.log.Warn("share not used", "reason", string(cmd.Reason), "see", string(cmd.See))
	if err := a.record(ctx, cmd); err != nil {
		return err
	}
	return cmd.Reason
}
