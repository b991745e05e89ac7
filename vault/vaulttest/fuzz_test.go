package vaulttest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"conclave/vault/vaulttest"
)

func FuzzEmulatorAnswersAnything(f *testing.F) {
	cluster, err := vaulttest.New(vaulttest.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { cluster.Close() })
	op, _ := vaulttest.Open(f, cluster, 1, 1)
	f.Add("PUT", "sys/rekey/init", `{"secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["AAAA"]}`)
	f.Add("PUT", "sys/rekey/update", `{"key": "AAAAAAAAAAAAAAAAAAAAAA==", "nonce": "n"}`)
	f.Add("PUT", "sys/rekey/verify", `{"key": 1}`)
	f.Add("PUT", "sys/generate-root/update", `[]`)
	f.Add("GET", "sys/health?standbycode=abc", ``)
	f.Add("DELETE", "sys/rekey/init", `{"nonce": null}`)
	f.Add("POST", "auth/token/lookup-accessor", `{"accessor": ""}`)
	f.Add("PUT", "sys/policies/acl/x", `{"policy": "path \"x\" { capabilities = [\"read\"] }"}`)
	f.Add("PUT", "auth/token/create", `{"ttl": "1h", "period": [], "policies": null}`)
	f.Add("PUT", "auth/approle/role/bot", `{"token_policies": {}}`)
	f.Add("PUT", "auth/approle/login", `{"role_id": ""}`)
	f.Add("PUT", "sys/rotate/config", `{"interval": {}, "max_operations": 1e30}`)
	f.Add("PUT", "sys/capabilities-self", `{"paths": [""]}`)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		req, err := http.NewRequest(method, "http://localhost/v1/"+path, strings.NewReader(body))
		if err != nil {
			return // net/http would have refused it before the emulator saw it
		}
		req.Header.Set("X-Vault-Token", op.Token)
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
			}
		}()
		answer := httptest.NewRecorder()
		cluster.Node(1).ServeHTTP(answer, req)
		if answer.Code == 0 || answer.Code >= 600 {
			t.Errorf("status %d", answer.Code)
		}
	})
}
