package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// dawn is when the stories of these tests begin.
var dawn = time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)

// tagged returns the tag of a share with this name.
func tagged(share string, x int) secret.ShareTag {
	return secret.ShareTag{TagKey: "k", Tag: share, X: x}
}

// held returns shares by their holders, each of "alice a1", or "alice a1 1" with its x.
func held(pairs ...string) []rules.Held {
	var list []rules.Held
	for _, pair := range pairs {
		var name, share string
		var x int
		_, _ = fmt.Sscan(pair, &name, &share, &x) // the x may be missing
		list = append(list, rules.Held{By: ceremonytest.Person(name), Share: tagged(share, x)})
	}
	return list
}

// pastCeremony returns a ceremony of which only what it has shown counts.
func pastCeremony(day int, op ceremony.Operation, name, id string, facts ...rules.KeyFact) rules.State {
	at := dawn.AddDate(0, 0, day)
	for i := range facts {
		facts[i].At = at.Add(time.Duration(i+1) * time.Minute)
	}
	return rules.State{
		Plan: ceremony.Plan{
			Ceremony:  ceremony.ID(fmt.Sprintf("%s-%s-day%d", name, op, day)),
			Operation: op, Cluster: name, ClusterID: id, Proposed: at, Shares: 5, Threshold: 3,
			Receivers: ceremonytest.People(ceremonytest.Holders...), NewThreshold: 3,
		},
		KeyFacts: facts,
	}
}

// ledgerOf returns the ledger of ceremonies.
func ledgerOf(ceremonies []rules.State) *ledger.Ledger {
	var facts []ledger.Facts
	for _, c := range ceremonies {
		facts = append(facts, ledger.FactsOf(c))
	}
	return ledger.NewLedger(facts, "k")
}

func proven(pairs ...string) rules.KeyFact { return rules.KeyFact{Proven: held(pairs...)} }

func replacedBy(pairs ...string) rules.KeyFact {
	return rules.KeyFact{Replaced: true, New: held(pairs...)}
}

func TestLedgerKnowsWhatVaultHasProvenAndNothingElse(t *testing.T) {
	root, rekey, update, verify := ceremony.GenerateRoot, ceremony.Rekey, ceremony.StepUpdate, ceremony.StepVerify
	first := pastCeremony(1, root, "prod", "P", proven("alice a1 1", "bob b1 2", "carol c1 3"))
	made := pastCeremony(2, rekey, "prod", "P", proven("alice a1 1", "bob b1 2", "dave d1 4"),
		replacedBy("alice a2 11", "bob b2 12", "carol c2 13"))
	staging := pastCeremony(1, root, "staging", "S", proven("alice s1 1", "bob s2 2"))
	after := pastCeremony(9, root, "prod", "P")
	verifying := pastCeremony(9, rekey, "prod", "P")
	sealed := pastCeremony(9, ceremony.Unseal, "prod", "")
	anew := pastCeremony(5, ceremony.Init, "prod", "", rules.KeyFact{Replaced: true})
	doubtful := pastCeremony(2, rekey, "prod", "P", rules.KeyFact{Doubtful: true})
	withShares := func(n int) rules.State {
		c := pastCeremony(9, root, "prod", "P")
		c.Plan.Shares = n
		return c
	}
	provenAs := func(tag secret.ShareTag) rules.State {
		byAlice := rules.Held{By: ceremonytest.Person("alice"), Share: tag}
		return pastCeremony(1, root, "prod", "P", rules.KeyFact{Proven: []rules.Held{byAlice}})
	}

	bob := ceremonytest.Person("bob")
	for _, row := range []struct {
		name  string
		past  []rules.State
		now   rules.State
		step  ceremony.Step
		who   string
		share secret.ShareTag
		want  ceremony.Verdict
	}{
		{"nothing is known", nil, after, update, "alice", tagged("a1", 1), ceremony.Verdict{}},
		{"in force",
			[]rules.State{first}, after,
			update, "alice", tagged("a1", 1), ceremony.Verdict{Known: true}},
		{"in force, of another",
			[]rules.State{first}, after,
			update, "alice", tagged("b1", 2), ceremony.Verdict{Known: true, Whose: &bob}},
		{"nothing is known of this holder",
			[]rules.State{first}, after,
			update, "erin", tagged("e1", 5), ceremony.Verdict{}},
		{"the holder's number, another share",
			[]rules.State{first}, after,
			update, "alice", tagged("z", 1), ceremony.Verdict{Reason: ceremony.MistypedShare, See: first.ID()}},
		{"another number",
			[]rules.State{first}, after,
			update, "alice", tagged("z", 77), ceremony.Verdict{Reason: ceremony.UnfamiliarShare, See: first.ID()}},
		{"no number",
			[]rules.State{first}, after,
			update, "alice", tagged("z", 0), ceremony.Verdict{Reason: ceremony.UnfamiliarShare, See: first.ID()}},
		{"another's number, another share",
			[]rules.State{first}, after,
			update, "erin", tagged("z", 1), ceremony.Verdict{Reason: ceremony.UnfamiliarShare, See: first.ID()}},
		{"outdated",
			[]rules.State{made, first}, after,
			update, "carol", tagged("c1", 3), ceremony.Verdict{Reason: ceremony.OutdatedShare, See: made.ID()}},
		{"outdated, seen in the rekey alone",
			[]rules.State{made, first}, after,
			update, "dave", tagged("d1", 4), ceremony.Verdict{Reason: ceremony.OutdatedShare, See: made.ID()}},
		{"new",
			[]rules.State{made, first}, after,
			update, "carol", tagged("c2", 13), ceremony.Verdict{Known: true}},
		{"new, of whom nothing is known",
			[]rules.State{made, first}, after,
			update, "dave", tagged("d2", 14), ceremony.Verdict{}},
		{"of another cluster",
			[]rules.State{staging, first}, after,
			update, "dave", tagged("s1", 1), ceremony.Verdict{Reason: ceremony.OtherClusterShare, See: staging.ID()}},
		{"of another cluster that had this name",
			[]rules.State{pastCeremony(1, root, "prod", "gone", proven("alice g1"))}, after,
			update, "alice", tagged("g1", 0),
			ceremony.Verdict{Reason: ceremony.OtherClusterShare, See: "prod-generate-root-day1"}},
		{"of a cluster that has got another name",
			[]rules.State{pastCeremony(1, root, "prod-old", "P", proven("alice a1"))}, after,
			update, "alice", tagged("a1", 0), ceremony.Verdict{Known: true}},
		{"of a secondary's primary",
			[]rules.State{first}, pastCeremony(9, ceremony.DRToken, "dr", "D"),
			update, "alice", tagged("a1", 1), ceremony.Verdict{}},
		{"under another tag key",
			[]rules.State{first}, after,
			update, "alice", secret.ShareTag{TagKey: "other", Tag: "z", X: 1}, ceremony.Verdict{}},
		{"proven under another tag key",
			[]rules.State{provenAs(secret.ShareTag{TagKey: "old", Tag: "a1"})}, after,
			update, "alice", tagged("z", 1), ceremony.Verdict{}},
		{"from before there were tags",
			[]rules.State{provenAs(secret.ShareTag{})}, after,
			update, "alice", tagged("z", 1), ceremony.Verdict{}},
		{"Vault's numbers have changed",
			[]rules.State{first}, withShares(7),
			update, "alice", tagged("z", 1), ceremony.Verdict{}},
		{"Vault tells no numbers",
			[]rules.State{first}, withShares(0),
			update, "alice", tagged("a1", 1), ceremony.Verdict{Known: true}},
		{"which key is in force is not known",
			[]rules.State{first, doubtful}, after,
			update, "alice", tagged("z", 1), ceremony.Verdict{}},
		{"it may still be in force",
			[]rules.State{first, doubtful}, after,
			update, "alice", tagged("a1", 1), ceremony.Verdict{}},
		{"it is in force after all",
			[]rules.State{first, doubtful, pastCeremony(3, root, "prod", "P", proven("carol c1 3", "dave d1 4"))}, after,
			update, "alice", tagged("a1", 1), ceremony.Verdict{Known: true}},
		{"it may not be in force: somebody has brought another",
			[]rules.State{first, pastCeremony(3, root, "prod", "P", proven("alice x1 101", "erin x2 102"))}, after,
			update, "bob", tagged("y", 0), ceremony.Verdict{}},
		{"it can't be in force: there would be too many",
			[]rules.State{first, pastCeremony(3, root, "prod", "P", proven("alice x1 101", "erin x2 102", "dave x3 103"))}, after,
			update, "bob", tagged("b1", 2),
			ceremony.Verdict{Reason: ceremony.OutdatedShare, See: "prod-generate-root-day3"}},
		{"it can't be in force: two values at one x",
			[]rules.State{first, pastCeremony(3, root, "prod", "P", proven("dave x1 2"))}, after,
			update, "bob", tagged("b1", 2),
			ceremony.Verdict{Reason: ceremony.OutdatedShare, See: "prod-generate-root-day3"}},
		{"others have proven theirs of the same key",
			[]rules.State{first, pastCeremony(3, root, "prod", "P", proven("dave d1 4", "erin e1 5"))}, after,
			update, "alice", tagged("a1", 1), ceremony.Verdict{Known: true}},
		{"a snapshot was restored: the old one",
			[]rules.State{first, made, pastCeremony(3, root, "prod", "P", proven("carol c1 3"))}, after,
			update, "alice", tagged("a1", 1), ceremony.Verdict{Known: true}},
		{"a snapshot was restored: the new one",
			[]rules.State{first, made, pastCeremony(3, root, "prod", "P", proven("carol c1 3"))}, after,
			update, "alice", tagged("a2", 11),
			ceremony.Verdict{Reason: ceremony.OutdatedShare, See: "prod-generate-root-day3"}},
		{"sealed: by the name",
			[]rules.State{first}, sealed,
			ceremony.StepUnseal, "alice", tagged("z", 1),
			ceremony.Verdict{Reason: ceremony.MistypedShare, See: first.ID()}},
		{"proven while sealed",
			[]rules.State{first, pastCeremony(3, ceremony.Unseal, "prod", "", proven("dave d1 4", "alice a1 1"))}, after,
			update, "dave", tagged("d1", 4), ceremony.Verdict{Known: true}},
		{"proven before the id was known",
			[]rules.State{pastCeremony(3, ceremony.Unseal, "prod", "", proven("dave d1 4"))}, after,
			update, "dave", tagged("d1", 4), ceremony.Verdict{Known: true}},
		{"proven while sealed, of the same name",
			[]rules.State{pastCeremony(3, ceremony.Unseal, "prod", "", proven("dave d1 4"))}, sealed,
			ceremony.StepUnseal, "dave", tagged("d1", 4), ceremony.Verdict{Known: true}},
		{"made anew under the same name",
			[]rules.State{first, anew}, sealed,
			ceremony.StepUnseal, "alice", tagged("z", 9), ceremony.Verdict{}},
		{"of the cluster that had the name before",
			[]rules.State{first, anew}, sealed,
			ceremony.StepUnseal, "alice", tagged("a1", 1),
			ceremony.Verdict{Reason: ceremony.OtherClusterShare, See: first.ID()}},
		{"verify: a new one",
			[]rules.State{first}, verifying,
			verify, "alice", tagged("n", 1), ceremony.Verdict{}},
		{"verify: the one that is being replaced",
			[]rules.State{first}, verifying,
			verify, "alice", tagged("a1", 1), ceremony.Verdict{Reason: ceremony.OutdatedShare, See: verifying.ID()}},
		{"verify: one from before the last rekey",
			[]rules.State{first, made}, verifying,
			verify, "alice", tagged("a1", 1), ceremony.Verdict{Reason: ceremony.OutdatedShare, See: made.ID()}},
		{"verify: of another cluster",
			[]rules.State{first, staging}, verifying,
			verify, "alice", tagged("s1", 1), ceremony.Verdict{Reason: ceremony.OtherClusterShare, See: staging.ID()}},
	} {
		t.Run(row.name, func(t *testing.T) {
			all := append(slices.Clone(row.past), row.now)
			for range 2 {
				by := ceremonytest.Person(row.who).Account
				got := ledgerOf(all).Judge(row.now.Plan, row.step, by, row.share)
				if diff := cmp.Diff(row.want, got); diff != "" {
					t.Error(diff)
				}
				slices.Reverse(all) // the order does not matter
			}
		})
	}
}

// This is why there is no index, which would have to be kept in step with the journal.
func BenchmarkLedgerOfAThousandCeremonies(b *testing.B) {
	var all []rules.State
	for i := range 1000 {
		name, op := fmt.Sprintf("cluster-%d", i%20), ceremony.GenerateRoot
		share := func(who string) string {
			return fmt.Sprintf("%s %s-%s-%d %d", who, name, who, i/200, i/200*7+len(who))
		}
		facts := []rules.KeyFact{proven(share("alice"), share("bob"), share("carol"))}
		if i%10 == 9 {
			op = ceremony.Rekey
			facts = append(facts, replacedBy(share("alice")+"9", share("bob")+"9", share("erin")+"9"))
		}
		all = append(all, pastCeremony(i, op, name, "id of "+name, facts...))
	}
	now, alice := all[len(all)-1], ceremonytest.Person("alice").Account
	b.ReportAllocs()
	for b.Loop() {
		ledgerOf(all).Judge(now.Plan, ceremony.StepUpdate, alice, tagged("z", 250))
	}
}
