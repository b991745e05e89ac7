package bot

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	soleHex    = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // of a key's only holder, or any SHA-256
	soleBase   = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
	newToken   = "hvs.CAESIJ0123456789abcdefghijklmnopQRSTUV"
	oldToken   = "s.7Bm3sQ9xKc2LpVdR5tYwZ8aN"
	batchToken = "hvb.AAAAAQJ0123456789abcdefghijklmnopQRSTUV-_0123456789abcdefghijklmnop"
)

// grouped in fours or wrapped, as people copy them from paper or from a narrow window.
func inGroups(s string, size int, between string) string {
	var groups []string
	for part := range slices.Chunk([]byte(s), size) {
		groups = append(groups, string(part))
	}
	return strings.Join(groups, between)
}

func TestSecretsAreRecognisedHoweverTheyAreWritten(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want exposure
	}{
		"digits":                      {hexShare, exposedShare},
		"capital digits":              {strings.ToUpper(hexShare), exposedShare},
		"base64":                      {baseShare, exposedShare},
		"the only holder's, digits":   {soleHex, exposedShare},
		"the only holder's, base64":   {soleBase, exposedShare},
		"as Vault prints it":          {"Unseal Key 1: " + baseShare + "\nUnseal Key 2: " + baseShare, exposedShare},
		"as recovery keys":            {"Recovery Key 3: " + hexShare, exposedShare},
		"as JSON":                     {`{"unseal_keys_b64":["` + baseShare + `"],"unseal_shares":1}`, exposedShare},
		"behind a label":              {"key(base64)=" + baseShare, exposedShare},
		"behind a label, only holder": {"unseal_key=" + soleHex, exposedShare},
		"in a code block":             {"```" + baseShare + "```", exposedShare},
		"in groups of four":           {inGroups(hexShare, 4, " "), exposedShare},
		"in groups of two":            {inGroups(hexShare, 2, " "), exposedShare},
		"in groups, with hyphens":     {inGroups(hexShare, 11, "-"), exposedShare},
		"in groups behind a label":    {"my share is: " + inGroups(hexShare, 6, " ") + " ok?", exposedShare},
		"in two lines":                {hexShare[:40] + "\n" + hexShare[40:], exposedShare},
		"in lines of eleven":          {inGroups(hexShare, 11, "\r\n"), exposedShare},
		"base64 in groups of four":    {inGroups(baseShare, 4, " "), exposedShare},
		"base64 in groups, in prose":  {"here it is " + inGroups(baseShare, 4, " ") + " thanks", exposedShare},
		"base64 in two lines":         {baseShare[:30] + "\n" + baseShare[30:], exposedShare},
		"base64 in three lines":       {inGroups(baseShare, 16, "\n"), exposedShare},
		"with spaces that break not":  {inGroups(hexShare, 4, "\u00a0"), exposedShare},
		"with marks nobody sees":      {inGroups(baseShare, 10, "\u200b"), exposedShare},
		"beside an envelope":          {envelope + "\n" + baseShare, exposedShare},
		"before an envelope":          {"my share is " + baseShare + "\n" + envelope, exposedShare},
		"between dashes of its own":   {"-----BEGIN PGP MESSAGE-----\n\n" + hexShare + "\n-----END PGP MESSAGE-----", exposedShare},

		"a token":                      {newToken, exposedToken},
		"a token in a command":         {"export VAULT_TOKEN=" + newToken, exposedToken},
		"a token as Vault prints it":   {"Initial Root Token: " + newToken, exposedToken},
		"a token with a namespace":     {newToken + ".gNtQ4", exposedToken},
		"a token in a URL":             {"https://vault.example/?token=" + newToken, exposedToken},
		"an old token":                 {oldToken, exposedToken},
		"an old token in a namespace":  {oldToken + ".gNtQ4", exposedToken},
		"a batch token":                {batchToken, exposedToken},
		"an old batch token":           {"b.AAAAAQJ0123456789abcdefghijklmnopQRSTUV-_012", exposedToken},
		"a recovery token":             {"hvr.CAESIJ0123456789abcdefghijklmnop", exposedToken},
		"an old recovery token":        {"r.7Bm3sQ9xKc2LpVdR5tYwZ8aN", exposedToken},
		"a header":                     {"X-Vault-Token: " + oldToken, exposedToken},
		"a token, quoted":              {`"` + newToken + `"`, exposedToken},
		"a token and a share":          {newToken + " " + hexShare, exposedToken},
		"a PGP key":                    {"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgE\n-----END PGP PRIVATE KEY BLOCK-----", exposedKey},
		"a PGP key with other dashes":  {"—BEGIN PGP PRIVATE KEY BLOCK—\nlFgE", exposedKey},
		"an RSA key":                   {"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", exposedKey},
		"a PKCS 8 key":                 {"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", exposedKey},
		"an encrypted key":             {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n-----END ENCRYPTED PRIVATE KEY-----", exposedKey},
		"an OpenSSH key":               {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----", exposedKey},
		"a PuTTY key":                  {"PuTTY-User-Key-File-3: ssh-ed25519", exposedKey},
		"an age key":                   {"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZ", exposedKey},
		"a file of gpg's agent":        {"Created: 20260314\nKey: (protected-private-key (ecc", exposedKey},
		"a binary PGP key":             {"\x95\x01\x58\x04\xff\xfe\x00", exposedKey},
		"a binary PGP key, new format": {"\xc5\xff\x58\x04\xfe\x00", exposedKey},
		"a key beside an envelope":     {envelope + "\n-----BEGIN PGP PRIVATE KEY BLOCK-----\nx", exposedKey},
		"a one-time password":          {oneTime, exposedPassword},
		"a short one-time password":    {"mine: " + oneTime[:26], exposedPassword},
	} {
		if got := exposures(c.text, nil); len(got) == 0 || got[0] != c.want {
			t.Errorf("%s: %v, want %s first", name, got, c.want)
		}
	}
}

func TestHarmlessWordsAreNoSecrets(t *testing.T) {
	known := func(word string) bool { return word == soleHex }
	for name, text := range map[string]string{
		"nothing":                            "",
		"prose":                              "Müller verläßt uns, bitte rotieren — see the runbook, page 44 of Vault2026",
		"a ceremony's id":                    "prod-generate-root-w4hz",
		"a hash that we have shown":          "is the hash " + soleHex + " right?",
		"that hash alone":                    soleHex,
		"that hash, in capitals":             strings.ToUpper(soleHex),
		"that hash in groups":                inGroups(soleHex, 8, " "),
		"a short hash":                       soleHex[:16],
		"a git commit":                       "commit 4fade98eaade1de022eeb07aa1261f0b86890ffc",
		"two git commits":                    "4fade98eaade1de022eeb07aa1261f0b86890ffc 90ffc4fade98eaade1de022eeb07aa1261f0b868",
		"a fingerprint":                      "B5F3C9D2A1E04F6788AA11BB22CC33DD44EE55FF",
		"a fingerprint as gpg prints it":     "B5F3 C9D2 A1E0 4F67 88AA  11BB 22CC 33DD 44EE 55FF",
		"two of them":                        "B5F3 C9D2 A1E0 4F67 88AA  11BB 22CC 33DD 44EE 55FF\nA5F3 C9D2 A1E0 4F67 88AA  11BB 22CC 33DD 44EE 55FF",
		"a digest of an image":               "image@sha256:" + strings.Repeat("9f86d081", 8),
		"a digest with its name":             "sha256 " + strings.Repeat("9f86d081", 8),
		"a digest in base64":                 "sha256-" + soleBase,
		"an SSH fingerprint":                 "SHA256:uNiVztksCsDhcc0u9e8BrrhLRyYtUn2Zg1j2XG7mO6M",
		"a certificate's fingerprint":        strings.ToUpper(inGroups(soleHex, 2, ":")),
		"a commitment":                       "otp=" + strings.Repeat("9f86d081", 8),
		"an accessor":                        "8609694aXkPq3T5vLmR2wZ7c",
		"an accessor in a namespace":         "8609694aXkPq3T5vLmR2wZ7c.gNtQ4",
		"a UUID":                             "0a6e2a5c-8f47-4f0b-9a11-6a5b4c3d2e1f",
		"several UUIDs":                      "0a6e2a5c-8f47-4f0b-9a11-6a5b4c3d2e1f 77b1c2d3-1111-4222-8333-944455566677",
		"an address":                         "https://vault.example.com/ui/vault/secrets/secret/show/Team1/AbCdEfGhIjKlMnOpQrSt",
		"a path in Vault":                    "kv/data/Prod/Payments/Stripe/ApiKeyRotation2",
		"an identifier":                      "HashicorpVaultOperatorRekeyCeremonyPlan2026x",
		"a file":                             "docs/runbooks/Vault-Rekey-2026-checklist.md",
		"an envelope":                        envelope,
		"an envelope among words":            "here\n" + envelope + "\nthanks",
		"an envelope on one line":            strings.ReplaceAll(envelope, "\n", " "),
		"the beginning of an envelope":       "-----BEGIN PGP MESSAGE-----\n\n" + baseShare,
		"the end of one":                     strings.Repeat("A1z", 21) + "C\n" + baseShare + "\n=njUN\n-----END PGP MESSAGE-----",
		"the middle of one":                  strings.Repeat("A1z", 21) + "C\n" + strings.Repeat("B2y", 21) + "D\n" + baseShare,
		"a public key":                       "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + baseShare + "\n=njUN\n-----END PGP PUBLIC KEY BLOCK-----",
		"a certificate":                      "-----BEGIN CERTIFICATE-----\n" + baseShare + "\n-----END CERTIFICATE-----",
		"an SSH public key":                  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0123456789abcdefghijklmnopqrstuvwxyzAB carol@laptop",
		"talk of private keys":               "we begin with the private key of Carol",
		"a version":                          "v1.20.3+ent.hsm.fips1402",
		"numbers":                            strings.Repeat("1234 5678 ", 8),
		"a dump of zeros":                    strings.Repeat("0", 66)[:65],
		"our own envelope's name for itself": "conclave1 prod-rekey-k7m2 update " + nonce1,
	} {
		if got := exposures(text, known); len(got) > 0 {
			t.Errorf("%s is taken for %v", name, got)
		}
	}
}

// TestAlmostNoShareSlipsThrough: what keeps words from being taken for shares must
// not keep shares from being recognised.
func TestAlmostNoShareSlipsThrough(t *testing.T) {
	const tries = 1000
	missed := map[string]int{}
	for range tries {
		share := make([]byte, 33)
		if _, err := rand.Read(share); err != nil {
			t.Fatal(err)
		}
		b64 := base64.StdEncoding.EncodeToString(share)
		for name, text := range map[string]string{
			"digits": hex.EncodeToString(share), "digits in groups": inGroups(hex.EncodeToString(share), 4, " "),
			"base64": b64, "base64 in groups": inGroups(b64, 4, " "), "base64 in lines": inGroups(b64, 22, "\n"),
		} {
			if got := exposures(text, nil); !slices.Contains(got, exposedShare) {
				missed[name]++
			}
		}
	}
	for name, n := range missed {
		if n > tries/200 {
			t.Errorf("%s: %d of %d are missed", name, n, tries)
		}
	}
	t.Logf("missed of %d: %v", tries, missed)
}

// TestEveryExposureHasWordsOfItsOwn, and they say what to do.
func TestEveryExposureHasWordsOfItsOwn(t *testing.T) {
	said := map[string]exposure{}
	for _, e := range []exposure{exposedKey, exposedToken, exposedShare, exposedEnvelope, exposedPassword} {
		w := explain(e.told())
		if other, twice := said[w.what]; twice || w.hint == "" || w == wordless {
			t.Errorf("%s says the same as %q: %q", e, other, w)
		}
		said[w.what] = e
	}
	if diff := cmp.Diff(5, len(said)); diff != "" {
		t.Error(diff)
	}
}

// tripwireSeeds are the texts of testdata/tripwire, one a file.
func tripwireSeeds(t testing.TB) []string { return seeds(t, "tripwire") }

// seeds are the beginnings of a fuzz target: without them it would try what nobody
// sends.
func seeds(t testing.TB, target string) []string {
	t.Helper()
	entries, err := os.ReadDir("testdata/seeds/" + target)
	if err != nil || len(entries) == 0 {
		t.Fatalf("no seeds for %s: %v", target, err)
	}
	var all []string
	for _, e := range entries {
		text, err := os.ReadFile("testdata/seeds/" + target + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// FuzzTripwire holds that a share is found whatever stands around it, as long as it
// is not in armor; and that nothing of a text is in what people are told about it.
func FuzzTripwire(f *testing.F) {
	for _, s := range tripwireSeeds(f) {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		got := exposures(before+after, nil)
		for _, e := range got {
			if !slices.Contains([]exposure{exposedKey, exposedToken, exposedShare, exposedPassword}, e) {
				t.Fatalf("an exposure that is none of ours: %q", e)
			}
			if said := explain(e.told()); said == wordless || said.hint == "" {
				t.Fatalf("%s has no words", e)
			}
		}
		if blockEdge.MatchString(before) || secretPackets(before) {
			return
		}
		for _, secret := range []string{hexShare, newToken} {
			if text := fmt.Sprintf("%s\n%s\n%s", before, secret, after); len(exposures(text, nil)) == 0 {
				t.Fatalf("not seen among %q and %q", before, after)
			}
		}
	})
}
