package openpgp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

func TestClaimsNameWhoeverSignedEachMessage(t *testing.T) {
	s, other := newStage(t), newStage(t)
	delivery := must(other.bot.SignDelivery(other.parcel(t)))(t)
	pasted := s.called(t, response, nil) + string(s.pasted()) + delivery.Line + delivery.Armor
	id := s.identity.Fingerprint()
	const cluster = "9f0a4e0c-3c8f-6a1e-1b8d-0a4f7d9e2c11"
	got := must(openpgp.Claims([]byte(pasted), time.Now()))(t) // deliveries are signed now
	want := []openpgp.Claim{
		{Kind: openpgp.Calls, Identity: id, Ceremony: "prod-rekey-k7m2", Cluster: "prod", ClusterID: cluster, At: s.now},
		{Kind: openpgp.Asks, Identity: id, Ceremony: "prod-rekey-k7m2", Cluster: "prod", ClusterID: cluster, At: s.now},
		{Kind: openpgp.Delivers, Identity: other.identity.Fingerprint(), Ceremony: "prod-rekey-k7m2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestClaimsOfNobodyAreRefusedInTheirOwnWords(t *testing.T) {
	s, other := newStage(t), newStage(t)
	announcement := s.key.Announced().Announcement
	for name, tt := range map[string]struct {
		pasted string
		want   error
	}{
		"nothing":              {"", openpgp.ErrNothingOfOurs},
		"a holder's statement": {string(enarmor(t, "PGP MESSAGE", state(t, statement, s.want.Now, s.holder))) + string(public(t, s.holder)), openpgp.ErrNothingOfOurs},
		"no certificate":       {announcement, openpgp.ErrNoCertificate},
		"another certificate":  {announcement + other.key.Announced().Certificate, openpgp.ErrNotSigned},
		"cut off":              {announcement[:len(announcement)-60], ceremony.Truncated},
	} {
		if got, err := openpgp.Claims([]byte(tt.pasted), s.want.Now); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, tt.want)
		}
	}
}

func TestOlderAnnouncementPastedLastDoesNotCount(t *testing.T) {
	s := newStage(t)
	older := s.pasted()
	n := notice(s.identity.Fingerprint(), s.now.Add(30*time.Second))
	n.Step, n.Nonce = ceremony.StepVerify, "a-new-nonce"
	s.key = must(s.bot.NewKey(n))(t)
	inv := must(openpgp.CheckAnnouncement(concat(s.pasted(), older), s.identity.Fingerprint(), s.want.Now))(t)
	if inv.Step() != ceremony.StepVerify {
		t.Errorf("it is for step %s", inv.Step())
	}
}

// What another bot has signed, pasted along, does not stand in the way of what the
// pinned one has.
func TestAnnouncementOfAnotherIdentityIsNotRead(t *testing.T) {
	s, other := newStage(t), newStage(t)
	for _, pasted := range [][]byte{concat(s.pasted(), other.pasted()), concat(other.pasted(), s.pasted())} {
		inv := must(openpgp.CheckAnnouncement(pasted, s.identity.Fingerprint(), s.want.Now))(t)
		if inv.Identity() != s.identity.Fingerprint() || strings.Contains(inv.Certificate(), other.key.Announced().Certificate) {
			t.Error("it is another's")
		}
	}
}
