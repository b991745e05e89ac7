package vault_test

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/vault/vaulttest"
)

// password is as long as a token.
const password = "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8c"

func rootForPassword(password string) ceremony.Order {
	return ceremony.Order{Operation: ceremony.GenerateRoot, OTP: secret.NewSecret([]byte(password))}
}

func TestTokenForAPasswordIsReadWithItAlone(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		order := rootForPassword(password)
		begun := start(t, c, order)
		if diff := cmp.Diff(ceremony.Progress{Started: true, Nonce: begun.Nonce, Required: threshold, OTPLength: len(password)}, begun); diff != "" {
			t.Fatalf("started (-want +got):\n%s", diff)
		}
		if err := order.OTP.Use(func([]byte) error { return nil }); !errors.Is(err, secret.ErrSecretSpent) {
			t.Error("the password can be used again")
		}
		if diff := cmp.Diff(begun, progressOf(t, c, ceremony.GenerateRoot, ceremony.StepUpdate)); diff != "" {
			t.Errorf("asked again (-want +got):\n%s", diff)
		}
		answer := submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold]...)
		if !answer.Complete || len(answer.Ciphertexts) != 0 || len(answer.Fingerprints) != 0 {
			t.Fatalf("the answer: %+v", answer)
		}
		if ok, err := s.operator.IsRootToken(t.Context(), tokenIn(t, answer.Encoded, password)); err != nil || !ok {
			t.Errorf("the decoded token is a root token: %v, %v", ok, err)
		}
	})
}

// tokenIn decodes a token as its requester does.
func tokenIn(t testing.TB, encoded, password string) string {
	t.Helper()
	token, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil || len(token) != len(password) {
		t.Fatalf("a token of %d bytes, %v", len(token), err)
	}
	subtle.XORBytes(token, token, []byte(password))
	return string(token)
}

func TestPasswordOfAnotherLengthIsRefused(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t)
		_, err := c.Start(t.Context(), rootForPassword(password[1:]))
		wantError(t, err, ceremony.ErrRefused)
		if got := progressOf(t, c, ceremony.GenerateRoot, ceremony.StepUpdate); got.Started {
			t.Errorf("it was started: %+v", got)
		}
	})
}

func TestBytesThatAreNoPasswordAreNotSent(t *testing.T) {
	t.Parallel()
	s := startEmulator(t, vaulttest.Options{})
	for _, text := range []string{"", `abcd","pgp_key":"`, "ab cd", "abcd\n", "ab+d", "é"} {
		_, err := s.client(t).Start(t.Context(), rootForPassword(text))
		wantError(t, err, ceremony.ErrNotSent)
	}
	if sent := s.emulator.Log("PUT sys/generate-root/attempt"); len(sent) > 0 {
		t.Errorf("it was sent: %v", sent)
	}
}

func TestP1TokenThatIsNotCombinedWithAPasswordIsNotPassedOn(t *testing.T) {
	t.Parallel()
	for claim, text := range map[string]string{
		"plain":            "hvs.012345678901234567890123",
		"plain in base64":  base64.RawStdEncoding.EncodeToString([]byte("hvs.012345678901234567890123")),
		"older in base64":  base64.RawStdEncoding.EncodeToString([]byte("s.012345678901234567890123")),
		"share in base64":  base64.RawStdEncoding.EncodeToString([]byte("XyqcG30+j2BBUmN0hZYHGCk6S1xtfo+QobLD1OX2BxiZ")),
		"too short":        "YWJj",
		"too long":         strings.Repeat("QUJD", 100),
		"with padding":     base64Of([]byte("0123456789012345678901234567")),
		"in words":         "the token is 42",
		"nothing":          "",
		"base64 for a URL": "KTcyb3YyeBQjEhcRGBB4JBU3cQQQKnYVKBcEe_-",
	} {
		t.Run(claim, func(t *testing.T) {
			s := startEmulator(t, vaulttest.Options{})
			c := s.client(t)
			begun := start(t, c, rootForPassword(password))
			submit(t, c, ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:2]...)
			s.emulator.Script(vaulttest.Fault{Route: "PUT sys/generate-root/update", Do: vaulttest.Lie(func(a map[string]any) {
				a["encoded_token"] = text
			})})
			answer, err := c.Submit(
				t.Context(), submission(ceremony.GenerateRoot, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[2]),
			)
			wantError(t, err, ceremony.ErrUncertain)
			if answer.Encoded != "" {
				t.Error("it was passed on")
			}
		})
	}
}
