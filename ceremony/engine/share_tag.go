package engine

import (
	"context"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/ledger"
	"conclave/ceremony/secret"
)

// recognise returns the tag of an opened share, and the ledger's verdict on it.
func (a *actor) recognise(share *secret.Secret, by ceremony.Account) (secret.ShareTag, ceremony.Verdict, error) {
	name, key := a.e.config.OpenPGP.CommitmentKey()
	tag, err := share.Tag(name, key)
	if err != nil {
		return secret.ShareTag{}, ceremony.Verdict{}, err
	}
	return tag, a.judge(by, tag), nil
}

// judge returns the ledger's verdict on a share.
func (a *actor) judge(by ceremony.Account, share secret.ShareTag) ceremony.Verdict {
	p, step, e := a.c.Plan, a.c.Round.Step, a.e
	if slices.ContainsFunc(e.SetAside(), func(s ceremony.Aside) bool { return s.HoldsUp(a.cluster.Name) }) {
		// What was set aside may have replaced the key. An unseal goes on by itself alone.
		tagKey, _ := e.config.OpenPGP.CommitmentKey()
		return ledger.NewLedger([]ledger.Facts{ledger.FactsOf(a.c)}, tagKey).Judge(p, step, by, share)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ledger.Judge(p, step, by, share)
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
