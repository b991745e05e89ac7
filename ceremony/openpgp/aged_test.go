package openpgp_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// born is when the keys of these tests were made, by gpg and long ago.
var born = time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// on runs gpg with its clock stopped at a time.
func on(t time.Time) string {
	return "gpg --batch -q --ignore-time-conflict --ignore-valid-from --faked-system-time " + t.UTC().Format("20060102T150405") + "!"
}

// agedDesk is a computer on which gpg has made a key, on the day it was born.
func agedDesk(t *testing.T, life string) (*desk, ceremony.Fingerprint) {
	d := newDesk(t, "gpg")
	d.run("%s --passphrase '' --quick-gen-key 'Ada <ada@example.invalid>' ed25519 sign %s", on(born), life)
	fingerprint := strings.TrimSpace(string(d.run(`gpg --batch --with-colons --list-keys | awk -F: '/^fpr/{print $10; exit}'`)))
	return d, must(ceremony.ParseFingerprint(fingerprint))(t)
}

func (d *desk) certificate() string { return string(d.run("gpg --batch --armor --export")) }

func (d *desk) says(at time.Time) string {
	d.t.Helper()
	return string(d.run("printf '%s\\n' | %s --sign --armor", statement, on(at)))
}

// revoke makes a revocation as gpg does: with the number of its reason. The key goes
// on signing on this desk until it is imported.
func (d *desk) revoke(f ceremony.Fingerprint, reason string, at time.Time) {
	d.t.Helper()
	line := strings.ReplaceAll(on(at), " --batch", "")
	d.run("printf 'y\\n%s\\n\\ny\\n' | %s --no-tty --pinentry-mode loopback --passphrase '' --command-fd 0 --gen-revoke %s >revocation.asc 2>log", reason, line, f)
	d.run("gpg --batch -q --import revocation.asc")
}

func TestP8WordOutlivesItsKey(t *testing.T) {
	d, ada := agedDesk(t, "10d")
	word := d.says(born.Add(day))
	certificate := d.certificate()
	asked, came := born.Add(day-time.Hour), born.Add(day+time.Minute)
	if line, made, err := openpgp.VerifySignedWord(certificate, ada, word, asked, came); err != nil || line != statement || !made.Equal(born.Add(day)) {
		t.Errorf("%q of %s, %v", line, made, err)
	}
	// Its owner has set the expiry again: gpg has replaced what the key says of itself.
	d.run("%s --passphrase '' --quick-set-expire %s 1y", on(born.Add(8*day)), ada)
	if _, _, err := openpgp.VerifySignedWord(d.certificate(), ada, word, asked, came); err != nil {
		t.Errorf("by the renewed key: %v", err)
	}
}

func TestP8BackdatedWordOfAnExpiredKeyIsFound(t *testing.T) {
	d, ada := agedDesk(t, "10d")
	word := d.says(born.Add(9 * day)) // says its signature
	certificate := d.certificate()
	for name, tt := range map[string]struct {
		asked, came time.Time
		want        error
	}{
		"in a ceremony of later":          {born.Add(11 * day), born.Add(11*day + time.Minute), openpgp.ErrSignedEarlier},
		"in a ceremony that was long":     {born.Add(9 * day), born.Add(11 * day), openpgp.ErrKeyExpired},
		"that came before it was signed":  {born.Add(8 * day), born.Add(9*day - time.Hour), openpgp.ErrSignedLater},
		"that came when the key was good": {born.Add(9 * day), born.Add(9*day + time.Minute), nil},
	} {
		if _, _, err := openpgp.VerifySignedWord(certificate, ada, word, tt.asked, tt.came); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestP8WordSignedAfterItsKeyExpiredIsFound(t *testing.T) {
	d, ada := agedDesk(t, "1y")
	word := d.says(born.Add(20 * day))
	// The same key, as it says of itself that it ends after ten days.
	d.run("%s --passphrase '' --quick-set-expire %s 10d", on(born.Add(time.Hour)), ada)
	_, _, err := openpgp.VerifySignedWord(d.certificate(), ada, word, born.Add(19*day), born.Add(20*day+time.Minute))
	if !errors.Is(err, openpgp.ErrKeyExpired) {
		t.Errorf("got %v", err)
	}
}

func TestP8WordAndARevokedKey(t *testing.T) {
	for reason, number := range map[string]string{"no reason": "0", "compromised": "1", "superseded": "2", "no longer used": "3"} {
		t.Run(reason, func(t *testing.T) {
			d, ada := agedDesk(t, "1y")
			before, after := d.says(born.Add(4*day)), d.says(born.Add(6*day))
			d.revoke(ada, number, born.Add(5*day))
			certificate := d.certificate()
			for name, tt := range map[string]struct {
				word        string
				asked, came time.Time
				want        error
			}{
				"signed and come before":       {before, born.Add(4 * day), born.Add(4*day + time.Minute), nil},
				"backdated, and come after":    {before, born.Add(4 * day), born.Add(6 * day), openpgp.ErrKeyRevoked},
				"signed and come after":        {after, born.Add(6 * day), born.Add(6*day + time.Minute), openpgp.ErrKeyRevoked},
				"backdated, ceremony of later": {before, born.Add(6 * day), born.Add(6*day + time.Minute), openpgp.ErrSignedEarlier},
			} {
				if _, _, err := openpgp.VerifySignedWord(certificate, ada, tt.word, tt.asked, tt.came); !errors.Is(err, tt.want) {
					t.Errorf("%s: got %v, want %v", name, err, tt.want)
				}
			}
		})
	}
}

// An attestation has no journal line that says when it came. So a key that is
// revoked as compromised, or for no reason, attests nothing, of whatever date.
func TestP8AttestationAndARevokedKey(t *testing.T) {
	s := newStage(t)
	signature := must(s.bot.Attest([]byte(transcript)))(t)
	made := time.Now()
	for name, tt := range map[string]struct {
		reason string
		at     time.Time
		want   error
	}{
		"superseded since":       {"2", made.Add(time.Hour), nil},
		"no longer used since":   {"3", made.Add(time.Hour), nil},
		"superseded before":      {"2", made.Add(-time.Hour), openpgp.ErrKeyRevoked},
		"compromised since":      {"1", made.Add(time.Hour), openpgp.ErrKeyRevoked},
		"compromised before":     {"1", made.Add(-time.Hour), openpgp.ErrKeyRevoked},
		"for no reason, since":   {"0", made.Add(time.Hour), openpgp.ErrKeyRevoked},
		"not revoked, but later": {"", time.Time{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, "gpg")
			if err := s.identity.Save(filepath.Join(d.home, "identity.asc"), []byte("swordfish")); err != nil {
				t.Fatal(err)
			}
			d.run("gpg --batch -q --pinentry-mode loopback --passphrase swordfish --import identity.asc")
			if tt.reason != "" {
				line := strings.ReplaceAll(on(tt.at), " --batch", "")
				d.write("passphrase", []byte("swordfish"))
				d.run("printf 'y\\n%s\\n\\ny\\n' | %s --no-tty --pinentry-mode loopback --passphrase-file passphrase --command-fd 0 --gen-revoke %s >revocation.asc 2>log", tt.reason, line, s.identity.Fingerprint())
				d.run("gpg --batch -q --import revocation.asc")
			}
			err := openpgp.VerifyDetached(d.certificate(), s.identity.Fingerprint(), []byte(transcript), signature)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// The subkey that signs has a life of its own.
func TestP8WordOfASubkeyIsJudgedByTheSubkey(t *testing.T) {
	d, ada := agedDesk(t, "1y")
	d.run("%s --passphrase '' --quick-add-key %s ed25519 sign 10d", on(born), ada)
	word := d.says(born.Add(9 * day))
	certificate := d.certificate()
	if parse(t, certificate).PrimaryKey.Fingerprint == nil || !strings.Contains(string(d.run("gpg --batch --list-packets <<'E'\n%s\nE", word)), "keyid") {
		t.Fatal("the test is broken")
	}
	if _, _, err := openpgp.VerifySignedWord(certificate, ada, word, born.Add(9*day), born.Add(9*day+time.Minute)); err != nil {
		t.Errorf("in time: %v", err)
	}
	if _, _, err := openpgp.VerifySignedWord(certificate, ada, word, born.Add(9*day), born.Add(11*day)); !errors.Is(err, openpgp.ErrKeyExpired) {
		t.Errorf("backdated: got %v", err)
	}
}

// Evidence of an envelope is held to the rules of words.
func TestP8EvidenceOutlivesItsKey(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	e := s.evidence(t, d.run("%s", s.printed()))
	for reason, number := range map[string]string{"compromised": "1", "superseded": "2"} {
		t.Run(reason, func(t *testing.T) {
			other := newDesk(t, "gpg")
			secret := filepath.Join(other.home, "secret.asc")
			if err := os.WriteFile(secret, d.run("gpg --batch --armor --export-secret-keys"), 0o600); err != nil {
				t.Fatal(err)
			}
			other.run("gpg --batch -q --import secret.asc")
			other.revoke(s.want.Signer, number, s.want.Now.Add(time.Hour))
			certificate := other.certificate()
			if _, _, err := openpgp.VerifyEvidence(certificate, s.identity.Fingerprint(), e, s.want); err != nil {
				t.Errorf("come before: %v", err)
			}
			later := s.want
			later.Now = later.Now.Add(2 * time.Hour)
			if _, _, err := openpgp.VerifyEvidence(certificate, s.identity.Fingerprint(), e, later); !errors.Is(err, openpgp.ErrKeyRevoked) {
				t.Errorf("come after: got %v", err)
			}
		})
	}
}
