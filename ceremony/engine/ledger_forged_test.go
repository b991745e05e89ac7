package engine_test

import (
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// When a journal is read, the rules check everything that it shows about the use of a
// share.
func TestP8ForgedStoriesOfSharesAreFound(t *testing.T) {
	type events = []event.Event
	plan := ceremonytest.PlanOf(ceremony.GenerateRoot)
	alice, bob, carol := ceremonytest.Person("alice"), ceremonytest.Person("bob"), ceremonytest.Person("carol")
	share := secret.ShareTag{TagKey: "k", Tag: "a", X: 1}
	other := secret.ShareTag{TagKey: "k", Tag: "b", X: 2}
	serial := 0
	ref := func() ceremony.Ref { serial++; return ceremony.Ref{Channel: "D", TS: time.Duration(serial).String()} }
	signed := func(by ceremony.Person, second int) ceremony.Evidence {
		return ceremony.Evidence{Signer: by.Key, SignedAt: plan.Proposed.Add(time.Duration(second) * time.Second)}
	}
	begun := events{
		event.Proposed{Plan: plan, PlanHash: plan.Hash()}, event.Approved{
			By: ceremonytest.Person("paul"), PlanHash: plan.Hash(),
		},
		event.Starting{Attempt: 1}, event.Started{Nonce: "n", Required: 3},
	}
	then := func(story events, more ...events) events {
		all := append(events(nil), story...)
		for _, m := range more {
			all = append(all, m...)
		}
		return all
	}
	doubted := func(by ceremony.Person, second int, why ceremony.Refusal, share secret.ShareTag) events {
		at := ref()
		return events{
			event.Offered{By: by, Step: ceremony.StepUpdate, Message: at},
			event.Declined{
				By: by, Step: ceremony.StepUpdate, Message: at, Evidence: signed(by, second), Reason: why,
				ShareTag: share,
			},
		}
	}
	sent := func(by ceremony.Person, second int, r ceremony.TagMatch) events {
		at := ref()
		return events{
			event.Offered{By: by, Step: ceremony.StepUpdate, Message: at},
			event.Submitting{
				By: by, Step: ceremony.StepUpdate, Nonce: "n", Message: at, Evidence: signed(by, second), TagMatch: r,
			},
		}
	}
	counted := func(by ceremony.Person, second int, r ceremony.TagMatch) events {
		return append(sent(by, second, r), event.Counted{By: by, Step: ceremony.StepUpdate})
	}
	insists := ceremony.TagMatch{ShareTag: share, Insisted: ceremony.OutdatedShare}
	known := ceremony.TagMatch{ShareTag: share, Known: true}
	two := then(counted(alice, 1, known), counted(bob, 2, ceremony.TagMatch{ShareTag: other}))
	third := sent(carol, 3, ceremony.TagMatch{ShareTag: secret.ShareTag{TagKey: "k", Tag: "c"}})
	refused := event.RoundRefused{
		Step: ceremony.StepUpdate, Round: 1, With: ceremonytest.People("alice", "bob", "carol"),
	}
	named, slandered := refused, refused
	named.Suspects, slandered.Suspects = ceremonytest.People("bob", "carol"), ceremonytest.People("alice")

	anew := then(begun, doubted(alice, 1, ceremony.OutdatedShare, share), two[3:], third, events{
		event.Counted{By: carol, Step: ceremony.StepUpdate},
	}, sent(ceremonytest.Person("dave"), 4, ceremony.TagMatch{}), events{
		event.RoundRefused{Step: ceremony.StepUpdate, Round: 1, With: ceremonytest.People("bob", "carol", "dave")},
	})

	replay := func(story events) error {
		var entries []event.Entry
		for i, e := range story {
			entries = append(entries, event.Entry{Seq: i + 1, At: plan.Proposed.Add(time.Hour), Event: e})
		}
		_, err := rules.Replay(entries)
		return err
	}
	for name, story := range map[string]events{
		"insisting":             then(begun, doubted(alice, 1, ceremony.OutdatedShare, share), sent(alice, 2, insists)),
		"what is suspected":     then(begun, two, third, events{named}),
		"one share each":        then(begun, two),
		"a round after a doubt": anew,
		"without any tags": then(begun, counted(alice, 1, ceremony.TagMatch{}),
			counted(bob, 2, ceremony.TagMatch{})),
		"known as another's": then(begun, sent(alice, 1, ceremony.TagMatch{
			ShareTag: share, Known: true, Whose: &bob,
		})),
	} {
		if err := replay(story); err != nil {
			t.Fatalf("%s, as it should be: %v", name, err)
		}
	}
	for name, story := range map[string]events{
		"insisting on what nobody doubted": then(begun, sent(alice, 2, insists)),
		"insisting on another's word": then(begun, doubted(bob, 1, ceremony.OutdatedShare, share),
			sent(alice, 2, insists)),
		"insisting on another share": then(begun, doubted(alice, 1, ceremony.OutdatedShare, other),
			sent(alice, 2, insists)),
		"insisting with the same signature": then(begun, doubted(alice, 2, ceremony.OutdatedShare, share),
			sent(alice, 2, insists)),
		"insisting after a round": then(anew, sent(alice, 9, insists)),
		"insisting against a bad signature": then(begun, doubted(alice, 1, ceremony.BadSignature, share),
			sent(alice, 2, ceremony.TagMatch{ShareTag: share, Insisted: ceremony.BadSignature})),
		"insisting on what is known": then(begun, doubted(alice, 1, ceremony.OutdatedShare, share),
			sent(alice, 2, ceremony.TagMatch{ShareTag: share, Known: true, Insisted: ceremony.OutdatedShare})),
		"another's, and not known": then(begun,
			sent(alice, 1, ceremony.TagMatch{ShareTag: share, Whose: &bob})),
		"one share, two people": then(begun, counted(alice, 1, known), sent(bob, 2, known)),
		"a doubt about no share": then(begun,
			doubted(alice, 1, ceremony.UnfamiliarShare, secret.ShareTag{})),
		"nobody suspected where somebody is":      then(begun, two, third, events{refused}),
		"somebody suspected whose share is known": then(begun, two, third, events{slandered}),
	} {
		if replay(story) == nil {
			t.Errorf("%s: replays", name)
		}
	}
}

// The same name stands for another cluster now: the cluster was made anew, or the
// configuration points elsewhere.
func TestShareOfAnotherClusterIsRefusedBeforeVaultIsAsked(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		first := s.round(ceremony.GenerateRoot, map[string]string{"alice": "old-1", "bob": "old-2", "carol": "old-3"})
		s.vault.Do(func() {
			s.vault.ClusterID = "cluster-2"
			s.vault.Shares = []string{"two-1", "two-2", "two-3", "two-4", "two-5"}
		})
		id := s.begin(ceremony.GenerateRoot)
		s.refuses(id, "alice", "old-1", ceremony.OtherClusterShare)
		s.refuses(id, "dave", "old-2", ceremony.OtherClusterShare) // no matter who brings it
		if d := newest[event.Declined](s, id); d.See != first.ID() {
			t.Errorf("it shows %q, want %q", d.See, first.ID())
		}
		s.share(id, "alice", "two-1")
	})
}
