package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/cli"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/realvault"
)

// A one-time password, and a token of the same length.
const (
	padOfTest   = "Kq7vXb2ZrT9mWc4YpL8nHd3JsG6f"
	tokenOfTest = "hvs.3bXq0dA9sLkTz81VnRyEwPcU"
)

// encoded returns what a server makes of a token and a one-time password.
func encoded(token, password string) string {
	mixed := make([]byte, len(token))
	for i := range mixed {
		mixed[i] = token[i] ^ password[i]
	}
	return base64.RawStdEncoding.EncodeToString(mixed)
}

// typed runs the program with this on standard input, and returns its exit code and what
// it prints on standard output and standard error.
func typed(t testing.TB, stdin string, args ...string) (code int, out, said string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, cli.Streams{In: strings.NewReader(stdin), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

func TestP1PasswordOnTheCommandLineIsNotRepeated(t *testing.T) {
	for _, args := range [][]string{
		{"decode", "--otp", padOfTest, encoded(tokenOfTest, padOfTest)},
		{"otp", "show", padOfTest},
		{"decode", "--otp", "decode_test.go", padOfTest},
		{"decode", "--otp", "decode_test.go", tokenOfTest},
	} {
		code, out, said := typed(t, "", args...)
		if code == cli.ExitOK || out != "" || strings.Contains(said, padOfTest) || strings.Contains(said, tokenOfTest) {
			t.Errorf("%v: %d %s%s", args, code, out, said)
		}
	}
}

func TestPasswordStaysWhenTheTokenCouldNotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "otp.txt")
	if err := os.WriteFile(file, []byte(padOfTest), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	args := []string{"decode", "--remove", "--otp", file, encoded(tokenOfTest, padOfTest)}
	if code := run(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: full{}, Err: &said}); code != cli.ExitFailed {
		t.Errorf("exit code %d\n%s", code, &said)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// full is a file on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestTokenThatARealVaultHasMadeIsDecoded(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "otp.txt")
	if code, _, said := typed(t, "", "otp", "new", file); code != cli.ExitOK {
		t.Fatal(said)
	}
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	op, keys := vaulttest.Open(t, realvault.StartReal(t, realvault.RealOptions{Storage: "inmem"}), 3, 2)
	start, err := op.Do(t.Context(), "PUT", "sys/generate-root/attempt", map[string]string{"otp": string(password)})
	if err != nil || start.Status != 200 || start.Int("otp_length") != len(password) {
		t.Fatalf("%+v, %v", start, err)
	}
	var last operator.Answer
	for _, share := range keys.Shares[:2] {
		last, err = op.Do(
			t.Context(), "PUT", "sys/generate-root/update", map[string]string{"key": share, "nonce": start.String("nonce")},
		)
		if err != nil || last.Status != 200 {
			t.Fatalf("%+v, %v", last, err)
		}
	}
	code, out, said := typed(t, "Your token:\n"+last.String("encoded_token")+"\n", "decode", "--otp", file, "--remove")
	if code != cli.ExitOK {
		t.Fatal(said)
	}
	if root, err := op.IsRootToken(t.Context(), strings.TrimSuffix(out, "\n")); !root || err != nil {
		t.Errorf("a root token: %t, %v", root, err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the password is still there: %v", err)
	}
	if strings.Contains(said, strings.TrimSpace(out)) || strings.Contains(said, string(password)) {
		t.Error("standard error shows a secret")
	}
}
