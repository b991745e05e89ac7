package bot

import (
	"fmt"
	"testing"
	"time"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// doubts has a person's share refused since Conclave knows better.
func (s *scenario) doubts(name string, why ceremony.Refusal, see ceremony.ID) *scenario {
	step := s.c.Round.Step
	at := ceremony.Ref{Channel: "D" + name, TS: fmt.Sprintf("1.%d", len(s.entries))}
	return s.then(
		event.Offered{By: s.who(name), Step: step, Message: at},
		event.Declined{
			By: s.who(name), Step: step, Message: at, Reason: why, See: see, ShareTag: shareOf(name),
			Evidence: ceremony.Evidence{SignedAt: noon.Add(time.Duration(len(s.entries)) * time.Minute)},
		},
	)
}

func shareOf(name string) secret.ShareTag {
	return secret.ShareTag{TagKey: "k", Tag: "the tag of " + name + "'s share"}
}

// uses has a person's share sent, or in a drill checked, with what is known about it.
func (s *scenario) uses(name string, r ceremony.TagMatch, events ...event.Event) *scenario {
	step := s.c.Round.Step
	at := ceremony.Ref{Channel: "D" + name, TS: fmt.Sprintf("1.%d", len(s.entries))}
	evidence := ceremony.Evidence{SignedAt: noon.Add(time.Duration(len(s.entries)) * time.Minute)}
	r.ShareTag = shareOf(name)
	s.then(event.Offered{By: s.who(name), Step: step, Message: at})
	if step == ceremony.StepDrill {
		return s.then(event.Proven{By: s.who(name), Message: at, Evidence: evidence, TagMatch: r})
	}
	var nodes []string
	for _, n := range s.c.Nodes {
		nodes = append(nodes, n.Address)
	}
	return s.then(event.Submitting{
		By: s.who(name), Step: step, Nonce: s.c.Round.Nonce, Before: len(s.c.Round.Counted), Nodes: nodes, Message: at,
		Evidence: evidence, TagMatch: r,
	}).then(events...)
}

// doubtScenes are those of shares of which Conclave knows something.
func doubtScenes(t *testing.T) map[string]render.Message {
	t.Helper()
	now := noon.Add(37 * time.Minute)
	statusPost := func(s *scenario) render.Message { return render.StatusPost(s.asked(), rules.Live{Since: noon}, now) }
	last := func(s *scenario) render.Message { return render.History(s.c, s.entries[len(s.entries)-1]) }
	receipt := func(s *scenario, to string) render.Message {
		m, err := render.Notification(s.c, s.message(rules.ReceiptMessage, to), testSigner{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const before = "prod-rekey-m4nd"
	counted := func(name string, progress int) event.Event {
		return event.Counted{By: person(name), Step: ceremony.StepUpdate, Progress: progress}
	}
	bob := person("bob")
	known := ceremony.TagMatch{Known: true}
	insisted := ceremony.TagMatch{Insisted: ceremony.UnfamiliarShare}

	outdated := started(t, rootPlan()).doubts("carol", ceremony.OutdatedShare, before)
	elsewhere := started(t, rootPlan()).doubts("carol", ceremony.OtherClusterShare, "staging-unseal-w2pc")
	mistyped := started(t, rootPlan()).doubts("carol", ceremony.MistypedShare, before)
	unfamiliar := started(t, rootPlan()).doubts("carol", ceremony.UnfamiliarShare, before)
	onWord := started(t, rootPlan()).uses("bob", known, counted("bob", 1)).
		doubts("carol", ceremony.UnfamiliarShare, before).uses("carol", insisted, counted("carol", 2))
	swapped := started(t, rootPlan()).uses("carol", ceremony.TagMatch{Known: true, Whose: &bob}, counted("carol", 1))
	refused := started(t, rootPlan()).uses("bob", known, counted("bob", 1)).
		doubts("carol", ceremony.UnfamiliarShare, before).uses("carol", insisted, counted("carol", 2)).
		uses("dave", known, event.RoundRefused{Step: ceremony.StepUpdate, Round: 1, With: people("bob", "carol", "dave"), Suspects: people("carol")})
	proof := rekeyed(t)
	proof.then(event.KeyAnnounced{Key: announced(ceremony.StepVerify, nonce2)}).
		doubts("carol", ceremony.OutdatedShare, proof.c.ID())
	drill := drilling(t).uses("alice", known).uses("bob", ceremony.TagMatch{}).
		doubts("carol", ceremony.OutdatedShare, before).uses("carol", ceremony.TagMatch{Insisted: ceremony.OutdatedShare})
	right := drilling(t).uses("alice", known)
	others := drilling(t).uses("carol", ceremony.TagMatch{Known: true, Whose: &bob})

	return map[string]render.Message{
		"doubt-outdated":            receipt(outdated, "carol"),
		"doubt-outdated-history":    last(outdated),
		"doubt-other-cluster":       receipt(elsewhere, "carol"),
		"doubt-mistyped":            receipt(mistyped, "carol"),
		"doubt-unfamiliar":          receipt(unfamiliar, "carol"),
		"doubt-insisted-history":    last(onWord),
		"doubt-insisted-board":      statusPost(onWord),
		"doubt-swapped-history":     last(swapped),
		"doubt-round-refused":       receipt(refused, "bob"),
		"doubt-suspects-history":    last(refused),
		"doubt-old-share-as-proof":  receipt(proof, "carol"),
		"doubt-drill-board":         statusPost(drill),
		"doubt-drill-outdated":      receipt(drilling(t).doubts("carol", ceremony.OutdatedShare, before), "carol"),
		"doubt-drill-insisted":      receipt(drill, "carol"),
		"doubt-drill-right":         receipt(right, "alice"),
		"doubt-drill-right-history": last(right),
		"doubt-drill-swapped":       receipt(others, "carol"),
	}
}
