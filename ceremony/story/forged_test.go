package story_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/story"
)

// holds reports whether nothing finds a fault in a story: neither reading it, nor the rules, nor the plan.
func holds(entries []event.Entry) bool {
	if _, err := rules.Replay(entries); err != nil {
		return false
	}
	return len(story.Untold(entries)) == 0 && len(story.Unmet(entries)) == 0
}

// numbered numbers entries anew, as who writes a journal and has the identity's key would.
func numbered(entries []event.Entry) []event.Entry {
	again := slices.Clone(entries)
	for i := range again {
		again[i].Seq = i + 1
		switch ev := again[i].Event.(type) {
		case event.TranscriptSigned:
			ev.Lines = i
			again[i].Event = ev
		case event.Adopted:
			ev.Lines = i
			again[i].Event = ev
		}
	}
	return again
}

// without returns a story that lacks the entries at some places.
func without(entries []event.Entry, places map[int]bool) []event.Entry {
	var rest []event.Entry
	for i, e := range entries {
		if !places[i] {
			rest = append(rest, e)
		}
	}
	return numbered(rest)
}

func TestMissingLineIsNoticed(t *testing.T) {
	survivors := map[string]int{}
	tried := 0
	for path, entries := range keptStories(t) {
		if strings.Contains(path, "every-event") {
			continue
		}
		for i := 1; i < len(entries); i++ {
			tried++
			if forged := without(entries, map[int]bool{i: true}); holds(forged) {
				survivors[event.TypeOf(entries[i].Event)]++
				if k := event.TypeOf(entries[i].Event); slices.Contains([]string{"acting", "approved", "counted", "key-announced", "submitting", "offered", "ended", "present", "dropping", "entered", "declined"}, k) {
					next := ""
					for j := i - 2; j < min(i+4, len(entries)); j++ {
						next += event.TypeOf(entries[j].Event) + " "
					}
					t.Logf("%s %d %s: %s", path[len("../testdata/kept/"):], i+1, k, next)
				}
			}
		}
	}
	t.Logf("%d tried; survivors: %v", tried, survivors)
	_ = maps.Keys(survivors)
	_ = rand.IntN
}
