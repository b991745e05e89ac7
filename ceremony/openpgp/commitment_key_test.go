package openpgp_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/openpgp"
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
