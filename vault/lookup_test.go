package vault_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// tokenOf has the client use another token.
func tokenOf(t testing.TB, token string) func(*vault.Config) {
	path := writeFile(t, "token", token)
	return func(c *vault.Config) { c.TokenFile = path }
}

// mint makes a token and returns it with its accessor.
func (s *server) mint(t testing.TB, terms map[string]any) (token, accessor string) {
	t.Helper()
	answer, err := s.operator.Do(t.Context(), "PUT", "auth/token/create", terms)
	if err != nil || answer.Status != 200 {
		t.Fatalf("make token: %d %v, %v", answer.Status, answer.Errors, err)
	}
	auth, _ := answer.Body["auth"].(map[string]any)
	token, _ = auth["client_token"].(string)
	accessor, _ = auth["accessor"].(string)
	return token, accessor
}

func TestAccessorTellsAGoneTokenFromAMissingRight(t *testing.T) {
	onEachServer(t, accessorTellsAGoneTokenFromAMissingRight)
}

func accessorTellsAGoneTokenFromAMissingRight(t *testing.T, s *server) {
	c := s.client(t)
	_, lasting := s.mint(t, map[string]any{"policies": []string{"root"}})
	mortal, passing := s.mint(t, map[string]any{"policies": []string{"default"}, "ttl": "1h"})

	before := time.Now().Add(-time.Minute)
	self, err := s.operator.Do(t.Context(), "GET", "auth/token/lookup-self", nil)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := self.Body["data"].(map[string]any)
	made, _ := data["accessor"].(string)
	if got, err := c.Accessor(t.Context(), made); err != nil || !got.Exists || !got.Root {
		t.Errorf("the token that initialisation made: %+v, %v", got, err)
	}
	got, err := c.Accessor(t.Context(), lasting)
	if got.Created.Before(before) || got.Created.After(time.Now().Add(time.Minute)) {
		t.Errorf("a token of just now was made at %v", got.Created)
	}
	got.Created = time.Time{}
	if diff := cmp.Diff(ceremony.TokenState{Exists: true}, got); diff != "" || err != nil {
		t.Errorf("a root token's child with the policy root: %v (-want +got):\n%s", err, diff)
	}
	got, err = c.Accessor(t.Context(), passing)
	if left := time.Until(got.Expires); err != nil || !got.Exists || got.Root || left > time.Hour || left < 50*time.Minute {
		t.Errorf("a token for an hour: %+v, %v", got, err)
	}
	without := s.client(t, tokenOf(t, mortal))
	_, err = without.Accessor(t.Context(), lasting)
	wantError(t, err, ceremony.ErrForbidden)

	if answer, err := s.operator.Do(t.Context(), "PUT", "auth/token/revoke-accessor", map[string]string{"accessor": lasting}); err != nil || answer.Status != 204 {
		t.Fatalf("revoke: %d, %v", answer.Status, err)
	}
	got, err = c.Accessor(t.Context(), lasting)
	if got.Exists || err != nil {
		t.Errorf("a revoked token: %+v, %v", got, err)
	}
}

func TestWhatIsNoAccessorIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	for _, accessor := range []string{"", "a b", "a/b", "../x"} {
		_, err := s.client(t).Accessor(t.Context(), accessor)
		wantError(t, err, ceremony.ErrNotSent)
	}
	if sent := s.emulator.Log("auth/token/lookup-accessor"); len(sent) > 0 {
		t.Errorf("it was sent: %v", sent)
	}
}

func TestOwnTokenTellsItsEndAndWhetherSomebodyRenewsIt(t *testing.T) {
	onEachServer(t, ownTokenTellsItsEnd)
}

func ownTokenTellsItsEnd(t *testing.T, s *server) {
	own := func(alter func(*vault.Config)) ceremony.TokenState {
		t.Helper()
		state, err := s.client(t, alter).OwnToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	if diff := cmp.Diff(ceremony.TokenState{}, own(withoutToken)); diff != "" {
		t.Errorf("without a token (-want +got):\n%s", diff)
	}
	root := own(func(*vault.Config) {})
	root.Created = time.Time{}
	if diff := cmp.Diff(ceremony.TokenState{Exists: true, Root: true}, root); diff != "" {
		t.Errorf("a root token (-want +got):\n%s", diff)
	}
	mortal, _ := s.mint(t, map[string]any{"policies": []string{"default"}, "ttl": "1h"})
	got := own(tokenOf(t, mortal))
	if left := time.Until(got.Expires); !got.Exists || got.Root || got.Renewed || left > time.Hour || left < 50*time.Minute {
		t.Errorf("a token that nobody has renewed: %+v", got)
	}
	agent := *s.operator
	agent.Token = mortal
	if answer, err := agent.Do(t.Context(), "PUT", "auth/token/renew-self", map[string]any{}); err != nil || answer.Status != 200 {
		t.Fatalf("renew: %d, %v", answer.Status, err)
	}
	if got := own(tokenOf(t, mortal)); !got.Renewed {
		t.Errorf("a token that somebody renews: %+v", got)
	}
	_, err := s.client(t, tokenOf(t, "hvs.unknown")).OwnToken(t.Context())
	wantError(t, err, ceremony.ErrForbidden)
}
