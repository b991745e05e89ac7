package openpgp_test

import (
	"bytes"
	"errors"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

func TestGeneratedHolderTakesPartInACeremony(t *testing.T) {
	h := must(openpgp.GenerateHolder("Ada", start))(t)
	certificate := must(openpgp.ReadCertificate([]byte(must(h.PublicArmor())(t))))(t)
	if certificate.Fingerprint() != h.Fingerprint() {
		t.Error("two fingerprints")
	}
	s := newStage(t)
	bot := openpgp.New(s.identity, []*openpgp.Certificate{certificate})
	s.key = must(bot.NewKey(notice(s.identity.Fingerprint(), s.now)))(t)
	s.want.Signer = h.Fingerprint()

	message := asVault(t, must(bot.Certificate(h.Fingerprint()))(t), share)
	plain := must(h.Decrypt(message))(t)
	inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
	s.opened(t, []byte(must(inv.Seal(plain, h, s.want.Now))(t)))
}

func TestProtectedHolderKeyNeedsItsPassphrase(t *testing.T) {
	e := newHolder(t, "Ada", start)
	var b bytes.Buffer
	if err := e.EncryptPrivateKeys([]byte("swordfish"), nil); err != nil {
		t.Fatal(err)
	}
	if err := e.SerializePrivateWithoutSigning(&b, nil); err != nil {
		t.Fatal(err)
	}
	file := enarmor(t, "PGP PRIVATE KEY BLOCK", b.Bytes())
	if _, err := openpgp.ReadHolderKey(file, []byte("wrong")); !errors.Is(err, openpgp.ErrPassphrase) {
		t.Errorf("got %v", err)
	}
	h := must(openpgp.ReadHolderKey(file, []byte("swordfish")))(t)
	if string(h.Fingerprint()) != hexOf(e.PrimaryKey.Fingerprint) {
		t.Error("another key")
	}
}

func TestFileWithoutASecretKeyIsNoHolderKey(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing": nil, "talk": []byte("hello"), "public": public(t, newHolder(t, "Ada", start)),
		"public, binary": dearmor(t, public(t, newHolder(t, "Ada", start))),
	} {
		if _, err := openpgp.ReadHolderKey(data, nil); !errors.Is(err, openpgp.ErrNotSecretKey) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestMessageThatIsNotForTheHolderIsNotDecrypted(t *testing.T) {
	s := newStage(t)
	h := must(openpgp.GenerateHolder("Ada", start))(t)
	for name, tt := range map[string]struct {
		message []byte
		want    error
	}{
		"nothing":         {nil, openpgp.ErrNotCiphertext},
		"somebody else's": {s.craft(t, craft{}), openpgp.ErrNotDecrypted},
		"signed only":     {[]byte(s.key.Announced().Announcement), openpgp.ErrNotCiphertext},
	} {
		if _, err := h.Decrypt(tt.message); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	if _, ok := ceremony.RefusalOf(openpgp.ErrNotDecrypted); ok {
		t.Error("a refusal, for something that is not the bot's to refuse")
	}
}
