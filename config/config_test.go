package config

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/host"
)

// minimalConfig has what a configuration can't be without.
//
//go:embed testdata/minimal.yaml
var minimalConfig string

func TestMinimalConfigGetsDefaults(t *testing.T) {
	c, err := Parse("c.yaml", "/etc/conclave", []byte(minimalConfig))
	if err != nil {
		t.Fatal(err)
	}
	want := &Cluster{
		Addresses: []string{"https://vault:8200"}, TokenFile: host.Path(filepath.FromSlash("/etc/conclave/token")),
		Timeout: 10 * time.Second, Operations: []string{"rekey", "generate-root"},
		Initiators: []string{"alice"}, Approvers: []string{"bob"}, Approvals: 1,
		Holders: []string{"alice", "bob", "carol"}, Threshold: 2,
		Verification: true, Backup: true, Window: 4 * time.Hour, Poll: 15 * time.Second, Watch: true, Interference: true,
		DailyProposals: 20,
	}
	if diff := cmp.Diff(want, c.Clusters["prod"]); diff != "" {
		t.Errorf("cluster (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Log{Level: "info", Format: "text"}, c.Log); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Holders, c.Clusters["prod"].KeyReceivers()); diff != "" {
		t.Errorf("receivers (-want +got):\n%s", diff)
	}
}

// Each row changes the minimal configuration in one place and names every line
// that is said about it.
func TestMistakesAreNamedWithPathAndLine(t *testing.T) {
	rows := []struct {
		name     string
		old, new string
		want     []string
	}{
		{"empty file", minimalConfig, "", []string{`c.yaml: the file is empty`}},
		{"no YAML", minimalConfig, "a: [", []string{`c.yaml:1: did not find expected node content`}},
		{"tab", "    token_file: token", "\ttoken_file: token", []string{`c.yaml:12: is indented with a tab, and YAML takes spaces only`}},
		{"two documents", "\nslack:", "---\nslack: {}\n---\nslack:", []string{`c.yaml: more than one YAML document in one file`}},
		{"unknown key", "threshold: 2", "frobnicate: 2\n    threshold: 2", []string{`c.yaml:17: clusters.prod.frobnicate: is not a key that is known here; these are: addresses, ca_file, server_name, namespace, token_file, auth, timeout, channel, operations, initiators, approvers, approvals, holders, receivers, threshold, verification, backup, window, poll, watch, owners, witnesses, policy, interference, daily_proposals`}},
		{"misspelt key", "threshold: 2", "treshold: 2", []string{`c.yaml:17: clusters.prod.treshold: is not a key that is known here; did you mean threshold?`}},
		{"misspelt section", "journal:", "jurnal:", []string{`c.yaml:4: jurnal: is not a key that is known here; did you mean journal?`}},
		{"misspelt key beside the right one", "threshold: 2", "threshold: 2\n    threshhold: 9", []string{`c.yaml:18: clusters.prod.threshhold: is not a key that is known here; did you mean threshold?`}},
		{"misspelt key that hides nothing", "threshold: 2", "tresholds: 9\n    time-out: 1h\n    poll: soon", []string{
			`c.yaml:17: clusters.prod.threshold: 9 is more than the 3 holders listed`,
			`c.yaml:17: clusters.prod.tresholds: is not a key that is known here; did you mean threshold?`,
			`c.yaml:18: clusters.prod.time-out: is not a key that is known here; did you mean timeout?`,
			`c.yaml:18: clusters.prod.timeout: 1h is not between 100ms and 2m`,
			`c.yaml:19: clusters.prod.poll: "soon" is not a duration such as 90s, 15m or 4h`,
		}},
		{"value that can't be read hides nothing else", "{slack: U3, key: carol.asc}", "{slack: [U3], key: carol.asc}\n  Dave: {slack: dave}", []string{
			`c.yaml:8: people.carol.slack: takes one value, not a list or a mapping`,
			`c.yaml:9: people.Dave: is not a name of a-z, 0-9 and - between them`,
			`c.yaml:9: people.Dave.slack: "dave" is not a member id such as U0123456789 (not a display name)`,
		}},
		{"what follows from it is left out", "holders: [alice, bob, carol]\n    threshold: 2", "holders: alice\n    threshold: 2\nlog: {level: loud}", []string{
			`c.yaml:16: clusters.prod.holders: takes a list: [one, two], or one a line after a dash`,
			`c.yaml:18: log.level: "loud" is none of debug, info, warn, error`,
		}},
		{"misspelt person", "holders: [alice, bob, carol]", "holders: [alice, bob, caról]", []string{`c.yaml:16: clusters.prod.holders[2]: nobody under people is called "caról"; did you mean carol?`}},
		{"channel's name as a comment", "slack: {app_token_file: app, bot_token_file: bot, team: T1, channel: C1}", "slack:\n  app_token_file: app\n  bot_token_file: bot\n  team: T1\n  channel: #ops", []string{`c.yaml:6: slack.channel: has no value: YAML takes #ops for a comment; name the channel by its id, such as C0123456789`}},
		{"channel's name in quotes", "channel: C1", "channel: '#ops'", []string{`c.yaml:2: slack.channel: "#ops" is not a channel id such as C0123456789 (not its name)`}},
		{"duplicate key", "threshold: 2", "threshold: 2\n    threshold: 3", []string{`c.yaml:18: clusters.prod.threshold: is there twice, on line 17 before`}},
		{"duplicate person", "  bob: {", "  alice: {slack: U9}\n  bob: {", []string{`c.yaml:7: people.alice: is there twice, on line 6 before`}},
		{"no value", "threshold: 2", "threshold:", []string{`c.yaml:17: clusters.prod.threshold: has no value`}},
		{"alias", "holders: [alice, bob, carol]", "holders: &all [alice, bob, carol]\n    receivers: *all", []string{
			`c.yaml:16: clusters.prod.holders: anchors and aliases (& and *) are not read here: write it out`,
			`c.yaml:17: clusters.prod.receivers: anchors and aliases (& and *) are not read here: write it out`,
		}},
		{"word for a number", "threshold: 2", "threshold: two", []string{`c.yaml:17: clusters.prod.threshold: "two" is not a whole number`}},
		{"number for a duration", "threshold: 2", "threshold: 2\n    window: 90", []string{`c.yaml:18: clusters.prod.window: "90" is not a duration such as 90s, 15m or 4h`}},
		{"tilde in a path", "journal: {directory: journal}", "journal: {directory: ~/journal}", []string{`c.yaml:4: journal.directory: "~/journal" has a ~ or a variable in it, which nothing replaces here: write the whole path`}},
		{"variable in a path", "app_token_file: app", "app_token_file: '${CREDENTIALS_DIRECTORY}/app'", []string{`c.yaml:2: slack.app_token_file: "${CREDENTIALS_DIRECTORY}/app" has a ~ or a variable in it, which nothing replaces here: write the whole path`}},
		{"word for a bool", "threshold: 2", "threshold: 2\n    backup: yes", []string{`c.yaml:18: clusters.prod.backup: "yes" is neither true nor false`}},
		{"text for a list", "holders: [alice, bob, carol]", "holders: alice", []string{`c.yaml:16: clusters.prod.holders: takes a list: [one, two], or one a line after a dash`}},
		{"list for a text", "channel: C1", "channel: [C1]", []string{`c.yaml:2: slack.channel: takes one value, not a list or a mapping`}},
		{"text for a section", "journal: {directory: journal}", "journal: here", []string{`c.yaml:4: journal: takes keys with values, one a line`}},

		{"nothing in slack", "slack: {app_token_file: app, bot_token_file: bot, team: T1, channel: C1}", "slack: {}", []string{
			`c.yaml:2: slack.app_token_file: is missing: a file with the app-level token, xapp-…`,
			`c.yaml:2: slack.bot_token_file: is missing: a file with the bot token, xoxb-…`,
			`c.yaml:2: slack.channel: is missing: a channel id such as C0123456789 (not its name)`,
			`c.yaml:2: slack.team: is missing: a workspace id such as T0123456789`,
		}},
		{"no identity", "identity: {key_file: key, passphrase_file: pass}\n", "", []string{
			`c.yaml: identity.key_file: is missing: make one with: conclave identity new`,
			`c.yaml: identity.passphrase_file: is missing: the identity key is kept encrypted`,
		}},
		{"no journal", "journal: {directory: journal}\n", "", []string{`c.yaml: journal.directory: is missing: without a journal there is no ceremony`}},
		{"channel by name", "channel: C1", "channel: ops", []string{`c.yaml:2: slack.channel: "ops" is not a channel id such as C0123456789 (not its name)`}},
		{"open proxy", "channel: C1", "channel: C1, api_url: http://proxy/api/", []string{`c.yaml:2: slack.api_url: "http://proxy/api/" is not encrypted; http is accepted on this machine's loopback address only`}},
		{"proxy without a slash", "channel: C1", "channel: C1, api_url: https://proxy/api", []string{`c.yaml:2: slack.api_url: "https://proxy/api" has no slash at its end, where the name of a method follows`}},
		{"pace of Slack's own", "channel: C1", "channel: C1, pace: 10ms", []string{`c.yaml:2: slack.pace: needs api_url: Slack itself takes one post a second in a channel, and Conclave keeps to that`}},
		{"no pace", "channel: C1", "channel: C1, api_url: https://proxy/api/, pace: 0s", []string{`c.yaml:2: slack.pace: 0s is not between 1ms and 1m`}},
		{"address with a path", "https://vault:8200", "https://vault:8200/v1", []string{`c.yaml:11: clusters.prod.addresses[0]: "https://vault:8200/v1" has a path; Vault's API is at the root of its address`}},
		{"person without account", "{slack: U1, key: alice.asc}", "{key: alice.asc}", []string{`c.yaml:6: people.alice.slack: is missing: a member id such as U0123456789 (not a display name)`}},
		{"person by display name", "slack: U1", "slack: alice", []string{`c.yaml:6: people.alice.slack: "alice" is not a member id such as U0123456789 (not a display name)`}},
		{"two people, one account", "slack: U2", "slack: U1", []string{`c.yaml:7: people.bob.slack: U1 is alice as well; one account is one person`}},
		{"name with capitals", "threshold: 2", "threshold: 2\n  Test:\n    addresses: [https://t:1]\n    operations: [generate-root]\n    initiators: [alice]\n    approvers: [bob]\n    holders: [alice]", []string{`c.yaml:18: clusters.Test: is not a name of a-z, 0-9 and - between them`}},
		{"long name", "prod:", "the-production-cluster-in-frankfurt:", []string{`c.yaml:10: clusters.the-production-cluster-in-frankfurt: is longer than 24 letters, and people read it aloud`}},

		{"no addresses", "    addresses: [https://vault:8200]\n", "", []string{`c.yaml:10: clusters.prod.addresses: is missing: the address of every node, such as https://vault-1.example.com:8200`}},
		{"open address", "https://vault:8200", "http://vault:8200", []string{`c.yaml:11: clusters.prod.addresses[0]: "http://vault:8200" is not encrypted; http is accepted on this machine's loopback address only`}},
		{"no address", "https://vault:8200", "vault:8200", []string{`c.yaml:11: clusters.prod.addresses[0]: "vault:8200" is not an address such as https://vault-1.example.com:8200`}},
		{"password in address", "https://vault:8200", "https://me:pw@vault:8200", []string{`c.yaml:11: clusters.prod.addresses[0]: carries a user, a query or a fragment: give scheme, host and port only`}},
		{"address twice", "[https://vault:8200]", "[https://vault:8200, https://vault:8200]", []string{`c.yaml:11: clusters.prod.addresses[1]: https://vault:8200 is listed twice`}},
		{"address twice in other words", "[https://vault:8200]", "[https://vault:443, https://VAULT/]", []string{`c.yaml:11: clusters.prod.addresses[1]: https://VAULT/ is listed twice`}},
		{"address of another cluster in other words", "threshold: 2", "threshold: 2\n  test:\n    addresses: [https://Vault:8200/]\n    operations: [generate-root]\n    initiators: [alice]\n    approvers: [bob]\n    holders: [alice]", []string{`c.yaml:19: clusters.test.addresses[0]: https://Vault:8200/ belongs to clusters.prod already; two ceremonies would meet in one Vault`}},
		{"address of another cluster", "threshold: 2", "threshold: 2\n  test:\n    addresses: [https://vault:8200]\n    operations: [generate-root]\n    initiators: [alice]\n    approvers: [bob]\n    holders: [alice]", []string{`c.yaml:19: clusters.test.addresses[0]: https://vault:8200 belongs to clusters.prod already; two ceremonies would meet in one Vault`}},
		{"cluster's channel by name", "threshold: 2", "threshold: 2\n    channel: ops", []string{`c.yaml:18: clusters.prod.channel: "ops" is not a channel id such as C0123456789 (not its name)`}},
		{"out of bounds", "threshold: 2", "threshold: 2\n    timeout: 1h\n    poll: 1ms\n    window: 1000h", []string{
			`c.yaml:18: clusters.prod.timeout: 1h is not between 100ms and 2m`,
			`c.yaml:19: clusters.prod.poll: 1ms is not between 100ms and 5m`,
			`c.yaml:20: clusters.prod.window: 1000h is not between 1s and 168h`,
		}},
		{"poll beyond window", "threshold: 2", "threshold: 2\n    window: 10s", []string{`c.yaml:10: clusters.prod.poll: 15s is not shorter than the window of 10s: Vault would never be compared with the plan`}},

		{"policy of nothing", "threshold: 2", "threshold: 2\n    policy: {drill: {signed: true}}", []string{`c.yaml:18: clusters.prod.policy.drill: is about an operation that operations does not allow`}},
		{"no proposals", "threshold: 2", "threshold: 2\n    daily_proposals: 0", []string{`c.yaml:18: clusters.prod.daily_proposals: 0 is not 1 to 1000`}},
		{"policy that nobody can meet", "threshold: 2", "threshold: 2\n    policy: {rekey: {approvals: 3, approvals_from: [security], witness: true, quiet_hours: 22-6, roll_call: some, ways: [fax], cooling_off: 5h}}", []string{
			`c.yaml:18: clusters.prod.policy.rekey: 3 approvals can't be reached when alice proposes: 1 may approve then`,
			`c.yaml:18: clusters.prod.policy.rekey.approvals_from: asks for 1 of class security, and 0 may approve when alice proposes`,
			`c.yaml:18: clusters.prod.policy.rekey.cooling_off: 5h leaves nothing of the window of 4h`,
			`c.yaml:18: clusters.prod.policy.rekey.quiet_hours: "22-6" is not like 22:00-06:00 Europe/Berlin`,
			`c.yaml:18: clusters.prod.policy.rekey.roll_call: "some" is neither off nor all nor a number of people`,
			`c.yaml:18: clusters.prod.policy.rekey.ways[0]: "fax" is none of text, file, form`,
			`c.yaml:18: clusters.prod.policy.rekey.witness: nobody is listed under witnesses`,
		}},
		{"parts that are not separate", "threshold: 2", "threshold: 2\n    policy: {rekey: {separate: true}}\n    witnesses: [bob]", []string{
			`c.yaml:18: clusters.prod.policy.rekey: 1 approvals can't be reached when alice proposes: 0 may approve then`,
			`c.yaml:19: clusters.prod.witnesses[0]: bob is among the approvers: a witness has no other part`,
			`c.yaml:19: clusters.prod.witnesses[0]: bob is among the holders: a witness has no other part`,
		}},
		{"no operations", "    operations: [rekey, generate-root]\n", "", []string{
			`c.yaml:10: clusters.prod.operations: is missing: list what may be done, of init, unseal, rekey, rekey-recovery, generate-root, recovery-token, dr-token, rotate, rotate-config, backup, drill`,
			`c.yaml:16: clusters.prod.threshold: is about a rekey or init, which operations does not allow`,
		}},
		{"unknown operation", "[rekey, generate-root]", "[rekey, reboot, rekey]", []string{
			`c.yaml:13: clusters.prod.operations[1]: "reboot" is none of init, unseal, rekey, rekey-recovery, generate-root, recovery-token, dr-token, rotate, rotate-config, backup, drill`,
			`c.yaml:13: clusters.prod.operations[2]: rekey is listed twice`,
		}},
		{"both kinds of rekey", "[rekey, generate-root]", "[rekey, rekey-recovery]", []string{
			`c.yaml:13: clusters.prod.operations: has both rekey and rekey-recovery: the first is for a cluster that people unseal, the second for one that unseals itself`,
		}},
		{"recovery keys without a threshold", "[rekey, generate-root]\n    initiators: [alice]\n    approvers: [bob]\n    holders: [alice, bob, carol]\n    threshold: 2", "[rekey-recovery]\n    initiators: [alice]\n    approvers: [bob]\n    holders: [alice, bob, carol]", []string{
			`c.yaml:10: clusters.prod.threshold: is missing: how many of the 3 new shares are enough`,
		}},
		{"no threshold", "    threshold: 2\n", "", []string{`c.yaml:10: clusters.prod.threshold: is missing: how many of the 3 new shares are enough`}},
		{"threshold 0", "threshold: 2", "threshold: 0", []string{`c.yaml:17: clusters.prod.threshold: 0 is less than 1`}},
		{"threshold 1 of 3", "threshold: 2", "threshold: 1", []string{`c.yaml:17: clusters.prod.threshold: 1 of 3 would make each holder's share enough by itself, and Vault refuses it`}},
		{"threshold 5 of 3 holders", "threshold: 2", "threshold: 5", []string{`c.yaml:17: clusters.prod.threshold: 5 is more than the 3 holders listed`}},
		{"threshold 3 of 2 receivers", "threshold: 2", "threshold: 3\n    receivers: [alice, bob]", []string{`c.yaml:17: clusters.prod.threshold: 3 is more than the 2 receivers listed`}},
		{"backup without a token", "    token_file: token\n", "", []string{`c.yaml:10: clusters.prod.backup: needs token_file or auth: Vault shows the backup of the new shares only to a token with read on sys/rekey/backup. Name one, or set backup: false`}},
		{"recovery backup without a token", "    token_file: token\n    operations: [rekey, generate-root]", "    operations: [rekey-recovery]", []string{`c.yaml:10: clusters.prod.backup: needs token_file or auth: Vault shows the backup of the new shares only to a token with read on sys/rekey/recovery-key-backup. Name one, or set backup: false`}},

		{"no roles", "    initiators: [alice]\n    approvers: [bob]\n    holders: [alice, bob, carol]\n", "", []string{
			`c.yaml:10: clusters.prod.approvers: is missing: who may approve one`,
			`c.yaml:10: clusters.prod.holders: is missing: who holds the shares in force`,
			`c.yaml:10: clusters.prod.initiators: is missing: who may propose a ceremony`,
		}},
		{"nobody receives", "threshold: 2", "threshold: 2\n    receivers: []", []string{`c.yaml:18: clusters.prod.receivers: is missing: who gets the new shares; leave the key out to mean the holders`}},
		{"unknown person", "holders: [alice, bob, carol]", "holders: [alice, bob, dora]", []string{`c.yaml:16: clusters.prod.holders[2]: nobody under people is called "dora"`}},
		{"holder twice", "holders: [alice, bob, carol]", "holders: [alice, bob, alice]", []string{`c.yaml:16: clusters.prod.holders[2]: alice is listed twice; one person has one share and one voice`}},
		{"holder without a key", "{slack: U3, key: carol.asc}", "{slack: U3}", []string{`c.yaml:16: clusters.prod.holders[2]: carol signs shares and needs people.carol.key`}},
		{"unseal and recovery key", "[rekey, generate-root]", "[unseal, rekey-recovery]", []string{
			`c.yaml:13: clusters.prod.operations: has both unseal and rekey-recovery: the first is for a cluster that people unseal, the second for one that unseals itself`,
		}},
		{"auth and token file", "threshold: 2", "threshold: 2\n    auth: {method: approle, role_id_file: r, secret_id_file: s}", []string{
			`c.yaml:18: clusters.prod.auth: and token_file exclude each other: Conclave logs in by itself, or somebody does it for Conclave`,
		}},
		{"auth without a method", "token_file: token", "auth: {mount: approle}", []string{
			`c.yaml:12: clusters.prod.auth.method: "" is none of approle, kubernetes`,
		}},
		{"approle without its files", "token_file: token", "auth: {method: approle, role: conclave, mount: auth/approle}", []string{
			`c.yaml:12: clusters.prod.auth.mount: "auth/approle" is not the path of the method below auth/, such as approle`,
			`c.yaml:12: clusters.prod.auth.role: is about kubernetes, and method is approle`,
			`c.yaml:12: clusters.prod.auth.role_id_file: is missing: a file with the role's id`,
			`c.yaml:12: clusters.prod.auth.secret_id_file: is missing: a file with a secret id of the role`,
		}},
		{"kubernetes without a role", "token_file: token", "auth: {method: kubernetes, secret_id_file: s}", []string{
			`c.yaml:12: clusters.prod.auth.role: is missing: the role of the auth method that is bound to Conclave's service account`,
			`c.yaml:12: clusters.prod.auth.secret_id_file: is about approle, and method is kubernetes`,
		}},
		{"watch without unseal", "threshold: 2", "threshold: 2\n    watch: false", []string{`c.yaml:18: clusters.prod.watch: is about unseal, which operations does not allow`}},
		{"requester without a key", "{slack: U1, key: alice.asc}", "{slack: U1}", []string{
			`c.yaml:16: clusters.prod.holders[0]: alice signs shares and needs people.alice.key`,
		}},
		{"no approvals", "threshold: 2", "threshold: 2\n    approvals: 0", []string{`c.yaml:18: clusters.prod.approvals: 0 is less than 1: nothing is sent to Vault on one person's word`}},
		{"own approval only", "approvers: [bob]", "approvers: [alice]", []string{`c.yaml:10: clusters.prod.approvals: 1 can't be reached when alice proposes: nobody approves their own ceremony, which leaves 0`}},
		{"nobody", minimalConfig[strings.Index(minimalConfig, "people:"):], "", []string{
			`c.yaml: clusters: is missing: there is nothing to do`,
			`c.yaml: people: is missing: nobody could take part`,
		}},
		{"log", "journal: {", "log: {level: loud, format: xml}\njournal: {", []string{
			`c.yaml:4: log.format: "xml" is none of text, json`,
			`c.yaml:4: log.level: "loud" is none of debug, info, warn, error`,
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			text := strings.Replace(minimalConfig, row.old, row.new, 1)
			if text == minimalConfig {
				t.Fatal("the row changes nothing")
			}
			_, err := Parse("c.yaml", "/", []byte(text))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(row.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// A requester of a root token can have a one-time password instead of a key; the
// first root token of a new cluster is always encrypted.
func TestWhoInitialisesAClusterNeedsAKey(t *testing.T) {
	keyless := strings.NewReplacer("bob: {slack: U2, key: bob.asc}", "bob: {slack: U2}", "holders: [alice, bob, carol]", "holders: [alice, carol]",
		"initiators: [alice]", "initiators: [bob]", "approvers: [bob]", "approvers: [alice]")
	if _, err := Parse("c.yaml", "/", []byte(keyless.Replace(minimalConfig))); err != nil {
		t.Errorf("generate-root: %v", err)
	}
	_, err := Parse("c.yaml", "/", []byte(strings.Replace(keyless.Replace(minimalConfig), "generate-root", "init", 1)))
	want := "c.yaml:14: clusters.prod.initiators[0]: bob gets the first root token and needs people.bob.key"
	if err == nil || err.Error() != want {
		t.Errorf("init: %v", err)
	}
}

func TestExampleConfigIsValidAndHasEveryKey(t *testing.T) {
	c, err := Load("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Clusters["prod"].Operations; !slices.Contains(got, "rekey") {
		t.Errorf("the example allows %v", got)
	}
	text, err := os.ReadFile("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for key := range everyKey(reflect.TypeFor[Config]()) {
		// A key that has no sensible example value is shown behind a comment sign.
		form := regexp.MustCompile(`(?m)^ *(# )?` + regexp.QuoteMeta(key) + `:( |$)`)
		if !form.Match(text) {
			t.Errorf("config.example.yaml does not show %s", key)
		}
	}
}

// everyKey is the name of every key that a configuration can have.
func everyKey(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for name, index := range keys(t) {
		names[name] = true
		field := t.FieldByIndex(index).Type
		if field.Kind() == reflect.Map {
			field = field.Elem().Elem()
		}
		if field.Kind() == reflect.Struct {
			for inner := range everyKey(field) {
				names[inner] = true
			}
		}
	}
	return names
}

func TestExampleConfigShowsTheDefaults(t *testing.T) {
	text, err := os.ReadFile("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c Cluster
	c.setDefaults()
	var l Log
	l.setDefaults()
	for _, want := range []string{
		"Default " + short(c.Timeout) + ";", "Default " + short(c.Window) + ";", "Default " + short(c.Poll) + ";",
		"Default " + l.Level + ".", "Default " + l.Format + ".", "Default 1,",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("config.example.yaml does not say %q", want)
		}
	}
}

// People with a thousand clusters have them in one file.
func TestConfigurationOfAThousandClustersIsRead(t *testing.T) {
	before, cluster, _ := strings.Cut(minimalConfig, "  prod:\n")
	var text strings.Builder
	text.WriteString(before)
	for i := range 1000 {
		fmt.Fprintf(&text, "  prod-%d:\n%s\n", i, strings.ReplaceAll(cluster, "//vault:", fmt.Sprintf("//vault-%d:", i)))
	}
	path := filepath.Join(t.TempDir(), "conclave.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d KiB", text.Len()>>10)
	if len(c.Clusters) != 1000 {
		t.Errorf("%d clusters are read", len(c.Clusters))
	}
}

// Who copies the example waits for nothing that they have not chosen, and nobody is asked for more than by default.
func TestExampleConfigChoosesNothingButWhatIsRequired(t *testing.T) {
	c, err := Load("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := *c.Clusters["prod"]
	want := got
	want.setDefaults()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("other than the defaults (-default +example):\n%s", diff)
	}
	if len(got.Policy) > 0 || got.Auth != (Auth{}) || c.Archive.Directory != "" || c.Slack.APIURL != "" {
		t.Errorf("the example chooses what nothing asks for: %+v", got)
	}
}

// What is behind comment signs can be chosen as it stands.
func TestPolicyOfTheExampleIsValid(t *testing.T) {
	text, err := os.ReadFile("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	from := strings.Index(string(text), "    # policy:\n")
	until := from + strings.Index(string(text)[from:], "    # What happens in Vault")
	chosen := regexp.MustCompile(`(?m)^( +)# ([a-z_]+:)( [^ ]+| .*[/\]].*)?$`).ReplaceAllString(string(text)[from:until], "$1$2$3")
	c, err := Parse("c.yaml", "/", []byte(string(text)[:from]+chosen+string(text)[until:]))
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Clusters["prod"].Policy["rekey"]; p == nil || p.CoolingOff == 0 || p.QuietHours == "" || len(p.Ways) != 3 {
		t.Errorf("the policy is %+v", p)
	}
}

func FuzzConfig(f *testing.F) {
	example, err := os.ReadFile("../config.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(minimalConfig))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("people: {? [x]: {}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("c.yaml", "/", data)
		if (c == nil) == (err == nil) {
			t.Errorf("configuration %v with error %v", c, err)
		}
	})
}
