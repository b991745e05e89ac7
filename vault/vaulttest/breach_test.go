package vaulttest_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/record"
)

func TestLogShowsMarksInPlaceOfSecrets(t *testing.T) {
	f := start(t, vaulttest.Options{Unruly: true})
	nonce := f.startRekey()
	raw, _ := hex.DecodeString(f.shares[1])
	f.want(200, "PUT", "sys/rekey/update", body{"key": f.shares[0], "nonce": nonce})
	f.want(200, "PUT", "sys/rekey/update", body{"KEY": base64.StdEncoding.EncodeToString(raw), "nonce": nonce})
	f.want(404, "GET", "sys/"+f.shares[2], nil)
	f.want(400, "PUT", "sys/rekey/update", body{"key": "a canary that is no share", "nonce": nonce})
	f.want(200, "PUT", "auth/token/lookup", body{"token": f.op.Token})

	updates := f.Log("PUT sys/rekey/update")
	if got := updates[0].Body["key"]; got != record.Mark(f.shares[0]) {
		t.Errorf("the first share is logged as %v", got)
	}
	if got := updates[1].Body["KEY"]; got != record.Mark(f.shares[1]) {
		t.Errorf("the share in base64 is logged as %v", got)
	}
	if updates[0].Body["nonce"] != nonce || updates[0].Status != 200 || updates[0].Token != record.Mark(f.op.Token) {
		t.Errorf("logged %v", updates[0])
	}
	log := fmt.Sprintf("%+v", f.Log(""))
	encoded, err := json.Marshal(f.Log(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range append(f.shares, "a canary that is no share", f.op.Token,
		base64.StdEncoding.EncodeToString(raw)) {
		if strings.Contains(log, secret) || strings.Contains(string(encoded), secret) {
			t.Error("a secret is in the log")
		}
	}
}

func TestClientThatBreaksARuleIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		rule string
		run  func(f *fixture, nonce string)
	}{
		"share in the path": {"sent a secret in the URL", func(f *fixture, _ string) {
			f.want(404, "GET", "sys/rekey/"+f.shares[0], nil)
		}},
		"share in the query": {"sent a secret in the URL", func(f *fixture, _ string) {
			f.want(200, "GET", "sys/rekey/init?key="+strings.ToUpper(f.shares[0]), nil)
		}},
		"share in a header": {"sent a secret in header X-Note", func(f *fixture, _ string) {
			req, err := http.NewRequestWithContext(f.t.Context(), "GET", f.Addr()+"/v1/sys/health", nil)
			if err != nil {
				f.t.Fatal(err)
			}
			req.Header.Set("X-Note", "my share is "+f.shares[0])
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				f.t.Fatal(err)
			}
			resp.Body.Close()
		}},
		"share where none belongs": {"sent a secret in the body", func(f *fixture, _ string) {
			f.want(400, "DELETE", "sys/rekey/init", body{"nonce": f.shares[0]})
		}},
		"token in the query": {"sent a secret in the URL", func(f *fixture, _ string) {
			f.want(200, "GET", "sys/rekey/init?token="+f.op.Token, nil)
		}},
		"share twice": {"sent a share twice in one round", func(f *fixture, nonce string) {
			f.want(200, "PUT", "sys/rekey/update", body{"key": f.shares[0], "nonce": nonce})
			f.want(400, "PUT", "sys/rekey/update", body{"key": f.shares[0], "nonce": nonce})
		}},
		"lost answer": {"repeated a write of uncertain outcome without asking", func(f *fixture, nonce string) {
			f.want(200, "PUT", "sys/rekey/update", body{"key": f.shares[0], "nonce": nonce})
			f.Script(vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.HangUpAfter()})
			f.hangsUp("PUT", "sys/rekey/update", body{"key": f.shares[1], "nonce": nonce})
			f.want(400, "PUT", "sys/rekey/update", body{"key": f.shares[1], "nonce": nonce})
		}},
		// A wrong quorum gets a 500. A client that repeats on 500 puts its share into the next round and takes that for
		// success.
		"wrong quorum": {"repeated a write of uncertain outcome without asking", func(f *fixture, nonce string) {
			wrong := body{"key": strings.Repeat("ab", 33), "nonce": nonce}
			f.want(200, "PUT", "sys/rekey/update", body{"key": f.shares[0], "nonce": nonce})
			f.want(500, "PUT", "sys/rekey/update", wrong)
			f.want(200, "PUT", "sys/rekey/update", wrong)
		}},
		"started twice": {"repeated a write of uncertain outcome without asking", func(f *fixture, _ string) {
			f.Script(vaulttest.Fault{Route: "PUT sys/generate-root/attempt", Do: vaulttest.RefuseAfter(500)})
			f.want(500, "PUT", "sys/generate-root/attempt", nil)
			f.want(400, "PUT", "sys/generate-root/attempt", nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, vaulttest.Options{Unruly: true})
			c.run(f, f.startRekey())
			breaches := f.Breaches()
			if len(breaches) == 0 || !strings.HasPrefix(breaches[0].Rule, c.rule) {
				t.Errorf("breaches %v, want %q", breaches, c.rule)
			}
			for _, share := range f.shares {
				if strings.Contains(fmt.Sprint(breaches), share) {
					t.Error("the report shows the share")
				}
			}
		})
	}
}

func TestClientThatAsksBeforeItRepeatsBreaksNoRule(t *testing.T) {
	f := start(t, vaulttest.Options{})
	nonce := f.startRekey()
	share := body{"key": f.shares[0], "nonce": nonce}
	f.Script(
		vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.HangUp()},
		vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.TooMany(0)},
		vaulttest.Fault{Route: "PUT sys/rekey/update", Do: vaulttest.Sealed()},
	)
	f.hangsUp("PUT", "sys/rekey/update", share)
	if f.progress() != 0 {
		t.Fatal("the share was counted")
	}
	f.want(429, "PUT", "sys/rekey/update", share) // and a refusal that says it wasn't applied may be followed at once
	f.want(503, "PUT", "sys/rekey/update", share)
	f.want(200, "PUT", "sys/rekey/update", share)
	f.want(200, "PUT", "sys/rekey/update", body{"key": f.shares[1], "nonce": nonce})
	if got := f.Breaches(); len(got) != 0 {
		t.Errorf("breaches %v", got)
	}
}

func TestClientThatAsksBeforeItRotatesOrRevokesAgainBreaksNoRule(t *testing.T) {
	f := start(t, vaulttest.Options{Dialect: vaulttest.OpenBao})
	_, accessor, err := f.op.NewToken(t.Context(), `path "x" { capabilities = ["read"] }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	for route, c := range map[string]struct{ request, method, path string }{
		"sys/rotate/keyring":         {"", "GET", "sys/key-status"},
		"sys/rotate":                 {"", "GET", "sys/key-status"},
		"auth/token/revoke-accessor": {`{"accessor": "` + accessor + `"}`, "PUT", "auth/token/lookup-accessor"},
	} {
		f.Script(vaulttest.Fault{Route: "PUT " + route, Do: vaulttest.HangUp()})
		f.hangsUp("PUT", route, c.request)
		f.want(200, c.method, c.path, c.request)
		f.want(204, "PUT", route, c.request)
	}
}

func TestClientThatAsksOrLogsInTwiceBreaksNoRule(t *testing.T) {
	f := start(t, vaulttest.Options{})
	f.AdmitKubernetes("bot", "a.service.account")
	for path, request := range map[string]any{
		"auth/kubernetes/login":  body{"role": "bot", "jwt": "a.service.account"},
		"auth/token/renew-self":  nil,
		"sys/capabilities-self":  body{"paths": []string{"sys/rotate"}},
		"auth/token/lookup-self": nil,
		"auth/token/lookup":      body{"token": f.op.Token},
	} {
		f.Script(vaulttest.Fault{Route: "PUT " + path, Do: vaulttest.HangUp()})
		f.hangsUp("PUT", path, request)
		f.send(f.op, "PUT", path, request)
	}
	if log := fmt.Sprint(f.Log("")); strings.Contains(log, "a.service.account") {
		t.Error("the log shows what somebody logged in with")
	}
}

// OpenBao answers as if all were well where its client can ruin a ceremony.
func TestClientThatOpenBaoDoesNotStopIsFound(t *testing.T) {
	const path = "sys/rotate/root/"
	for rule, run := range map[string]func(f *fixture){
		"asked for a new root key without anybody's share": func(f *fixture) {
			f.send(f.op.As(""), "PUT", "sys/rotate/root",
				nil)
		},
		"sent 3 bytes for a share": func(f *fixture) {
			nonce := f.want(200, "PUT", path+"init", body{"secret_shares": 3, "secret_threshold": 2}).Data().String("nonce")
			f.want(200, "PUT", path+"update", body{"key": "AAAA", "nonce": nonce})
		},
		"sent a share twice in one round": func(f *fixture) {
			nonce := f.want(200, "PUT", path+"init",
				body{"secret_shares": 5, "secret_threshold": 3, "require_verification": true}).Data().String("nonce")
			f.want(200, "PUT", path+"update", body{"key": f.shares[0], "nonce": nonce})
			last := f.want(200, "PUT", path+"update", body{"key": f.shares[1], "nonce": nonce}).Data()
			share := body{"key": last.Strings("keys")[0], "nonce": last.String("verification_nonce")}
			f.want(200, "PUT", path+"verify", share)
			f.want(200, "PUT", path+"verify", share)
		},
		"repeated a write of uncertain outcome without asking": func(f *fixture) {
			nonce := f.want(200, "PUT", "sys/generate-root-token/attempt", nil).Data().String("nonce")
			f.want(200, "PUT", "sys/generate-root-token/update", body{"key": f.shares[0], "nonce": nonce})
			f.want(500, "PUT", "sys/generate-root-token/update", body{"key": f.shares[1], "nonce": "n"})
			f.want(500, "PUT", "sys/generate-root-token/update", body{"key": f.shares[1], "nonce": "n"})
		},
	} {
		t.Run(rule, func(t *testing.T) {
			f := start(t, vaulttest.Options{Dialect: vaulttest.OpenBao, Unruly: true})
			run(f)
			if breaches := f.Breaches(); len(breaches) != 1 || breaches[0].Rule != rule {
				t.Errorf("breaches %v", breaches)
			}
		})
	}
}
