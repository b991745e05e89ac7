package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"conclave/ceremony/secret"
)

func tagOf(t *testing.T, share, key string) secret.ShareTag {
	t.Helper()
	s := secret.NewSecret([]byte(share))
	defer s.Wipe()
	tag, err := s.Tag("k", [32]byte([]byte(strings.Repeat(key, 32))))
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func TestTagTellsSharesAndKeysApart(t *testing.T) {
	one, again := tagOf(t, "a", "k"), tagOf(t, "a", "k")
	if one != again || one.Tag == tagOf(t, "b", "k").Tag || one.Tag == tagOf(t, "a", "l").Tag {
		t.Error("tags don't tell shares apart")
	}
}

func TestTagIsOfTheShareHoweverItIsWritten(t *testing.T) {
	raw := bytes.Repeat([]byte{0xab, 0x3e, 0xff}, 11)
	var found []secret.ShareTag
	for _, written := range []string{
		hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), base64.StdEncoding.EncodeToString(raw),
	} {
		found = append(found, tagOf(t, written, "k"))
	}
	if found[0] != found[1] || found[0] != found[2] || found[0].X != 0xff {
		t.Errorf("one share has several tags: %+v", found)
	}
}

// The last byte of an undivided key is part of the key. So is that of a share whose end
// was lost on the way.
func TestP1TagTakesAnXOnlyOfADividedKeysShare(t *testing.T) {
	for _, n := range []int{16, 31, 32, 34} {
		if tag := tagOf(t, hex.EncodeToString(bytes.Repeat([]byte{0xc7}, n)), "k"); tag.X != 0 {
			t.Errorf("%d bytes have x %d", n, tag.X)
		}
	}
}

func TestP1TagHasNothingOfTheShareButItsX(t *testing.T) {
	raw := bytes.Repeat([]byte{0x5a, 0xc3, 0x99}, 11)
	text, err := json.Marshal(tagOf(t, hex.EncodeToString(raw), "k"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) - 2 {
		three := raw[i : i+3]
		for _, part := range []string{hex.EncodeToString(three), base64.RawStdEncoding.EncodeToString(three)} {
			if strings.Contains(strings.ToLower(string(text)), strings.ToLower(part)) {
				t.Errorf("%s has %q of the share", text, part)
			}
		}
	}
}
