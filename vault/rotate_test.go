package vault_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
)

func TestRotationInstallsTheNextKey(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t)
		before, err := c.KeyStatus(t.Context())
		if err != nil || before.Term != 1 || time.Since(before.Installed) > time.Hour {
			t.Fatalf("before: %+v, %v", before, err)
		}
		if err := c.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, err := c.KeyStatus(t.Context())
		if err != nil || after.Term != 2 || !after.Installed.After(before.Installed) {
			t.Errorf("after: %+v, %v", after, err)
		}
	})
}

func TestRotationPolicyIsReadAndChanged(t *testing.T) {
	onEachServer(t, rotationPolicyIsReadAndChanged)
}

func rotationPolicyIsReadAndChanged(t *testing.T, s *server) {
	c := s.client(t)
	for _, want := range []ceremony.RotationPolicy{
		{Enabled: true, MaxOperations: 3_865_470_566},
		{Enabled: true, MaxOperations: 1_000_000, Interval: 72 * time.Hour},
		{Enabled: false, MaxOperations: 2_000_000, Interval: 24 * time.Hour},
		{Enabled: true, MaxOperations: 2_000_000},
	} {
		if want.MaxOperations != 3_865_470_566 { // what a new cluster has
			if err := c.SetRotationPolicy(t.Context(), want); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.RotationPolicy(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("policy (-want +got):\n%s", diff)
		}
	}
	for _, p := range []ceremony.RotationPolicy{
		{Enabled: true, MaxOperations: 999_999},
		{Enabled: true, MaxOperations: 3_865_470_567},
		{Enabled: true, MaxOperations: 1_000_000, Interval: 23 * time.Hour},
	} {
		wantError(t, c.SetRotationPolicy(t.Context(), p), ceremony.ErrRefused)
	}
}

func TestBarrierNeedsAToken(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		c := s.client(t, withoutToken)
		_, err := c.KeyStatus(t.Context())
		wantError(t, err, ceremony.ErrForbidden)
		wantError(t, c.Rotate(t.Context()), ceremony.ErrForbidden)
		wantError(t, c.DeleteBackup(t.Context(), s.rekey), ceremony.ErrForbidden)
	})
}

func TestDeletedBackupIsGone(t *testing.T) {
	onEachKind(t, func(t *testing.T, s *server) {
		c := s.client(t)
		begun := start(t, c, s.rekeyFor(t, people(t, 2), 2))
		submit(t, c, s.rekey, ceremony.StepUpdate, begun.Nonce, s.keys.Shares[:threshold]...)
		if _, err := c.Backup(t.Context(), s.rekey); err != nil {
			t.Fatal(err)
		}
		for range 2 { // deleting what is not there succeeds
			if err := c.DeleteBackup(t.Context(), s.rekey); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.Backup(t.Context(), s.rekey)
		wantError(t, err, ceremony.ErrNoBackup)
		wantError(t, c.DeleteBackup(t.Context(), ceremony.GenerateRoot), ceremony.ErrUnsupported)
	})
}
