package ceremony

import (
	"context"
	"errors"
	"slices"
	"time"
)

// open begins to collect shares for what has no attempt in Vault.
func (o *owner) open(ctx context.Context) bool {
	cmd := Open{Nonce: newNonce()}
	if o.c.Plan.Operation == Unseal {
		v, err := o.view(ctx)
		if err != nil {
			return false
		}
		if d := o.c.compareNodes(v.Nodes); d != nil {
			return o.record(ctx, d.stop()) == nil
		}
		cmd.Nodes = statesOf(v.Nodes)
	}
	return o.record(ctx, cmd) == nil
}

// undertake does what takes no shares: it makes sure that Vault is as it was when
// people agreed, announces the act, and sends it.
func (o *owner) undertake(ctx context.Context) bool {
	if as, done := o.asAgreed(ctx); !as {
		return done
	}
	if op := o.c.Plan.Operation; op == ReadBackup && o.c.Backup == nil {
		return o.readBackup(ctx)
	} else if o.record(ctx, Undertake{Act: op.undertakes()}) != nil {
		return false
	}
	return o.act(ctx)
}

// asAgreed says whether Vault is as it was when people agreed (P4). When it is not,
// or can't be asked, what follows from that is done, if anything.
func (o *owner) asAgreed(ctx context.Context) (agreed, done bool) {
	d, err := o.unlike(ctx)
	switch {
	case err != nil && o.hopeless(err) != "":
		return false, o.record(ctx, Fail{Fault: o.hopeless(err)}) == nil
	case err != nil:
		o.log.Warn("Vault could not be asked before the act", "error", err)
		return false, false
	case d != nil:
		return false, o.record(ctx, d.stop()) == nil
	}
	return true, false
}

// unlike is where Vault is not as it was when people agreed, nil when it is (P4).
func (o *owner) unlike(ctx context.Context) (d *difference, err error) {
	defer func() { o.heard(err) }()
	p := o.c.Plan
	if p.Operation == Init {
		v, err := o.cluster.Vault.Nodes(ctx)
		if err != nil {
			return nil, err
		}
		if !slices.EqualFunc(v, p.Nodes, func(n Node, address string) bool { return n.Address == address }) {
			return &difference{VaultDiffers, "the nodes of the plan", "other nodes in the configuration"}, nil
		}
		return p.compareFresh(v)
	}
	if d, err := o.elsewhere(ctx); d != nil || err != nil {
		return d, err
	}
	switch p.Operation {
	case Rotate:
		key, err := o.cluster.Vault.KeyStatus(ctx)
		if err == nil && key.Term != p.KeyTerm {
			return &difference{VaultDiffers, termWords(p.KeyTerm), termWords(key.Term)}, nil
		}
		return nil, err
	case RotateConfig:
		policy, err := o.cluster.Vault.RotationPolicy(ctx)
		if err == nil && policy != *p.OldPolicy {
			return &difference{VaultDiffers, "rotation " + p.OldPolicy.String(), policy.String()}, nil
		}
		return nil, err
	case ReadBackup:
		if o.c.Backup == nil {
			return nil, nil // it is read next
		}
		return o.unlikeBackup(ctx)
	}
	return nil, nil
}

// elsewhere is that another cluster answers than the plan's, nil when it is the
// plan's.
func (o *owner) elsewhere(ctx context.Context) (*difference, error) {
	seal, err := o.cluster.Vault.Seal(ctx)
	switch {
	case err != nil:
		return nil, err
	case seal.Sealed:
		return nil, ErrSealed
	case seal.ClusterID != o.c.Plan.ClusterID:
		return &difference{VaultDiffers, "cluster id " + o.c.Plan.ClusterID, seal.ClusterID}, nil
	}
	return nil, nil
}

// unlikeBackup is why the backup that was handed out must not be deleted, nil when
// nothing is known: Vault has another one, or the rekey that made it still waits for
// proof of its new shares.
func (o *owner) unlikeBackup(ctx context.Context) (*difference, error) {
	handedOut := o.c.Backup.Nonce
	backup, err := o.backup(ctx)
	switch {
	case err != nil:
		return nil, err
	case backup.Nonce != handedOut:
		return &difference{VaultDiffers, "the backup of attempt " + handedOut, "attempt " + backup.Nonce}, nil
	}
	seen, err := o.cluster.Vault.Progress(ctx, o.rekeyKind(), Update)
	switch {
	case errors.Is(err, ErrForbidden), errors.Is(err, ErrUnsupported):
		return nil, nil // whoever may not rekey here may not know either
	case err == nil && seen.Started && seen.Nonce == handedOut:
		return &difference{VaultDiffers, "a rekey that has ended", "attempt " + handedOut + " still in progress"}, nil
	}
	return nil, err
}

// act sends what the journal has announced.
func (o *owner) act(ctx context.Context) bool {
	p := o.c.Plan
	var err error
	switch p.Operation {
	case Init:
		return o.initialize(ctx)
	case Rotate:
		err = o.cluster.Vault.Rotate(ctx)
	case RotateConfig:
		err = o.cluster.Vault.SetRotationPolicy(ctx, *p.NewPolicy)
	case ReadBackup:
		err = o.cluster.Vault.DeleteBackup(ctx, o.rekeyKind())
	}
	if err != nil {
		o.lost = time.Now()
		o.log.Warn("Vault did not confirm the act", "act", string(p.Operation.undertakes()), "error", err)
		if fault := o.hopeless(err); fault != "" {
			return o.record(ctx, Fail{Fault: fault}) == nil
		}
	}
	return o.acted(ctx, err == nil)
}

// acted finds out by asking what came of an act (P5). Without an answer the act may
// still be on its way: that it was not done is believed after a while only.
func (o *owner) acted(ctx context.Context, answered bool) bool {
	result, d, err := o.result(ctx)
	switch {
	case err != nil:
		o.log.Warn("Vault could not be asked what came of the act", "error", err)
		return false
	case d != nil: // which knows nothing of it
		return o.record(ctx, d.stop()) == nil
	case result != nil:
		return o.record(ctx, Done{Result: result}) == nil
	case !answered && o.mayArrive():
		return false
	case o.c.Closing != nil:
		return o.record(ctx, Close{Vault: NothingToCancel}) == nil
	case answered:
		return o.record(ctx, Stop{Why: VaultDiffers, Want: string(o.c.Plan.Operation.undertakes()) + " done", Got: "Vault confirmed it and shows nothing of it"}) == nil
	}
	if o.session.doubt != nil {
		return o.do(ctx, actDoubt)
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
func (o *owner) result(ctx context.Context) (_ Event, d *difference, err error) {
	defer func() { o.heard(err) }()
	if d, err := o.elsewhere(ctx); d != nil || err != nil {
		return nil, d, err
	}
	p := o.c.Plan
	switch p.Operation {
	case Rotate:
		key, err := o.cluster.Vault.KeyStatus(ctx)
		if err != nil || key.Term <= p.KeyTerm {
			return nil, nil, err
		}
		return Rotated{Key: key}, nil, nil
	case RotateConfig:
		policy, err := o.cluster.Vault.RotationPolicy(ctx)
		if err != nil || policy != *p.NewPolicy {
			return nil, nil, err
		}
		return RotationSet{Policy: policy}, nil, nil
	case ReadBackup:
		_, err := o.backup(ctx)
		if errors.Is(err, ErrNoBackup) {
			return BackupDeleted{}, nil, nil
		}
		return nil, nil, err
	}
	return nil, nil, nil
}

// hopeless is why asking Vault again would not help, empty when it might.
func (o *owner) hopeless(err error) Refusal {
	switch {
	case errors.Is(err, ErrForbidden):
		return VaultForbids
	case errors.Is(err, ErrNoBackup):
		return NoBackupKept
	case errors.Is(err, ErrRefused), errors.Is(err, ErrUnsupported):
		return VaultRefused
	}
	return ""
}

// initialize makes the key of a new cluster. What it answers is shown once: a lost
// answer is the loss of the key, of a cluster in which nothing is stored yet.
func (o *owner) initialize(ctx context.Context) bool {
	order, err := o.order()
	if err != nil {
		o.log.Error("a PGP key of the plan can't be given to Vault", "error", err)
		return o.record(ctx, Fail{Fault: HolderKeyInvalid}) == nil
	}
	root, err := o.e.config.Opener.Certificate(o.c.Plan.Requester.Key)
	if err != nil {
		return o.record(ctx, Fail{Fault: HolderKeyInvalid}) == nil
	}
	made, err := o.cluster.Vault.Initialize(ctx, InitOrder{
		UnsealsItself: Seal{Type: o.c.Plan.Seal}.UnsealsItself(),
		Threshold:     order.Threshold, Keys: order.Keys, RootKey: root,
	})
	if err == nil {
		result := Initialized{Token: made.Token}
		for i, r := range o.c.Plan.Receivers {
			if i < len(made.Ciphertexts) {
				result.Shares = append(result.Shares, NewShare{For: r, Ciphertext: made.Ciphertexts[i]})
			}
		}
		return o.record(ctx, Done{Result: result}) == nil
	}
	o.lost = time.Now()
	o.log.Warn("Vault did not confirm the initialisation", "error", err)
	return o.initialized(ctx, o.hopeless(err))
}

// initialized finds out by asking what came of an initialisation without an
// answer.
func (o *owner) initialized(ctx context.Context, fault Refusal) bool {
	nodes, err := o.cluster.Vault.Nodes(ctx)
	if err != nil || !slices.ContainsFunc(nodes, func(n Node) bool { return n.Err == nil }) {
		return false
	}
	switch {
	case slices.ContainsFunc(nodes, func(n Node) bool { return n.Err == nil && n.Seal.Initialized }):
		return o.record(ctx, Fail{Fault: InitLost}) == nil
	case fault != "":
		return o.record(ctx, Fail{Fault: fault}) == nil
	case o.mayArrive(), slices.ContainsFunc(nodes, func(n Node) bool { return n.Err != nil }):
		return false // the node that was asked may be the one that does not answer
	case o.c.Closing != nil:
		return o.record(ctx, Close{Vault: NothingToCancel}) == nil
	case o.session.doubt != nil:
		return o.do(ctx, actDoubt)
	}
	return o.initialize(ctx)
}

// rekeyKind is the rekey whose backup this cluster keeps.
func (o *owner) rekeyKind() Operation { return Seal{Type: o.c.Plan.Seal}.rekey() }

func (o *owner) backup(ctx context.Context) (b Backup, err error) {
	defer func() { o.heard(err) }()
	return o.cluster.Vault.Backup(ctx, o.rekeyKind())
}

// readBackup brings the new shares that Vault kept to whom they are for.
func (o *owner) readBackup(ctx context.Context) bool {
	backup, err := o.backup(ctx)
	if err != nil {
		o.log.Warn("Vault's backup could not be read", "error", err)
		if fault := o.hopeless(err); fault != "" {
			return o.record(ctx, Fail{Fault: fault}) == nil
		}
		return false
	}
	read := BackupRead{Nonce: backup.Nonce}
	read.Of, read.Outcome, read.Unknown = o.e.madeUnder(backup.Nonce)
	known := map[Fingerprint]bool{}
	for _, p := range o.c.Plan.Receivers {
		for _, ciphertext := range backup.Ciphertexts[p.Key] {
			read.Shares = append(read.Shares, NewShare{For: p, Ciphertext: ciphertext})
		}
		known[p.Key] = true
	}
	for key := range backup.Ciphertexts {
		if !known[key] {
			read.Unclaimed = append(read.Unclaimed, key)
		}
	}
	slices.Sort(read.Unclaimed)
	return o.record(ctx, Done{Result: read}) == nil
}
