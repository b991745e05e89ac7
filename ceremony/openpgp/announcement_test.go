package openpgp_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// pasted is what a holder copies out of a direct message.
func (s *stage) pasted() []byte {
	a := s.key.Announced()
	return []byte("Somebody needs your share.\n```\n" + a.Announcement + "```\nand\n```\n" + a.Certificate + "```\n")
}

func TestAnnouncementSaysWhatHoldersNeed(t *testing.T) {
	s := newStage(t)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	n := notice(s.identity.Fingerprint(), s.now)
	for _, tt := range []struct{ name, got, want string }{
		{"plan", inv.Plan(), n.Plan.Text()},
		{"hash", inv.PlanHash(), n.Plan.Hash()},
		{"ceremony", string(inv.Ceremony()), string(n.Plan.Ceremony)},
		{"operation", string(inv.Operation()), string(n.Plan.Operation)},
		{"cluster", inv.Cluster(), n.Plan.Cluster},
		{"step", string(inv.Step()), string(n.Step)},
		{"nonce", inv.Nonce(), n.Nonce},
		{"identity", string(inv.Identity()), string(s.identity.Fingerprint())},
		{"prefix", inv.Prefix(), s.key.Announced().Prefix(n.Plan.Ceremony)},
		{"expires", inv.Expires().String(), n.Expires.String()},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestAnnouncementAndCertificateFitIntoABlockOfAChatMessage(t *testing.T) {
	id := must(openpgp.Generate("conclave prod", start))(t)
	bot := openpgp.New(id, nil)
	for _, holders := range []int{3, 5, 9, 20} {
		n := notice(id.Fingerprint(), start)
		n.Plan = plan(id.Fingerprint(), start, holders)
		a := must(bot.NewKey(n))(t).Announced()
		inv := must(openpgp.CheckAnnouncement([]byte(a.Announcement+a.Certificate), id.Fingerprint(), start))(t)
		t.Logf("%d holders: plan %d, announcement %d, certificate %d characters; plan inside: %t",
			holders, len(n.Plan.Text()), len(a.Announcement), len(a.Certificate), inv.Plan() != "")
		if len(a.Announcement) > 2900 || len(a.Certificate) > 2900 {
			t.Errorf("%d holders: they don't fit", holders)
		}
		if holders <= 9 && inv.Plan() != n.Plan.Text() {
			t.Errorf("%d holders: the plan is left out", holders)
		}
		if inv.PlanHash() != n.Plan.Hash() {
			t.Errorf("%d holders: another plan", holders)
		}
	}
}

func TestPlanTooLongForOneBlockIsNamedByItsHash(t *testing.T) {
	s := newStage(t)
	n := notice(s.identity.Fingerprint(), s.now)
	for range 60 {
		n.Plan.Reason += n.Plan.Hash() // doesn't compress
	}
	a := must(s.bot.NewKey(n))(t).Announced()
	if len(a.Announcement) > 2900 {
		t.Errorf("%d characters", len(a.Announcement))
	}
	inv := must(openpgp.CheckAnnouncement([]byte(a.Announcement+a.Certificate), s.identity.Fingerprint(), s.now))(t)
	if inv.Plan() != "" || inv.PlanHash() != n.Plan.Hash() {
		t.Error("neither the plan nor its hash alone")
	}
}

func TestAnnouncementIsRefusedInItsOwnWords(t *testing.T) {
	s, other := newStage(t), newStage(t)
	pin := s.identity.Fingerprint()
	a := s.key.Announced()
	second := must(s.bot.NewKey(notice(pin, s.now)))(t).Announced()
	n := notice(pin, s.now)
	n.Nonce = "another"
	rebound := must(s.bot.NewKey(n))(t).Announced()

	// What a forger has: the real certificate, and an identity of the same name.
	grafted := parse(t, a.Certificate)
	grafted.Subkeys = other.to.Subkeys
	grafted.Subkeys[0].Primary = grafted

	for name, tt := range map[string]struct {
		text string
		now  time.Time
		want error
	}{
		"nothing":                       {"hello", s.now, openpgp.ErrNoAnnouncement},
		"certificate alone":             {a.Certificate, s.now, openpgp.ErrNoAnnouncement},
		"announcement alone":            {a.Announcement, s.now, openpgp.ErrNoCertificate},
		"announcement cut":              {a.Announcement[:400] + "\n" + a.Certificate, s.now, openpgp.ErrNoAnnouncement},
		"an envelope":                   {string(s.craft(t, craft{})) + a.Certificate, s.now, openpgp.ErrNoAnnouncement},
		"another bot":                   {string(other.pasted()), s.now, openpgp.ErrOtherIdentity},
		"signed by another bot":         {other.key.Announced().Announcement + a.Certificate, s.now, openpgp.ErrNotSigned},
		"expired":                       {string(s.pasted()), a.Expires, openpgp.ErrAnnouncementStale},
		"from the future":               {string(s.pasted()), s.now.Add(-10 * time.Minute), openpgp.ErrFromTheFuture},
		"key of another announcement":   {a.Announcement + second.Certificate, s.now, openpgp.ErrCeremonyKey},
		"key bound for another nonce":   {a.Announcement + rebound.Certificate, s.now, openpgp.ErrCeremonyKey},
		"key bound by another identity": {a.Announcement + string(public(t, grafted)), s.now, openpgp.ErrCeremonyKey},
	} {
		inv, err := openpgp.CheckAnnouncement([]byte(tt.text), pin, tt.now)
		if inv != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

// Not even the identity itself can announce something that contradicts itself.
func TestAnnouncementThatContradictsItselfIsRefused(t *testing.T) {
	s := newStage(t)
	path := filepath.Join(t.TempDir(), "identity.asc")
	if err := s.identity.Save(path, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	bot := readSecret(t, path, "swordfish")
	sign := func(text string, when time.Time, signers ...*pgp.Entity) string {
		var b bytes.Buffer
		w := must(pgp.Sign(&b, signers, nil, at(when)))(t)
		io.WriteString(w, text)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return string(enarmor(t, "PGP MESSAGE", b.Bytes()))
	}
	message := dearmor(t, []byte(s.key.Announced().Announcement))
	md := must(pgp.ReadMessage(bytes.NewReader(message), pgp.EntityList{}, nil, nil))(t)
	good := string(must(io.ReadAll(md.UnverifiedBody))(t))
	head, _, _ := strings.Cut(good, "\n\n")

	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"as it was":            {good, nil},
		"without the plan":     {head + "\n", nil},
		"another plan":         {strings.Replace(good, "threshold: 3", "threshold: 1", 1), openpgp.ErrAnnouncementPlan},
		"another ceremony":     {strings.Replace(good, "ceremony: prod-rekey-k7m2", "ceremony: prod-rekey-k7m3", 1), openpgp.ErrAnnouncementPlan},
		"another cluster":      {strings.Replace(good, "cluster: prod", "cluster: test", 1), openpgp.ErrAnnouncementPlan},
		"another nonce":        {strings.Replace(good, "nonce: 0b", "nonce: 0c", 1), openpgp.ErrCeremonyKey},
		"another key":          {strings.Replace(good, "key: "+s.key.Announced().Subkey, "key: "+strings.Repeat("0", 40), 1), openpgp.ErrCeremonyKey},
		"another identity":     {strings.Replace(good, "identity: "+string(s.identity.Fingerprint()), "identity: "+strings.Repeat("ab", 20), 1), openpgp.ErrOtherIdentity},
		"no identity":          {strings.Replace(good, "identity: ", "identity: x", 1), openpgp.ErrAnnouncement},
		"a field left out":     {strings.Replace(good, "step: update\n", "", 1), openpgp.ErrAnnouncement},
		"a field twice":        {strings.Replace(good, "step: update\n", "step: update\nstep: verify\n", 1), openpgp.ErrAnnouncement},
		"a field too many":     {strings.Replace(good, "\n\n", "\nmore: x\n\n", 1), openpgp.ErrAnnouncement},
		"no time":              {strings.Replace(good, "announced: 2026", "announced: soon", 1), openpgp.ErrAnnouncement},
		"no end":               {strings.Replace(good, "expires: 2026", "expires: never", 1), openpgp.ErrAnnouncement},
		"announced next year":  {strings.Replace(good, "announced: 2026", "announced: 2027", 1), openpgp.ErrFromTheFuture},
		"something else of it": {"conclave-delivery1 a b 1/1 c d", openpgp.ErrNoAnnouncement},

		"a command for a ceremony":    {strings.ReplaceAll(good, "ceremony: prod-rekey-k7m2", "ceremony: prod;touch pwned"), openpgp.ErrAnnouncement},
		"a command for an operation":  {strings.ReplaceAll(good, "operation: rekey", "operation: $(touch pwned)"), openpgp.ErrAnnouncement},
		"a command for a cluster":     {strings.ReplaceAll(good, "cluster: prod", "cluster: `touch pwned`"), openpgp.ErrAnnouncement},
		"a command for a step":        {strings.Replace(good, "step: update", "step: '&touch pwned'", 1), openpgp.ErrAnnouncement},
		"a command for a nonce":       {strings.Replace(good, "nonce: ", "nonce: ';touch pwned;", 1), openpgp.ErrAnnouncement},
		"a command for a plan":        {strings.Replace(head, "plan: ", "plan: ;touch ", 1), openpgp.ErrAnnouncement},
		"a command for a fingerprint": {strings.Replace(good, "key: ", "key: 0;", 1), openpgp.ErrAnnouncement},
		"a key that escapes":          {strings.Replace(good, "key: ", "key: \x1b[201~", 1), openpgp.ErrAnnouncement},
	} {
		text := sign(tt.text, s.now, bot) + s.key.Announced().Certificate
		_, err := openpgp.CheckAnnouncement([]byte(text), s.identity.Fingerprint(), s.now)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	twice := sign(good, s.now, bot, s.holder) + s.key.Announced().Certificate
	if _, err := openpgp.CheckAnnouncement([]byte(twice), s.identity.Fingerprint(), s.now); !errors.Is(err, openpgp.ErrNotSigned) {
		t.Errorf("signed twice: got %v", err)
	}
}

func TestHolderWhoseClockIsALittleBehindCanSeal(t *testing.T) {
	s := newStage(t)
	early := s.now.Add(-2 * time.Minute)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), early))(t)
	s.opened(t, []byte(must(inv.Seal([]byte(share), holderKey(t, s.holder), early))(t)))
}

func TestSealedShareIsOpened(t *testing.T) {
	s := newStage(t)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	envelope := must(inv.Seal([]byte(" "+share+"\n"), holderKey(t, s.holder), s.want.Now))(t)
	t.Logf("the envelope has %d characters", len(envelope))
	s.opened(t, []byte(envelope))
}

func TestWhatIsNoShareIsNotSealed(t *testing.T) {
	s := newStage(t)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	for _, text := range []string{"", "hunter2", share + share, share + " " + share} {
		_, err := inv.Seal([]byte(text), holderKey(t, s.holder), s.want.Now)
		if !errors.Is(err, openpgp.ErrNotAShare) {
			t.Errorf("got %v", err)
		}
	}
}

func TestCertificateOfAnInvitationHoldsOneKey(t *testing.T) {
	s := newStage(t)
	// gpg --export brings the keys of earlier ceremonies along.
	older := parse(
		t, must(s.bot.NewKey(notice(s.identity.Fingerprint(), s.now.Add(-time.Minute))))(t).Announced().Certificate,
	)
	both := parse(t, s.key.Announced().Certificate)
	older.Subkeys[0].Primary = both
	both.Subkeys = append(both.Subkeys, older.Subkeys[0])
	text := s.key.Announced().Announcement + string(public(t, both))
	inv := must(openpgp.CheckAnnouncement([]byte(text), s.identity.Fingerprint(), s.want.Now))(t)
	alone := parse(t, inv.Certificate())
	if len(alone.Subkeys) != 1 || hexOf(alone.Subkeys[0].PublicKey.Fingerprint) != s.key.Announced().Subkey {
		t.Error("it holds other keys")
	}
	s.to = alone
	s.opened(t, s.craft(t, craft{}))
}

func TestNewestOfTwoAnnouncementsCounts(t *testing.T) {
	s := newStage(t)
	first := s.pasted()
	n := notice(s.identity.Fingerprint(), s.now)
	n.Step, n.Nonce = ceremony.StepVerify, "a-new-nonce"
	s.key = must(s.bot.NewKey(n))(t)
	inv := must(openpgp.CheckAnnouncement(concat(first, s.pasted()), s.identity.Fingerprint(), s.want.Now))(t)
	if inv.Step() != ceremony.StepVerify || inv.Nonce() != n.Nonce {
		t.Errorf("it is for step %s", inv.Step())
	}
	s.want.Step, s.want.Nonce = n.Step, n.Nonce
	s.opened(t, []byte(must(inv.Seal([]byte(share), holderKey(t, s.holder), s.want.Now))(t)))
}

func TestCeremonyKeyIsBoundToCeremonyNonceAndExpiry(t *testing.T) {
	s := newStage(t)
	a := s.key.Announced()
	subkey := s.to.Subkeys[0]
	binding := must(subkey.Verify(s.now, at(s.now)))(t)
	found := ""
	for _, n := range binding.Notations {
		if n.Name == "ceremony@conclave.invalid" {
			found = string(n.Value)
		}
	}
	if want := string(s.want.Ceremony) + " " + s.want.Nonce; found != want {
		t.Errorf("the notation says %q, want %q", found, want)
	}
	if _, ok := s.to.EncryptionKey(a.Expires.Add(time.Second), at(a.Expires)); ok {
		t.Error("it can be encrypted to after its expiry")
	}
	if subkey.PublicKey.PubKeyAlgo != packet.PubKeyAlgoECDH || s.to.PrimaryKey.Version != 4 {
		t.Error("not the profile that every program encrypts to")
	}
	if a.Subkey != hexOf(subkey.PublicKey.Fingerprint) || a.Identity != s.identity.Fingerprint() {
		t.Errorf("announced as %s of %s", a.Subkey, a.Identity)
	}
}

func TestKeyThatWouldNeverLiveIsNotMade(t *testing.T) {
	s := newStage(t)
	n := notice(s.identity.Fingerprint(), s.now)
	n.Expires = n.At
	if _, err := s.bot.NewKey(n); err == nil {
		t.Error("made")
	}
}

func holderKey(t testing.TB, e *pgp.Entity) *openpgp.HolderKey {
	t.Helper()
	var b strings.Builder
	if err := e.SerializePrivateWithoutSigning(&b, nil); err != nil {
		t.Fatal(err)
	}
	return must(openpgp.ReadHolderKey(enarmor(t, "PGP PRIVATE KEY BLOCK", []byte(b.String())), nil))(t)
}
