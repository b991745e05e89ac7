package rules_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// FuzzRules plays commands in any order and checks the promises that need no outside world.
func FuzzRules(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
	f.Add([]byte{0, 20, 2, 2, 3, 20, 4, 0, 5, 0, 6, 0, 4, 21, 5, 1, 6, 1})
	f.Add([]byte("approve begin announce receive send settle look"))
	// With everything that a policy can ask for.
	f.Add([]byte{
		255, 5, 0, 5, 37, 0, 36, 0, 36, 1, 36, 2, 36, 3, 36, 4, 40, 0, 38, 7, 2, 0, 3, 3, 10, 0, 4, 0,
		34, 1, 13, 5, 13, 6, 39, 1, 35, 0,
	})
	f.Fuzz(func(t *testing.T, moves []byte) {
		if len(moves) > 400 {
			return
		}
		all := append(ceremony.Operations(), ceremony.Alarm)
		plan := ceremonytest.PlanOf(all[len(moves)%len(all)])
		if plan.Operation.IssuesToken() && len(moves)%2 == 1 {
			plan.OTP = ceremonytest.Commitment(ceremonytest.Password)
		}
		if len(moves) > 0 {
			ceremonytest.Demand(&plan, moves[0])
		}
		now := plan.Proposed
		proposed := event.Proposed{Plan: plan, PlanHash: plan.Hash()}
		c, err := rules.Replay([]event.Entry{{Seq: 1, At: now, Event: proposed}})
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(moves); i += 2 {
			now = now.Add(time.Second)
			if moves[i]%8 == 7 && moves[i+1]%16 == 0 {
				now = now.Add(time.Duration(moves[i+1]) * time.Minute) // people take their time
			}
			events, err := rules.Decide(c, move(c, moves[i], moves[i+1]), now)
			if err != nil {
				continue
			}
			for _, e := range events {
				next, err := rules.Apply(c, event.Entry{Seq: c.Seq() + 1, At: now, Event: e})
				if err != nil {
					t.Fatalf("Decide gave %q and Apply does not take it: %v", event.TypeOf(e), err)
				}
				hold(t, c, next, e)
				c = next
			}
		}
		again, err := rules.Replay(c.History)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(c, again); diff != "" {
			t.Errorf("replayed, it is another ceremony: %s", diff)
		}
		c.Messages() // panics for an event that it does not know
	})
}

// signedOr returns a signed statement, or none.
func signedOr(how byte) string {
	if how%5 == 0 {
		return ""
	}
	return "signed"
}

// seenNodes returns some state of two nodes.
func seenNodes(how byte) (nodes []ceremony.Node, states []ceremony.NodeState) {
	for i, address := range []string{"n1", "n2"} {
		bits := how >> (4 * i)
		n := ceremony.Node{Address: address, Progress: int(bits & 3), Seal: ceremony.Seal{
			Initialized: true, Sealed: bits&4 == 0, Type: ceremonytest.Shamir, Shares: 5, Threshold: 3,
		}}
		switch {
		case bits&8 != 0:
			n.Err = ceremony.ErrNotSent
			states = append(states, ceremony.NodeState{Address: address})
		default:
			if !n.Seal.Sealed {
				n.Seal.ClusterID, n.Progress = "cluster-1", 0
			}
			states = append(states, ceremony.NodeState{
				Address: address, Reached: true, Sealed: n.Seal.Sealed, Progress: n.Progress,
			})
		}
		nodes = append(nodes, n)
	}
	return nodes, states
}

// move returns the command that two bytes stand for.
func move(c rules.State, what, how byte) command.Command {
	everybody := slices.Concat(
		ceremonytest.People(ceremonytest.Holders...),
		ceremonytest.People("olga", "paul", "quin", "mallory", "wendy", "walt"))
	who := everybody[int(how)%len(everybody)].Account
	nonces := []string{"n-1", "n-2", "n-3", c.Attempt.Nonce, c.Round.Nonce}
	seen := ceremony.Progress{
		Started: how%7 != 0, Nonce: nonces[int(how)%len(nonces)], Progress: int(how) % 4, Required: 3,
		Shares: 5, Threshold: 3, Fingerprints: c.Plan.Recipients(),
		Backup: true, VerificationRequired: true,
	}
	if how%11 == 0 {
		seen.VerificationNonce = "v-1"
	}
	nodes, states := seenNodes(how)
	view := command.View{Update: seen, Verify: seen, Seal: ceremony.Seal{ClusterID: "cluster-1"}, Nodes: nodes}
	if how%13 == 0 {
		ciphertexts := map[ceremony.Fingerprint][]string{}
		view.Backup = &ceremony.Backup{Nonce: nonces[int(how/13)%len(nonces)], Ciphertexts: ciphertexts}
		for _, f := range c.Plan.Recipients() {
			view.Backup.Ciphertexts[f] = []string{"share"}
		}
	}
	evidence := ceremony.Evidence{
		SHA256: fmt.Sprint(how), Signer: ceremonytest.Fpr("alice"), SignedAt: time.Unix(int64(what), 0),
	}
	results := []event.Event{
		event.Initialized{Token: "t"}, event.Rotated{}, event.RotationSet{},
		event.BackupRead{Nonce: "n-1"}, event.BackupDeleted{},
	}
	acts := []event.Act{event.Initializing, event.Rotating, event.SettingPolicy, event.DeletingBackup}
	if c.Plan.Operation == ceremony.Alarm && what%3 == 0 {
		found := []ceremony.Finding{ceremony.ForeignStart, ceremony.SealChanged, ceremony.ExposedShare}
		return command.Alert{Found: event.Noticed{
			Kind: found[int(how)%3], Subject: fmt.Sprint(how / 3), By: &c.Plan.Approvers[int(how)%2],
		}}
	}
	switch what % 46 {
	case 34:
		return command.Freeze{By: who, Why: "why"}
	case 35:
		return command.Stop{Why: event.PersonStopped}
	case 36:
		return command.AnswerRoll{By: who, Answer: who.User, Signed: signedOr(how)}
	case 37:
		called := event.RollCalled{}
		for _, p := range c.Plan.RollCall {
			digest := ceremony.RollCallDigest(strings.ToLower(p.Account.User))
			called.Challenges = append(called.Challenges, ceremony.Challenge{For: p, Digest: digest})
		}
		return command.CallRoll{Called: called}
	case 38:
		return command.Proceed{By: who}
	case 39:
		return command.Testify{By: who, Agrees: how%2 == 0}
	case 40:
		return command.AskWitness{}
	case 41:
		return command.Note{By: who, Text: fmt.Sprint(how)}
	case 42:
		return command.Attest{Signed: event.TranscriptSigned{
			Number: len(c.Transcripts()) + 1, Lines: c.Seq(), SHA256: "f", Archives: []string{"a", "b"},
		}}
	case 43:
		where := []string{"a", "b", "c"}[int(how)%3]
		return command.Archive{Kept: event.Archived{Number: int(how) % 4, Where: where, SHA256: "f"}}
	case 44:
		return command.GiveUpArchive{}
	case 45:
		due := c.Due()
		if len(due) == 0 {
			return command.Tick{}
		}
		if key := due[int(how)%len(due)].Key; how%3 != 0 {
			return command.Undeliver{Key: key}
		} else {
			return command.Post{Key: key, Ref: ceremony.Ref{Channel: "C", TS: key}}
		}
	case 32, 33:
		return command.Acknowledge{By: who, Why: "known"}
	case 31:
		return command.Reset{By: who}
	case 18:
		return command.Open{Nonce: "here", Nodes: states}
	case 19:
		return command.Prove{Evidence: evidence}
	case 20:
		return command.Request{Act: acts[int(how)%len(acts)]}
	case 21, 22:
		return command.Done{Result: results[int(how)%len(results)]}
	case 23:
		return command.Fail{Fault: ceremony.VaultForbids}
	case 24:
		return command.Reverify{By: who}
	case 25:
		return command.Delete{By: who}
	case 26:
		seen := ceremony.TokenState{Exists: how%5 != 0, Root: how%3 != 0, Created: c.EndedAt()}
		return command.Name{By: who, Accessor: fmt.Sprint(how), Seen: seen}
	case 27:
		return command.Revoke{By: who}
	case 28:
		return command.Remind{}
	case 29:
		return command.Gone{}
	case 30:
		return command.Tick{}
	case 0, 1:
		return command.Approve{By: who, PlanHash: c.PlanHash, Signed: signedOr(how)}
	case 2:
		return command.Begin{}
	case 3:
		return command.Began{Seen: seen}
	case 4:
		return command.Announce{Key: ceremony.Announced{
			Identity: c.Plan.Identity, Subkey: string(ceremonytest.Fpr("subkey")),
			Nonce: cmp.Or(c.Round.Nonce, "n-0"), Step: cmp.Or(c.Round.Step, ceremony.StepUpdate),
		}}
	case 5, 6:
		message := ceremony.Ref{TS: fmt.Sprint(what, how)}
		return command.Receive{By: who, Way: ceremony.ByText, Message: message, Evidence: evidence}
	case 7:
		return command.Send{Evidence: evidence, Before: len(c.Round.Counted)}
	case 8:
		return command.Settle{Seen: view}
	case 9:
		answer := &ceremony.Answer{
			Complete: how%2 == 0, VerificationNonce: "v-1",
			Fingerprints: c.Plan.Recipients(), Ciphertexts: []string{"1", "2", "3", "4", "5"},
		}
		return command.Settle{Answer: answer, Seen: view}
	case 10:
		return command.Look{Seen: view, Reconcile: how%2 == 0}
	case 11:
		return command.Decline{Evidence: evidence, Reason: ceremony.WrongSigner}
	case 12:
		return command.Cancel{By: who}
	case 13:
		return command.Resume{By: who}
	case 14:
		return command.Stop{Why: event.SealedMidway}
	case 15:
		endings := []ceremony.VaultEnding{event.AttemptDropped, event.NothingToCancel, event.AttemptForeign}
		return command.Close{Vault: endings[int(how)%3], Unconfirmed: how%2 == 0, Seen: view}
	case 16:
		return command.Lose{}
	}
	return command.Reject{By: who}
}

// hold checks what must be true of every step.
func hold(t *testing.T, before, after rules.State, e event.Event) {
	t.Helper()
	if after.Plan.Hash() != before.PlanHash {
		t.Fatal("the plan changed (P4)")
	}
	if before.Ended() && after.Outcome != before.Outcome {
		t.Fatal("the outcome changed after the end")
	}
	for _, a := range after.Approvals {
		if a.By.Account == after.Plan.Initiator.Account {
			t.Fatal("the initiator approved")
		}
	}
	counted := map[ceremony.Account]bool{}
	for _, s := range after.Round.Counted {
		if counted[s.By.Account] {
			t.Fatalf("%s is counted twice in a round (P2)", s.By.Name)
		}
		counted[s.By.Account] = true
	}
	switch ev := e.(type) {
	case event.Starting, event.Started, event.Acting, event.BackupRead:
		if len(before.Approvals) < before.Plan.Approvals {
			t.Fatalf("%s without approval", event.TypeOf(e))
		}
	case event.Initialized, event.Rotated, event.RotationSet:
		if before.Pending == nil {
			t.Fatalf("%s without an intent (P3)", event.TypeOf(e))
		}
	case event.DeletionAsked:
		if ev.By.Account == before.Plan.Initiator.Account {
			t.Fatal("the initiator lets the backup go")
		}
	case event.Ended:
		if before.Plan.Operation.IssuesToken() && before.Attempt.Nonce != "" && ev.Vault == event.NothingToCancel {
			t.Fatal("an attempt that others may have carried through counts as never open")
		}
	case event.TokenRevoked:
		if !before.Ended() {
			t.Fatal("a token is revoked before it is there")
		}
	case event.Submitting:
		if _, ok := ceremony.Find(before.Plan.Contributors(ev.Step), ev.By.Account); !ok {
			t.Fatalf("%s contributes without being a holder (P2)", ev.By.Name)
		}
		if before.Phase == rules.PhaseFrozen || before.Ended() || before.Closing != nil {
			t.Fatalf("a share is sent while the ceremony is %s", before.Phase)
		}
		if before.Plan.Operation == ceremony.Drill {
			t.Fatal("a drill's share is sent to Vault")
		}
	}
}
