package operator

import (
	"bytes"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/config"
)

// One lost share closes a cluster whose threshold is all of them: of the key in force, and of the next one.
func TestClusterWithoutAShareToSpareIsNamed(t *testing.T) {
	for _, row := range []struct {
		shares, threshold int
		warns             bool
	}{{5, 3, false}, {3, 3, true}, {1, 1, true}, {0, 0, false}} {
		var inForce, next bytes.Buffer
		checkSpare(&findings{out: &inForce}, "Vault prod", ceremony.Seal{Shares: row.shares, Threshold: row.threshold})
		people := []string{"alice", "bob", "carol", "dave", "erin"}[:row.shares]
		checkShares(&config.Config{Clusters: map[string]*config.Cluster{
			"prod": {Operations: []string{"rekey"}, Holders: people, Threshold: row.threshold},
		}}, &findings{out: &next})
		for about, text := range map[string]string{"the key in force": inForce.String(), "the next one": next.String()} {
			if got := strings.Contains(text, "closes the cluster for ever"); got != row.warns {
				t.Errorf("%s, %d of %d: %q", about, row.threshold, row.shares, text)
			}
		}
	}
}
