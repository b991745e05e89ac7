package holder

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/openpgp"
)

func TestP2OnlyWhoHasSpokenForAClusterIsBelievedAboutIt(t *testing.T) {
	ours, second, stranger := ceremonytest.Fingerprint("a"), ceremonytest.Fingerprint("b"), ceremonytest.Fingerprint("c")
	known := &pins{list: []pin{
		{Identity: ours, Clusters: []served{{"prod", "id-1"}, {"old", ""}}},
		{Identity: second, Clusters: []served{{"staging", "id-2"}, {"prod", "id-9"}}},
	}}
	for name, tt := range map[string]struct {
		speaker ceremony.Fingerprint
		about   served
		rival   ceremony.Fingerprint
	}{
		"who has always spoken for it":         {ours, served{"prod", "id-1"}, ""},
		"by name alone":                        {ours, served{"prod", ""}, ""},
		"whose id was not known":               {ours, served{"old", "id-7"}, ""},
		"a cluster of nobody":                  {ours, served{"new", "id-3"}, ""},
		"the other's cluster":                  {ours, served{"staging", "id-2"}, second},
		"the other's under a name of its own":  {ours, served{"mine", "id-2"}, second},
		"two clusters of one name":             {second, served{"prod", "id-9"}, ""},
		"the other's of the name of its own":   {second, served{"prod", "id-1"}, ours},
		"a stranger":                           {stranger, served{"prod", "id-1"}, ours},
		"a stranger with an id of its own":     {stranger, served{"prod", "id-4"}, ours},
		"a stranger with a name of its own":    {stranger, served{"mine", "id-1"}, ours},
		"a stranger with a cluster of its own": {stranger, served{"mine", "id-5"}, ""},
	} {
		var got ceremony.Fingerprint
		if rival := known.rival(tt.speaker, tt.about); rival != nil {
			got = rival.Identity
		}
		if got != tt.rival {
			t.Errorf("%s: the rival is %q, want %q", name, got, tt.rival)
		}
	}
}

func TestPinsAreReadAsTheyWereKept(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", os.Getenv("XDG_CONFIG_HOME")) // where other systems look
	t.Setenv("AppData", os.Getenv("XDG_CONFIG_HOME"))
	p, err := loadPins()
	if err != nil || len(p.list) != 0 {
		t.Fatalf("%v, %v", p, err)
	}
	p.add(ceremonytest.Fingerprint("a"), time.Now()).remember(served{Name: "prod"})
	p.add(ceremonytest.Fingerprint("b"), time.Now())
	p.find(ceremonytest.Fingerprint("a")).remember(served{"prod", "id-1"}) // now its id is known
	for range 2 {
		if err := p.save(); err != nil {
			t.Fatal(err)
		}
	}
	again, err := loadPins()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.list, again.list); diff != "" {
		t.Error(diff)
	}
	if got := again.list[0].Clusters; !slices.Equal(got, []served{{"prod", "id-1"}}) {
		t.Errorf("its clusters are %v", got)
	}
	left, err := os.ReadDir(filepath.Dir(p.path))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the pins there is %v, %v", left, err)
	}
}

func TestDamagedPinsBelieveNobody(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", os.Getenv("XDG_CONFIG_HOME"))
	t.Setenv("AppData", os.Getenv("XDG_CONFIG_HOME"))
	p, err := loadPins()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		t.Fatal(err)
	}
	f := string(ceremonytest.Fingerprint("a"))
	for name, content := range map[string]string{
		"empty":           "",
		"not JSON":        "prod " + f,
		"another format":  `{"format":"conclave-pins2","pins":[]}`,
		"an unknown key":  `{"format":"conclave-pins1","pins":[],"trust":"all"}`,
		"no fingerprint":  `{"format":"conclave-pins1","pins":[{"identity":"abc"}]}`,
		"the same twice":  `{"format":"conclave-pins1","pins":[{"identity":"` + f + `"},{"identity":"` + strings.ToUpper(f) + `"}]}`,
		"something after": `{"format":"conclave-pins1","pins":[]}{}`,
	} {
		if err := os.WriteFile(p.path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := loadPins(); err == nil {
			t.Errorf("%s: read as %v", name, got.list)
		}
	}
}

func TestWhatWasTypedIsTheFingerprintInDigitsOrInWords(t *testing.T) {
	f := ceremony.Fingerprint("67abca3c2f9655e3378270df7b81dfd84cea9784")
	words := ceremony.SpokenHash(string(f), 20)
	first := func(n int) string { return strings.Join(strings.Fields(words)[:n], " ") }
	for typed, want := range map[string]bool{
		"67ABCA3C2F9655E3378270DF7B81DFD84CEA9784":           true,
		"67ab ca3c 2f96 55e3 3782  70df 7b81 dfd8 4cea 9784": true,
		words:                      true,
		strings.ToUpper(first(10)): true,
		"  " + first(15) + " ":     true,
		"67ABCA3C2F9655E3378270DF7B81DFD84CEA9785":        false,
		ceremony.SpokenHash(strings.Repeat("ab", 20), 10): false,
		first(9) + " adrift":                              false,
	} {
		if got, err := readsAs(typed, f); err == nil && got != want || err != nil && want {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", "y", "yes", "67ABCA3C", first(9), words + " adrift"} {
		if got, err := readsAs(typed, f); err == nil || got {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
	}
}

func TestCeremonysNameSaysItsCluster(t *testing.T) {
	for id, want := range map[ceremony.ID][2]string{
		"prod-rekey-k7m2":              {"prod", "rekey"},
		"eu-west-1-generate-root-w4hz": {"eu-west-1", "generate-root"},
		"prod-rekey-recovery-aaaa":     {"prod", "rekey-recovery"},
		"prod-rotate-config-aaaa":      {"prod", "rotate-config"},
		"rekey-backup-m5jr":            {"rekey", "backup"},
		"-init-aaaa":                   {"", ""},
		"prod-dance-aaaa":              {"", ""},
		"prod":                         {"", ""},
	} {
		cluster, operation := partsOf(id)
		if got := [2]string{cluster, string(operation)}; got != want {
			t.Errorf("%s: %v, want %v", id, got, want)
		}
	}
	if got := servedBy(openpgp.Claim{Ceremony: "prod-init-aaaa"}); got != (served{Name: "prod"}) {
		t.Errorf("%v", got)
	}
}
