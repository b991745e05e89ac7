package vaulttest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/vault/vaulttest"
)

func TestFaultsComeInPairsOfAppliedAndNot(t *testing.T) {
	for name, c := range map[string]struct {
		act     vaulttest.Act
		status  int // 0: no answer
		applied bool
	}{
		"refused":              {vaulttest.Refuse(500, "storage is down"), 500, false},
		"refused, but applied": {vaulttest.RefuseAfter(500, "storage is down"), 500, true},
		"connection lost":      {vaulttest.HangUp(), 0, false},
		"answer lost":          {vaulttest.HangUpAfter(), 0, true},
		"no leader":            {vaulttest.NoLeader(), 500, false},
		"sealed":               {vaulttest.Sealed(), 503, false},
		"rate limited":         {vaulttest.TooMany(2 * time.Second), 429, false},
		"elsewhere":            {vaulttest.RedirectTo("http://127.0.0.1:1"), 307, false},
		"late":                 {vaulttest.Slow(time.Millisecond), 200, true},
		"late answer":          {vaulttest.SlowAfter(time.Millisecond), 200, true},
		"late, then lost":      {vaulttest.Chain(vaulttest.Slow(time.Millisecond), vaulttest.HangUpAfter()), 0, true},
		"nothing":              {vaulttest.Chain(), 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, vaulttest.Options{})
			nonce := f.startRekey()
			f.Script(vaulttest.Fault{Route: "POST sys/rekey/update", Do: c.act})
			share := body{"key": f.shares[0], "nonce": nonce}
			if c.status == 0 {
				f.hangsUp("PUT", "sys/rekey/update", share)
			} else {
				f.want(c.status, "PUT", "sys/rekey/update", share)
			}
			if applied := f.progress() == 1; applied != c.applied {
				t.Errorf("applied is %t, want %t", applied, c.applied)
			}
			if got := f.Log("PUT sys/rekey/update")[0].Status; got != c.status {
				t.Errorf("logged status %d, want %d", got, c.status)
			}
			f.want(200, "PUT", "sys/rekey/update", body{"key": f.shares[1], "nonce": nonce})
		})
	}
}

// Each write of a key operation can fail, and can fail although it was applied.
func TestEveryWriteFailsInBothWays(t *testing.T) {
	bao := vaulttest.Options{Dialect: vaulttest.OpenBao}
	for route, c := range map[string]struct {
		options vaulttest.Options
		body    func(f *fixture) any
		applied func(f *fixture) bool
	}{
		"PUT sys/rotate/root/init": {bao,
			func(*fixture) any { return body{"secret_shares": 1, "secret_threshold": 1} },
			func(f *fixture) bool { return f.want(200, "GET", "sys/rotate/root/init", nil).Data().Bool("started") },
		},
		"PUT sys/generate-root-token/attempt": {bao, nil,
			func(f *fixture) bool {
				return f.want(200, "GET", "sys/generate-root-token/attempt", nil).Data().Bool("started")
			}},
		"PUT sys/rekey/init": {vaulttest.Options{Dialect: vaulttest.Vault2},
			func(*fixture) any { return body{"secret_shares": 1, "secret_threshold": 1} },
			func(f *fixture) bool { return f.want(200, "GET", "sys/rekey/init", nil).Data().Bool("started") },
		},
		"PUT sys/replication/dr/secondary/generate-operation-token/attempt": {vaulttest.Options{DRSecondary: true}, nil,
			func(f *fixture) bool {
				return f.want(200, "GET", "sys/replication/dr/secondary/generate-operation-token/attempt", nil).Bool("started")
			}},
		"PUT sys/rotate": {vaulttest.Options{}, nil,
			func(f *fixture) bool { return f.want(200, "GET", "sys/key-status", nil).Int("term") == 2 }},
		"PUT sys/rotate/config": {vaulttest.Options{},
			func(*fixture) any { return body{"interval": "72h"} },
			func(f *fixture) bool {
				return f.want(200, "GET", "sys/rotate/config", nil).Data().String("interval") == "72h0m0s"
			},
		},
		"PUT sys/unseal": {vaulttest.Options{},
			func(f *fixture) any {
				f.Node(1).Seal()
				return body{"key": f.shares[0]}
			},
			func(f *fixture) bool { return f.want(200, "GET", "sys/seal-status", nil).Int("progress") == 1 },
		},
		"PUT sys/generate-root/attempt": {vaulttest.Options{}, nil,
			func(f *fixture) bool { return f.want(200, "GET", "sys/generate-root/attempt", nil).Bool("started") }},
		"PUT sys/generate-recovery-token/attempt": {vaulttest.Options{},
			func(f *fixture) any {
				f.RestartInRecoveryMode(f.t)
				return nil
			},
			func(f *fixture) bool {
				return f.want(200, "GET", "sys/generate-recovery-token/attempt", nil).Bool("started")
			},
		},
		"PUT auth/token/revoke-self": {vaulttest.Options{}, nil,
			func(f *fixture) bool { return f.send(f.op, "GET", "auth/token/lookup-self", nil).Status == 403 }},
		"PUT sys/policies/acl/bot": {vaulttest.Options{},
			func(*fixture) any { return body{"policy": `path "x" { capabilities = ["read"] }`} },
			func(f *fixture) bool { return f.send(f.op, "GET", "sys/policies/acl/bot", nil).Status == 200 },
		},
	} {
		for applied, act := range map[bool]vaulttest.Act{
			false: vaulttest.HangUp(),
			true:  vaulttest.HangUpAfter(),
		} {
			t.Run(fmt.Sprintf("%s applied %t", route, applied), func(t *testing.T) {
				f := start(t, c.options)
				var request any
				if c.body != nil {
					request = c.body(f)
				}
				f.Script(vaulttest.Fault{Route: route, Do: act})
				method, path, _ := strings.Cut(route, " ")
				f.hangsUp(method, path, request)
				if got := c.applied(f); got != applied {
					t.Errorf("applied is %t, want %t", got, applied)
				}
			})
		}
	}
}

func TestRefusalsCarryTheirHeaders(t *testing.T) {
	f := start(t, vaulttest.Options{})
	f.Script(
		vaulttest.Fault{Route: "GET sys/rekey/init", Do: vaulttest.TooMany(7 * time.Second)},
		vaulttest.Fault{Route: "GET sys/rekey/init", Do: vaulttest.RedirectTo("https://elsewhere.example:8200")},
	)
	if got := f.want(429, "GET", "sys/rekey/init", nil).Header.Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After is %q", got)
	}
	const want = "https://elsewhere.example:8200/v1/sys/rekey/init?a=b"
	if got := f.want(307, "GET", "sys/rekey/init?a=b", nil).Header.Get("Location"); got != want {
		t.Errorf("Location is %q, want %q", got, want)
	}
}

func TestFaultSkipsAndRepeats(t *testing.T) {
	f := start(t, vaulttest.Options{})
	f.Script(
		vaulttest.Fault{Route: "sys/rekey/init", Skip: 1, Times: 2, Do: vaulttest.Refuse(500)},
		vaulttest.Fault{Route: "sys/rekey/init", Skip: 1, Do: vaulttest.Refuse(502)},
		vaulttest.Fault{Route: "GET sys/health", Times: vaulttest.Always, Do: vaulttest.Refuse(504)},
	)
	var got []int
	for range 5 {
		got = append(got, f.send(f.op, "GET", "sys/rekey/init", nil).Status)
		f.want(504, "GET", "sys/health", nil)
	}
	if want := []int{200, 500, 500, 502, 200}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	f.Unscript()
	f.want(200, "GET", "sys/health", nil)
}

func TestFaultThatNeverHappensIsReported(t *testing.T) {
	f := start(t, vaulttest.Options{})
	f.Script(
		vaulttest.Fault{Route: "PUT sys/seal", Do: vaulttest.HangUp()},
		vaulttest.Fault{Times: vaulttest.Always, Route: "PUT sys/rotate", Do: vaulttest.HangUp()},
	)
	if got := f.Unfired(); len(got) != 2 {
		t.Errorf("unfired: %q", got)
	}
	f.Unscript()
}

func TestFaultOfOneNodeSparesTheOthers(t *testing.T) {
	f := start(t, vaulttest.Options{Nodes: 2})
	f.Script(vaulttest.Fault{Node: 2, Do: vaulttest.Refuse(500)})
	f.want(200, "GET", "sys/rekey/init", nil)
	if got := f.send(f.at(2), "GET", "sys/rekey/init", nil).Status; got != 500 {
		t.Errorf("node 2 answers %d", got)
	}
}

func TestVaultLiesOnDemand(t *testing.T) {
	f := start(t, vaulttest.Options{})
	nonce := f.startRekey()
	f.Script(vaulttest.Fault{Route: "GET sys/rekey/init", Do: vaulttest.Lie(func(answer map[string]any) {
		answer["nonce"] = "another"
	})})
	lie := f.want(200, "GET", "sys/rekey/init", nil)
	if lie.String("nonce") != "another" || lie.Int("n") != 3 {
		t.Errorf("the lie is %v", lie.Body)
	}
	if got := f.want(200, "GET", "sys/rekey/init", nil).String("nonce"); got != nonce {
		t.Errorf("after the lie the nonce is %s, want %s", got, nonce)
	}
}

func TestSomebodyActsBehindTheClientsBack(t *testing.T) {
	f := start(t, vaulttest.Options{})
	nonce := f.startRekey()
	f.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.Before(func() {
		f.want(204, "DELETE", "sys/rekey/init", body{"nonce": nonce})
	})})
	f.want(400, "PUT", "sys/rekey/update", body{"key": f.shares[0], "nonce": nonce})

	nonce = f.startRekey()
	f.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.After(f.Node(1).Seal)})
	f.want(200, "PUT", "sys/rekey/update", body{"key": f.shares[0], "nonce": nonce})
	f.want(503, "GET", "sys/rekey/init", nil)
}

func TestRequestIsAppliedThoughItsClientLeft(t *testing.T) {
	f := start(t, vaulttest.Options{})
	nonce := f.startRekey()
	entered, release := make(chan struct{}), make(chan struct{})
	f.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.Before(func() {
		close(entered)
		<-release
	})})
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-entered
		leave()
	}()
	if _, err := f.op.Do(ctx, "PUT", "sys/rekey/update", body{"key": f.shares[0], "nonce": nonce}); !errors.Is(err,
		context.Canceled) {
		t.Fatalf("the client got %v", err)
	}
	close(release)
	for f.progress() != 1 {
		time.Sleep(time.Millisecond) // until the released request got its turn
	}
}
