package holder

import (
	"errors"
	"io"
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
	"conclave/cli"
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
		"a pinned one with its cluster's id":   {second, served{"old", "id-2"}, ours},
		"a pinned one with an id of its own":   {second, served{"old", "id-99"}, ours},
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
		"empty":            "",
		"not JSON":         "prod " + f,
		"another format":   `{"format":"conclave-pins2","pins":[]}`,
		"an unknown key":   `{"format":"conclave-pins1","pins":[],"trust":"all"}`,
		"no fingerprint":   `{"format":"conclave-pins1","pins":[{"identity":"abc"}]}`,
		"words of no list": `{"format":"conclave-pins1","pins":[{"words":"one two three four five six seven eight nine ten"}]}`,
		"digits as words":  `{"format":"conclave-pins1","pins":[{"words":"` + f + `"}]}`,
		"digits and words": `{"format":"conclave-pins1","pins":[{"identity":"` + f + `","words":"` + ceremony.IdentityInWords(ceremony.Fingerprint(f)) + `"}]}`,
		"the same twice":   `{"format":"conclave-pins1","pins":[{"identity":"` + f + `"},{"identity":"` + strings.ToUpper(f) + `"}]}`,
		"something after":  `{"format":"conclave-pins1","pins":[]}{}`,
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
	whole, words := ceremony.SpokenHash(string(f), 20), ceremony.IdentityInWords(f)
	if len(strings.Fields(words)) != 10 || strings.HasPrefix(whole, words) {
		t.Fatalf("its words are %q", words)
	}
	for typed, want := range map[string]bool{
		"67ABCA3C2F9655E3378270DF7B81DFD84CEA9784":           true,
		"67ab ca3c 2f96 55e3 3782  70df 7b81 dfd8 4cea 9784": true,
		whole:                                true,
		strings.ToUpper(words):               true,
		"  " + strings.ToLower(words) + "\t": true,
		"67ABCA3C2F9655E3378270DF7B81DFD84CEA9785":                       false,
		ceremony.IdentityInWords(f[:39] + "5"):                           false,
		ceremony.SpokenHash(strings.Repeat("ab", 20), 10):                false,
		ceremony.SpokenHash("ff"+strings.Repeat(string(f[2:4]), 19), 20): false,
	} {
		if got, err := readsAs(typed, f); err == nil && got != want || err != nil && want {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
	}
	first := func(n int) string { return strings.Join(strings.Fields(words)[:n], " ") }
	for _, typed := range []string{"", "y", "yes", "67ABCA3C", first(9), words + " adrift", first(9) + " xylophone", "adroitness " + first(9)} {
		if got, err := readsAs(typed, f); !errors.Is(err, errNotFingerprint) || got {
			t.Errorf("%q: %v, %v", typed, got, err)
		}
	}
	if got, err := readsAs(ceremony.FormerIdentityWords(f), f); !errors.Is(err, errFormerWords) || got {
		t.Errorf("the words of an earlier version: %v, %v", got, err)
	}
}

// Half of a fingerprint may be the same. The words are not.
func TestWordsStandForTheWholeFingerprint(t *testing.T) {
	f := ceremony.Fingerprint("67abca3c2f9655e3378270df7b81dfd84cea9784")
	for i := range f {
		changed := []byte(f)
		if changed[i]++; changed[i] == '9'+1 || changed[i] == 'f'+1 {
			changed[i] = '0'
		}
		if other := ceremony.Fingerprint(changed); ceremony.IdentityInWords(other) == ceremony.IdentityInWords(f) {
			t.Errorf("%s has the words of %s", other, f)
		}
	}
	for _, odd := range []ceremony.Fingerprint{"", "67ab", ceremony.Fingerprint(f.String())} {
		if words := ceremony.IdentityInWords(odd); words != "" {
			t.Errorf("%q is %q in words", odd, words)
		}
	}
}

// A pin in words is a pin: it is completed by the first message of the right identity.
func TestPinInWordsFindsItsIdentity(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", os.Getenv("XDG_CONFIG_HOME"))
	t.Setenv("AppData", os.Getenv("XDG_CONFIG_HOME"))
	f, stranger := ceremonytest.Fingerprint("a"), ceremonytest.Fingerprint("b")
	p, err := loadPins()
	if err != nil {
		t.Fatal(err)
	}
	given, err := parseTyped(strings.ToLower(ceremony.IdentityInWords(f)))
	if err != nil {
		t.Fatal(err)
	}
	p.addTyped(given, time.Now())
	p.addTyped(given, time.Now())
	if err := p.save(); err != nil || len(p.list) != 1 {
		t.Fatalf("%v, %v", p.list, err)
	}
	for range 2 { // in words, and then by its fingerprint
		if p, err = loadPins(); err != nil {
			t.Fatal(err)
		}
		if p.find(stranger) != nil {
			t.Error("a stranger is found")
		}
		if known := p.find(f); known == nil || known.Identity != f || known.Words != "" {
			t.Fatalf("it is found as %v", known)
		}
		if err := p.save(); err != nil {
			t.Fatal(err)
		}
	}
	if p.add(f, time.Now()); len(p.list) != 1 {
		t.Errorf("it is pinned twice: %v", p.list)
	}
	if !p.remove(given) {
		t.Error("it can't be removed by its words")
	}
}

// signedBy returns a message of an identity that hands something over.
func signedBy(t *testing.T, id *openpgp.Identity, plan ceremony.Plan) []byte {
	t.Helper()
	plan.Identity = id.Fingerprint()
	key, err := openpgp.New(id, nil).NewKey(ceremony.Notice{
		Plan: plan, Step: ceremony.StepUpdate, Nonce: "2dbd10f1-8528-6246-09e7-82b25b8aba63", At: time.Now(), Expires: plan.Closes,
	})
	if err != nil {
		t.Fatal(err)
	}
	return []byte(key.Announced().Certificate + "\n" + key.Announced().Announcement)
}

// TestP2PinHoldsFromTheFirstMessageOn: who has pinned an identity is not asked about another
// one, whatever cluster it names. And nothing that is said names the fingerprint of that.
func TestP2PinHoldsFromTheFirstMessageOn(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", os.Getenv("XDG_CONFIG_HOME"))
	t.Setenv("AppData", os.Getenv("XDG_CONFIG_HOME"))
	made := func() *openpgp.Identity {
		id, err := openpgp.Generate("Conclave", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	ours, second, stranger := made(), made(), made()
	plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremonytest.Fingerprint("7"))
	elsewhere := ceremonytest.ScriptPlan("prod-rekey-aaaa", ceremonytest.Fingerprint("7"))
	elsewhere.ClusterID = "99999999-9999-9999-9999-999999999999"
	hears := func(id *openpgp.Identity, plan ceremony.Plan) (string, error) {
		var said strings.Builder
		std := cli.Streams{In: strings.NewReader(""), Out: &said, Err: &said}
		who, err := establishTrust(t.Context(), std, signedBy(t, id, plan), "", true)
		if err == nil {
			err = who.keep(&said)
		}
		return said.String(), err
	}
	pin := func(words string, cluster string) {
		t.Helper()
		p, err := loadPins()
		if err != nil {
			t.Fatal(err)
		}
		if err := addPin(cli.Streams{Out: io.Discard, Err: io.Discard}, p, words, "", cluster, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string, err error, said string, want error, id *openpgp.Identity) {
		t.Helper()
		if !errors.Is(err, want) || !IsOtherIdentity(err) {
			t.Errorf("%s: %v", what, err)
		}
		for _, shown := range []string{id.Fingerprint().String(), ceremony.IdentityInWords(id.Fingerprint())} {
			if strings.Contains(said, shown) {
				t.Errorf("%s: its fingerprint is shown in\n%s", what, said)
			}
		}
	}

	pin(ceremony.IdentityInWords(ours.Fingerprint()), "")
	said, err := hears(stranger, plan)
	refused("a stranger before the first message", err, said, errStranger, stranger)
	if _, err := hears(ours, plan); err != nil {
		t.Fatal(err)
	}
	said, err = hears(stranger, plan)
	refused("a stranger", err, said, errIdentityChanged, stranger)

	pin(second.Fingerprint().String(), "")
	said, err = hears(second, elsewhere)
	refused("a second one with an id that it has made up", err, said, errIdentityChanged, second)
	if !strings.Contains(said, "--cluster prod") {
		t.Errorf("what to do is not said:\n%s", said)
	}
	pin(second.Fingerprint().String(), "prod="+elsewhere.ClusterID)
	for _, of := range []struct {
		id   *openpgp.Identity
		plan ceremony.Plan
	}{{ours, plan}, {second, elsewhere}} {
		if said, err := hears(of.id, of.plan); err != nil {
			t.Errorf("of two clusters of one name: %v\n%s", err, said)
		}
	}
	said, err = hears(second, plan)
	refused("the second one for the first one's cluster", err, said, errIdentityChanged, second)
	pin(second.Fingerprint().String(), "prod")
	if said, err := hears(second, plan); err != nil {
		t.Errorf("who was given the cluster: %v\n%s", err, said)
	}
}

// Who has pinned the words of an earlier version learns why nothing fits.
func TestFormerWordsAreExplained(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("HOME", os.Getenv("XDG_CONFIG_HOME"))
	t.Setenv("AppData", os.Getenv("XDG_CONFIG_HOME"))
	id, err := openpgp.Generate("Conclave", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p, err := loadPins()
	if err != nil {
		t.Fatal(err)
	}
	quiet := cli.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
	if err := addPin(quiet, p, ceremony.FormerIdentityWords(id.Fingerprint()), "", "", time.Now()); err != nil {
		t.Fatal(err)
	}
	_, err = establishTrust(t.Context(), quiet, signedBy(t, id, ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremonytest.Fingerprint("7"))), "", true)
	if !errors.Is(err, errStranger) || !errors.Is(err, errFormerWords) {
		t.Errorf("%v", err)
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
