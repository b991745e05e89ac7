package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"conclave/needs"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/realvault"
)

// vaultRun is how a command of Vault's is run: what is begun before, what it prints, and what people fill in.
type vaultRun struct {
	begins string   // the path of an attempt that is begun before, whose nonce is filled in for NONCE
	fill   []string // pairs
	wants  string
	sealed bool // the server is sealed, and has one share
	fails  bool // there is nothing that it could act on, and it says so in these words
}

var vaultRuns = map[string]vaultRun{
	"vault status":                              {wants: `Sealed +false`},
	"vault list auth/token/accessors":           {wants: `Keys`},
	"vault operator rekey -cancel -nonce=NONCE": {begins: "sys/rekey/init", wants: `Success`},
	"vault operator rekey -cancel -nonce=77b1c2d3-1111-4222-8333-944455566677": {
		begins: "sys/rekey/init", fill: []string{"77b1c2d3-1111-4222-8333-944455566677", "NONCE"}, wants: `Success`},
	"vault operator rekey -backup-retrieve":                  {wants: `no backed-up keys found`, fails: true},
	"vault operator rekey%s -backup-retrieve":                {fill: []string{"%s", " -target=recovery"}, wants: `no backed-up keys found`, fails: true},
	"vault operator generate-root -cancel":                   {begins: "sys/generate-root/attempt", wants: `Success`},
	"vault operator unseal -reset":                           {sealed: true, wants: `Unseal Progress +0/2|Sealed +true`},
	"vault token lookup -format=json | jq -r .data.accessor": {wants: `^\w{24}$`},
	"vault token lookup":                                     {wants: `accessor`},
	"vault token revoke -self":                               {wants: `Success`},
	"conclave policy prod | vault policy write conclave -": {
		fill: []string{"conclave policy prod", "cat policy"}, wants: `Success`},
}

// vaultNames are commands of Vault's that are named and not run: a server, or one that a person completes.
var vaultNames = []string{
	"vault server -recovery", "vault operator init", "vault token revoke -accessor",
	// A server of Vault Enterprise has the path.
	"vault write sys/replication/dr/secondary/operation-token/delete dr_operation_token=-",
	// TestTokenThatARealVaultHasMadeIsDecoded holds what it prints.
	`vault operator generate-root -decode=ENCODED -otp="$(cat otp.txt)"`,
}

// TestPrintedVaultCommandsWork runs what people are told to run against Vault, in each shell, with a real server.
func TestPrintedVaultCommandsWork(t *testing.T) {
	needs.Programs(t, append([]string{"jq"}, printedShells...)...)
	for text, where := range printed(t) {
		if _, run := vaultRuns[text]; !run && strings.Contains(text, "vault ") && !strings.HasPrefix(text, "(") &&
			!slices.Contains(vaultNames, text) && !strings.HasPrefix(text, "/ceremony") {
			t.Errorf("%s prints a command that is not run: %s", where, text)
		}
	}
	server := realvault.StartReal(t, realvault.RealOptions{})
	op, keys := vaulttest.Open(t, server, 3, 2)
	dir := t.TempDir()
	binary, err := filepath.Abs(".build/vault")
	if err != nil {
		t.Fatal(err)
	}
	if named := os.Getenv("CONCLAVE_VAULT_BINARY"); named != "" {
		binary = named
	}
	if err := os.Symlink(binary, filepath.Join(dir, "vault")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "policy"), []byte(`path "sys/rekey/init" { capabilities = ["read"] }`), 0o600); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for text, run := range vaultRuns {
		for _, shell := range printedShells {
			made, err := op.Must(t.Context(), "POST", "auth/token/create", nil)
			if err != nil {
				t.Fatal(err)
			}
			token := made.Auth().String("client_token")
			if run.sealed {
				if err := op.Seal(t.Context()); err != nil {
					t.Fatal(err)
				}
				if a, err := op.Do(t.Context(), "PUT", "sys/unseal", map[string]string{"key": keys.Shares[0]}); err != nil || a.Status != 200 {
					t.Fatalf("%+v, %v", a, err)
				}
			}
			line := strings.NewReplacer(append(run.fill, "\x00", "")...).Replace(text)
			if run.begins != "" {
				a, err := op.Must(t.Context(), "PUT", run.begins, map[string]any{"secret_shares": 3, "secret_threshold": 2})
				if err != nil {
					t.Fatal(err)
				}
				line = strings.ReplaceAll(line, "NONCE", a.String("nonce"))
			}
			cmd := exec.Command(shell, "-c", line)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "VAULT_ADDR="+server.Addr(), "VAULT_TOKEN="+token, "HOME="+dir)
			out, err := cmd.CombinedOutput()
			if (err != nil) != run.fails || !regexp.MustCompile("(?mi)"+run.wants).Match(out) {
				t.Errorf("%s: %s: %v: %s", shell, line, err, out)
			}
			if run.sealed {
				if err := op.Unseal(t.Context(), keys.Shares...); err != nil {
					t.Fatal(err)
				}
			}
			ran++
		}
	}
	t.Logf("%d commands in %d shells: %d runs", len(vaultRuns), len(printedShells), ran)
}
