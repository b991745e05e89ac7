package main

import (
	"bytes"
	"strings"
	"testing"

	"conclave/cli"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

// policy returns what conclave policy prints, what it says, and its exit code.
func (w *workshop) policy(t *testing.T, args ...string) (text, said string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), append([]string{"policy", "--config", w.path("conclave.yaml")}, args...), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &err})
	return out.String(), err.String(), code
}

func TestPolicyOfAClusterFollowsWhatItsServerAsksFor(t *testing.T) {
	identity := newIdentity(t)
	for dialect, paths := range map[vaulttest.Dialect][]string{
		vaulttest.Vault1:  {`path "sys/rekey/backup"`},
		vaulttest.Vault2:  {`path "sys/rekey/backup"`, `path "sys/rekey/update"`, `path "sys/generate-root/update"`},
		vaulttest.OpenBao: {`path "sys/rotate/root/backup"`, `path "sys/rotate/root/update"`, `path "sys/generate-root-token/update"`},
	} {
		w := openWorkshopOn(t, identity, vaulttest.Options{Dialect: dialect})
		text, said, code := w.policy(t, "prod")
		if code != cli.ExitOK || said != "" {
			t.Fatalf("exit code %d\n%s", code, said)
		}
		for _, path := range paths {
			if !strings.Contains(text, path) {
				t.Errorf("%v: nothing for %s in\n%s", dialect, path, text)
			}
		}
		if dialect == vaulttest.Vault1 && strings.Contains(text, "sys/rekey/update") {
			t.Errorf("it grants what is open to everybody:\n%s", text)
		}
		for _, call := range w.cluster.Log("") {
			if call.Token != "" && strings.Contains(call.Path, "rekey/init") {
				t.Errorf("the question carries a token: %s", call)
			}
		}
	}
}

func TestPolicyWithADialectAsksNobody(t *testing.T) {
	w := openWorkshop(t, newIdentity(t))
	if err := w.cluster.Close(); err != nil {
		t.Fatal(err)
	}
	if text, said, code := w.policy(t, "prod", "--dialect", "closed"); code != cli.ExitOK || !strings.Contains(text, "sys/rekey/update") {
		t.Errorf("exit code %d, %s\n%s", code, said, text)
	}
	for want, args := range map[string][]string{
		"give --dialect: open, closed or openbao":   {"prod"},
		`"old" is none of open, closed, openbao`:    {"prod", "--dialect", "old"},
		"the configuration has no clusters.staging": {"staging"},
		"accepts 1 arg(s), received 0":              {},
	} {
		if _, said, code := w.policy(t, args...); code == cli.ExitOK || !strings.Contains(said, want) {
			t.Errorf("%q: exit code %d, %s", args, code, said)
		}
	}
}

// From the printed policy to a bot that logs in by itself and has all it needs.
func TestPrintedPolicyIsEnoughForABotThatLogsIn(t *testing.T) {
	w := openWorkshop(t, newIdentity(t))
	w.replace(t, "token_file: token", "auth: {method: approle, role_id_file: role-id, secret_id_file: secret-id}")
	w.replace(t, "[rekey, generate-root]", "[unseal, rekey, generate-root, rotate, rotate-config, backup, drill]")
	text, said, code := w.policy(t, "prod")
	if code != cli.ExitOK || !strings.Contains(text, "auth/token/renew-self") {
		t.Fatalf("exit code %d, %s\n%s", code, said, text)
	}
	demand := func(method, path string, body any) operator.Answer {
		t.Helper()
		answer, err := w.operator.Do(t.Context(), method, path, body)
		if err != nil || answer.Status >= 300 {
			t.Fatalf("%s %s: %d %v, %v", method, path, answer.Status, answer.Errors, err)
		}
		data, _ := answer.Body["data"].(map[string]any)
		return operator.Answer{Body: data}
	}
	demand("PUT", "sys/policies/acl/conclave", map[string]string{"policy": text})
	demand("PUT", "sys/auth/approle", map[string]string{"type": "approle"})
	demand("PUT", "auth/approle/role/conclave", map[string]any{"token_policies": []string{"conclave"}, "token_ttl": "1h"})
	w.write(t, "role-id", demand("GET", "auth/approle/role/conclave/role-id", nil).String("role_id"))
	w.write(t, "secret-id", demand("PUT", "auth/approle/role/conclave/secret-id", map[string]any{}).String("secret_id"))
	report, code := w.check(t.Context())
	if code != cli.ExitOK || !strings.Contains(report, "conclave, default, which is being renewed") || !strings.Contains(report, "interference is watched") {
		t.Errorf("exit code %d\n%s", code, report)
	}
	w.write(t, "secret-id", "11111111-2222-3333-4444-555555555555")
	if report, code := w.check(t.Context()); code != cli.ExitFailed || !strings.Contains(report, "log in: Vault denied permission") {
		t.Errorf("exit code %d\n%s", code, report)
	}
}
