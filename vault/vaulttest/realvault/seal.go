package realvault

import (
	"testing"

	"conclave/vault/vaulttest"
)

// startTransit starts a real server whose transit engine keeps the key that another server unseals itself with, and
// returns that one's seal configuration. Losing this server would seal the other for good: it lives in memory and ends
// with the test.
func startTransit(t testing.TB) map[string]any {
	t.Helper()
	transit := StartReal(t, RealOptions{Storage: "inmem"})
	operator, keys := vaulttest.Open(t, transit, 1, 1)
	if _, err := operator.Must(t.Context(), "PUT", "sys/mounts/transit",
		map[string]string{"type": "transit"}); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.Must(t.Context(), "PUT", "transit/keys/unseal", map[string]any{}); err != nil {
		t.Fatal(err)
	}
	return map[string]any{"transit": map[string]any{
		"address": transit.Addr(), "token": keys.RootToken, "disable_renewal": "true",
		"mount_path": "transit/", "key_name": "unseal",
	}}
}
