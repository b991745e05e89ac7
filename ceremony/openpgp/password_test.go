package openpgp_test

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// password is what no error, log or evidence may ever show either.
const password = "Kq7vXb2ZrT9mWc4YpL8nHd3JsG6f"

// newPasswordStage is a ceremony whose requester has no PGP key and is asked for
// the one-time password.
func newPasswordStage(t testing.TB) *stage { return passwordStage(t, start) }

func passwordStage(t testing.TB, now time.Time) *stage {
	t.Helper()
	s := &stage{now: now, holder: newHolder(t, "Ada", now)}
	s.identity = must(openpgp.Generate("conclave test", now.Add(-time.Hour)))(t)
	s.bot = openpgp.New(s.identity, nil)
	n := notice(s.identity.Fingerprint(), now)
	n.Step = ceremony.StepOTP
	s.key = must(s.bot.NewKey(n))(t)
	s.to = parse(t, s.key.Announced().Certificate)
	s.want = ceremony.Expected{
		Ceremony: n.Plan.Ceremony, Step: n.Step, Nonce: n.Nonce, NotBefore: now, Now: now.Add(time.Minute),
		PlanHash: n.Plan.Hash(), Commitment: openpgp.Commitment([]byte(password)),
	}
	return s
}

// sealed is an envelope with these words behind the prefix.
func (s *stage) sealed(t testing.TB, words string) []byte {
	t.Helper()
	return s.craft(t, craft{content: s.prefix() + words, unsigned: true})
}

func (s *stage) openedPassword(t testing.TB, envelope []byte) {
	t.Helper()
	if !s.key.Fits(envelope) {
		t.Error("it does not fit")
	}
	secret, evidence, err := s.key.Open(envelope, s.want)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	if len(evidence.SHA256) != 64 || evidence.Signer != "" || !evidence.SignedAt.IsZero() {
		t.Errorf("evidence %+v", evidence)
	}
	if said := fmt.Sprintf("%v %+v %#v %v", secret, secret, secret, evidence); strings.Contains(said, password[:8]) {
		t.Error("the answer shows the password")
	}
	err = secret.Use(func(b []byte) error {
		if string(b) != password {
			t.Error("the secret is not the password")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func (s *stage) refusedPassword(t testing.TB, envelope []byte, reason ceremony.Refusal) {
	t.Helper()
	secret, evidence, err := s.key.Open(envelope, s.want)
	if secret != nil {
		t.Fatalf("accepted, want %s", reason)
	}
	if got, _ := ceremony.RefusalOf(err); got != reason {
		t.Errorf("refused with %v, want %s", err, reason)
	}
	if said := fmt.Sprintf("%v %+v", err, evidence); strings.Contains(said, password[:8]) || strings.Contains(said, share[:16]) {
		t.Error("the answer shows a secret")
	}
}

func TestSealedPasswordIsOpened(t *testing.T) {
	s := newPasswordStage(t)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	if inv.Step() != ceremony.StepOTP {
		t.Errorf("asked for %q", inv.Step())
	}
	envelope := must(inv.SealPassword([]byte(password), s.want.Now))(t)
	s.openedPassword(t, []byte(envelope))
	s.openedPassword(t, dearmor(t, []byte(envelope))) // as a binary file
	s.openedPassword(t, concat([]byte("here it is:\n"), []byte(envelope), []byte("> "+s.key.Announced().Announcement)))
	s.openedPassword(t, s.sealed(t, password+"\r\n"))
	s.openedPassword(t, s.craft(t, craft{content: s.prefix() + password, unsigned: true, hidden: []*pgp.Entity{s.to}}))
	s.openedPassword(
		t, s.craft(t, craft{content: s.prefix() + password, unsigned: true, compress: packet.CompressionZLIB}),
	)
}

// Whose signature it is can't be known, and the commitment says enough.
func TestSignatureOnAPasswordIsNotLookedAt(t *testing.T) {
	s := newPasswordStage(t)
	s.openedPassword(t, s.craft(t, craft{content: s.prefix() + password}))
	s.openedPassword(t, s.wrap(t, packet.CipherAES256, func(w io.Writer) {
		s.sign(t, w, s.prefix()+password, crypto.SHA256, crypto.SHA512)
	}))
}

func TestP2PasswordEnvelopeIsRefusedForItsOwnReason(t *testing.T) {
	otherwise := func(old, with string) func(*testing.T, *stage) []byte {
		return func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{content: strings.Replace(s.prefix()+password, old, with, 1), unsigned: true})
		}
	}
	for _, tt := range []struct {
		name   string
		reason ceremony.Refusal
		made   func(t *testing.T, s *stage) []byte
	}{
		{"nothing", ceremony.NoArmor, func(*testing.T, *stage) []byte { return nil }},
		{"a novel", ceremony.TooBig, func(t *testing.T, s *stage) []byte {
			return append(s.sealed(t, password), bytes.Repeat([]byte("Call me Ishmael. "), 1000)...)
		}},
		{"long content", ceremony.TooBig, func(t *testing.T, s *stage) []byte {
			return s.sealed(t, password+strings.Repeat(" ", 600))
		}},
		{"not encrypted", ceremony.NotEncrypted, func(t *testing.T, s *stage) []byte {
			var b bytes.Buffer
			literal(t, &b, s.prefix()+password)
			return enarmor(t, "PGP MESSAGE", b.Bytes())
		}},
		{"encrypted with a password", ceremony.PasswordSealed, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{content: s.prefix() + password, unsigned: true, passwords: [][]byte{[]byte("swordfish")}})
		}},
		{"to somebody else", ceremony.OtherKey, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{content: s.prefix() + password, unsigned: true, to: []*pgp.Entity{s.holder}})
		}},
		{"a bit changed", ceremony.BadMessage, func(t *testing.T, s *stage) []byte {
			data := dearmor(t, s.sealed(t, password))
			data[len(data)-30] ^= 1
			return enarmor(t, "PGP MESSAGE", data)
		}},
		{"the password alone", ceremony.NoPrefix, func(t *testing.T, s *stage) []byte {
			return s.craft(t, craft{content: password, unsigned: true})
		}},
		{"another ceremony", ceremony.OtherCeremony, otherwise("k7m2", "k7m3")},
		{"a share's step", ceremony.OtherStep, otherwise(" otp ", " update ")},
		{"another nonce", ceremony.OtherNonce, otherwise("0b9d5dc1", "0b9d5dc2")},
		{"another identity", ceremony.OtherIdentity, func(t *testing.T, s *stage) []byte {
			f := string(s.identity.Fingerprint())
			return s.craft(
				t, craft{content: strings.Replace(s.prefix(), f, strings.Repeat("ab", 20), 1) + password, unsigned: true},
			)
		}},
		{"no password", ceremony.BadPassword, otherwise(password, "")},
		{"two passwords", ceremony.BadPassword, otherwise(password, password+" "+password)},
		{"a short one", ceremony.BadPassword, otherwise(password, password[:19])},
		{"a long one", ceremony.BadPassword, otherwise(password, strings.Repeat("a", 65))},
		{"other characters", ceremony.BadPassword, otherwise(password, "correct-horse-battery-staple")},
		{"a share of digits", ceremony.BadPassword, otherwise(password, share)},
		{"an undivided key", ceremony.OtherPassword, otherwise(password, share[:64])},
		{"another password", ceremony.OtherPassword, otherwise("Kq7v", "Kq7w")},
		{"half of it", ceremony.OtherPassword, otherwise(password, password[:26])},

		{"a share in the open", ceremony.PlainShare, func(*testing.T, *stage) []byte { return []byte(share) }},
		{"in the open", ceremony.PlainPassword, func(*testing.T, *stage) []byte { return []byte("it is `" + password + "`, I think") }},
		{"in the open, with a name", ceremony.PlainPassword, func(*testing.T, *stage) []byte { return []byte("otp=" + password) }},
		{"in the open, with its prefix", ceremony.PlainPassword, func(t *testing.T, s *stage) []byte { return []byte(s.prefix() + password) }},
		{"in the open, beside an envelope", ceremony.PlainPassword, func(t *testing.T, s *stage) []byte {
			return concat(s.sealed(t, password), []byte(password))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newPasswordStage(t)
			s.refusedPassword(t, tt.made(t, s), tt.reason)
		})
	}
}

func TestPasswordIsNoShareAndShareIsNoPassword(t *testing.T) {
	// The same key, asked for the one and for the other.
	s := newStage(t)
	s.refused(t, s.craft(t, craft{content: s.prefix() + password, unsigned: true}), ceremony.Unsigned)
	s.refused(t, s.craft(t, craft{content: s.prefix() + password}), ceremony.BadShare)
	asked := s.want
	s.want.Step, s.want.Signer, s.want.Commitment = ceremony.StepOTP, "", openpgp.Commitment([]byte(share[:64]))
	s.refused(t, s.craft(t, craft{}), ceremony.OtherStep)
	s.want = asked
	// However long and made of whatever: an undivided key could be a password.
	s.want.Commitment = openpgp.Commitment([]byte(share))
	s.opened(t, s.craft(t, craft{}))
}

func TestPasswordWithoutACommitmentIsNeverAccepted(t *testing.T) {
	s := newPasswordStage(t)
	envelope := s.sealed(t, password)
	for _, commitment := range []string{"", strings.ToUpper(s.want.Commitment), s.want.Commitment[:63], s.want.Commitment + "0"} {
		s.want.Commitment = commitment
		s.refusedPassword(t, envelope, ceremony.OtherPassword)
	}
}

func TestPasswordIsNotOpenedTooLate(t *testing.T) {
	s := newPasswordStage(t)
	envelope := s.sealed(t, password)
	s.want.Now = s.key.Announced().Expires
	s.refusedPassword(t, envelope, ceremony.Closed)
	s.want.Now = s.now
	s.openedPassword(t, envelope)
	s.key.Destroy()
	s.refusedPassword(t, envelope, ceremony.OtherKey)
}

func TestInvitationSealsOnlyWhatItAsksFor(t *testing.T) {
	s := newPasswordStage(t)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	holder := must(openpgp.GenerateHolder("Ada", s.now))(t)
	if _, err := inv.Seal([]byte(share), holder, s.want.Now); !errors.Is(err, openpgp.ErrAsksPassword) {
		t.Errorf("a share: %v", err)
	}
	if _, err := inv.Payload([]byte(password)); !errors.Is(err, openpgp.ErrAsksPassword) {
		t.Errorf("a payload: %v", err)
	}
	if _, err := inv.SealPassword([]byte("swordfish"), s.want.Now); !errors.Is(err, openpgp.ErrNotAPassword) {
		t.Errorf("another password: %v", err)
	}
	s = newStage(t)
	inv = must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	if _, err := inv.SealPassword([]byte(password), s.want.Now); !errors.Is(err, openpgp.ErrAsksShare) {
		t.Errorf("a password: %v", err)
	}
}

func TestPasswordThatThePlanDoesNotNameIsNotSealed(t *testing.T) {
	s := newPasswordStage(t)
	n := notice(s.identity.Fingerprint(), s.now)
	n.Step = ceremony.StepOTP
	// A line of the plan, written out: it is what people have approved.
	n.Plan.ClusterID += "\none-time password sha256: " + openpgp.Commitment([]byte(password))
	a := must(s.bot.NewKey(n))(t).Announced()
	inv := must(openpgp.CheckAnnouncement([]byte(a.Announcement+a.Certificate), s.identity.Fingerprint(), s.want.Now))(t)
	if inv.Plan() == "" {
		t.Fatal("the plan is not in the announcement")
	}
	must(inv.SealPassword([]byte(password), s.want.Now))(t)
	if _, err := inv.SealPassword([]byte(strings.ToUpper(password)), s.want.Now); !errors.Is(err, openpgp.ErrOtherPassword) {
		t.Errorf("got %v", err)
	}
}

func TestNewPasswordsAreRandomLettersAndDigits(t *testing.T) {
	counts := map[byte]int{}
	seen := map[string]bool{}
	for _, length := range []int{openpgp.MinPassword, 26, 28, openpgp.MaxPassword} {
		for range 250 {
			made := must(openpgp.NewPassword(length))(t)
			if err := openpgp.CheckPassword(made); err != nil || len(made) != length || seen[string(made)] {
				t.Fatalf("%q, asked for %d characters: %v", made, length, err)
			}
			seen[string(made)] = true
			// What is sent by mistake is known by its mixture.
			if !bytes.ContainsAny(made, "0123456789") || bytes.Equal(bytes.ToLower(made), made) || bytes.Equal(bytes.ToUpper(made), made) {
				t.Errorf("%q is not of digits and of letters of both cases", made)
			}
			for _, b := range made {
				counts[b]++
			}
		}
	}
	// 34500 characters of 62 kinds: 556 of each, give or take 24.
	for b, n := range counts {
		if n < 400 || n > 720 {
			t.Errorf("%q comes %d times", b, n)
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d kinds of characters", len(counts))
	}
	for _, length := range []int{-1, 0, openpgp.MinPassword - 1, openpgp.MaxPassword + 1} {
		if _, err := openpgp.NewPassword(length); !errors.Is(err, openpgp.ErrNotAPassword) {
			t.Errorf("%d characters: %v", length, err)
		}
	}
}

func TestCommitmentIsTheHashThatOtherProgramsPrint(t *testing.T) {
	d := newDesk(t, "sha256sum")
	d.write("otp.txt", []byte(password))
	if got, want := openpgp.Commitment([]byte(password)), strings.Fields(string(d.run("sha256sum otp.txt")))[0]; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if raw, err := hex.DecodeString(openpgp.Commitment(nil)); err != nil || len(raw) != 32 {
		t.Errorf("%x, %v", raw, err)
	}
}

func TestGPGAndSequoiaMakePasswordEnvelopes(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	set := func(d *desk) *stage {
		s := passwordStage(t, now)
		d.write("bot.asc", []byte(s.key.Announced().Certificate))
		// As docs/holder.md makes it; echo would leave a line feed, which does no harm.
		d.run("LC_ALL=C tr -dc A-Za-z0-9 </dev/urandom | head -c 28 >random.txt; test $(wc -c <random.txt) = 28")
		d.write("otp.txt", []byte(password+"\n"))
		return s
	}
	t.Run("gpg", func(t *testing.T) {
		d := newDesk(t, "gpg")
		s := set(d)
		d.run(importBot)
		for _, to := range []string{
			string(s.identity.Fingerprint()),
			"'" + strings.ToUpper(s.key.Announced().Subkey) + "!'",
		} {
			// The requester has no key, and so nothing to sign the bot's with.
			s.openedPassword(
				t, d.run("{ printf '%s'; cat otp.txt; } | gpg --batch -ea --trust-model always -r %s", s.prefix(), to),
			)
		}
		// An announcement is checked without a key of one's own.
		d.write("announcement.asc", []byte(s.key.Announced().Announcement))
		d.run("gpg --batch --status-fd 2 -d announcement.asc 2>status; grep -q 'VALIDSIG.*%s' status", strings.ToUpper(string(s.identity.Fingerprint())))
	})
	t.Run("sq", func(t *testing.T) {
		d := newDesk(t, "sq")
		s := set(d)
		to := "--for-file bot.asc --without-signature"
		if d.oldSequoia() {
			to = "--recipient-cert bot.asc"
		}
		s.openedPassword(t, d.run("{ printf '%s'; cat otp.txt; } | sq encrypt %s", s.prefix(), to))
	})
}

// FuzzPasswordPayload encrypts what it likes: nothing but this ceremony's line with
// the password in it is accepted.
func FuzzPasswordPayload(f *testing.F) {
	s := newPasswordStage(f)
	f.Add(s.prefix() + password)
	f.Add(s.prefix() + share)
	f.Add(password)
	f.Add("conclave1 a b c d e")
	f.Add(strings.Replace(s.prefix(), " otp ", " update ", 1) + password)
	f.Fuzz(func(t *testing.T, content string) {
		if content == "" {
			return // craft's word for the payload
		}
		secret, _, err := s.key.Open(s.craft(t, craft{content: content, unsigned: true}), s.want)
		if err != nil {
			if _, ok := ceremony.RefusalOf(err); !ok || secret != nil {
				t.Errorf("%v is no refusal", err)
			}
			if strings.Contains(err.Error(), password) {
				t.Error("the refusal shows the password")
			}
			return
		}
		line := strings.Join(strings.Fields(content), " ")
		if rest, ok := strings.CutSuffix(line, password); !ok || !strings.EqualFold(rest, s.prefix()) {
			t.Errorf("%q is accepted", content)
		}
		err = secret.Use(func(b []byte) error {
			if string(b) != password {
				t.Error("another password")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
