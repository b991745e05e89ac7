package command_test

import (
	"errors"
	"strings"
	"testing"

	"conclave/bot/command"
	"conclave/bot/refusal"
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// resolve resolves what was typed among these ceremonies.
func resolve(typed string, all []rules.State, changes bool) (ceremony.ID, error) {
	var open, ended []ceremony.ID
	for _, c := range all {
		switch id := string(c.ID()); {
		case !strings.HasPrefix(id, typed) && !strings.HasSuffix(id, "-"+typed):
		case c.Ended():
			ended = append(ended, c.ID())
		default:
			open = append(open, c.ID())
		}
	}
	return command.Resolve(typed, open, ended, changes)
}

func TestCeremonyIsFoundByPartOfItsID(t *testing.T) {
	mk := func(id ceremony.ID, s rules.Phase) rules.State {
		return rules.State{Plan: ceremony.Plan{Ceremony: id}, Phase: s}
	}
	all := []rules.State{
		mk("prod-rekey-k7m2", rules.PhaseCollecting), mk("prod-rekey-aaaa", rules.PhaseEnded),
		mk("stage-rekey-k7m3", rules.PhaseProposed), mk("prod-generate-root-k7m2", rules.PhaseEnded),
	}
	for typed, want := range map[string]ceremony.ID{
		"k7m2": "prod-rekey-k7m2", "prod": "prod-rekey-k7m2", "k7m3": "stage-rekey-k7m3", "aaaa": "prod-rekey-aaaa",
		"prod-generate-root-k7m2": "prod-generate-root-k7m2", "stage-rekey": "stage-rekey-k7m3",
	} {
		if got, err := resolve(typed, all, false); got != want || err != nil {
			t.Errorf("%q is %q, %v; want %q", typed, got, err, want)
		}
	}
	if _, err := resolve("zzzz", all, false); !errors.Is(err, refusal.NoSuchID) {
		t.Errorf("an unknown id: %v", err)
	}
	if _, err := resolve("prod", append(all, mk("prod-rekey-bbbb", rules.PhaseApproved)), false); !errors.Is(err, refusal.ManyIDs) {
		t.Errorf("an ambiguous id: %v", err)
	}
	if _, err := command.OnlyOpen(all); !errors.Is(err, refusal.ManyOpen) {
		t.Errorf("two are open, none named: %v", err)
	}
	if id, err := command.OnlyOpen(all[:2]); id != "prod-rekey-k7m2" || err != nil {
		t.Errorf("the only open one: %q, %v", id, err)
	}
	if _, err := command.OnlyOpen(nil); !errors.Is(err, refusal.NoneOpen) {
		t.Errorf("none is open: %v", err)
	}
}

// A beginning is not enough to cancel: another ceremony may begin like that by now.
func TestOneLetterDoesNotNameACeremony(t *testing.T) {
	c := rules.State{Plan: ceremony.Plan{Ceremony: "prod-rekey-k7m2"}, Phase: rules.PhaseProposed}
	if id, err := resolve("p", []rules.State{c}, true); err == nil {
		t.Errorf("/ceremony cancel p means %s", id)
	}
}
