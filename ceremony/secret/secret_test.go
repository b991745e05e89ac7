package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/secret"
)

const canary = "canary-0123456789abcdef0123456789abcdef"

func TestP1SecretLeaksUnderNoVerb(t *testing.T) {
	plain := secret.NewSecret([]byte(canary))
	type inside struct{ s *secret.Secret }
	type value struct{ s secret.Secret }
	var out bytes.Buffer
	for _, v := range []any{
		plain, *plain, inside{plain}, &inside{plain}, value{*plain}, []any{plain}, map[string]any{"k": plain},
		ceremony.Submission{Share: plain}, fmt.Errorf("wrapped: %v", plain),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%p"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		_ = json.NewEncoder(&out).Encode(v)
		_ = gob.NewEncoder(&out).Encode(v)
	}
	if out.Len() < 1000 {
		t.Fatalf("only %d bytes were printed", out.Len())
	}
	assertNoCanary(t, out.String(), canary)
}

// assertNoCanary looks for a secret raw, reversed, in hexadecimal and base64.
func assertNoCanary(t *testing.T, text, secret string) {
	t.Helper()
	reversed := []byte(secret)
	slices.Reverse(reversed)
	for form, needle := range map[string]string{
		"raw": secret, "reversed": string(reversed), "hex": hex.EncodeToString([]byte(secret)),
		"base64": base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)],
		"bytes":  strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(needle)) {
			t.Errorf("the secret stands in the text, %s", form)
		}
	}
}

func TestSecretIsWipedAfterUse(t *testing.T) {
	for name, use := range map[string]func(*secret.Secret){
		"use":   func(s *secret.Secret) { _ = s.Use(func([]byte) error { return nil }) },
		"error": func(s *secret.Secret) { _ = s.Use(func([]byte) error { return errors.New("no") }) },
		"panic": func(s *secret.Secret) {
			defer func() { _ = recover() }()
			_ = s.Use(func([]byte) error { panic("no") })
		},
		"wipe": func(s *secret.Secret) { s.Wipe() },
	} {
		t.Run(name, func(t *testing.T) {
			b := []byte(canary)
			s := secret.NewSecret(b)
			use(s)
			if !bytes.Equal(b, make([]byte, len(b))) {
				t.Errorf("left: %q", b)
			}
			if err := s.Use(func([]byte) error { return nil }); !errors.Is(err, secret.ErrSecretSpent) {
				t.Errorf("second use: %v", err)
			}
			if _, err := s.Tag("k", [32]byte{}); !errors.Is(err, secret.ErrSecretSpent) {
				t.Errorf("tag after use: %v", err)
			}
		})
	}
}

// No field of an event can hold a secret: no bytes, no Secret, nothing that takes any value.
func TestP1NoEventCanHoldASecret(t *testing.T) {
	var walk func(path string, ty reflect.Type)
	walk = func(path string, ty reflect.Type) {
		switch ty.Kind() {
		case reflect.String, reflect.Int, reflect.Int64, reflect.Bool:
		case reflect.Pointer:
			walk(path, ty.Elem())
		case reflect.Slice:
			if ty.Elem().Kind() == reflect.Uint8 {
				t.Errorf("%s holds bytes", path)
				return
			}
			walk(path+"[]", ty.Elem())
		case reflect.Map:
			walk(path+"{}", ty.Key())
			walk(path+"{}", ty.Elem())
		case reflect.Struct:
			if ty.String() == "time.Time" {
				return
			}
			if ty == reflect.TypeFor[secret.Secret]() {
				t.Errorf("%s holds a secret", path)
			}
			for f := range ty.Fields() {
				walk(path+"."+f.Name, f.Type)
			}
		default:
			t.Errorf("%s is a %s", path, ty)
		}
	}
	for _, e := range event.EveryEvent() {
		walk(event.TypeOf(e), reflect.TypeOf(e))
	}
}
