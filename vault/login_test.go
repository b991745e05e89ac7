package vault_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

// must is a request of the operator's that has to succeed.
func (s *server) must(t testing.TB, method, path string, body any) operator.Answer {
	t.Helper()
	answer, err := s.operator.Do(t.Context(), method, path, body)
	if err != nil || answer.Status >= 300 {
		t.Fatalf("%s %s: %d %v, %v", method, path, answer.Status, answer.Errors, err)
	}
	return answer
}

// appRole sets a role up and returns how to log in as it.
func (s *server) appRole(t testing.TB, terms map[string]any) vault.AppRole {
	t.Helper()
	s.must(t, "PUT", "sys/policies/acl/reader", map[string]string{"policy": `path "sys/key-status" { capabilities = ["read"] }`})
	s.must(t, "PUT", "sys/auth/approle", map[string]string{"type": "approle"})
	terms["token_policies"] = []string{"reader"}
	s.must(t, "PUT", "auth/approle/role/conclave", terms)
	id, _ := s.must(t, "GET", "auth/approle/role/conclave/role-id", nil).Body["data"].(map[string]any)["role_id"].(string)
	return vault.AppRole{
		RoleIDFile: writeFile(t, "role-id", id+"\n"), SecretIDFile: writeFile(t, "secret-id", s.secretID(t)),
	}
}

func (s *server) secretID(t testing.TB) string {
	t.Helper()
	secret, _ := s.must(t, "PUT", "auth/approle/role/conclave/secret-id", map[string]any{}).Body["data"].(map[string]any)["secret_id"].(string)
	return secret
}

func loginBy(l vault.Login) func(*vault.Config) {
	return func(c *vault.Config) { c.TokenFile, c.Login = "", l }
}

func keyStatus(t testing.TB, c *vault.Client) error {
	t.Helper()
	_, err := c.KeyStatus(t.Context())
	return err
}

// eventually waits for what a server does by itself.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
		time.Sleep(20 * time.Millisecond) // the servers keep the time themselves
	}
}

func TestAppRoleLogsInWhenATokenIsNeeded(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t, loginBy(s.appRole(t, map[string]any{"token_ttl": "1h"})))
		wantError(t, keyStatus(t, c), nil)
		state, err := c.OwnToken(t.Context())
		if left := time.Until(state.Expires); err != nil || !state.Exists || !state.Renewed || left > time.Hour || left < 50*time.Minute {
			t.Errorf("the token: %+v, %v", state, err)
		}
		for range 3 {
			wantError(t, keyStatus(t, c), nil)
		}
		if s.emulator != nil && len(s.emulator.Log("PUT auth/approle/login")) != 1 {
			t.Error("it logged in more than once")
		}
	})
}

func TestManyRequestsShareOneLogin(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t, loginBy(s.appRole(t, map[string]any{"token_ttl": "2s"})))
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			// Beyond the first renewal, during which nobody is held up or denied.
			for renewals := 0; renewals == 0; renewals = len(s.emulator.Log("PUT auth/token/renew-self")) {
				if _, err := c.KeyStatus(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	asking.Wait()
	for _, route := range []string{"PUT auth/approle/login", "PUT auth/token/renew-self"} {
		if n := len(s.emulator.Log(route)); n != 1 {
			t.Errorf("%s was sent %d times", route, n)
		}
	}
}

func TestTokenIsRenewedAndReplacedBeforeItEnds(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t, loginBy(s.appRole(t, map[string]any{"token_ttl": "2s", "token_max_ttl": "5s"})))
	var denied error
	eventually(t, "a second login, after renewals", func() bool {
		if denied == nil {
			denied = keyStatus(t, c)
		}
		return len(s.emulator.Log("PUT auth/approle/login")) > 1
	})
	wantError(t, denied, nil)
	if len(s.emulator.Log("PUT auth/token/renew-self")) == 0 {
		t.Error("the first token was not renewed")
	}
}

func TestRunKeepsATokenAliveThatNobodyAsksFor(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	login := s.appRole(t, map[string]any{"token_ttl": "2s", "secret_id_num_uses": 1})
	c := s.client(t, loginBy(login))
	done := make(chan error, 1)
	go func() { done <- c.Run(t.Context()) }()
	eventually(t, "three renewals", func() bool { return len(s.emulator.Log("PUT auth/token/renew-self")) >= 3 })
	wantError(t, keyStatus(t, c), nil)
	if n := len(s.emulator.Log("PUT auth/approle/login")); n != 1 {
		t.Errorf("it logged in %d times with a secret for once", n)
	}
}

func TestTokenOutlivesAFailedRenewal(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t, loginBy(s.appRole(t, map[string]any{"token_ttl": "6s"})))
	wantError(t, keyStatus(t, c), nil)
	s.emulator.Script(
		vaulttest.Fault{
			Route: "PUT auth/token/renew-self", Times: vaulttest.Always, Do: vaulttest.Refuse(http.StatusInternalServerError),
		},
		vaulttest.Fault{
			Route: "PUT auth/approle/login", Times: vaulttest.Always, Do: vaulttest.Refuse(http.StatusInternalServerError),
		},
	)
	eventually(t, "a renewal that fails", func() bool {
		wantError(t, keyStatus(t, c), nil)
		return len(s.emulator.Log("PUT auth/token/renew-self")) > 0
	})
	wantError(t, keyStatus(t, c), nil)
	if n := len(s.emulator.Log("PUT auth/token/renew-self")); n != 1 {
		t.Errorf("each request tries again: %d renewals", n)
	}
	eventually(t, "the token's end", func() bool { return keyStatus(t, c) != nil })
	wantError(t, keyStatus(t, c), ceremony.ErrNotSent)
}

func TestRevokedTokenIsReplaced(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t, loginBy(s.appRole(t, map[string]any{"token_ttl": "1h"})))
		wantError(t, keyStatus(t, c), nil)
		s.revokeOthers(t)
		wantError(t, keyStatus(t, c), nil)
		s.revokeOthers(t)
		// A write is not made a second time; the next request has another token.
		wantError(t, c.Rotate(t.Context()), ceremony.ErrForbidden)
		wantError(t, keyStatus(t, c), nil)
	})
}

// revokeOthers revokes every token but the operator's.
func (s *server) revokeOthers(t testing.TB) {
	t.Helper()
	accessors, _ := s.must(t, "LIST", "auth/token/accessors", nil).Body["data"].(map[string]any)["keys"].([]any)
	for _, accessor := range accessors {
		question := map[string]any{"accessor": accessor}
		told, _ := s.must(t, "PUT", "auth/token/lookup-accessor", question).Body["data"].(map[string]any)
		if policies, _ := told["policies"].([]any); !slices.Contains(policies, any("root")) {
			s.must(t, "PUT", "auth/token/revoke-accessor", question)
		}
	}
}

func TestWrongSecretIsForbidden(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		login := s.appRole(t, map[string]any{"token_ttl": "1h"})
		if err := os.WriteFile(login.SecretIDFile, []byte("11111111-2222-3333-4444-555555555555"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := s.client(t, loginBy(login))
		wantError(t, keyStatus(t, c), ceremony.ErrForbidden)
		// What is open to everybody needs no token.
		if got := progressOf(t, c, s.rekey, ceremony.StepUpdate); got.Started {
			t.Errorf("progress: %+v", got)
		}
		// Something has put the right one there.
		if err := os.WriteFile(login.SecretIDFile, []byte(s.secretID(t)), 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, keyStatus(t, c), nil)
	})
}

func TestPodLogsInWithItsServiceAccount(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	s.must(t, "PUT", "sys/policies/acl/reader", map[string]string{"policy": `path "sys/key-status" { capabilities = ["read"] }`})
	s.emulator.AdmitKubernetes("conclave", "header.claims.signature", "reader")
	token := writeFile(t, "token", "header.claims.signature")
	if err := os.Chmod(token, 0o644); err != nil { // as Kubernetes does
		t.Fatal(err)
	}
	wantError(t, keyStatus(t, s.client(t, loginBy(vault.Kubernetes{Role: "conclave", TokenFile: token}))), nil)
	wantError(
		t, keyStatus(t, s.client(t, loginBy(vault.Kubernetes{Role: "other", TokenFile: token}))), ceremony.ErrForbidden,
	)
	other := writeFile(t, "token", "header.claims.forged")
	wantError(
		t, keyStatus(t, s.client(t, loginBy(vault.Kubernetes{Role: "conclave", TokenFile: other}))), ceremony.ErrForbidden,
	)
	wantError(t, keyStatus(t, s.client(t, loginBy(vault.Kubernetes{Mount: "cluster/prod", Role: "conclave", TokenFile: token}))), ceremony.ErrForbidden)
}

func TestLoginThatWouldHarmIsRefused(t *testing.T) {
	t.Parallel()
	good, open := writeFile(t, "good", "x"), writeFile(t, "open", "x")
	if err := os.Chmod(open, 0o640); err != nil {
		t.Fatal(err)
	}
	for want, login := range map[string]vault.Login{
		"read role id: no file is given":      vault.AppRole{SecretIDFile: good},
		"read secret id: no file is given":    vault.AppRole{RoleIDFile: good},
		"read secret id: " + open + " can be": vault.AppRole{RoleIDFile: good, SecretIDFile: open},
		"the mount of the auth method":        vault.AppRole{Mount: "../sys/seal?", RoleIDFile: good, SecretIDFile: good},
		"no role is given":                    vault.Kubernetes{TokenFile: good},
		"read service account token: open":    vault.Kubernetes{Role: "r", TokenFile: good + ".none"},
	} {
		c, err := vault.New(vault.Config{Addresses: []string{"https://vault.example.org"}, Login: login})
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %q, want %q", login, err, want)
		}
	}
	_, err := vault.New(vault.Config{Addresses: []string{"https://vault.example.org"}, TokenFile: good,
		Login: vault.AppRole{RoleIDFile: good, SecretIDFile: good}})
	if err == nil || !strings.Contains(err.Error(), "exclude each other") {
		t.Errorf("error %q", err)
	}
}
