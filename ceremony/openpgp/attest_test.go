package openpgp_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
	"time"

	"conclave/ceremony/openpgp"
)

func TestPublicKeyIsTheSameTextEveryTime(t *testing.T) {
	e := newHolder(t, "Ada", start)
	for i := range 8 {
		if err := e.AddUserId(fmt.Sprintf("Ada %d", i), "", "", at(start.Add(-time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	file := public(t, e)
	id := must(openpgp.Generate("conclave", start))(t)
	texts := map[string]bool{}
	for range 20 {
		c := must(openpgp.ReadCertificate(file))(t)
		texts[must(openpgp.New(id, []*openpgp.Certificate{c}).PublicKey(c.Fingerprint()))(t)] = true
	}
	if len(texts) != 1 {
		t.Errorf("%d texts of one key", len(texts))
	}
	for text := range texts {
		if got := parse(t, text); len(got.Identities) != 9 || got.PrivateKey != nil {
			t.Errorf("it has %d names, and a secret: %t", len(got.Identities), got.PrivateKey != nil)
		}
	}
}

func TestPublicKeyOfTheIdentityIsAnswered(t *testing.T) {
	s := newStage(t)
	got := must(s.bot.PublicKey(s.identity.Fingerprint()))(t)
	if want := must(s.identity.PublicArmor())(t); got != want {
		t.Errorf("got %s", got)
	}
	if _, err := s.bot.PublicKey("0123456789012345678901234567890123456789"); !errors.Is(err, openpgp.ErrUnknownKey) {
		t.Errorf("of nobody: %v", err)
	}
}

func TestGPGVerifiesWhatIsAttested(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	d.write("text", []byte("a transcript\r\nof two lines"))
	signature := must(s.bot.Attest([]byte("a transcript\r\nof two lines")))(t)
	d.write("text.sig", must(base64.StdEncoding.DecodeString(signature))(t))
	d.run("gpg --batch --status-fd 1 --verify text.sig text 2>/dev/null >status; grep -q GOODSIG status; grep -q 'VALIDSIG %s' status", s.identity.Fingerprint())
}
