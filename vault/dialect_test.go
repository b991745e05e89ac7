package vault_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// closedDialects ask for a token.
var closedDialects = map[vault.Dialect]vaulttest.Options{
	vault.Closed:  {Dialect: vaulttest.Vault2},
	vault.OpenBao: {Dialect: vaulttest.OpenBao},
}

// onEachDialect runs a test on an emulator of each dialect, with each kind of seal.
func onEachDialect(t *testing.T, test func(*testing.T, *server, vault.Dialect)) {
	t.Parallel()
	all := map[vault.Dialect]vaulttest.Options{vault.Open: {}}
	for d, o := range closedDialects {
		all[d] = o
	}
	for d, o := range all {
		t.Run(string(d), func(t *testing.T) { test(t, startEmulator(t, o), d) })
		o.Seal = "transit"
		t.Run(string(d)+", unseals itself", func(t *testing.T) { test(t, startEmulator(t, o), d) })
	}
}

func TestEveryOperationWorksInEveryDialect(t *testing.T) {
	onEachDialect(t, func(t *testing.T, s *server, d vault.Dialect) {
		c := s.client(t)
		if err := s.play(t, c); err != nil {
			t.Fatal(err)
		}
		for _, op := range []ceremony.Operation{s.rekey, ceremony.GenerateRoot} {
			if got, err := c.Dialect(t.Context(), op); err != nil || got != d {
				t.Errorf("the dialect of %s is %q, %v", op, got, err)
			}
			if got := progressOf(t, c, op, ceremony.StepUpdate); got.Started || got.Required != threshold || got.Nonce != "" {
				t.Errorf("%s is not idle: %+v", op, got)
			}
		}
		if breaches := s.emulator.Breaches(); len(breaches) > 0 {
			t.Errorf("the rules were broken: %v", breaches)
		}
	})
}

func TestTokenForAPasswordIsMadeInEveryDialect(t *testing.T) {
	onEachDialect(t, func(t *testing.T, s *server, _ vault.Dialect) {
		c := s.client(t)
		fitting := password[:progressOf(t, c, ceremony.GenerateRoot, ceremony.StepUpdate).OTPLength]
		begun := start(t, c, rootForPassword(fitting))
		answer := submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold]...)
		if ok, err := s.operator.IsRootToken(t.Context(), tokenIn(t, answer.Encoded, fitting)); err != nil || !ok {
			t.Errorf("the decoded token is a root token: %v, %v", ok, err)
		}
	})
}

func TestProductIsTold(t *testing.T) {
	onEachDialect(t, func(t *testing.T, s *server, d vault.Dialect) {
		want := "Vault"
		if d == vault.OpenBao {
			want = "OpenBao"
		}
		// Nothing is asked that would need a token, and neither is the dialect.
		for _, operations := range [][]ceremony.Operation{s.operations(), {ceremony.Drill}} {
			if got := s.client(t).Check(t.Context(), operations, true); got.Product != want {
				t.Errorf("the product is %q", got.Product)
			}
		}
	})
}

func TestEndpointsThatTheirOperatorOpenedNeedNoToken(t *testing.T) {
	t.Parallel()
	for d, o := range closedDialects {
		o.OpenEndpoints = []string{"rekey"}
		s := startEmulator(t, o)
		c := s.client(t, withoutToken)
		begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
		submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:2]...)
		_, err := c.Start(t.Context(), rootForPassword(password))
		wantError(t, err, ceremony.ErrForbidden)
		for op, want := range map[ceremony.Operation]vault.Dialect{ceremony.Rekey: vault.Open, ceremony.GenerateRoot: d} {
			if got, err := c.Dialect(t.Context(), op); err != nil || got != want {
				t.Errorf("%s: the dialect of %s is %q, %v", d, op, got, err)
			}
		}
	}
}

func TestMissingRightIsNamedByTheLineThatGrantsIt(t *testing.T) {
	t.Parallel()
	for d, path := range map[vault.Dialect]string{vault.Closed: "sys/rekey/init", vault.OpenBao: "sys/rotate/root/init"} {
		s := startEmulator(t, closedDialects[d])
		weak, _ := s.mint(t, map[string]any{"policies": []string{"default"}, "ttl": "1h"})
		for claim, alter := range map[string]func(*vault.Config){"a weak token": tokenOf(t, weak), "no token": withoutToken} {
			_, err := s.client(t, alter).Start(t.Context(), s.rekeyFor(t, people(t, 2), 2))
			wantError(t, err, ceremony.ErrForbidden)
			missing, ok := errors.AsType[*vault.MissingRight](err)
			if !ok || missing.Path != path {
				t.Errorf("%s, %s: %v", d, claim, err)
			}
		}
		_, err := s.client(t, tokenOf(t, "hvs.unknown")).Start(t.Context(), s.rekeyFor(t, people(t, 2), 2))
		wantError(t, err, ceremony.ErrForbidden)
		if _, named := errors.AsType[*vault.MissingRight](err); named {
			t.Errorf("%s: a token that is unknown lacks no right: %v", d, err)
		}
	}
}

// Which endpoints a server asks sudo for is up to it; told that the rest is there,
// there is nothing else to name.
func TestSudoIsNamedWhereEverythingElseIsThere(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, closedDialects[vault.Closed])
	token, _ := s.mint(t, map[string]any{"policies": []string{"conclave"}, "ttl": "1h"})
	s.must(t, "PUT", "sys/policies/acl/conclave", map[string]string{"policy": vault.Policy(vault.Rights(s.uses(vault.Closed), false))})
	s.emulator.Script(
		vaulttest.Fault{Route: "PUT sys/rekey/init", Do: vaulttest.Refuse(http.StatusForbidden, "permission denied")},
	)
	_, err := s.client(t, tokenOf(t, token)).Start(t.Context(), s.rekeyFor(t, people(t, 2), 2))
	missing, ok := errors.AsType[*vault.MissingRight](err)
	if !ok || !slices.Equal(missing.Capabilities, []string{"update", "sudo"}) {
		t.Errorf("error %v", err)
	}
}

// A reload of its configuration changes what a server wants, between two questions.
func TestServerIsAskedAgainWhenAnAnswerDoesNotFit(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Dialect: vaulttest.OpenBao, OpenEndpoints: []string{"rekey"}})
	c := s.client(t)
	begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
	s.emulator.Script(
		vaulttest.Fault{Route: "sys/rekey/init", Times: vaulttest.Always, Do: vaulttest.Refuse(http.StatusMethodNotAllowed)},
	)
	s.emulator.Script(vaulttest.Fault{Route: "sys/rekey/update", Times: vaulttest.Always, Do: vaulttest.Refuse(http.StatusMethodNotAllowed)})
	_, err := c.Submit(t.Context(), submission(s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0]))
	wantError(t, err, ceremony.ErrUnsupported) // and nothing was counted
	if got := progressOf(t, c, s.rekey, ceremony.StepUpdate); got.Nonce != begun.Nonce || got.Progress != 0 {
		t.Errorf("asked again: %+v", got)
	}
	submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0])
	if got := progressOf(t, c, s.rekey, ceremony.StepUpdate); got.Progress != 1 {
		t.Errorf("progress is %d, want 1", got.Progress)
	}
}

// OpenBao answers 500 to a wrong nonce and to a duplicate of a root token's share,
// though nothing came of it. That is uncertain until it is asked (P5).
func TestP5OpenBaosServerErrorIsSettledByAsking(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Dialect: vaulttest.OpenBao, Unruly: true})
	c := s.client(t)
	begun := start(t, c, rootFor(t, vaulttest.NewPerson(t, "requester")))
	submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0])
	for _, bad := range []ceremony.Submission{
		submission(ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[0]),
		submission(ceremony.GenerateRoot, ceremony.StepUpdate, "11111111-2222-3333-4444-555555555555", s.keys.Shares[1]),
	} {
		_, err := c.Submit(t.Context(), bad)
		wantError(t, err, ceremony.ErrUncertain)
		if got := progressOf(t, c, ceremony.GenerateRoot, ceremony.StepUpdate); got.Progress != 1 || got.Nonce != begun.Nonce {
			t.Errorf("asked afterwards: %+v", got)
		}
	}
}

func TestNamespaceIsSentAndKeysBelongToTheRootNamespace(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Dialect: vaulttest.OpenBao, Namespaces: []string{"team"}})
	c := s.client(t, func(c *vault.Config) { c.Namespace = "team" })
	if seal, err := c.Seal(t.Context()); err != nil || seal.Threshold != threshold {
		t.Errorf("the node's own endpoint: %+v, %v", seal, err)
	}
	_, err := c.Progress(t.Context(), ceremony.Rekey, ceremony.StepUpdate)
	wantError(t, err, ceremony.ErrRefused)
	r := c.Check(t.Context(), s.operations(), true)
	wantFinding(t, r, true, "leave namespace out")
	if found := stops(s.client(t).Check(t.Context(), s.operations(), true)); len(found) > 0 {
		t.Errorf("in the root namespace it finds %q", found)
	}
}

// P2: the new shares of a recovery key without shares would be handed out at once,
// on nobody's share.
func TestRekeyThatAsksNobodyIsNotStarted(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{Dialect: vaulttest.OpenBao, Seal: "transit"})
	s.emulator.Script(vaulttest.Fault{Route: "GET sys/rotate/recovery/init", Times: vaulttest.Always, Do: vaulttest.Lie(func(a map[string]any) {
		a["data"].(map[string]any)["seal_threshold"] = 0
	})})
	_, err := s.client(t).Start(t.Context(), s.rekeyFor(t, people(t, 2), 2))
	wantError(t, err, ceremony.ErrUnsupported)
	if sent := s.emulator.Log("PUT sys/rotate/recovery/init"); len(sent) > 0 {
		t.Errorf("it was sent: %v", sent)
	}
}

// OpenBao's bare sys/rotate/root makes a new root key without anybody's share, and
// lost every share by it once.
func TestRootKeyIsNeverRotatedWithoutShares(t *testing.T) {
	onEachDialect(t, func(t *testing.T, s *server, _ vault.Dialect) {
		if err := s.play(t, s.client(t)); err != nil {
			t.Fatal(err)
		}
		for _, r := range s.emulator.Log("") {
			if strings.TrimSuffix(r.Path, "/") == "sys/rotate/root" {
				t.Errorf("it was called: %v", r)
			}
		}
	})
}
