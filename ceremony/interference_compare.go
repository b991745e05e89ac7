package ceremony

import (
	"fmt"
	"slices"
	"time"
)

// compare answers what differs from the memory and is no ceremony's doing. What is
// not in the memory yet, and what a ceremony or Vault itself explains, is taken over.
func (m *memory) compare(s sight, ceremonies []Ceremony, now time.Time) []Noticed {
	if s.seal != nil && s.seal.ClusterID != "" {
		switch {
		case m.clusterID == "":
			m.clusterID = s.seal.ClusterID
		case m.clusterID != s.seal.ClusterID:
			// Of another cluster nothing else means anything.
			return []Noticed{{Kind: ClusterChanged, Want: m.clusterID, Got: s.seal.ClusterID}}
		}
	}
	found := m.compareNodes(s.nodes, ceremonies, now)
	for _, op := range []Operation{Rekey, RekeyRecovery, GenerateRoot, DRToken, RecoveryToken} {
		if v, asked := s.attempts[op]; asked {
			found = append(found, m.compareAttempt(op, v, ceremonies)...)
		}
	}
	found = append(found, m.compareEnds(ceremonies, now)...)
	if s.seal != nil {
		found = append(found, m.compareShares(*s.seal, ceremonies)...)
	}
	if s.key != nil {
		found = append(found, m.compareTerm(*s.key, s.policy, ceremonies)...)
	}
	return found
}

// acting says whether a ceremony may be changing something in Vault at this moment, or
// is about to end what it has there.
func (c Ceremony) acting() bool {
	if c.Ended() {
		return false
	}
	_, offered := c.offer()
	return c.Closing != nil || c.Pending != nil && !offered
}

// compareAttempt judges what Vault has of one operation.
func (m *memory) compareAttempt(op Operation, v View, ceremonies []Ceremony) []Noticed {
	var found []Noticed
	var ours Ceremony
	for _, c := range ceremonies {
		switch {
		case c.Plan.Operation != op || c.Ended():
		case c.acting():
			return nil // it will see for itself
		case c.Attempt.Nonce != "":
			ours = c
		}
	}
	words := attemptWords(op, v)
	if ours.Attempt.Nonce != "" {
		found = append(found, m.compareOurs(op, v, ours)...)
	}
	known := m.foreign[op]
	if known.nonce != "" && (!v.Update.Started || v.Update.Nonce != known.nonce) {
		found = append(found, Noticed{Kind: ForeignCancel, Operation: op, Subject: known.nonce, Want: known.words, Got: nonceWords(v)})
	}
	switch {
	case !v.Update.Started || begunHere(ceremonies, v.Update.Nonce):
	case v.Update.Nonce != known.nonce:
		found = append(found, Noticed{Kind: ForeignStart, Operation: op, Subject: v.Update.Nonce, Want: "no attempt in progress", Got: words})
	case words != known.words:
		found = append(found, Noticed{Kind: ForeignProgress, Operation: op, Subject: known.nonce, Want: known.words, Got: words})
	}
	return found
}

// compareOurs judges the attempt of an open ceremony. The ceremony sees the same and
// freezes; this is how the owners hear of it.
func (m *memory) compareOurs(op Operation, v View, c Ceremony) []Noticed {
	if c.Token != "" || c.Encoded != "" || len(c.Keys) > 0 && !c.Plan.Verification || c.FrozenFor(KeysLost) {
		return nil // it has come to its end, or to a loss, by its own doing
	}
	d := c.compare(View{Update: v.Update, Verify: v.Verify}) // the cluster is another question
	if d == nil {
		return nil
	}
	n := Noticed{Kind: ForeignProgress, Operation: op, Subject: c.Attempt.Nonce, Of: c.ID(), Want: d.want, Got: d.got}
	if d.why == AttemptGone || d.why == ForeignAttempt {
		n.Kind = ForeignCancel
	}
	if m.ours[n.Subject][n.Kind].same(n) {
		return nil
	}
	return []Noticed{n}
}

// foreignEndFor is how long after its end a rekey that others carried through is a
// finding: a watch that is switched on later has nothing to say of it.
const foreignEndFor = time.Hour

// compareEnds answers the rekeys that others have carried through. Each has ended as if
// by its own doing, so that no look at Vault finds it.
func (m *memory) compareEnds(ceremonies []Ceremony, now time.Time) []Noticed {
	var found []Noticed
	for _, c := range ceremonies {
		if !c.Ended() || !c.MadeElsewhere() || now.Sub(c.EndedAt()) > foreignEndFor {
			continue
		}
		n := Noticed{Kind: ForeignEnd, Operation: c.Plan.Operation, Subject: c.Attempt.Nonce, Of: c.ID()}
		if !m.ours[n.Subject][n.Kind].same(n) {
			found = append(found, n)
		}
	}
	return found
}

// begunHere says whether a ceremony has begun the attempt with this nonce.
func begunHere(ceremonies []Ceremony, nonce string) bool {
	return slices.ContainsFunc(ceremonies, func(c Ceremony) bool {
		return slices.ContainsFunc(c.History, func(e Entry) bool {
			started, ok := e.Event.(Started)
			return ok && started.Nonce == nonce
		})
	})
}

func nonceWords(v View) string {
	if !v.Update.Started {
		return "no attempt in progress"
	}
	return "attempt " + v.Update.Nonce
}

// compareShares judges the numbers of the key in force.
func (m *memory) compareShares(seal Seal, ceremonies []Ceremony) []Noticed {
	got := sharesWords(seal.Shares, seal.Threshold)
	switch {
	case m.shares == got:
		return nil
	case m.shares == "":
		m.shares = got
		return nil
	case slices.ContainsFunc(ceremonies, func(c Ceremony) bool { return c.Plan.Operation.MakesShares() && c.mayHaveMade(got) }):
		return nil // it says so itself when it has ended
	}
	return []Noticed{{Kind: KeyChanged, Want: m.shares, Got: got}}
}

// mayHaveMade says whether an open ceremony has asked Vault for new shares in these
// numbers.
func (c Ceremony) mayHaveMade(shares string) bool {
	begun := c.last(func(e Event) bool { return is[Started](e) || is[Acting](e) }) > 0
	return !c.Ended() && begun && sharesWords(len(c.Plan.Receivers), c.Plan.NewThreshold) == shares
}

// compareTerm judges the encryption key in use.
func (m *memory) compareTerm(key KeyStatus, policy *RotationPolicy, ceremonies []Ceremony) []Noticed {
	got := rotation{number: key.Term, installed: key.Installed, encryptions: key.Encryptions}
	known := m.term
	switch {
	case known.number == key.Term, known.number == 0, rotatedHere(ceremonies, known.number, key.Term), policy != nil && policy.explains(known, got):
		m.term = got
		return nil
	}
	return []Noticed{{
		Kind: TermChanged, Term: key.Term, Want: termWords(known.number), Got: termWords(key.Term),
		Perhaps: policy != nil && policy.Enabled,
	}}
}

// rotatedHere says whether a ceremony has asked Vault for the step from one term to
// the next, whatever it has learnt of what came of it.
func rotatedHere(ceremonies []Ceremony, from, to int) bool {
	return to == from+1 && slices.ContainsFunc(ceremonies, func(c Ceremony) bool {
		return c.Plan.Operation == Rotate && c.Plan.KeyTerm == from && c.last(is[Acting]) > 0
	})
}

// explains says whether Vault must have rotated by itself: the key was as old as the
// policy lets one get, or nearly as much used.
func (p RotationPolicy) explains(before, now rotation) bool {
	if !p.Enabled || now.number != before.number+1 || before.installed.IsZero() {
		return false
	}
	aged := p.Interval > 0 && now.installed.Sub(before.installed) >= p.Interval
	const nearly = 10 // a tenth less: Vault's estimate is some minutes old when it decides
	used := p.MaxOperations > 0 && before.encryptions >= p.MaxOperations-p.MaxOperations/nearly
	return aged || used
}

// compareNodes judges the seal of each node that answers, and shares that were
// entered there by hand.
func (m *memory) compareNodes(nodes []Node, ceremonies []Ceremony, now time.Time) []Noticed {
	unsealing := func(c Ceremony) bool { return c.Plan.Operation == Unseal && !c.Ended() }
	if slices.ContainsFunc(ceremonies, func(c Ceremony) bool { return unsealing(c) && c.acting() }) {
		return nil
	}
	open := slices.ContainsFunc(ceremonies, unsealing)
	var found []Noticed
	for _, n := range nodes {
		if n.Err != nil || !n.Seal.Initialized {
			continue
		}
		known, got := m.nodes[n.Address], sealedWord(n.Seal.Sealed)
		expected := !n.Seal.Sealed && (n.Seal.UnsealsItself() || unsealedHere(ceremonies, n.Address, known.seen))
		if known.seal != "" && known.seal != got && !expected {
			found = append(found, Noticed{Kind: SealChanged, Subject: n.Address, Want: known.seal, Got: got})
			continue
		}
		// Shares that join an open unseal do what it does, and its status post shows them;
		// those that an unseal has left behind are its own.
		progress := ""
		if n.Seal.Sealed && n.Progress > 0 && !open && !leftBehind(ceremonies, n.Address) {
			progress = enteredWords(n)
		}
		if progress != "" && progress != known.progress {
			found = append(found, Noticed{Kind: ForeignProgress, Operation: Unseal, Subject: n.Address, Want: "no share entered", Got: progress})
			progress = known.progress
		}
		m.nodes[n.Address] = nodeMemory{seal: got, progress: progress, seen: now}
	}
	return found
}

func enteredWords(n Node) string {
	return fmt.Sprintf("%d of %d shares entered", n.Progress, n.Seal.Threshold)
}

// unsealedHere says whether a ceremony has sent shares to a node that was sealed when
// it was last seen.
func unsealedHere(ceremonies []Ceremony, address string, seen time.Time) bool {
	return slices.ContainsFunc(ceremonies, func(c Ceremony) bool {
		return c.Plan.Operation == Unseal && (!c.Ended() || !c.EndedAt().Before(seen)) && c.last(func(e Event) bool {
			sent, ok := e.(Submitting)
			return ok && slices.Contains(sent.Nodes, address)
		}) > 0
	})
}

// leftBehind says whether the newest unseal has ended and left shares on a node.
func leftBehind(ceremonies []Ceremony, address string) bool {
	i := slices.IndexFunc(ceremonies, func(c Ceremony) bool { return c.Plan.Operation == Unseal })
	return i >= 0 && ceremonies[i].Ending != AttemptDropped && ceremonies[i].mayHold(address)
}
