package wording_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

func TestChangedConditionsAreToldWithoutMarkup(t *testing.T) {
	plan := ceremonytest.PlanOf("rekey")
	seen := event.Conditions{
		Program: event.Program{Version: "v1"}, Configuration: "old",
		Host: event.Host{System: "linux/amd64"},
	}
	for i := range 2 * 10 {
		seen.Host.Hardening = append(seen.Host.Hardening, event.Protection{Name: fmt.Sprint(i), State: "holds", Holds: true})
	}
	other := seen
	other.Program.Version, other.Configuration = "v2 <!channel>", "new"
	many := other
	many.Host.Hardening = nil
	for _, p := range other.Host.Hardening {
		p.State = "does not hold"
		many.Host.Hardening = append(many.Host.Hardening, p)
	}
	entries := []event.Entry{{Seq: 1, At: plan.Proposed, Event: event.Proposed{Plan: plan, PlanHash: plan.Hash()}}}
	for i, c := range []event.Conditions{seen, other, many} {
		entries = append(entries, event.Entry{Seq: i + 2, At: plan.Proposed, Event: c})
	}
	c, err := rules.Replay(entries)
	if err != nil {
		t.Fatal(err)
	}
	told := strings.Split(wording.HistoryWords(c, entries[2]), "\n")[1:]
	want := []string{"• version of Conclave: v2 &lt;!channel&gt;", "• SHA-256 of the configuration: new"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	told = strings.Split(wording.HistoryWords(c, entries[3]), "\n")
	if last := told[len(told)-1]; len(told) != 12 || last != "and 10 more changes, as the transcript will show" {
		t.Errorf("%d lines, the last is %q", len(told), last)
	}
	if got := wording.Conditions(nil); len(got) != 1 || got[0] != "conditions: not recorded" {
		t.Errorf("without conditions: %q", got)
	}
}
