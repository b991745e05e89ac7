package vault_test

import (
	"errors"
	"net/http"
	"os"
	"sync"
	"testing"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

const loginRoute = "PUT auth/approle/login"

// Vault locks a role after five wrong secrets, and then refuses the right one as well.
func TestWrongSecretIsNotTriedAgainAndAgain(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	login := s.appRole(t, map[string]any{"token_ttl": "1h"})
	if err := os.WriteFile(login.SecretIDFile, []byte("11111111-2222-3333-4444-555555555555"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := s.client(t, loginBy(login))
	for range 6 {
		wantError(t, keyStatus(t, c), ceremony.ErrForbidden)
	}
	if n := len(s.emulator.Log(loginRoute)); n != 1 {
		t.Errorf("the wrong secret was sent %d times", n)
	}
	// Another one is tried at once.
	if err := os.WriteFile(login.SecretIDFile, []byte(s.secretID(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, keyStatus(t, c), nil)
}

// Each of them would wait for the others before it waits itself.
func TestFailedLoginIsSharedByWhoeverWaitedForIt(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t, within(impatient), loginBy(s.appRole(t, map[string]any{"token_ttl": "1h"})))
	s.emulator.Script(vaulttest.Fault{Route: loginRoute, Times: vaulttest.Always, Do: vaulttest.Slow(slow)})
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() { wantError(t, keyStatus(t, c), ceremony.ErrNotSent) })
	}
	asking.Wait()
	if n := len(s.emulator.Log(loginRoute)); n != 1 {
		t.Errorf("%d logins", n)
	}
}

// An intermediary answers 403 to everything for a while. The token is good, and
// its secret is used up.
func TestTokenThatWasDeniedIsKeptUntilThereIsAnother(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t, loginBy(s.appRole(t, map[string]any{"token_ttl": "1h", "secret_id_num_uses": 1})))
	wantError(t, keyStatus(t, c), nil)
	for _, route := range []string{"GET sys/key-status", "PUT sys/capabilities-self", "GET auth/token/lookup-self", "PUT auth/token/renew-self", loginRoute} {
		s.emulator.Script(vaulttest.Fault{Route: route, Do: vaulttest.Refuse(http.StatusForbidden, "no")})
	}
	wantError(t, keyStatus(t, c), nil)
	if n := len(s.emulator.Log(loginRoute)); n > 2 {
		t.Errorf("%d logins", n)
	}
}

// A token may be without the policy default and the right to ask for its rights.
func TestTokenThatMayNotAskForItsRightsIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(t, loginBy(s.appRole(t, map[string]any{"token_ttl": "1h"})))
	s.emulator.Script(vaulttest.Fault{Route: "PUT sys/capabilities-self", Times: vaulttest.Always, Do: vaulttest.Refuse(http.StatusForbidden, "no")})
	for range 3 {
		_, err := c.RotationPolicy(t.Context())
		wantError(t, err, ceremony.ErrForbidden)
		if _, named := asMissingRight(err); !named {
			t.Errorf("it does not name the right: %v", err)
		}
	}
	if n := len(s.emulator.Log(loginRoute)); n != 1 {
		t.Errorf("%d logins", n)
	}
}

// A check every minute would leave as many tokens behind.
func TestTokenOfItsOwnIsGivenBack(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t, loginBy(s.appRole(t, map[string]any{"token_ttl": "1h"})))
		held := func() int {
			accessors, _ := s.must(t, "LIST", "auth/token/accessors", nil).Body["data"].(map[string]any)["keys"].([]any)
			return len(accessors)
		}
		before := held()
		wantError(t, keyStatus(t, c), nil)
		if n := held() - before; n != 1 {
			t.Fatalf("%d tokens", n)
		}
		c.Close()
		if n := held() - before; n != 0 {
			t.Errorf("%d tokens are left", n)
		}
	})
}

// A ceremony may last longer than the last token.
func TestTokenThatCannotBeReplacedIsNotCalledRenewed(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	c := s.client(
		t, loginBy(s.appRole(t, map[string]any{"token_ttl": "30s", "token_max_ttl": "30s", "secret_id_num_uses": 1})),
	)
	state, err := c.OwnToken(t.Context())
	if err != nil || !state.Renewed {
		t.Errorf("at first: %+v, %v", state, err)
	}
	eventually(t, "a second login", func() bool {
		state, err = c.OwnToken(t.Context())
		return err != nil || len(s.emulator.Log(loginRoute)) > 1
	})
	if state, err := c.OwnToken(t.Context()); err != nil || state.Renewed || !state.Exists {
		t.Errorf("with the last token: %+v, %v", state, err)
	}
}

func asMissingRight(err error) (*vault.MissingRight, bool) {
	return errors.AsType[*vault.MissingRight](err)
}
