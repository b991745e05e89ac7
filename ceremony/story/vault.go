package story

import (
	"iter"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// ofVault returns the commands that bring what Vault has answered or shows, or what ends the ceremony. An event says
// little of what Vault showed, so that everything is tried that Vault can show.
func ofVault(c rules.State, e event.Event) iter.Seq[command.Command] {
	return func(yield func(command.Command) bool) {
		for cmd := range settled(c, e) {
			if !yield(cmd) {
				return
			}
		}
		for cmd := range ended(e) {
			if !yield(cmd) {
				return
			}
		}
		for v := range views(c, e) {
			for _, cmd := range []command.Command{
				command.Look{Seen: v}, command.Look{Seen: v, Reconcile: true},
				command.Settle{Seen: v}, command.Settle{Seen: v, Refused: true}, command.Settle{Seen: v, Dropped: true},
			} {
				if !yield(cmd) {
					return
				}
			}
			for _, ending := range endings {
				if !yield(command.Close{Vault: ending, Seen: v}) ||
					!yield(command.Close{Vault: ending, Unconfirmed: true, Seen: v}) {
					return
				}
			}
		}
	}
}

// endings are all that can become of an attempt in Vault.
var endings = []ceremony.VaultEnding{
	event.NothingToCancel, event.AttemptUnknown, event.AttemptUsed, event.AttemptDropped, event.AttemptForeign,
}

// ended returns the commands that end a ceremony and need nothing of Vault.
func ended(e event.Event) iter.Seq[command.Command] {
	return func(yield func(command.Command) bool) {
		switch ev := e.(type) {
		case event.Closing:
			if ev.By != nil {
				yield(command.Cancel{By: ev.By.Account, Why: ev.Why, Signed: ev.Signed})
				return
			}
			_ = yield(command.Tick{}) && yield(command.Fail{Fault: ev.Fault}) && yield(command.NotBegun{Fault: ev.Fault})
		case event.Ended:
			_ = yield(command.Finish{}) && yield(command.NotBegun{})
		}
	}
}

// settled returns the commands that bring Vault's answer to the share that was sent.
func settled(c rules.State, e event.Event) iter.Seq[command.Command] {
	return func(yield func(command.Command) bool) {
		sent, ok := c.Pending.Submitting()
		if !ok {
			return
		}
		if sent.Step == ceremony.StepUnseal {
			for _, refused := range []bool{false, true} {
				if !yield(command.Settle{Refused: refused, Seen: command.View{Nodes: nodesAfter(c, sent, e)}}) {
					return
				}
			}
			return
		}
		if answer, ok := answerOf(e); ok && !yield(command.Settle{Answer: &answer}) {
			return
		}
		for _, progress := range []int{sent.Before + 1, sent.Before, 0} {
			seen := ceremony.Progress{Started: true, Nonce: sent.Nonce, Progress: progress}
			v := command.View{Update: seen}
			if sent.Step == ceremony.StepVerify {
				v = command.View{Update: ceremony.Progress{Started: true, Nonce: c.Attempt.Nonce}, Verify: seen}
				if refused, is := e.(event.RoundRefused); is && refused.Nonce != "" {
					v.Verify.Nonce = refused.Nonce
				}
			}
			for _, cmd := range []command.Settle{
				{Answer: &ceremony.Answer{}, Seen: v}, {Seen: v}, {Refused: true, Seen: v},
			} {
				if !yield(cmd) {
					return
				}
			}
		}
	}
}

// answerOf returns Vault's answer to the last share of a step, out of the event that it led to. An answer that lacks
// what it should bring ends the ceremony.
func answerOf(e event.Event) (ceremony.Answer, bool) {
	a := ceremony.Answer{Complete: true}
	switch ev := e.(type) {
	case event.Rekeyed:
		a.Fingerprints, a.VerificationNonce = ev.Keys, ev.VerificationNonce
		for _, s := range ev.Shares {
			a.Ciphertexts = append(a.Ciphertexts, s.Ciphertext)
		}
	case event.TokenIssued:
		a.Fingerprints, a.Encoded = ev.Keys, ev.Encoded
		if ev.Ciphertext != "" {
			a.Ciphertexts = []string{ev.Ciphertext}
		}
	case event.Verified, event.Closing:
	default:
		return a, false
	}
	return a, true
}

// nodesAfter returns the nodes of an unseal after a share, as an event says, or as they were.
func nodesAfter(c rules.State, sent event.Submitting, e event.Event) []ceremony.Node {
	states := make([]ceremony.NodeState, len(c.Nodes))
	for i, n := range c.Nodes {
		states[i] = n.NodeState
	}
	switch ev := e.(type) {
	case event.Entered:
		states = ev.Nodes
	case event.RoundRefused:
		for i, s := range states {
			for _, refused := range ev.Nodes {
				if s.Address == refused {
					states[i].Progress = 0
				}
			}
		}
	}
	return nodesOf(c.Plan, states)
}

// nodesOf returns nodes that show these states, and are otherwise as the plan wants them.
func nodesOf(p ceremony.Plan, states []ceremony.NodeState) []ceremony.Node {
	nodes := make([]ceremony.Node, len(states))
	for i, s := range states {
		nodes[i] = ceremony.Node{Address: s.Address, Progress: s.Progress, Seal: ceremony.Seal{
			Initialized: s.Reached, Sealed: s.Sealed, Type: "shamir", Shares: p.Shares, Threshold: p.Threshold,
		}}
	}
	return nodes
}

// views returns what Vault can show of the ceremony: its attempt and its verification, as they were or gone or another,
// the numbers of the old key or of the new one, its backup of the new shares.
func views(c rules.State, e event.Event) iter.Seq[command.View] {
	p := c.Plan
	seal := func(shares, threshold int) ceremony.Seal {
		return ceremony.Seal{Initialized: true, ClusterID: p.ClusterID, Shares: shares, Threshold: threshold}
	}
	ours := ceremony.Progress{
		Started: true, Nonce: c.Attempt.Nonce, Required: p.Threshold, Shares: len(p.Receivers), Threshold: p.NewThreshold,
		Fingerprints: p.Recipients(), Backup: p.Backup, VerificationRequired: p.Verification,
		Progress: len(c.Round.Counted),
	}
	more, made := ours, ours
	more.Progress++
	made.VerificationNonce = "made"
	var nonce string // of the verification that the event brings
	states := make([]ceremony.NodeState, len(c.Nodes))
	for i, n := range c.Nodes {
		states[i] = n.NodeState
	}
	switch ev := e.(type) {
	case event.Rekeyed:
		made.VerificationNonce = ev.VerificationNonce
	case event.RoundReset:
		nonce = ev.Nonce
	case event.Dropping:
		nonce = ev.Nonce
	case event.NodesSeen:
		states = ev.Nodes
	}
	verify := ceremony.Progress{Started: true, Nonce: c.Round.Nonce, Required: p.NewThreshold,
		Progress: len(c.Round.Counted)}
	verifyMore, verifyNone, verifyNew := verify, verify, verify
	verifyMore.Progress++
	verifyNone.Progress = 0
	verifyNew.Nonce, verifyNew.Progress = nonce, 0
	verifyNewMore := verifyNew
	verifyNewMore.Progress = 1
	return func(yield func(command.View) bool) {
		for _, s := range []ceremony.Seal{{}, seal(p.Shares, p.Threshold), seal(len(p.Receivers), p.NewThreshold)} {
			for _, u := range []ceremony.Progress{{}, ours, more, made} {
				for _, f := range []ceremony.Progress{{}, verify, verifyMore, verifyNone, verifyNew, verifyNewMore} {
					for _, b := range backups(c, e) {
						v := command.View{Update: u, Verify: f, Seal: s, Backup: b, Nodes: nodesOf(p, states)}
						if !yield(v) {
							return
						}
					}
				}
			}
		}
	}
}

// backups returns what Vault can keep of new shares: nothing, what an event has of this attempt, another attempt's.
func backups(c rules.State, e event.Event) []*ceremony.Backup {
	own := &ceremony.Backup{Nonce: c.Attempt.Nonce, Ciphertexts: map[ceremony.Fingerprint][]string{}}
	if made, is := e.(event.Rekeyed); is {
		for _, s := range made.Shares {
			own.Ciphertexts[s.For.Key] = append(own.Ciphertexts[s.For.Key], s.Ciphertext)
		}
	}
	return []*ceremony.Backup{nil, own, {Nonce: "another"}}
}
