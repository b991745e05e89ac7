package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// open begins to collect shares for what has no attempt in Vault.
func (o *actor) open(ctx context.Context) bool {
	cmd := rules.Open{Nonce: newNonce()}
	if o.c.Plan.Operation == ceremony.Unseal {
		v, err := o.view(ctx)
		if err != nil {
			return false
		}
		if d := o.c.CompareNodes(v.Nodes); d != nil {
			return o.record(ctx, d.Stop()) == nil
		}
		cmd.Nodes = rules.StatesOf(v.Nodes)
	}
	return o.record(ctx, cmd) == nil
}

// request does what takes no shares: it makes sure that Vault is as it was when
// people agreed, announces the act, and sends it.
func (o *actor) request(ctx context.Context) bool {
	if as, done := o.asAgreed(ctx); !as {
		return done
	}
	if op := o.c.Plan.Operation; op == ceremony.ReadBackup && o.c.Backup == nil {
		return o.readBackup(ctx)
	} else if o.record(ctx, rules.Request{Act: rules.Undertakes(op)}) != nil {
		return false
	}
	return o.act(ctx)
}

// asAgreed reports whether Vault is as it was when people agreed (P4). When it is not,
// or can't be asked, what follows from that is done, if anything.
func (o *actor) asAgreed(ctx context.Context) (agreed, done bool) {
	d, err := o.planDrift(ctx)
	switch {
	case err != nil && o.permanent(err) != "":
		return false, o.record(ctx, rules.Fail{Fault: o.permanent(err)}) == nil
	case err != nil:
		o.log.Warn("Vault could not be asked before the act", "error", err)
		return false, false
	case d != nil:
		return false, o.record(ctx, d.Stop()) == nil
	}
	return true, false
}

// planDrift is where Vault is not as it was when people agreed, nil when it is (P4).
func (o *actor) planDrift(ctx context.Context) (d *rules.Difference, err error) {
	defer func() { o.heard(err) }()
	p := o.c.Plan
	if p.Operation == ceremony.Init {
		v, err := o.cluster.Vault.Nodes(ctx)
		if err != nil {
			return nil, err
		}
		if !slices.EqualFunc(v, p.Nodes, func(n ceremony.Node, address string) bool { return n.Address == address }) {
			return &rules.Difference{Why: event.VaultDiffers, Want: "the nodes of the plan", Got: "other nodes in the configuration"}, nil
		}
		return compareFresh(p, v)
	}
	if d, err := o.otherCluster(ctx); d != nil || err != nil {
		return d, err
	}
	switch p.Operation {
	case ceremony.Rotate:
		key, err := o.cluster.Vault.KeyStatus(ctx)
		if err == nil && key.Term != p.KeyTerm {
			return &rules.Difference{Why: event.VaultDiffers, Want: ceremony.TermWords(p.KeyTerm), Got: ceremony.TermWords(key.Term)}, nil
		}
		return nil, err
	case ceremony.RotateConfig:
		policy, err := o.cluster.Vault.RotationPolicy(ctx)
		if err == nil && policy != *p.OldPolicy {
			return &rules.Difference{Why: event.VaultDiffers, Want: "rotation " + p.OldPolicy.String(), Got: policy.String()}, nil
		}
		return nil, err
	case ceremony.ReadBackup:
		if o.c.Backup == nil {
			return nil, nil // it is read next
		}
		return o.unlikeBackup(ctx)
	}
	return nil, nil
}

// otherCluster is that another cluster answers than the plan's, nil when it is the
// plan's.
func (o *actor) otherCluster(ctx context.Context) (*rules.Difference, error) {
	seal, err := o.cluster.Vault.Seal(ctx)
	switch {
	case err != nil:
		return nil, err
	case seal.Sealed:
		return nil, ceremony.ErrSealed
	case seal.ClusterID != o.c.Plan.ClusterID:
		return &rules.Difference{Why: event.VaultDiffers, Want: "cluster id " + o.c.Plan.ClusterID, Got: seal.ClusterID}, nil
	}
	return nil, nil
}

// unlikeBackup is why the backup that was handed out must not be deleted, nil when
// nothing is known: Vault has another one, or the rekey that made it still waits for
// proof of its new shares.
func (o *actor) unlikeBackup(ctx context.Context) (*rules.Difference, error) {
	handedOut := o.c.Backup.Nonce
	backup, err := o.backup(ctx)
	switch {
	case err != nil:
		return nil, err
	case backup.Nonce != handedOut:
		return &rules.Difference{Why: event.VaultDiffers, Want: "the backup of attempt " + handedOut, Got: "attempt " + backup.Nonce}, nil
	}
	seen, err := o.cluster.Vault.Progress(ctx, o.rekeyKind(), ceremony.StepUpdate)
	switch {
	case errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrUnsupported):
		return nil, nil // whoever may not rekey here may not know either
	case err == nil && seen.Started && seen.Nonce == handedOut:
		return &rules.Difference{Why: event.VaultDiffers, Want: "a rekey that has ended", Got: "attempt " + handedOut + " still in progress"}, nil
	}
	return nil, err
}

// act sends what the journal has announced.
func (o *actor) act(ctx context.Context) bool {
	p := o.c.Plan
	var err error
	switch p.Operation {
	case ceremony.Init:
		return o.initialize(ctx)
	case ceremony.Rotate:
		err = o.cluster.Vault.Rotate(ctx)
	case ceremony.RotateConfig:
		err = o.cluster.Vault.SetRotationPolicy(ctx, *p.NewPolicy)
	case ceremony.ReadBackup:
		err = o.cluster.Vault.DeleteBackup(ctx, o.rekeyKind())
	}
	if err != nil {
		o.lost = time.Now()
		o.log.Warn("Vault did not confirm the act", "act", string(rules.Undertakes(p.Operation)), "error", err)
		if fault := o.permanent(err); fault != "" {
			return o.record(ctx, rules.Fail{Fault: fault}) == nil
		}
	}
	return o.acted(ctx, err == nil)
}

// acted finds out by asking what came of an act (P5). Without an answer the act may
// still be on its way: that it was not done is believed after a while only.
func (o *actor) acted(ctx context.Context, answered bool) bool {
	result, d, err := o.result(ctx)
	switch {
	case err != nil:
		o.log.Warn("Vault could not be asked what came of the act", "error", err)
		return false
	case d != nil: // which knows nothing of it
		return o.record(ctx, d.Stop()) == nil
	case result != nil:
		return o.record(ctx, rules.Done{Result: result}) == nil
	case !answered && o.mayArrive():
		return false
	case o.c.Closing != nil:
		return o.record(ctx, rules.Close{Vault: event.NothingToCancel}) == nil
	case answered:
		return o.record(ctx, rules.Stop{Why: event.VaultDiffers, Want: string(rules.Undertakes(o.c.Plan.Operation)) + " done", Got: "Vault confirmed it and shows nothing of it"}) == nil
	}
	if o.session.Doubt != nil {
		return o.do(ctx, rules.ActDoubt)
	}
	// Nothing has come of it. Before it is sent once more Vault is compared again:
	// somebody else may have acted meanwhile.
	if as, done := o.asAgreed(ctx); !as {
		return done
	}
	return o.act(ctx)
}

// result is what Vault shows of the act, nil when it was not done; or that it is
// another Vault.
func (o *actor) result(ctx context.Context) (_ event.Event, d *rules.Difference, err error) {
	defer func() { o.heard(err) }()
	if d, err := o.otherCluster(ctx); d != nil || err != nil {
		return nil, d, err
	}
	p := o.c.Plan
	switch p.Operation {
	case ceremony.Rotate:
		key, err := o.cluster.Vault.KeyStatus(ctx)
		if err != nil || key.Term <= p.KeyTerm {
			return nil, nil, err
		}
		return event.Rotated{Key: key}, nil, nil
	case ceremony.RotateConfig:
		policy, err := o.cluster.Vault.RotationPolicy(ctx)
		if err != nil || policy != *p.NewPolicy {
			return nil, nil, err
		}
		return event.RotationSet{Policy: policy}, nil, nil
	case ceremony.ReadBackup:
		_, err := o.backup(ctx)
		if errors.Is(err, ceremony.ErrNoBackup) {
			return event.BackupDeleted{}, nil, nil
		}
		return nil, nil, err
	}
	return nil, nil, nil
}

// permanent is why asking Vault again would not help, empty when it might.
func (o *actor) permanent(err error) ceremony.Refusal {
	switch {
	case errors.Is(err, ceremony.ErrForbidden):
		return ceremony.VaultForbids
	case errors.Is(err, ceremony.ErrNoBackup):
		return ceremony.NoBackupKept
	case errors.Is(err, ceremony.ErrRefused), errors.Is(err, ceremony.ErrUnsupported):
		return ceremony.VaultRefused
	}
	return ""
}

// initialize makes the key of a new cluster. What it answers is shown once: a lost
// answer is the loss of the key, of a cluster in which nothing is stored yet.
func (o *actor) initialize(ctx context.Context) bool {
	order, err := o.order()
	if err != nil {
		o.log.Error("a PGP key of the plan can't be given to Vault", "error", err)
		return o.record(ctx, rules.Fail{Fault: ceremony.HolderKeyInvalid}) == nil
	}
	root, err := o.e.config.Opener.Certificate(o.c.Plan.Requester.Key)
	if err != nil {
		return o.record(ctx, rules.Fail{Fault: ceremony.HolderKeyInvalid}) == nil
	}
	made, err := o.cluster.Vault.Initialize(ctx, ceremony.InitOrder{
		UnsealsItself: ceremony.Seal{Type: o.c.Plan.Seal}.UnsealsItself(),
		Threshold:     order.Threshold, Keys: order.Keys, RootKey: root,
	})
	if err == nil {
		result := event.Initialized{Token: made.Token}
		for i, r := range o.c.Plan.Receivers {
			if i < len(made.Ciphertexts) {
				result.Shares = append(result.Shares, event.NewShare{For: r, Ciphertext: made.Ciphertexts[i]})
			}
		}
		return o.record(ctx, rules.Done{Result: result}) == nil
	}
	o.lost = time.Now()
	o.log.Warn("Vault did not confirm the initialisation", "error", err)
	return o.initialized(ctx, o.permanent(err))
}

// initialized finds out by asking what came of an initialisation without an
// answer.
func (o *actor) initialized(ctx context.Context, fault ceremony.Refusal) bool {
	nodes, err := o.cluster.Vault.Nodes(ctx)
	if err != nil || !slices.ContainsFunc(nodes, func(n ceremony.Node) bool { return n.Err == nil }) {
		return false
	}
	switch {
	case slices.ContainsFunc(nodes, func(n ceremony.Node) bool { return n.Err == nil && n.Seal.Initialized }):
		return o.record(ctx, rules.Fail{Fault: ceremony.InitLost}) == nil
	case fault != "":
		return o.record(ctx, rules.Fail{Fault: fault}) == nil
	case o.mayArrive(), slices.ContainsFunc(nodes, func(n ceremony.Node) bool { return n.Err != nil }):
		return false // the node that was asked may be the one that does not answer
	case o.c.Closing != nil:
		return o.record(ctx, rules.Close{Vault: event.NothingToCancel}) == nil
	case o.session.Doubt != nil:
		return o.do(ctx, rules.ActDoubt)
	}
	return o.initialize(ctx)
}

// rekeyKind is the rekey whose backup this cluster keeps.
func (o *actor) rekeyKind() ceremony.Operation { return ceremony.Seal{Type: o.c.Plan.Seal}.Rekey() }

func (o *actor) backup(ctx context.Context) (b ceremony.Backup, err error) {
	defer func() { o.heard(err) }()
	return o.cluster.Vault.Backup(ctx, o.rekeyKind())
}

// readBackup brings the new shares that Vault kept to whom they are for.
func (o *actor) readBackup(ctx context.Context) bool {
	backup, err := o.backup(ctx)
	if err != nil {
		o.log.Warn("Vault's backup could not be read", "error", err)
		if fault := o.permanent(err); fault != "" {
			return o.record(ctx, rules.Fail{Fault: fault}) == nil
		}
		return false
	}
	read := event.BackupRead{Nonce: backup.Nonce}
	read.Of, read.Outcome, read.Unknown = o.e.madeUnder(backup.Nonce)
	snapshot := map[ceremony.Fingerprint]bool{}
	for _, p := range o.c.Plan.Receivers {
		for _, ciphertext := range backup.Ciphertexts[p.Key] {
			read.Shares = append(read.Shares, event.NewShare{For: p, Ciphertext: ciphertext})
		}
		snapshot[p.Key] = true
	}
	for key := range backup.Ciphertexts {
		if !snapshot[key] {
			read.Unclaimed = append(read.Unclaimed, key)
		}
	}
	slices.Sort(read.Unclaimed)
	return o.record(ctx, rules.Done{Result: read}) == nil
}
