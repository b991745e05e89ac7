package main

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

func TestClusterIsWhatTheConfigurationSays(t *testing.T) {
	dir := t.TempDir()
	prints := map[string]ceremony.Fingerprint{} // person → fingerprint
	for _, name := range []string{"alice", "bob", "carol"} {
		key, err := openpgp.GenerateHolder(name, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		armor, err := key.PublicArmor()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name+".asc", []byte(armor), 0o600); err != nil {
			t.Fatal(err)
		}
		prints[name] = key.Fingerprint()
	}
	text := minimalConfig +
		"    receivers: [carol, alice]\n    approvals: 1\n    verification: false\n    backup: false\n    window: 1h\n    poll: 2s\n"
	c, err := ParseConfig("c.yaml", dir, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := c.readKeys()
	if err != nil {
		t.Fatal(err)
	}
	person := func(name, user string) ceremony.Person {
		return ceremony.Person{Name: name, Account: ceremony.Account{Team: "T1", User: user}, Key: prints[name]}
	}
	alice, bob, carol := person("alice", "U1"), person("bob", "U2"), person("carol", "U3")
	want := ceremony.Cluster{
		Name:       "prod",
		Operations: []ceremony.Operation{ceremony.Rekey, ceremony.GenerateRoot},
		Initiators: []ceremony.Person{alice}, Approvers: []ceremony.Person{bob}, Approvals: 1,
		Holders: []ceremony.Person{alice, bob, carol}, Receivers: []ceremony.Person{carol, alice}, NewThreshold: 2,
		Window: time.Hour, Poll: 2 * time.Second, Interference: true, Owners: []ceremony.Person{bob},
	}
	if diff := cmp.Diff(want, c.cluster("prod", keys, nil)); diff != "" {
		t.Errorf("cluster (-want +got):\n%s", diff)
	}
}
