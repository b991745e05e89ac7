package openpgp_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/needs"
)

// desk is a holder's computer with one OpenPGP program on it.
type desk struct {
	t    *testing.T
	home string
	env  []string
}

// newDesk makes a computer with these programs.
func newDesk(t *testing.T, programs ...string) *desk {
	t.Helper()
	needs.Programs(t, programs...)
	// The name is short: gpg's agent listens on a socket in it.
	home := must(os.MkdirTemp("", "pgp"))(t)
	d := &desk{t: t, home: home, env: append(os.Environ(), "GNUPGHOME="+home, "HOME="+home, "LC_ALL=C")}
	t.Cleanup(func() {
		if kill, err := exec.LookPath("gpgconf"); err == nil {
			c := exec.Command(kill, "--kill", "all")
			c.Env = d.env
			_ = c.Run()
		}
		_ = os.RemoveAll(home)
	})
	return d
}

// try runs a command line in the holder's directory.
func (d *desk) try(line string, args ...any) ([]byte, error) {
	var out, complaint bytes.Buffer
	c := exec.CommandContext(d.t.Context(), "sh", "-ec", fmt.Sprintf(line, args...))
	c.Dir, c.Env, c.Stdout, c.Stderr = d.home, d.env, &out, &complaint
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", c.Args[2], err, complaint.Bytes())
	}
	return out.Bytes(), nil
}

func (d *desk) run(line string, args ...any) []byte {
	d.t.Helper()
	return must(d.try(line, args...))(d.t)
}

func (d *desk) write(name string, content []byte) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.home, name), content, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// setOut puts on the desk what a holder has before a ceremony: share.asc as Vault
// made it, and bot.asc, the certificate of the direct message.
func (d *desk) setOut(certificate []byte) *stage {
	d.t.Helper()
	s := stageFor(d.t, parse(d.t, string(certificate)), time.Now().Truncate(time.Second))
	s.want.Now = s.now.Add(time.Minute)
	message := asVault(d.t, must(s.bot.Certificate(s.want.Signer))(d.t), share)
	d.write("share.asc", enarmor(d.t, "PGP MESSAGE", message))
	d.write("bot.asc", []byte(s.key.Announced().Certificate))
	return s
}

const (
	newGPGKey = `gpg --batch -q --passphrase '' --quick-gen-key 'Ada <ada@example.invalid>' %s
gpg --batch --armor --export`
	// What holders do once, and with each announcement.
	pinBot    = `gpg --batch -q --import bot.asc; gpg --batch -q --yes --quick-lsign-key %s`
	importBot = `gpg --batch -q --import bot.asc`
)

// newGPGDesk is a holder with gpg who has pinned the bot.
func newGPGDesk(t *testing.T, kind string) (*desk, *stage) {
	t.Helper()
	d := newDesk(t, "gpg")
	s := d.setOut(d.run(newGPGKey, kind))
	d.run(pinBot, s.identity.Fingerprint())
	return d, s
}

func (s *stage) prefix() string { return s.key.Announced().Prefix(s.want.Ceremony) }

func TestGPGMakesEnvelopesByTheCommandInTheMessage(t *testing.T) {
	for _, kind := range []string{"future-default", "rsa3072"} {
		t.Run(kind, func(t *testing.T) {
			d := newDesk(t, "gpg")
			key := kind
			if kind == "rsa3072" {
				// quick-gen-key makes both parts for its defaults only.
				key = "rsa3072 sign\nf=$(gpg --batch --with-colons --list-keys | awk -F: '/^fpr/{print $10; exit}')\ngpg --batch -q --passphrase '' --quick-add-key $f rsa3072 encr"
			}
			s := d.setOut(d.run(newGPGKey, key))
			d.run(pinBot, s.identity.Fingerprint())
			envelope := d.run(
				"{ printf '%s'; gpg -qd share.asc; } | gpg --batch -sea -r %s", s.prefix(), s.identity.Fingerprint(),
			)
			t.Logf("the envelope has %d characters", len(envelope))
			if !s.key.Fits(envelope) {
				t.Error("it does not fit")
			}
			s.opened(t, envelope)
		})
	}
}

func TestGPGVariantsAreOpened(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	for _, options := range []string{
		"--throw-keyids", "--compress-algo bzip2", "--compress-algo zip", "--textmode", "--encrypt-to " + string(s.want.Signer),
		"--sig-notation ceremony@example.invalid=prod", "--cipher-algo AES128", "--digest-algo SHA512", "--comment hello",
	} {
		s.opened(t, d.run("{ printf '%s'; gpg -qd share.asc; } | gpg --batch %s -sea -r %s", s.prefix(), options, s.identity.Fingerprint()))
	}
	if out, err := d.try("{ printf '%s'; gpg -qd share.asc; } | gpg --batch --force-ocb -sea -r %s", s.prefix(), s.identity.Fingerprint()); err == nil {
		s.opened(t, out) // gpg 2.3 and later
	}
}

func TestGPGMessagesThatAreNotEnoughAreRefused(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	to := " -r " + string(s.identity.Fingerprint())
	for options, want := range map[string]ceremony.Refusal{
		"-ea" + to:                                        ceremony.Unsigned,
		"-sa":                                             ceremony.NotEncrypted,
		"--clearsign":                                     ceremony.NotEncrypted,
		"-ca --passphrase x":                              ceremony.PasswordSealed,
		"-csea --passphrase x" + to:                       ceremony.PasswordSealed,
		"-sea --cipher-algo CAST5" + to:                   ceremony.WeakCipher,
		"-sea --cipher-algo 3DES" + to:                    ceremony.WeakCipher,
		"-sea --cipher-algo BLOWFISH" + to:                ceremony.BadMessage,
		"-sea --cipher-algo CAMELLIA256" + to:             ceremony.BadMessage,
		"-sea --digest-algo SHA1" + to:                    ceremony.BadSignature,
		"-sea --digest-algo RIPEMD160" + to:               ceremony.Unsigned,
		"-sea --sig-notation '!a@example.invalid=b'" + to: ceremony.BadSignature,
		"-sea --default-sig-expire seconds=1" + to:        ceremony.BadSignature,
	} {
		name, _, _ := strings.Cut(options, " -r ")
		t.Run(name, func(t *testing.T) {
			const line = "{ printf '%s'; gpg -qd share.asc; } | gpg --batch --pinentry-mode loopback %s %s"
			// gpg 2.4 wants to be persuaded; gpg 2.2 does not know the option.
			envelope, err := d.try(line, s.prefix(), "--allow-old-cipher-algos", options)
			if err != nil {
				envelope = must(d.try(line, s.prefix(), "", options))(t)
			}
			s.refused(t, envelope, want)
		})
	}
}

func TestGPGRefusesAnExpiredCeremonyKey(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	later := s.key.Announced().Expires.Add(time.Hour).UTC().Format("20060102T150405")
	_, err := d.try("printf x | gpg --batch --faked-system-time %s -ea -r %s", later, s.identity.Fingerprint())
	if err == nil {
		t.Error("it encrypts to the expired key")
	}
}

func TestGPGTakesTheNewestCeremonyKey(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	n := notice(s.identity.Fingerprint(), s.now.Add(time.Second))
	n.Step, n.Nonce = ceremony.StepVerify, "a-new-nonce"
	newer := must(s.bot.NewKey(n))(t)
	d.write("bot.asc", []byte(newer.Announced().Certificate))
	later := s.now.Add(time.Minute).UTC().Format("20060102T150405") // gpg ignores keys from the future
	d.run(importBot)
	envelope := d.run("printf x | gpg --batch --faked-system-time %s -sea -r %s", later, s.identity.Fingerprint())
	if s.key.Fits(envelope) || !newer.Fits(envelope) {
		t.Error("gpg has encrypted to the older key")
	}
}

func TestGPGReadsWhatTheBotSigns(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	d.write("announcement.asc", []byte(s.key.Announced().Announcement))
	out := string(d.run("gpg --batch --status-fd 2 -d announcement.asc 2>status; grep -q GOODSIG status"))
	for _, want := range []string{"conclave-announcement1\nceremony: prod-rekey-k7m2\n", "conclave-plan1\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("gpg prints %q", out)
		}
	}
	parcel := s.parcel(t)
	signed := must(s.bot.SignDelivery(parcel))(t)
	d.write("line.asc", []byte(signed.Line))
	d.write("new.asc", []byte(signed.Armor))
	d.run("gpg --batch --status-fd 2 -d line.asc 2>status >line; grep -q GOODSIG status")
	line := string(d.run("cat line"))
	// The hash is that of the binary message.
	sum := strings.Fields(string(d.run("gpg --batch --dearmor <new.asc | sha256sum")))[0]
	if !strings.HasPrefix(line, "conclave-delivery1 prod-rekey-k7m2 share 2/5 ") || !strings.Contains(line, sum) {
		t.Errorf("gpg prints %q, the sum is %s", line, sum)
	}
	if got := string(d.run("gpg --batch -qd new.asc")); got != share {
		t.Error("gpg decrypts something else")
	}
}

func TestGPGReadsTheSavedIdentity(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	if err := s.identity.Save(filepath.Join(d.home, "identity.asc"), []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	d.run("gpg --batch -q --pinentry-mode loopback --passphrase swordfish --import identity.asc")
	d.run("printf x | gpg --batch -q --pinentry-mode loopback --passphrase swordfish -u %s -sa", s.identity.Fingerprint())
}

func TestKeysOfGPGAreReadForSealing(t *testing.T) {
	d := newDesk(t, "gpg")
	d.run(
		strings.ReplaceAll(newGPGKey, "--passphrase ''", "--pinentry-mode loopback --passphrase swordfish"), "future-default",
	)
	secret := d.run("gpg --batch --pinentry-mode loopback --passphrase swordfish --armor --export-secret-keys")
	s := d.setOut(d.run("gpg --batch --armor --export"))
	h := must(openpgp.ReadHolderKey(secret, []byte("swordfish")))(t)
	plain := must(h.Decrypt(must(os.ReadFile(filepath.Join(d.home, "share.asc")))(t)))(t)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	s.opened(t, []byte(must(inv.Seal(plain, h, s.want.Now))(t)))
}

func TestGPGKeyWhosePrimaryIsElsewhereSealsWithItsSubkey(t *testing.T) {
	d := newDesk(t, "gpg")
	certificate := d.run(newGPGKey, "future-default")
	h, err := openpgp.ReadHolderKey(d.run("gpg --batch --armor --export-secret-subkeys"), nil)
	if !errors.Is(err, openpgp.ErrKeyOnCard) {
		t.Errorf("without anything that signs: got %v, %v", h, err)
	}
	fingerprint := parse(t, string(certificate)).PrimaryKey.Fingerprint
	d.run("gpg --batch -q --passphrase '' --quick-add-key %s ed25519 sign", hexOf(fingerprint))
	s := d.setOut(d.run("gpg --batch --armor --export"))
	h = must(openpgp.ReadHolderKey(d.run("gpg --batch --armor --export-secret-subkeys"), nil))(t)
	plain := must(h.Decrypt(must(os.ReadFile(filepath.Join(d.home, "share.asc")))(t)))(t)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	s.opened(t, []byte(must(inv.Seal(plain, h, s.want.Now))(t)))
	// gpg signs with the subkey as well.
	d.run(pinBot, s.identity.Fingerprint())
	s.opened(
		t, d.run("{ printf '%s'; gpg -qd share.asc; } | gpg --batch -sea -r %s", s.prefix(), s.identity.Fingerprint()),
	)
}

func TestGPGKeysWithSHA1SelfSignaturesAreRefused(t *testing.T) {
	d := newDesk(t, "gpg")
	d.run("gpg --batch -q --passphrase '' --cert-digest-algo SHA1 --digest-algo SHA1 --quick-gen-key 'Old <old@example.invalid>' future-default")
	_, err := openpgp.ReadCertificate(d.run("gpg --batch --armor --export"))
	if err == nil || !strings.Contains(err.Error(), openpgp.ErrWeakSelfSig.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestSequoiaMakesEnvelopesByTheCommandInTheMessage(t *testing.T) {
	d := newDesk(t, "sq")
	if strings.HasPrefix(string(d.run("sq --version 2>&1")), "sq 0.") {
		d.run("sq key generate --userid 'Ada <ada@example.invalid>' --export me.pgp")
		s := d.setOut(d.run("sq key extract-cert me.pgp"))
		s.opened(t, d.run("{ printf '%s'; sq decrypt --recipient-key me.pgp share.asc; } | sq encrypt --signer-key me.pgp --recipient-cert bot.asc", s.prefix()))
		return
	}
	e := newHolder(t, "Ada", time.Now())
	var secret bytes.Buffer
	if err := e.SerializePrivateWithoutSigning(&secret, nil); err != nil {
		t.Fatal(err)
	}
	d.write("me.pgp", enarmor(t, "PGP PRIVATE KEY BLOCK", secret.Bytes()))
	s := d.setOut(public(t, e))
	s.opened(t, d.run("{ printf '%s'; sq decrypt --recipient-file me.pgp share.asc; } | sq encrypt --signer-file me.pgp --for-file bot.asc", s.prefix()))
}

func TestRNPMakesEnvelopesByTheCommandInTheMessage(t *testing.T) {
	d := newDesk(t, "rnp", "rnpkeys")
	d.run("rnpkeys --homedir . --generate-key --userid 'Ada <ada@example.invalid>' --password '' >log 2>&1")
	s := d.setOut(d.run("rnpkeys --homedir . --export-key ada@example.invalid"))
	d.run("rnpkeys --homedir . --import bot.asc >log 2>&1")
	s.opened(t, d.run("{ printf '%s'; rnp --homedir . -d share.asc --output -; } | rnp --homedir . -e -s -u ada@example.invalid -r %s --armor --output -", s.prefix(), s.identity.Fingerprint()))
}

// printed is the command of the direct message, but for where the keyring is.
func (s *stage) printed() string {
	a := s.key.Announced()
	return fmt.Sprintf("{ printf '%s'; gpg -qd share.asc; printf '%s'; } | gpg --batch -sea --sig-notation '%s=%s' --no-encrypt-to -u %s -r '%s!'",
		s.prefix(), a.Suffix(s.want.Ceremony, s.want.PlanHash), ceremony.SignatureNotation, a.Binding(
			s.want.Ceremony, s.want.PlanHash,
		),
		s.want.Signer, strings.ToUpper(a.Subkey))
}

func TestP8EnvelopeOfGPGIsVerifiedWithoutTheShare(t *testing.T) {
	for _, kind := range []string{"future-default", "nistp384"} { // SHA-256 or SHA-512, and SHA-384
		t.Run(kind, func(t *testing.T) {
			d := newDesk(t, "gpg")
			key := kind
			if kind == "nistp384" {
				key = "nistp384 sign\nf=$(gpg --batch --with-colons --list-keys | awk -F: '/^fpr/{print $10; exit}')\ngpg --batch -q --passphrase '' --quick-add-key $f nistp384 encr"
			}
			s := d.setOut(d.run(newGPGKey, key))
			d.run(pinBot, s.identity.Fingerprint())
			for _, digest := range []string{"", "--digest-algo SHA512"} {
				e := s.evidence(t, d.run("%s", s.printed()+" "+digest))
				binding, _, err := s.verified(e)
				if err != nil || binding != s.binding() {
					t.Errorf("%s: %q, %v", digest, binding, err)
				}
			}
		})
	}
}

func TestP8EnvelopesOfSequoiaAndRNPAreVerifiedWithoutTheShare(t *testing.T) {
	t.Run("sq", func(t *testing.T) {
		d := newDesk(t, "sq")
		if !strings.HasPrefix(string(d.run("sq --version 2>&1")), "sq 0.") {
			needs.Lack(t, "sq 0.27 is not installed")
		}
		d.run("sq key generate --userid 'Ada <ada@example.invalid>' --export me.pgp")
		s := d.setOut(d.run("sq key extract-cert me.pgp"))
		e := s.evidence(t, d.run("{ printf '%s'; sq decrypt --recipient-key me.pgp share.asc; printf '%s'; } | sq encrypt --signer-key me.pgp --recipient-cert bot.asc",
			s.prefix(), s.key.Announced().Suffix(s.want.Ceremony, s.want.PlanHash)))
		if binding, _, err := s.verified(e); err != nil || binding != "" {
			t.Errorf("%q, %v", binding, err)
		}
	})
	t.Run("rnp", func(t *testing.T) {
		d := newDesk(t, "rnp", "rnpkeys")
		d.run("rnpkeys --homedir . --generate-key --userid 'Ada <ada@example.invalid>' --password '' >log 2>&1")
		s := d.setOut(d.run("rnpkeys --homedir . --export-key ada@example.invalid"))
		d.run("rnpkeys --homedir . --import bot.asc >log 2>&1")
		e := s.evidence(t, d.run("{ printf '%s'; rnp --homedir . -d share.asc --output -; printf '%s'; } | rnp --homedir . -e -s -u ada@example.invalid -r %s --armor --output -",
			s.prefix(), s.key.Announced().Suffix(s.want.Ceremony, s.want.PlanHash), s.identity.Fingerprint()))
		if binding, _, err := s.verified(e); err != nil || binding != "" {
			t.Errorf("%q, %v", binding, err)
		}
	})
}
