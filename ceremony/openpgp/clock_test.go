package openpgp_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// running is gpg on a computer whose clock shows this time when gpg starts.
func running(clock time.Time) string {
	return "gpg --batch -q --faked-system-time " + clock.UTC().Format("20060102T150405")
}

// newClockDesk is a holder with gpg, and a ceremony whose identity and key were made this second.
func newClockDesk(t *testing.T) (*desk, *stage) {
	t.Helper()
	d := newDesk(t, "gpg")
	now := time.Now().Truncate(time.Second)
	d.run("%s --passphrase '' --quick-gen-key 'Ada <ada@example.invalid>' future-default", running(now.Add(-time.Hour)))
	certificate := must(openpgp.ReadCertificate(d.run("gpg --batch --armor --export")))(t)
	s := &stage{now: now, identity: must(openpgp.Generate("conclave test", now))(t)}
	s.bot = openpgp.New(s.identity, []*openpgp.Certificate{certificate})
	n := notice(s.identity.Fingerprint(), now)
	s.key = must(s.bot.NewKey(n))(t)
	s.want = ceremony.Expected{
		Ceremony: n.Plan.Ceremony, Step: n.Step, Nonce: n.Nonce, Signer: certificate.Fingerprint(),
		NotBefore: now, Now: now, PlanHash: n.Plan.Hash(),
	}
	d.write("share.asc", asVault(t, must(s.bot.Certificate(s.want.Signer))(t), share))
	d.write("bot.asc", []byte(s.key.Announced().Certificate))
	d.write("announcement.asc", []byte(s.key.Announced().Announcement))
	return d, s
}

// sealing is the command of the direct message, on a computer whose clock shows this time.
func (s *stage) sealing(clock time.Time) string {
	return strings.ReplaceAll(s.printed(), "gpg ", running(clock)+" ")
}

func TestHolderWhoseClockIsWrongWithinTheToleranceSealsWithGPG(t *testing.T) {
	for _, wrong := range []time.Duration{
		-5*time.Minute + 5*time.Second, -30 * time.Second, 0, 30 * time.Second, 5*time.Minute - 20*time.Second,
	} {
		t.Run(wrong.String(), func(t *testing.T) {
			d, s := newClockDesk(t)
			clock := s.now.Add(wrong)
			d.run("%s --import bot.asc; %s --yes --quick-lsign-key %s", running(clock), running(clock), s.identity.Fingerprint())
			d.run("%s --status-fd 2 -d announcement.asc 2>status >said; grep -q GOODSIG status", running(clock))
			s.opened(t, d.run("%s", s.sealing(clock)))
		})
	}
}

func TestHolderWhoseClockIsWrongBeyondTheToleranceIsTold(t *testing.T) {
	d, s := newClockDesk(t)
	d.run(pinBot, s.identity.Fingerprint())
	if _, err := d.try("%s", s.sealing(s.now.Add(-6*time.Minute))); err == nil {
		t.Error("gpg encrypts to a key from the future")
	}
	s.refused(t, d.run("%s", s.sealing(s.now.Add(6*time.Minute))), ceremony.FromTheFuture)
}

func TestWhatTheBotSignsIsGoodOnAComputerThatIsBehind(t *testing.T) {
	d, s := newClockDesk(t)
	behind := running(s.now.Add(-4 * time.Minute))
	d.run("%s --import bot.asc", behind)
	delivery := must(s.bot.SignDelivery(s.parcel(t)))(t)
	p := notice(s.identity.Fingerprint(), s.now).Plan
	roll := must(s.bot.SignRollCall(ceremony.RollCallNotice{Plan: p, At: s.now, Digest: strings.Repeat("ab", 32)}))(t)
	for name, armored := range map[string]string{"delivery": delivery.Line, "roll call": roll} {
		d.write("signed.asc", []byte(armored))
		if _, err := d.try("%s --status-fd 2 -d signed.asc 2>status >said; grep -q GOODSIG status", behind); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// gpg itself overlooks the date. sq and rnp don't.
	for name, armored := range map[string]string{
		"announcement": s.key.Announced().Announcement, "delivery": delivery.Line, "roll call": roll,
	} {
		d.write("signed.asc", []byte(armored))
		out := string(d.run("gpg --list-packets signed.asc"))
		want := fmt.Sprintf("created %d,", s.now.Add(-5*time.Minute).Unix())
		if name == "delivery" { // signed a little later than the ceremony has begun
			want = fmt.Sprintf("created %d", s.now.Add(-5*time.Minute).Unix()/100)
		}
		if !strings.Contains(out, want) {
			t.Errorf("%s: not %s in\n%s", name, want, out)
		}
	}
}

func TestKeyMadeOnAComputerThatIsAheadIsRefusedInWordsOfItsOwn(t *testing.T) {
	for ahead, words := range map[time.Duration]string{
		30 * time.Second: "30 seconds ahead of this one's; the key can be used from 2026-01-10 12:00:30 UTC on",
		2 * time.Hour:    "2 hours ahead of this one's; the key can be used from 2026-01-10 14:00:00 UTC on",
	} {
		d := newDesk(t, "gpg")
		d.run("%s --passphrase '' --quick-gen-key 'Ada <ada@example.invalid>' future-default", on(born.Add(ahead)))
		c := must(openpgp.ReadCertificate(d.run("gpg --batch --armor --export")))(t)
		err := c.CheckUntil(born, born.Add(day))
		if !errors.Is(err, openpgp.ErrKeyAhead) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v: %v", ahead, err)
		}
		// Vault encrypts to the key when its date has come.
		if err := c.CheckUntil(born.Add(ahead), born.Add(ahead+day)); err != nil {
			t.Errorf("%v, when it is time: %v", ahead, err)
		}
	}
}

func TestKeyRevokedOrExpiredIsNotCalledAhead(t *testing.T) {
	d, ada := agedDesk(t, "10d")
	d.run("%s --passphrase '' --quick-add-key %s cv25519 encr", on(born), ada)
	c := must(openpgp.ReadCertificate([]byte(d.certificate())))(t)
	if err := c.CheckUntil(born.Add(11*day), born.Add(12*day)); !errors.Is(err, openpgp.ErrKeyExpired) {
		t.Error(err)
	}
	d.run("%s --passphrase '' --quick-set-expire %s 1y", on(born.Add(20*day)), ada)
	renewed := must(openpgp.ReadCertificate([]byte(d.certificate())))(t)
	if err := renewed.CheckUntil(born.Add(20*day-time.Hour), born.Add(21*day)); !errors.Is(err, openpgp.ErrKeyAhead) {
		t.Error("renewed on a computer that is an hour ahead:", err)
	}
}

// A key made on a computer that is a little ahead signs with dates that the bot accepts already.
func TestP8WordOfAKeyThatIsALittleAheadCounts(t *testing.T) {
	for ahead, want := range map[time.Duration]error{
		4 * time.Minute: nil,
		2 * time.Hour:   ceremony.FromTheFuture,
	} {
		d := newDesk(t, "gpg")
		d.run("%s --passphrase '' --quick-gen-key 'Ada <ada@example.invalid>' future-default", on(born.Add(ahead)))
		certificate := d.certificate()
		c := must(openpgp.ReadCertificate([]byte(certificate)))(t)
		bot := openpgp.New(must(openpgp.Generate("conclave test", born.Add(-day)))(t), []*openpgp.Certificate{c})
		word := d.says(born.Add(ahead + 10*time.Second))
		signed, err := bot.VerifyStatement([]byte(word), c.Fingerprint(), born.Add(-time.Hour), born)
		if !errors.Is(err, want) {
			t.Errorf("%v: got %v, want %v", ahead, err, want)
		}
		if err != nil {
			continue
		}
		// The auditor comes to the same result years later.
		_, _, err = openpgp.VerifySignedWord(certificate, c.Fingerprint(), signed.Armor, born.Add(-time.Hour), born)
		if err != nil {
			t.Errorf("%v: %v", ahead, err)
		}
	}
}

func TestSecretKeyFromAComputerThatIsAheadIsReadWithinTheTolerance(t *testing.T) {
	now := time.Now()
	for ahead, want := range map[time.Duration]error{4 * time.Minute: nil, time.Hour: openpgp.ErrKeyAhead} {
		path := filepath.Join(t.TempDir(), "identity.asc")
		// An identity is dated back when it is made, by the tolerance.
		made := must(openpgp.Generate("conclave test", now.Add(ahead+5*time.Minute)))(t)
		if err := made.Save(path, []byte("swordfish")); err != nil {
			t.Fatal(err)
		}
		if _, err := openpgp.Load(path, []byte("swordfish")); !errors.Is(err, want) {
			t.Errorf("identity, %v ahead: %v", ahead, err)
		}
		d := newDesk(t, "gpg")
		d.run("%s --passphrase '' --quick-gen-key 'Ada <ada@example.invalid>' future-default", on(now.Add(ahead)))
		if _, err := openpgp.ReadHolderKey(d.run("gpg --batch --armor --ignore-valid-from --export-secret-keys"), nil); !errors.Is(err, want) {
			t.Errorf("holder's key, %v ahead: %v", ahead, err)
		}
	}
}

// An identity that an earlier version has made is not dated back. It makes nothing that is older than itself.
func TestNothingIsDatedBackBeyondTheIdentity(t *testing.T) {
	d, s := newClockDesk(t)
	id := must(openpgp.Generate("conclave test", s.now.Add(5*time.Minute)))(t) // its date is now
	k := must(openpgp.New(id, nil).NewKey(notice(id.Fingerprint(), s.now.Add(time.Second))))(t)
	d.write("young.asc", []byte(k.Announced().Certificate))
	d.write("said.asc", []byte(k.Announced().Announcement))
	d.run("gpg --batch -q --import young.asc; gpg --batch -q --yes --quick-lsign-key %s", id.Fingerprint())
	d.run("gpg --batch --status-fd 2 -d said.asc 2>status >said; grep -q GOODSIG status")
	if !k.Fits(d.run("printf x | gpg --batch -ea -r %s", id.Fingerprint())) {
		t.Error("it can't be encrypted to")
	}
}
