package app

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/config"
)

func TestClusterIsWhatTheConfigurationSays(t *testing.T) {
	minimal, err := os.ReadFile("../config/testdata/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
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
	text := string(minimal) +
		"    receivers: [carol, alice]\n    approvals: 1\n    verification: false\n    backup: false\n    window: 1h\n    poll: 2s\n    witnesses: [dave]\n" +
		"    policy:\n      rekey: {approvals_from: [security], signed: true, witness: true, cooling_off: 10m, quiet_hours: '22:00-06:00 Europe/Berlin', roll_call: 2, roll_call_fresh: 24h, ways: [form]}\n"
	text = strings.NewReplacer("slack: U2, ", "slack: U2, class: security, ", "clusters:", "  dave: {slack: U4}\nclusters:").Replace(text)
	c, err := config.Parse("c.yaml", dir, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ReadKeys(c)
	if err != nil {
		t.Fatal(err)
	}
	person := func(name, user string) ceremony.Person {
		return ceremony.Person{Name: name, Account: ceremony.Account{Team: "T1", User: user}, Key: prints[name]}
	}
	security := func(p ceremony.Person) ceremony.Person { p.Class = "security"; return p }
	alice, bob, carol := person("alice", "U1"), security(person("bob", "U2")), person("carol", "U3")
	want := ceremony.Cluster{
		Name:       "prod",
		Operations: []ceremony.Operation{ceremony.Rekey, ceremony.GenerateRoot},
		Initiators: []ceremony.Person{alice}, Approvers: []ceremony.Person{bob}, Approvals: 1,
		Holders: []ceremony.Person{alice, bob, carol}, Receivers: []ceremony.Person{carol, alice}, NewThreshold: 2,
		Witnesses: []ceremony.Person{{Name: "dave", Account: ceremony.Account{Team: "T1", User: "U4"}}},
		Policies: map[ceremony.Operation]ceremony.Policy{
			ceremony.Rekey: {
				Classes: []ceremony.ClassQuota{{Class: "security", Count: 1}}, Signed: true, Witness: true,
				Cooling: 10 * time.Minute, Quiet: ceremony.Quiet{From: 22 * 60, To: 6 * 60, Zone: "Europe/Berlin"},
				RollCall: ceremony.RollCall{On: true, Needed: 2, Fresh: 24 * time.Hour}, Ways: []ceremony.Intake{ceremony.ByForm},
			},
			ceremony.GenerateRoot: {RollCall: ceremony.RollCall{Fresh: 90 * 24 * time.Hour}},
		},
		Window: time.Hour, Poll: 2 * time.Second, Interference: true, Owners: []ceremony.Person{bob},
		DailyProposals: 20,
	}
	if diff := cmp.Diff(want, cluster(c, "prod", keys, nil)); diff != "" {
		t.Errorf("cluster (-want +got):\n%s", diff)
	}
}
