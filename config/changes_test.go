package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChangesAreNamedByTheirPaths(t *testing.T) {
	parse := func(text string) *Config {
		t.Helper()
		c, err := Parse("c.yaml", "/etc/conclave", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := parse(minimalConfig)
	if got := before.Changes(parse(minimalConfig)); len(got) > 0 {
		t.Errorf("the same configuration differs in %v", got)
	}
	after := parse(strings.NewReplacer(
		"  carol: {slack: U3, key: carol.asc}", "  carol: {slack: U3, key: other.asc}\n  dave: {slack: U4}",
		"approvers: [bob]", "approvers: [bob, dave]\n    policy: {rekey: {signed: false}}",
		"channel: C1", "channel: C2",
	).Replace(minimalConfig))
	changed := before.Changes(after)
	want := []string{"clusters.prod.approvers", "clusters.prod.policy.rekey", "people.carol.key", "people.dave", "slack.channel"}
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"slack.channel"}, NeedsRestart(changed)); diff != "" {
		t.Errorf("only at a start (-want +got):\n%s", diff)
	}
}

// Every section is either read again by a reload or named as one that is not.
func TestEverySectionIsReloadedOrNeedsARestart(t *testing.T) {
	for name := range keys(reflect.TypeFor[Config]()) {
		again := name == "people" || name == "clusters"
		if only := len(NeedsRestart([]string{name + ".x"})) > 0; only == again {
			t.Errorf("%s: a reload reads it: %t; it needs a restart: %t", name, again, only)
		}
	}
}
