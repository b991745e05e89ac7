package openpgp_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"

	"github.com/google/go-cmp/cmp"
)

func (s *stage) parcel(t testing.TB) ceremony.Parcel {
	t.Helper()
	certificate := must(s.opener.Certificate(s.want.Signer))(t)
	return ceremony.Parcel{
		Ceremony: s.want.Ceremony, Kind: "share", Index: 2, Total: 5, Recipient: s.want.Signer,
		Ciphertext: base64.StdEncoding.EncodeToString(asVault(t, certificate, share)),
	}
}

func TestDeliveryIsCheckedAndOpenedByItsRecipient(t *testing.T) {
	s := newStage(t)
	parcel := s.parcel(t)
	signed := must(s.opener.SignDelivery(parcel))(t)
	t.Logf("line %d, ciphertext %d characters", len(signed.Line), len(signed.Armor))
	for name, mangle := range map[string]func(string) string{"as it was": same, "quoted": quoted("&gt; "), "on one line": replace("\n", " ")} {
		got, err := openpgp.CheckDelivery([]byte(mangle(signed.Line)), []byte(mangle(signed.Armor)), s.identity.Fingerprint())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(parcel, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	whole := "Your new share:\n" + signed.Armor + "\nand what it is:\n" + signed.Line
	for _, armor := range []string{whole, string(dearmor(t, []byte(signed.Armor)))} {
		if _, err := openpgp.CheckDelivery([]byte(whole), []byte(armor), s.identity.Fingerprint()); err != nil {
			t.Error(err)
		}
	}
	plain := must(holderKey(t, s.holder).Decrypt([]byte(signed.Armor)))(t)
	if string(plain) != share {
		t.Error("the holder reads something else")
	}
}

func TestForgedDeliveryIsRefusedInItsOwnWords(t *testing.T) {
	s, other := newStage(t), newStage(t)
	signed := must(s.opener.SignDelivery(s.parcel(t)))(t)
	again := must(s.opener.SignDelivery(s.parcel(t)))(t)
	foreign := must(other.opener.SignDelivery(other.parcel(t)))(t)
	certificate := must(s.identity.PublicArmor())(t)
	lineAlone := signed.Line[:strings.Index(signed.Line, "-----BEGIN PGP PUBLIC")]
	for name, tt := range map[string]struct {
		line, armor string
		want        error
	}{
		"nothing":               {"", "", openpgp.ErrNoCertificate},
		"no line":               {certificate, signed.Armor, openpgp.ErrNoDelivery},
		"no ciphertext":         {signed.Line, "", openpgp.ErrNotCiphertext},
		"no certificate":        {lineAlone, signed.Armor, openpgp.ErrNoCertificate},
		"another bot":           {foreign.Line, foreign.Armor, openpgp.ErrOtherIdentity},
		"line of another bot":   {foreign.Line + certificate, foreign.Armor, openpgp.ErrNotSigned},
		"other ciphertext":      {signed.Line, again.Armor, openpgp.ErrDeliveryAltered},
		"announcement for line": {s.key.Announced().Announcement + certificate, signed.Armor, openpgp.ErrNoDelivery},
	} {
		p, err := openpgp.CheckDelivery([]byte(tt.line), []byte(tt.armor), s.identity.Fingerprint())
		if !errors.Is(err, tt.want) || p != (ceremony.Parcel{}) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestP7WhatItsRecipientCanNotOpenIsNotDelivered(t *testing.T) {
	s := newStage(t)
	good := s.parcel(t)
	stranger := newStage(t).parcel(t)
	for name, tt := range map[string]struct {
		change func(*ceremony.Parcel)
		want   error
	}{
		"to somebody else":  {func(p *ceremony.Parcel) { p.Ciphertext = stranger.Ciphertext }, openpgp.ErrWrongRecipient},
		"unknown recipient": {func(p *ceremony.Parcel) { p.Recipient = stranger.Recipient }, openpgp.ErrUnknownKey},
		"not base64":        {func(p *ceremony.Parcel) { p.Ciphertext = "%" }, openpgp.ErrNotCiphertext},
		"not a message":     {func(p *ceremony.Parcel) { p.Ciphertext = "aGVsbG8=" }, openpgp.ErrNotCiphertext},
		"empty":             {func(p *ceremony.Parcel) { p.Ciphertext = "" }, openpgp.ErrNotCiphertext},
	} {
		p := good
		tt.change(&p)
		if _, err := s.opener.SignDelivery(p); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}
