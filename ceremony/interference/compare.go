package interference

import (
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// compare returns the differences from the baseline that no ceremony has made. Facts that
// the baseline lacks, and changes that a ceremony or Vault itself explains, are taken
// over. begun reports whether a ceremony has begun the attempt with a nonce.
func (b *baseline) compare(s observation, ceremonies []rules.State, begun func(nonce string) bool,
	now time.Time) []event.Noticed {
	if s.seal != nil && s.seal.ClusterID != "" {
		switch {
		case b.clusterID == "":
			b.clusterID = s.seal.ClusterID
		case b.clusterID != s.seal.ClusterID:
			// Nothing else that another cluster shows can be compared.
			return []event.Noticed{{Kind: ceremony.ClusterChanged, Want: b.clusterID, Got: s.seal.ClusterID}}
		}
	}
	found := b.compareNodes(s.nodes, ceremonies, now)
	for _, op := range []ceremony.Operation{
		ceremony.Rekey, ceremony.RekeyRecovery, ceremony.GenerateRoot, ceremony.DRToken, ceremony.RecoveryToken,
	} {
		if v, asked := s.attempts[op]; asked {
			found = append(found, b.compareAttempt(op, v, ceremonies, begun)...)
		}
	}
	found = append(found, b.compareEnds(ceremonies, now)...)
	if s.seal != nil {
		found = append(found, b.compareShares(*s.seal, ceremonies)...)
	}
	if s.key != nil {
		found = append(found, b.compareTerm(*s.key, s.policy)...)
	}
	return found
}

// acting reports whether a ceremony may be changing something in Vault at this moment, or
// is about to end its attempt there.
func acting(c rules.State) bool {
	if c.Ended() {
		return false
	}
	_, offered := c.Offer()
	return c.Closing != nil || c.Pending != nil && !offered
}

// compareAttempt returns the findings about Vault's attempt of one operation.
func (b *baseline) compareAttempt(op ceremony.Operation, v command.View, ceremonies []rules.State,
	begun func(nonce string) bool) []event.Noticed {
	var found []event.Noticed
	var ours rules.State
	for _, c := range ceremonies {
		switch {
		case c.Plan.Operation != op || c.Ended():
		case acting(c):
			return nil // the ceremony compares Vault by itself
		case c.Attempt.Nonce != "":
			ours = c
		}
	}
	words := attemptWords(op, v)
	if ours.Attempt.Nonce != "" {
		found = append(found, b.compareOurs(op, v, ours)...)
	}
	known := b.foreign[op]
	if known.nonce != "" && (!v.Update.Started || v.Update.Nonce != known.nonce) {
		found = append(found, event.Noticed{
			Kind: ceremony.ForeignCancel, Operation: op, Subject: known.nonce, Want: known.words, Got: nonceWords(v),
		})
	}
	switch {
	case !v.Update.Started || begun(v.Update.Nonce):
	case v.Update.Nonce != known.nonce:
		found = append(found, event.Noticed{
			Kind: ceremony.ForeignStart, Operation: op, Subject: v.Update.Nonce, Want: "no attempt in progress",
			Got: words,
		})
	case words != known.words:
		found = append(found, event.Noticed{
			Kind: ceremony.ForeignProgress, Operation: op, Subject: known.nonce, Want: known.words, Got: words,
		})
	}
	return found
}

// compareOurs returns the findings about the attempt of an open ceremony. The ceremony sees
// the same and freezes; the finding tells the owners.
func (b *baseline) compareOurs(op ceremony.Operation, v command.View, c rules.State) []event.Noticed {
	if c.Token != "" || c.Encoded != "" || len(c.Keys) > 0 && !c.Plan.Verification || c.FrozenFor(event.KeysLost) {
		return nil // the ceremony itself has ended or lost the attempt
	}
	d := c.Compare(command.View{Update: v.Update, Verify: v.Verify}) // the cluster is compared elsewhere
	if d == nil {
		return nil
	}
	n := event.Noticed{
		Kind: ceremony.ForeignProgress, Operation: op, Subject: c.Attempt.Nonce, Of: c.ID(), Want: d.Want, Got: d.Got,
	}
	if d.Why == event.AttemptGone || d.Why == event.ForeignAttempt {
		n.Kind = ceremony.ForeignCancel
	}
	if b.ours[n.Subject][n.Kind].Same(n) {
		return nil
	}
	return []event.Noticed{n}
}

// foreignEndFor is how long after its end a rekey that others carried through is a finding.
// A watcher that is switched on later does not report it.
const foreignEndFor = time.Hour

// compareEnds returns the rekeys that others have carried through. Their ceremonies have
// ended as if by themselves, so that Vault shows no difference.
func (b *baseline) compareEnds(ceremonies []rules.State, now time.Time) []event.Noticed {
	var found []event.Noticed
	for _, c := range ceremonies {
		if !c.Ended() || !c.MadeElsewhere() || now.Sub(c.EndedAt()) > foreignEndFor {
			continue
		}
		n := event.Noticed{Kind: rules.ForeignEnd, Operation: c.Plan.Operation, Subject: c.Attempt.Nonce, Of: c.ID()}
		if !b.ours[n.Subject][n.Kind].Same(n) {
			found = append(found, n)
		}
	}
	return found
}

func nonceWords(v command.View) string {
	if !v.Update.Started {
		return "no attempt in progress"
	}
	return "attempt " + v.Update.Nonce
}

// compareShares returns a finding when the numbers of the key in force have changed.
func (b *baseline) compareShares(seal ceremony.Seal, ceremonies []rules.State) []event.Noticed {
	got := sharesWords(seal.Shares, seal.Threshold)
	switch {
	case b.shares == got:
		return nil
	case b.shares == "":
		b.shares = got
		return nil
	case slices.ContainsFunc(ceremonies, func(c rules.State) bool {
		return c.Plan.Operation.MakesShares() && mayHaveMade(c, got)
	}):
		return nil // the ceremony takes them over when it has ended
	}
	return []event.Noticed{{Kind: ceremony.KeyChanged, Want: b.shares, Got: got}}
}

// mayHaveMade reports whether a ceremony is open and has asked Vault for new shares in
// these numbers.
func mayHaveMade(c rules.State, shares string) bool {
	begun := c.Last(func(e event.Event) bool { return rules.Is[event.Started](e) || rules.Is[event.Acting](e) }) > 0
	return !c.Ended() && begun && sharesWords(len(c.Plan.Receivers), c.Plan.NewThreshold) == shares
}

// compareTerm returns a finding when the encryption key was rotated without a reason.
func (b *baseline) compareTerm(key ceremony.KeyStatus, policy *ceremony.RotationPolicy) []event.Noticed {
	got := rotation{number: key.Term, installed: key.Installed, encryptions: key.Encryptions}
	known := b.term
	switch {
	case known.number == key.Term, known.number == 0, b.rotatedHere(known.number, key.Term),
		policy != nil && explains(*policy, known, got):
		b.term = got
		return nil
	}
	return []event.Noticed{{
		Kind: ceremony.TermChanged, Term: key.Term, Perhaps: policy != nil && policy.Enabled,
		Want: ceremony.TermWords(known.number), Got: ceremony.TermWords(key.Term),
	}}
}

// rotatedHere reports whether a ceremony has asked Vault for the rotation from one term to
// the next, even when its outcome was never learnt.
func (b *baseline) rotatedHere(from, to int) bool { return to == from+1 && b.rotating[from] }

// explains reports whether Vault must have rotated by itself: the key had reached the age
// that the policy allows, or nearly the number of operations.
func explains(p ceremony.RotationPolicy, before, now rotation) bool {
	if !p.Enabled || now.number != before.number+1 || before.installed.IsZero() {
		return false
	}
	aged := p.Interval > 0 && now.installed.Sub(before.installed) >= p.Interval
	const nearly = 10 // a tenth less: Vault decides by an estimate that is some minutes old
	used := p.MaxOperations > 0 && before.encryptions >= p.MaxOperations-p.MaxOperations/nearly
	return aged || used
}

// compareNodes returns the findings about the seal of each node that answers, and about
// shares that were entered there by hand.
func (b *baseline) compareNodes(nodes []ceremony.Node, ceremonies []rules.State, now time.Time) []event.Noticed {
	unsealing := func(c rules.State) bool { return c.Plan.Operation == ceremony.Unseal && !c.Ended() }
	if slices.ContainsFunc(ceremonies, func(c rules.State) bool { return unsealing(c) && acting(c) }) {
		return nil
	}
	open := slices.ContainsFunc(ceremonies, unsealing)
	var found []event.Noticed
	for _, n := range nodes {
		if n.Err != nil || !n.Seal.Initialized {
			continue
		}
		known, got := b.nodes[n.Address], sealedWord(n.Seal.Sealed)
		expected := !n.Seal.Sealed && (n.Seal.UnsealsItself() || b.unsealedHere(ceremonies, n.Address, known.seen))
		if known.seal != "" && known.seal != got && !expected {
			found = append(found, event.Noticed{
				Kind: ceremony.SealChanged, Subject: n.Address, Want: known.seal, Got: got,
			})
			continue
		}
		// Shares that join an open unseal are shown on its status post. Shares that an unseal
		// has left behind are its own.
		progress := ""
		if n.Seal.Sealed && n.Progress > 0 && !open && !leftBehind(ceremonies, n.Address) {
			progress = enteredWords(n)
		}
		if progress != "" && progress != known.progress {
			found = append(found, event.Noticed{
				Kind: ceremony.ForeignProgress, Operation: ceremony.Unseal, Subject: n.Address,
				Want: "no share entered", Got: progress,
			})
			progress = known.progress
		}
		b.nodes[n.Address] = nodeState{seal: got, progress: progress, seen: now}
	}
	return found
}

func enteredWords(n ceremony.Node) string {
	return fmt.Sprintf("%d of %d shares entered", n.Progress, n.Seal.Threshold)
}

// unsealedHere reports whether a ceremony has sent shares to a node since the node was last
// seen.
func (b *baseline) unsealedHere(ceremonies []rules.State, address string, seen time.Time) bool {
	if ended, ok := b.sent[address]; ok && !ended.Before(seen) {
		return true
	}
	return slices.ContainsFunc(ceremonies, func(c rules.State) bool {
		return c.Plan.Operation == ceremony.Unseal && !c.Ended() && slices.Contains(sentTo(c), address)
	})
}

// sentTo returns the addresses that an unseal has sent shares to.
func sentTo(c rules.State) []string {
	var addresses []string
	for _, e := range c.History {
		if sent, ok := e.Event.(event.Submitting); ok {
			addresses = append(addresses, sent.Nodes...)
		}
	}
	return addresses
}

// leftBehind reports whether the newest unseal has ended and left shares on a node.
func leftBehind(ceremonies []rules.State, address string) bool {
	i := slices.IndexFunc(ceremonies, func(c rules.State) bool { return c.Plan.Operation == ceremony.Unseal })
	return i >= 0 && ceremonies[i].Ending != event.AttemptDropped && ceremonies[i].MayHold(address)
}
