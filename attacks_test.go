package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/app"
	"conclave/cli"
	"conclave/config"
	"conclave/host"
	"conclave/vault/vaulttest"
)

func TestWhatDecidesWhoTakesPartIsNotForOthersToWrite(t *testing.T) {
	w := openWorkshop(t, newIdentity(t))
	w.replace(t, "    token_file: token\n", "    token_file: token\n    ca_file: ca.pem\n")
	w.write(t, "ca.pem", string(w.cluster.CA()))
	const want = " has mode 0666, which lets everybody on this machine write it: chmod o-w "
	if report, _ := w.check(t.Context()); strings.Contains(report, "which lets") {
		t.Fatalf("check complains of files that are nobody else's:\n%s", report)
	}
	for _, name := range []string{"conclave.yaml", "alice.asc", "ca.pem"} {
		if err := os.Chmod(w.path(name), 0o666); err != nil {
			t.Fatal(err)
		}
		if report, code := w.check(t.Context()); code == cli.ExitOK || !strings.Contains(report, name+want+w.path(name)) {
			t.Errorf(
				"%s may be written by everybody on this machine, and check says, with exit code %d:\n%s", name, code, report,
			)
		}
		if err := os.Chmod(w.path(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const slip = "5f2a9c1b7d3e8f604152637485960718293a4b5c6d7e8f90a1b2c3d4e5f6071899"

func TestSecretOnTheCommandLineIsNotRepeated(t *testing.T) {
	for _, secret := range []string{
		slip, slip[:64], "XyqcG30+j2BBUmN0hZYHGCk6S1xtfo+QobLD1OX2BxiZ", slip[:33] + " " + slip[33:],
		"hvs.CAESIJ0123456789abcdefghijklmnopQRSTUV", "hvb.AAAAAQJ0123456789abcdefghijklmnopQRSTUV-_0123",
		"hvr.3bXq0dA9sLkTz81VnRyEwPcU", "s.7Bm3sQ9xKc2LpVdR5tYwZ8aN",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----",
	} {
		for _, args := range [][]string{
			{"seal", "--identity", strings.Repeat("a", 40), secret},
			{"seal", "--identity", secret},
			{"seal", "--identity=" + secret},
			{"seal", "--identity", strings.Repeat("a", 40), "--yes", "--share", secret, "message.txt"},
			{"verify", secret},
		} {
			var out, errs bytes.Buffer
			code := run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs})
			if said := out.String() + errs.String(); code != cli.ExitUsage || strings.Contains(said, secret) || !strings.Contains(said, "not repeated here") {
				t.Errorf("%v is answered by %d %s", args, code, said)
			}
		}
	}
}

func TestArgumentsThatAreNoSharesAreTaken(t *testing.T) {
	for _, a := range []string{
		"/var/lib/conclave/production/keys/identityxx",
		"--config=/etc/conclave/production/clusters/one/conclaveab",
		"--option", "otp=" + slip[:64], "--option=otp=" + slip[:64],
		"The token is useless without your password. Plan " + slip[:64] + ", conclave decode --otp otp.txt " + encoded(tokenOfTest, padOfTest),
		encoded(tokenOfTest, padOfTest), "B5F3C9D2A1E04F6788AA11BB22CC33DD44EE55FF", "prod-generate-root-k7m2", "--help", "",
	} {
		if showsSecret(a) {
			t.Errorf("%d %s", len(a), a)
		}
	}
}

// A system's bundle of authorities is larger than any other file that is read.
func TestBundleOfAuthoritiesMayBeLarge(t *testing.T) {
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, bytes.Repeat(authority.PEM, 400), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := app.NewVault((&config.Cluster{CAFile: host.Path(bundle), Addresses: []string{"https://v:8200"}})); err != nil {
		t.Error(err)
	}
}
