package stage_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/needs"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest"
)

// A search without a finding proves something only if it would find what is there.
func TestP1EverySearchedFormOfASecretIsFound(t *testing.T) {
	cluster := vaulttest.Start(t, vaulttest.Options{})
	s, err := stage.Set(t.Context(), stage.Options{
		Dir: t.TempDir(), Conclave: program, Vault: stage.Server{Addrs: cluster.Addrs()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if leaks, err := s.Leaks(); err != nil || len(leaks) > 0 {
		t.Fatalf("before anything has happened: %v, %v", leaks, err)
	}

	share, err := s.Person("carol").Share(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(share)
	if err != nil {
		t.Fatal(err)
	}
	back := []byte(share)
	slices.Reverse(back)
	bytesBack := slices.Clone(raw)
	slices.Reverse(bytesBack)
	planted := filepath.Join(s.Dir(), "journal", "planted")
	if err := os.MkdirAll(filepath.Dir(planted), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"as it is":                share,
		"in upper case":           strings.ToUpper(share),
		"its bytes":               string(raw),
		"its bytes backwards":     string(bytesBack),
		"backwards":               string(back),
		"hex of the hex":          hex.EncodeToString([]byte(share)),
		"base64":                  base64.StdEncoding.EncodeToString(raw),
		"base64 of the hex":       base64.StdEncoding.EncodeToString([]byte(share)),
		"base64 inside a text":    base64.StdEncoding.EncodeToString([]byte("a" + share + " and so on")),
		"base64 inside, shifted":  base64.StdEncoding.EncodeToString([]byte("ab" + share + "!")),
		"base64 for addresses":    base64.URLEncoding.EncodeToString(raw),
		"base64 without an end":   base64.RawStdEncoding.EncodeToString(raw),
		"in the middle of a line": `{"type":"offered","share":"` + share + `"}`,
	} {
		if err := os.WriteFile(planted, []byte("before "+content+" after"), 0o600); err != nil {
			t.Fatal(err)
		}
		leaks, err := s.Leaks()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(leaks, func(l stage.Leak) bool {
			return l.Secret == "carol's first share" && l.Where == filepath.Join("journal", "planted")
		}) {
			t.Errorf("%s: not found among %v", name, leaks)
		}
	}
	if err := os.Remove(planted); err != nil {
		t.Fatal(err)
	}

	if _, err := s.Person("carol").Slack.DMs(share); err != nil {
		t.Fatal(err)
	}
	leaks, err := s.Leaks()
	if err != nil || !slices.ContainsFunc(leaks, func(l stage.Leak) bool { return l.Where == "Slack" }) {
		t.Errorf("a share was posted, and found are %v, %v", leaks, err)
	}
}

func TestWaitingEndsWhenTheBotDies(t *testing.T) {
	cluster := vaulttest.Start(t, vaulttest.Options{})
	s, err := stage.Set(t.Context(), stage.Options{
		Dir: t.TempDir(), Conclave: program, Vault: stage.Server{Addrs: cluster.Addrs()},
		Configure: func(s *stage.Settings) { s.Threshold = 9 },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.StartBot(t.Context())
	if !errors.Is(err, stage.ErrBotDied) || !strings.Contains(err.Error(), "clusters.prod.threshold") {
		t.Errorf("a bot with a bad configuration: %v", err)
	}
}

func TestAKilledBotComesBackAndIsNotMistakenForADeadOne(t *testing.T) {
	cluster := vaulttest.Start(t, vaulttest.Options{})
	s := set(t, stage.Options{Vault: stage.Server{Addrs: cluster.Addrs()}})
	id, err := s.Propose(t.Context(), stage.Olga, "rekey "+stage.ClusterName)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.KillBot(); err != nil {
		t.Fatal(err)
	}
	if err := s.StartBot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Approve(t.Context(), stage.Paul, id); err != nil {
		t.Fatal(err)
	}
}

func TestAHolderRefusesAnotherIdentity(t *testing.T) {
	rows := map[string]func(t *testing.T) stage.Options{
		"software": func(*testing.T) stage.Options { return stage.Options{} },
		"gpg": func(t *testing.T) stage.Options {
			needs.Programs(t, stage.GPGPrograms()...)
			return stage.Options{Keyring: stage.GPG}
		},
	}
	for name, options := range rows {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			cluster := vaulttest.Start(t, vaulttest.Options{})
			o.Vault = stage.Server{Addrs: cluster.Addrs()}
			s := set(t, o)
			id, err := s.Propose(t.Context(), stage.Olga, "rekey "+stage.ClusterName)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Approve(t.Context(), stage.Paul, id); err != nil {
				t.Fatal(err)
			}
			alice := s.Person("alice")
			ask, err := alice.Asked(t.Context(), id, "update")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := alice.Keys.Answer(t.Context(), ask); err != nil {
				t.Fatalf("with the right identity: %v", err)
			}
			// She has pinned olga's key instead.
			olga := s.Person(stage.Olga).Keys
			if err := alice.Keys.Pin(t.Context(), olga.Certificate(), s.FingerprintOf(stage.Olga)); err != nil {
				t.Fatal(err)
			}
			if _, err := alice.Keys.Answer(t.Context(), ask); err == nil {
				t.Error("an announcement by another identity was answered")
			}
		})
	}
}
