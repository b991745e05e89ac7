package ceremony

import "context"

// recognise answers the commitment to an opened share, and what the ledger says of
// it.
func (o *owner) recognise(share *Secret, by Account) (Commitment, Standing, error) {
	name, key := o.e.config.Opener.CommitmentKey()
	tag, err := share.Commit(name, key)
	if err != nil {
		return Commitment{}, Standing{}, err
	}
	return tag, o.e.ledger(name).Standing(o.c.Plan, o.c.Round.Step, by, tag), nil
}

// ledger is what is known of all shares now.
func (e *Engine) ledger(tagKey string) *Ledger {
	e.mu.Lock()
	all := make([]Ceremony, 0, len(e.known))
	for _, k := range e.known {
		all = append(all, k.c)
	}
	e.mu.Unlock()
	return NewLedger(all, tagKey)
}

// doubt records that an opened share was not used, before Vault is asked anything.
func (o *owner) doubt(ctx context.Context, cmd Decline) error {
	o.log.Warn("share not used", "reason", string(cmd.Reason), "see", string(cmd.See))
	if err := o.record(ctx, cmd); err != nil {
		return err
	}
	return cmd.Reason
}
