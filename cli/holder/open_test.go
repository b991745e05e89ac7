package holder

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/cli"
)

func TestShareIsNotKeptUnderAStrangeName(t *testing.T) {
	dir := t.TempDir()
	for _, id := range []ceremony.ID{"prod-rekey-\x1b[2J", "a/../../b", "prod:k7m2", `a\b`, "a\u202eb"} {
		d := openpgp.Delivery{
			Parcel: ceremony.Parcel{Ceremony: id, Index: 1, Total: 1}, Armor: hex.EncodeToString([]byte("x")),
		}
		if path, err := keepShare(cli.Streams{Err: &bytes.Buffer{}, Out: &bytes.Buffer{}}, dir, d); err == nil {
			t.Errorf("%q is kept in %q", id, path)
		}
	}
	if there, _ := os.ReadDir(dir); len(there) > 0 {
		t.Errorf("%v", there)
	}
	d := openpgp.Delivery{Parcel: ceremony.Parcel{Ceremony: "prod-rekey-k7m2", Index: 1, Total: 1}, Armor: "x"}
	if path, err := keepShare(cli.Streams{Err: &bytes.Buffer{}, Out: &bytes.Buffer{}}, dir, d); err != nil || filepath.Base(path) != "prod-rekey-k7m2-share.asc" {
		t.Errorf("%s, %v", path, err)
	}
}
