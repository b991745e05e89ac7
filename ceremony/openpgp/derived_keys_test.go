package openpgp_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/openpgp"
	"conclave/ceremony/secret"
)

func TestCommitmentKeyComesWithTheIdentityAndNoOther(t *testing.T) {
	s, other := newStage(t), newStage(t)
	id, key := s.bot.CommitmentKey()
	path := filepath.Join(t.TempDir(), "identity.asc")
	if err := s.identity.Save(path, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	restored := openpgp.New(must(openpgp.Load(path, []byte("swordfish")))(t), nil)
	if againID, again := restored.CommitmentKey(); againID != id || again != key {
		t.Error("the restored identity has another key")
	}
	otherID, otherKey := other.bot.CommitmentKey()
	if otherID == id || otherKey == key || key == [32]byte{} || len(id) != 16 {
		t.Errorf("ids %q and %q", id, otherID)
	}
}

func TestJournalKeyComesWithTheIdentityAndNoOther(t *testing.T) {
	s, other := newStage(t), newStage(t)
	path := filepath.Join(t.TempDir(), "identity.asc")
	if err := s.identity.Save(path, []byte("swordfish")); err != nil {
		t.Fatal(err)
	}
	restored := openpgp.New(must(openpgp.Load(path, []byte("swordfish")))(t), nil)
	key := s.bot.JournalKey()
	sum := key.Sum("a purpose", []byte("a line"))
	if again := restored.JournalKey(); again.Name() != key.Name() || !again.Proves("a purpose", []byte("a line"), sum) {
		t.Error("the restored identity has another key")
	}
	tagName, tagKey := s.bot.CommitmentKey()
	if key.Name() == other.bot.JournalKey().Name() || key.Name() == tagName || len(key.Name()) != 16 {
		t.Errorf("the key is named %s", key.Name())
	}
	for name, stranger := range map[string]secret.MACKey{
		"another identity": other.bot.JournalKey(), "the key of tags": secret.NewMACKey(tagName, tagKey),
	} {
		if stranger.Proves("a purpose", []byte("a line"), sum) {
			t.Errorf("%s proves the line", name)
		}
	}
}

func TestP1CommitmentKeyIsNotPrinted(t *testing.T) {
	s := newStage(t)
	_, key := s.bot.CommitmentKey()
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x", "%s"} {
		for _, value := range []any{s.identity, *s.bot, s.bot} {
			shown := fmt.Sprintf(verb, value)
			for _, form := range []string{fmt.Sprint(key), fmt.Sprintf("%x", key), fmt.Sprintf("%#v", key[:4]), string(key[:])} {
				if strings.Contains(shown, strings.Trim(form, "[]")) {
					t.Errorf("%s of a %T shows the key", verb, value)
				}
			}
		}
	}
}
