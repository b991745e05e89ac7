package openpgp_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/google/go-cmp/cmp"
)

func (s *stage) parcel(t testing.TB) ceremony.Parcel {
	t.Helper()
	certificate := must(s.bot.Certificate(s.want.Signer))(t)
	return ceremony.Parcel{
		Ceremony: s.want.Ceremony, Kind: "share", Index: 2, Total: 5, Recipient: s.want.Signer,
		Ciphertext: base64.StdEncoding.EncodeToString(asVault(t, certificate, share)),
	}
}

func TestDeliveryIsCheckedAndOpenedByItsRecipient(t *testing.T) {
	s := newStage(t)
	parcel := s.parcel(t)
	signed := must(s.bot.SignDelivery(parcel))(t)
	t.Logf("line %d, ciphertext %d characters", len(signed.Line), len(signed.Armor))
	for name, mangle := range map[string]func(string) string{"as it was": same, "quoted": quoted("&gt; "), "on one line": replace("\n", " ")} {
		got, err := openpgp.CheckDeliveries([]byte(mangle(signed.Line+signed.Armor)), s.identity.Fingerprint())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff([]openpgp.Delivery{{Parcel: parcel, Armor: signed.Armor}}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	plain := must(holderKey(t, s.holder).Decrypt([]byte(signed.Armor)))(t)
	if string(plain) != share {
		t.Error("the holder reads something else")
	}
}

func TestForgedDeliveryIsRefusedInItsOwnWords(t *testing.T) {
	s, other := newStage(t), newStage(t)
	signed := must(s.bot.SignDelivery(s.parcel(t)))(t)
	again := must(s.bot.SignDelivery(s.parcel(t)))(t)
	foreign := must(other.bot.SignDelivery(other.parcel(t)))(t)
	certificate := must(s.identity.PublicArmor())(t)
	lineAlone := signed.Line[:strings.Index(signed.Line, "-----BEGIN PGP PUBLIC")]
	odd, kind := s.parcel(t), s.parcel(t)
	odd.Ceremony, kind.Kind = "prod;touch${IFS}pwned", "$(touch${IFS}pwned)"
	oddID, oddKind := must(s.bot.SignDelivery(odd))(t), must(s.bot.SignDelivery(kind))(t)
	for name, tt := range map[string]struct {
		line, armor string
		want        error
	}{
		"a command for an id":   {oddID.Line, oddID.Armor, openpgp.ErrNoDelivery},
		"a command for a kind":  {oddKind.Line, oddKind.Armor, openpgp.ErrNoDelivery},
		"nothing":               {"", "", openpgp.ErrNoDelivery},
		"no line":               {certificate, signed.Armor, openpgp.ErrNoDelivery},
		"no ciphertext":         {signed.Line, "", openpgp.ErrNotCiphertext},
		"no certificate":        {lineAlone, signed.Armor, openpgp.ErrNoCertificate},
		"another bot":           {foreign.Line, foreign.Armor, openpgp.ErrOtherIdentity},
		"line of another bot":   {foreign.Line + certificate, foreign.Armor, openpgp.ErrNotSigned},
		"other ciphertext":      {signed.Line, again.Armor, openpgp.ErrDeliveryAltered},
		"announcement for line": {s.key.Announced().Announcement + certificate, signed.Armor, openpgp.ErrNoDelivery},
	} {
		got, err := openpgp.CheckDeliveries([]byte(tt.line+"\n"+tt.armor), s.identity.Fingerprint())
		if !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestSeveralDeliveriesAreTakenApartInAnyOrder(t *testing.T) {
	s := newStage(t)
	var parcels []ceremony.Parcel
	var lines, armors, want []string
	for i := range 3 {
		p := s.parcel(t)
		p.Index = i + 1
		signed := must(s.bot.SignDelivery(p))(t)
		parcels, lines, armors = append(parcels, p), append(lines, signed.Line), append(armors, signed.Armor)
	}
	slices.Reverse(armors)
	pasted := strings.Join(armors, "save it\n") + strings.Join(lines, "check it\n") + lines[0] + s.key.Announced().Announcement
	got := must(openpgp.CheckDeliveries([]byte(pasted), s.identity.Fingerprint()))(t)
	for i, d := range got {
		if d.Parcel != parcels[i] {
			t.Errorf("delivery %d is %+v", i, d.Parcel)
		}
		want = append(want, d.Armor)
	}
	if slices.Reverse(armors); !slices.Equal(want, armors) {
		t.Error("the ciphertexts went to other lines")
	}
	// One of them that can't be trusted spoils them all.
	if got, err := openpgp.CheckDeliveries([]byte(strings.Join(lines, "")+armors[0]), s.identity.Fingerprint()); !errors.Is(err, openpgp.ErrDeliveryAltered) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestBinaryFileIsArmored(t *testing.T) {
	s := newStage(t)
	signed := must(s.bot.SignDelivery(s.parcel(t)))(t)
	armored := must(openpgp.Armored(dearmor(t, []byte(signed.Armor))))(t)
	if string(armored) != signed.Armor {
		t.Errorf("armored as %q", armored)
	}
	if text := must(openpgp.Armored([]byte(signed.Line)))(t); string(text) != signed.Line {
		t.Errorf("a text became %q", text)
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
		if _, err := s.bot.SignDelivery(p); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestP8WhatIsHandedOutIsEncryptedToItsReceiverAlone(t *testing.T) {
	s, other := newStage(t), newStage(t)
	certificate := must(s.bot.PublicKey(s.want.Signer))(t)
	own := must(base64.StdEncoding.DecodeString(s.parcel(t).Ciphertext))(t)
	foreign := must(base64.StdEncoding.DecodeString(other.parcel(t).Ciphertext))(t)
	open := state(t, "the token", s.want.Now, s.holder)
	packets := func(message []byte) (all [][]byte) {
		reader := packet.NewOpaqueReader(bytes.NewReader(message))
		for p, err := reader.Next(); err == nil; p, err = reader.Next() {
			var b bytes.Buffer
			if err := p.Serialize(&b); err != nil {
				t.Fatal(err)
			}
			all = append(all, b.Bytes())
		}
		return all
	}
	join := func(parts ...[]byte) string { return base64.StdEncoding.EncodeToString(bytes.Join(parts, nil)) }
	for name, tt := range map[string]struct {
		ciphertext, certificate string
		want                    error
	}{
		"as Vault makes it":          {join(own), certificate, nil},
		"without a certificate":      {join(own), "", nil},
		"to another":                 {join(foreign), certificate, openpgp.ErrWrongRecipient},
		"to both":                    {join(packets(foreign)[0], own), certificate, openpgp.ErrWrongRecipient},
		"to both, the other way":     {join(packets(own)[0], foreign), certificate, openpgp.ErrWrongRecipient},
		"to both, nobody's known":    {join(packets(foreign)[0], own), "", openpgp.ErrWrongRecipient},
		"with a password as well":    {join(packets(dearmor(t, s.craft(t, craft{passwords: [][]byte{[]byte("x")}, to: []*pgp.Entity{s.holder}})))...), certificate, openpgp.ErrNotCiphertext},
		"with the token behind it":   {join(own, open), certificate, openpgp.ErrNotCiphertext},
		"twice":                      {join(own, own), certificate, openpgp.ErrNotCiphertext},
		"a session key alone":        {join(packets(own)[0]), certificate, openpgp.ErrNotCiphertext},
		"nothing encrypted":          {join(packets(own)[0], []byte{0xd2, 0}), certificate, openpgp.ErrNotCiphertext},
		"cut":                        {join(own[:len(own)-1]), certificate, openpgp.ErrNotCiphertext},
		"in the open":                {join(open), certificate, openpgp.ErrNotCiphertext},
		"plain English":              {join([]byte("the root token went to mallory")), certificate, openpgp.ErrNotCiphertext},
		"plain English, and no more": {join([]byte("the root token went to mallory")), "", openpgp.ErrNotCiphertext},
		"not base64":                 {"%", certificate, openpgp.ErrNotCiphertext},
		"empty":                      {"", certificate, openpgp.ErrNotCiphertext},
	} {
		if err := openpgp.VerifyCiphertext(tt.ciphertext, tt.certificate, s.want.Signer); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}
