package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/cli"
	"conclave/vault/vaulttest"
)

func (w *workshop) person(t *testing.T, name string) *slacktest.Person {
	t.Helper()
	p, ok := w.workspace.Person(name)
	if !ok {
		t.Fatalf("nobody is named %s", name)
	}
	return p
}

func TestCheckOfASoundSetupFindsNothingAndChangesNothing(t *testing.T) {
	w := openWorkshop(t, newIdentity(t))
	before := len(w.cluster.Log(""))
	report, code := w.check(t.Context())
	if code != cli.ExitOK || strings.Contains(report, "STOP") {
		t.Errorf("exit code %d\n%s", code, report)
	}
	for _, want := range []string{"Slack scopes", "#ops", "is @carol (Carol)", "key of carol", "active", "2 of 3 shares open it"} {
		if !strings.Contains(report, want) {
			t.Errorf("the report says nothing of %q:\n%s", want, report)
		}
	}
	if _, err := os.Stat(w.path("journal")); err == nil {
		t.Error("check has made the journal's folder")
	}
	for _, call := range w.cluster.Log("")[before:] {
		if call.Method != "GET" && call.Path != "sys/capabilities-self" { // a question that Vault takes as a PUT
			t.Errorf("check has sent %s", call)
		}
	}
	if posts := len(w.workspace.Calls("chat.postMessage")); posts != 0 {
		t.Errorf("check has posted %d messages", posts)
	}
	if left, err := filepath.Glob(w.path(".check-*")); err != nil || len(left) != 0 {
		t.Errorf("check has left %v: %v", left, err)
	}
	if v := w.workspace.Violations(); len(v) > 0 {
		t.Errorf("Slack's rules were broken: %v", v)
	}
}

// Each row spoils one thing and names the line that check must print.
func TestCheckNamesWhatWouldStopACeremony(t *testing.T) {
	rows := []struct {
		name  string
		spoil func(*testing.T, *workshop)
		want  string
	}{
		{"scope", func(_ *testing.T, w *workshop) { w.workspace.RemoveScope("im:history") }, "STOP  Slack scopes"},
		{"app token", func(t *testing.T, w *workshop) { w.write(t, "app", "xapp-1-of-another-app") }, "STOP  Slack app token"},
		{"bot token", func(t *testing.T, w *workshop) { w.write(t, "bot", "xoxb-of-another-app") }, "STOP  Slack bot token"},
		{"workspace", func(t *testing.T, w *workshop) { w.replace(t, "team: "+w.workspace.TeamID(), "team: T1") }, "the configuration says workspace T1"},
		{"channel", func(t *testing.T, w *workshop) {
			w.replace(t, w.ops.ID(), w.workspace.AddPrivateChannel("secret").ID())
		}, "STOP  Slack channel"},
		{"account of nobody", func(t *testing.T, w *workshop) { w.replace(t, w.person(t, "carol").ID(), "U0TYPO") },
			"STOP  account of carol          U0TYPO: Slack does not know this account. Correct people.carol.slack, or have the account put right"},
		{"account of somebody who has left", func(t *testing.T, w *workshop) { w.person(t, "carol").Deactivate() },
			"is @carol (Carol): This Slack account is deactivated."},
		{"account that can't be written to", func(t *testing.T, w *workshop) {
			w.workspace.Inject(slacktest.Fault{Method: "conversations.open", Effect: slacktest.Answer("user_not_visible")})
		}, "(Alice): open direct messages with "},
		{"token that others may read", func(t *testing.T, w *workshop) {
			if err := os.Chmod(w.path("bot"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "STOP  Slack                     read slack.bot_token_file: "},
		{"sealed vault", func(t *testing.T, w *workshop) {
			if err := w.operator.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, "STOP  Vault prod                none of the addresses is the active node"},
		{"vault away", func(t *testing.T, w *workshop) {
			if err := w.cluster.Close(); err != nil {
				t.Fatal(err)
			}
		}, "STOP  Vault prod                none of the addresses is the active node"},
		{"too few holders", func(t *testing.T, w *workshop) {
			w.replace(t, "holders: [alice, bob, carol]", "holders: [alice]\n    receivers: [alice, bob]")
		}, "STOP  Vault prod                1 holder is listed, fewer than the 2 shares that Vault asks for"},
		{"a rekey of somebody else", func(t *testing.T, w *workshop) {
			if _, err := w.operator.Do(t.Context(), "PUT", "sys/rekey/init", map[string]any{"secret_shares": 1, "secret_threshold": 1}); err != nil {
				t.Fatal(err)
			}
		}, "STOP  Vault prod                operations[0], rekey: an attempt is in progress already"},
		{"a rekey of keys that it doesn't have", func(t *testing.T, w *workshop) {
			w.replace(t, "[rekey, generate-root]", "[generate-root, rekey-recovery]")
		}, "STOP  Vault prod                operations[1], rekey-recovery: the cluster has no recovery key"},
		{"a key that has expired", func(t *testing.T, w *workshop) {
			old := vaulttest.NewPersonOfThePast(t, "carol")
			binary, err := base64.StdEncoding.DecodeString(old.Key)
			if err != nil {
				t.Fatal(err)
			}
			w.write(t, "carol.asc", string(binary))
		}, "STOP  key of carol"},
	}
	identity := newIdentity(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := openWorkshop(t, identity)
			row.spoil(t, w)
			report, code := w.check(t.Context())
			if code != cli.ExitFailed || !strings.Contains(report, row.want) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, cli.ExitFailed, row.want, report)
			}
			for _, file := range []string{"app", "bot", "token", "passphrase"} {
				if strings.Contains(report, read(t, w.path(file))) {
					t.Errorf("the report has the secret in %s:\n%s", file, report)
				}
			}
		})
	}
}

// The words for each operation: that it works and how, or what is missing.
func TestCheckSaysOfEachOperationWhetherItWillWork(t *testing.T) {
	w := openWorkshopOn(t, newIdentity(t), vaulttest.Options{Dialect: vaulttest.OpenBao})
	w.replace(
		t, "[rekey, generate-root]", "[rekey, generate-root, recovery-token, dr-token, rotate, rotate-config, backup, drill]",
	)
	report, code := w.check(t.Context())
	for _, want := range []string{
		"active, OpenBao 2.6.2",
		"ok    Vault prod                rekey: nothing stands in its way; OpenBao's own endpoints, which ask for a token",
		"ok    Vault prod                rotate: nothing stands in its way\n",
		"ok    Vault prod                drill: nothing stands in its way\n",
		"note  Vault prod                the token is a root token",
		"note  Vault prod                operations[2], recovery-token: it works when a server is started in recovery mode",
		"note  Vault prod                operations[3], dr-token: it works with the secondary of a disaster recovery pair",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("exit code %d, want %q in\n%s", code, want, report)
		}
	}
	answer, err := w.operator.Do(
		t.Context(), "PUT", "auth/token/create", map[string]any{"policies": []string{"default"}, "ttl": "30h"},
	)
	if err != nil || answer.Status != 200 {
		t.Fatalf("make token: %d %v, %v", answer.Status, answer.Errors, err)
	}
	token, _ := answer.Body["auth"].(map[string]any)["client_token"].(string)
	w.write(t, "token", token)
	report, code = w.check(t.Context())
	column := "\n" + strings.Repeat(" ", 32)
	want := "STOP  Vault prod                operations[4], rotate: a token with update and sudo on sys/rotate is needed:" + column +
		`path "sys/rotate" {` + column + `  capabilities = ["update", "sudo"]` + column + "}\n"
	if code != cli.ExitFailed || !strings.Contains(report, want) {
		t.Errorf("exit code %d, want %q in\n%s", code, want, report)
	}
	if until := time.Now().Add(30 * time.Hour).UTC().Format("until 2006-01-02 "); !strings.Contains(report, until) {
		t.Errorf("want %q in\n%s", until, report)
	}
}

// What a running bot is in the middle of stands in nobody's way.
func TestCheckTellsItsOwnCeremoniesFromThoseOfOthers(t *testing.T) {
	w := openWorkshop(t, newIdentity(t))
	begun, err := w.operator.Do(
		t.Context(), "PUT", "sys/rekey/init", map[string]any{"secret_shares": 1, "secret_threshold": 1},
	)
	if err != nil || begun.Status != 200 {
		t.Fatalf("start: %d %v, %v", begun.Status, begun.Errors, err)
	}
	j, err := journal.OpenJournal(w.path("journal"), w.journalKey(t))
	if err != nil {
		t.Fatal(err)
	}
	plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremony.Fingerprint(strings.Repeat("7", 40)))
	_, err = j.Append(t.Context(), plan.Ceremony, 0,
		event.Proposed{Plan: plan, PlanHash: plan.Hash()},
		event.Approved{By: plan.Approvers[0], PlanHash: plan.Hash()},
		event.Starting{Attempt: 1},
		event.Started{Nonce: begun.String("nonce"), Required: 2})
	if err := errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
	report, code := w.check(t.Context())
	for _, want := range []string{
		"note  Vault prod                prod-rekey-k7m2 is open: collecting",
		"note  Vault prod                operations[0], rekey: in progress, as prod-rekey-k7m2",
	} {
		if code != cli.ExitOK || !strings.Contains(report, want) {
			t.Errorf("exit code %d, want %q in\n%s", code, want, report)
		}
	}
}

func TestCheckOfAClusterThatUnsealsItselfSaysWhichRekeyItTakes(t *testing.T) {
	w := openWorkshopOn(t, newIdentity(t), vaulttest.Options{Seal: "transit"})
	report, code := w.check(t.Context())
	if want := "STOP  Vault prod                operations[0], rekey: the cluster unseals itself"; code != cli.ExitFailed || !strings.Contains(report, want) {
		t.Errorf("exit code %d, want %q in\n%s", code, want, report)
	}
	w.replace(t, "[rekey, generate-root]", "[rekey-recovery, generate-root]")
	report, code = w.check(t.Context())
	if want := "it unseals itself (transit seal); 2 of 3 shares of its recovery key are enough"; code != cli.ExitOK || !strings.Contains(report, want) {
		t.Errorf("exit code %d, want %q in\n%s", code, want, report)
	}
}

// The first line about Vault that is not well says what to change, and where.
func TestCheckSaysFirstWhyVaultCannotBeAsked(t *testing.T) {
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	other, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	identity := newIdentity(t)
	trust := func(t *testing.T, w *workshop, a *vaulttest.Authority, more string) {
		w.write(t, "ca.pem", string(a.PEM))
		w.replace(t, "    token_file: token\n", "    token_file: token\n    ca_file: ca.pem\n"+more)
	}
	for _, row := range []struct {
		name  string
		tls   *vaulttest.Authority
		spoil func(*testing.T, *workshop)
		want  string
		place string
	}{
		{"another authority", authority, func(t *testing.T, w *workshop) { trust(t, w, other, "") },
			"the wrong authority: nobody in ", "clusters.prod.ca_file"},
		{"another name", authority, func(t *testing.T, w *workshop) { trust(t, w, authority, "    server_name: vault.example.com\n") },
			"the wrong name: the certificate of ", "clusters.prod.server_name"},
		{"https for a server without TLS", nil, func(t *testing.T, w *workshop) { w.replace(t, "[http://127", "[https://127") },
			"https against http: ", "clusters.prod.addresses[0]"},
		{"http for a server with TLS", authority, func(t *testing.T, w *workshop) { w.replace(t, "[https://127", "[http://127") },
			"http against https: ", "clusters.prod.addresses[0]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := openWorkshopOn(t, identity, vaulttest.Options{TLS: row.tls})
			text := strings.Replace(read(t, w.path("conclave.yaml")), `addresses: ["`+w.cluster.Addr()+`"]`, "addresses: ["+w.cluster.Addr()+"]", 1)
			w.write(t, "conclave.yaml", text)
			row.spoil(t, w)
			report, code := w.check(t.Context())
			_, about, _ := strings.Cut(report, "Vault prod ")
			first, rest, _ := strings.Cut(strings.TrimSpace(about), "\n")
			second, _, _ := strings.Cut(rest, "\n")
			if code != cli.ExitFailed || !strings.HasPrefix(first, row.want) ||
				!regexp.MustCompile(`conclave\.yaml:\d+: `+regexp.QuoteMeta(row.place)).MatchString(second) {
				t.Errorf("exit code %d, want first %q at %s:\n%s", code, row.want, row.place, report)
			}
		})
	}
}

// A pull request has the configuration and the keys, and neither secrets nor a journal.
func TestCheckOfAPullRequestNeedsTheConfigurationAndTheKeysAlone(t *testing.T) {
	w := openWorkshop(t, newIdentity(t))
	for _, name := range []string{"app", "bot", "token", "passphrase", "identity.asc"} {
		if err := os.Remove(w.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	type document struct {
		Findings []struct {
			Grade, About, Text, Path, File string
			Line                           int
		}
		Stops int
	}
	check := func() (document, int) {
		t.Helper()
		var out, said bytes.Buffer
		args := []string{"check", "--offline", "--json", "--config", w.path("conclave.yaml")}
		code := run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &said})
		var d document
		if err := json.Unmarshal(out.Bytes(), &d); err != nil || said.Len() > 0 {
			t.Fatalf("%v\n%s%s", err, &out, &said)
		}
		return d, code
	}
	if d, code := check(); code != cli.ExitOK || d.Stops != 0 || len(d.Findings) < 4 {
		t.Errorf("exit code %d: %+v", code, d)
	}
	old := vaulttest.NewPersonOfThePast(t, "carol")
	binary, err := base64.StdEncoding.DecodeString(old.Key)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "carol.asc", string(binary))
	d, code := check()
	if code != cli.ExitFailed || d.Stops != 1 {
		t.Errorf("with an expired key: exit code %d: %+v", code, d)
	}
	for _, f := range d.Findings {
		if f.Grade == "STOP" && (f.Path != "people.carol.key" || f.File != w.path("conclave.yaml") || f.Line == 0) {
			t.Errorf("the expired key is found at %+v", f)
		}
	}
	w.replace(t, "threshold: 2", "threshold: 9")
	if d, code := check(); code != cli.ExitUsage || d.Stops != 1 || d.Findings[0].Path != "clusters.prod.threshold" {
		t.Errorf("with a mistake: exit code %d: %+v", code, d)
	}
}
