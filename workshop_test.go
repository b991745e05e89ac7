package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/secret"
	"conclave/cli"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

// workshop has everything that a bot needs, on loopback.
type workshop struct {
	dir       string
	workspace *slacktest.Workspace
	ops       *slacktest.Channel
	cluster   *vaulttest.Cluster
	operator  *operator.Operator
}

// newIdentity returns the file of an identity under the passphrase "correct horse". It is
// slow to encrypt, on purpose: a test makes one, and opens many workshops with it.
func newIdentity(t *testing.T) string {
	t.Helper()
	id, err := openpgp.Generate("Conclave test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "identity.asc")
	if err := id.Save(path, []byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	return read(t, path)
}

// openWorkshop makes a workshop with three holders, of whom two can open the Vault.
func openWorkshop(t *testing.T, identity string) *workshop {
	t.Helper()
	return openWorkshopOn(t, identity, vaulttest.Options{})
}

// openWorkshopOn is openWorkshop with a server of the test's choice.
func openWorkshopOn(t *testing.T, identity string, o vaulttest.Options) *workshop {
	t.Helper()
	w := &workshop{dir: t.TempDir(), cluster: vaulttest.Start(t, o)}
	var err error
	if w.workspace, err = slacktest.Start(slacktest.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.workspace.Close)
	w.ops = w.workspace.AddPrivateChannel("ops", w.workspace.Bot())

	w.operator = operator.NewOperator(w.cluster.Addr(), w.cluster.CA())
	keys, err := w.operator.Init(t.Context(), 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.operator.Unseal(t.Context(), keys.Shares[:2]...); err != nil {
		t.Fatal(err)
	}

	w.write(t, "passphrase", "correct horse")
	w.write(t, "identity.asc", identity)
	w.write(t, "app", w.workspace.AppToken())
	w.write(t, "bot", w.workspace.BotToken())
	w.write(t, "token", keys.RootToken)
	var people strings.Builder
	for _, name := range []string{"alice", "bob", "carol"} {
		key, err := openpgp.GenerateHolder(name, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		armor, err := key.PublicArmor()
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, name+".asc", armor)
		fmt.Fprintf(&people, "  %s: {slack: %s, key: %[1]s.asc}\n", name, w.workspace.AddPerson(name).ID())
	}
	w.write(t, "conclave.yaml", fmt.Sprintf(`
slack: {app_token_file: app, bot_token_file: bot, team: %s, channel: %s, api_url: "%s/api/"}
identity: {key_file: identity.asc, passphrase_file: passphrase}
journal: {directory: journal}
people:
%sclusters:
  prod:
    addresses: ["%s"]
    token_file: token
    operations: [rekey, generate-root]
    initiators: [alice]
    approvers: [bob]
    holders: [alice, bob, carol]
    threshold: 2
`, w.workspace.TeamID(), w.ops.ID(), w.workspace.URL(), &people, w.cluster.Addr()))
	return w
}

// journalKey returns the key with which the workshop's bot authenticates its journal.
func (w *workshop) journalKey(t *testing.T) secret.MACKey {
	t.Helper()
	id, err := openpgp.Load(w.path("identity.asc"), []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	return openpgp.New(id, nil).JournalKey()
}

func (w *workshop) path(name string) string { return filepath.Join(w.dir, name) }

func (w *workshop) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace changes the configuration in one place.
func (w *workshop) replace(t *testing.T, old, new string) {
	t.Helper()
	text := read(t, w.path("conclave.yaml"))
	if !strings.Contains(text, old) {
		t.Fatalf("the configuration has no %q", old)
	}
	w.write(t, "conclave.yaml", strings.Replace(text, old, new, 1))
}

// check returns what conclave check prints, and its exit code.
func (w *workshop) check(ctx context.Context) (string, int) {
	var out, said bytes.Buffer
	code := run(ctx, []string{"check", "--config", w.path("conclave.yaml")}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &said})
	return out.String() + said.String(), code
}
