package leak

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"conclave/needs"
)

const (
	hexShare  = "5f2a9c1b7d3e8f604152637485960718293a4b5c6d7e8f90a1b2c3d4e5f6071899"
	baseShare = "XyqcG30+j2BBUmN0hZYHGCk6S1xtfo+QobLD1OX2BxiZ"
	oneTime   = "q7Wm2ZpX4vRkT9sLbN3cYd8HfGjA" // a one-time password of Vault's length

	envelope = `-----BEGIN PGP MESSAGE-----
Comment: https://gnupg.org & <friends>

hF4DAAAAAAAAAAASAQdAuvDL0H5mGkpQX0eyH1Yv0Yq2m9vXvY0m2Jq3bX6mY2Qw
=njUN
-----END PGP MESSAGE-----`

	// An Ed25519 key, and the beginning and the end of a certificate.
	publicKey = "mDMEZfGk0BYJKwYBBAHaRw8BAQdA1mZ0b3JyZXNwb25kZW5jZWZvcnRlc3RpbmcK\n" +
		"tBVDYXJvbCA8Y2Fyb2xAZXhhbXBsZT6IkAQTFggAOBYhBLXzydKh4E9niKoRuyLM"
	certificate = "MIIBszCCAVmgAwIBAgIUQ7cZ0S4xv1N2bq8tJ3kVh5yWmXowCgYIKoZIzj0EAwIw\n" +
		"FTETMBEGA1UEAwwKdmF1bHQtdGVzdDAeFw0yNjAzMTQwMDAwMDBaFw0yNzAzMTQw\nXyqcG30+j2BBUmN0hZYHGCk6S1xtfo+QobLD1OX2BxiZ"

	soleHex    = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // of a key's only holder, or any SHA-256
	soleBase   = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
	newToken   = "hvs.CAESIJ0123456789abcdefghijklmnopQRSTUV"
	oldToken   = "s.7Bm3sQ9xKc2LpVdR5tYwZ8aN"
	batchToken = "hvb.AAAAAQJ0123456789abcdefghijklmnopQRSTUV-_0123456789abcdefghijklmnop"
)

// inGroups returns s in groups of a size, as people copy it from paper or from a narrow
// window.
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
		want Kind
	}{
		"digits":                      {hexShare, Share},
		"capital digits":              {strings.ToUpper(hexShare), Share},
		"base64":                      {baseShare, Share},
		"the only holder's, digits":   {soleHex, Share},
		"the only holder's, base64":   {soleBase, Share},
		"as Vault prints it":          {"Unseal Key 1: " + baseShare + "\nUnseal Key 2: " + baseShare, Share},
		"as recovery keys":            {"Recovery Key 3: " + hexShare, Share},
		"as JSON":                     {`{"unseal_keys_b64":["` + baseShare + `"],"unseal_shares":1}`, Share},
		"behind a label":              {"key(base64)=" + baseShare, Share},
		"behind a label, only holder": {"unseal_key=" + soleHex, Share},
		"in a code block":             {"```" + baseShare + "```", Share},
		"the only holder's, a word":   {soleHex + "  thanks.", Share},
		"in groups of four":           {inGroups(hexShare, 4, " "), Share},
		"in groups of two":            {inGroups(hexShare, 2, " "), Share},
		"in groups, with hyphens":     {inGroups(hexShare, 11, "-"), Share},
		"in groups behind a label":    {"my share is: " + inGroups(hexShare, 6, " ") + " ok?", Share},
		"in groups before a word":     {inGroups(hexShare, 4, " ") + " be careful", Share},
		"in groups behind a number":   {"share 12 " + inGroups(hexShare, 6, " "), Share},
		"in groups between words":     {"please add " + inGroups(hexShare, 6, " ") + " add it", Share},
		"in groups, in brackets":      {"(" + inGroups(hexShare, 4, " ") + ")", Share},
		"as a quotation":              {"> " + inGroups(hexShare, 33, "\n> "), Share},
		"in lines of 64":              {inGroups(hexShare, 64, "\n"), Share},
		"base64 at a sentence's end":  {"It is " + inGroups(baseShare, 4, " ") + ".", Share},
		"base64 as a quotation":       {"> " + inGroups(baseShare, 22, "\n> "), Share},
		"in two lines":                {hexShare[:40] + "\n" + hexShare[40:], Share},
		"in lines of eleven":          {inGroups(hexShare, 11, "\r\n"), Share},
		"base64 in groups of four":    {inGroups(baseShare, 4, " "), Share},
		"base64 in groups, in prose":  {"here it is " + inGroups(baseShare, 4, " ") + " thanks", Share},
		"base64 in two lines":         {baseShare[:30] + "\n" + baseShare[30:], Share},
		"base64 in three lines":       {inGroups(baseShare, 16, "\n"), Share},
		"with spaces that break not":  {inGroups(hexShare, 4, "\u00a0"), Share},
		"with marks nobody sees":      {inGroups(baseShare, 10, "\u200b"), Share},
		"beside an envelope":          {envelope + "\n" + baseShare, Share},
		"before an envelope":          {"my share is " + baseShare + "\n" + envelope, Share},
		"between dashes of its own":   {"-----BEGIN PGP MESSAGE-----\n\n" + hexShare + "\n-----END PGP MESSAGE-----", Share},

		"a token":                      {newToken, Token},
		"a token in a command":         {"export VAULT_TOKEN=" + newToken, Token},
		"a token as Vault prints it":   {"Initial Root Token: " + newToken, Token},
		"a token with a namespace":     {newToken + ".gNtQ4", Token},
		"a token in a URL":             {"https://vault.example/?token=" + newToken, Token},
		"an old token":                 {oldToken, Token},
		"an old token in a namespace":  {oldToken + ".gNtQ4", Token},
		"a batch token":                {batchToken, Token},
		"an old batch token":           {"b.AAAAAQJ0123456789abcdefghijklmnopQRSTUV-_012", Token},
		"a recovery token":             {"hvr.CAESIJ0123456789abcdefghijklmnop", Token},
		"an old recovery token":        {"r.7Bm3sQ9xKc2LpVdR5tYwZ8aN", Token},
		"a header":                     {"X-Vault-Token: " + oldToken, Token},
		"a token behind a hyphen":      {"token-" + newToken, Token},
		"a token that is signed":       {"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n" + oldToken + "\n-----BEGIN PGP SIGNATURE-----\n", Token},
		"a token, quoted":              {`"` + newToken + `"`, Token},
		"a token and a share":          {newToken + " " + hexShare, Token},
		"a PGP key":                    {"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgE\n-----END PGP PRIVATE KEY BLOCK-----", Key},
		"a PGP key with other dashes":  {"—BEGIN PGP PRIVATE KEY BLOCK—\nlFgE", Key},
		"an RSA key":                   {"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", Key},
		"a PKCS 8 key":                 {"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", Key},
		"an encrypted key":             {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n-----END ENCRYPTED PRIVATE KEY-----", Key},
		"an OpenSSH key":               {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----", Key},
		"a PuTTY key":                  {"PuTTY-User-Key-File-3: ssh-ed25519", Key},
		"an age key":                   {"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZ", Key},
		"a file of gpg's agent":        {"Created: 20260314\nKey: (protected-private-key (ecc", Key},
		"a binary PGP key":             {"\x95\x01\x58\x04\xff\xfe\x00", Key},
		"a binary PGP key, new format": {"\xc5\xff\x58\x04\xfe\x00", Key},
		"a key beside an envelope":     {envelope + "\n-----BEGIN PGP PRIVATE KEY BLOCK-----\nx", Key},
		"a one-time password":          {oneTime, Password},
		"a short one-time password":    {"mine: " + oneTime[:26], Password},
	} {
		if got := In(c.text, nil); len(got) == 0 || got[0] != c.want {
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
		"that hash before a word":            "let " + soleHex + " be the hash",
		"that hash's groups, and a stop":     "It is " + inGroups(soleHex, 8, " ") + ".",
		"that hash and a number":             soleHex + " 17",
		"that hash's groups and a number":    inGroups(soleHex, 8, " ") + " 17",
		"a number and that hash's groups":    "17 " + inGroups(soleHex, 8, " "),
		"that hash's groups and a word":      inGroups(soleHex, 8, " ") + " add it",
		"a digest in groups and a number":    "sha256: " + inGroups(strings.Repeat("9f86d081", 8), 8, " ") + " 17",
		"a digest of an image and a number":  "image@sha256:" + strings.Repeat("9f86d081", 8) + " 17",
		"a short hash":                       soleHex[:16],
		"a git commit":                       "commit 4fade98eaade1de022eeb07aa1261f0b86890ffc",
		"two git commits":                    "4fade98eaade1de022eeb07aa1261f0b86890ffc 90ffc4fade98eaade1de022eeb07aa1261f0b868",
		"a fingerprint":                      "B5F3C9D2A1E04F6788AA11BB22CC33DD44EE55FF",
		"a fingerprint as gpg prints it":     "B5F3 C9D2 A1E0 4F67 88AA  11BB 22CC 33DD 44EE 55FF",
		"two of them":                        "B5F3 C9D2 A1E0 4F67 88AA  11BB 22CC 33DD 44EE 55FF\nA5F3 C9D2 A1E0 4F67 88AA  11BB 22CC 33DD 44EE 55FF",
		"a digest of an image":               "image@sha256:" + strings.Repeat("9f86d081", 8),
		"a digest with its name":             "sha256 " + strings.Repeat("9f86d081", 8),
		"what sha256sum prints":              strings.Repeat("9f86d081", 8) + "  -",
		"of several files":                   strings.Repeat("9f86d081", 8) + "  otp.txt\r\n> " + soleHex + " *shares/share.asc",
		"what openssl prints":                "SHA2-256(otp.txt)= " + strings.Repeat("9f86d081", 8) + "\nSHA256(stdin)= " + strings.Repeat("9f86d082", 8),
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
		"the beginning of an envelope":       "-----BEGIN PGP MESSAGE-----\n\n" + envelopeBody,
		"the end of one":                     strings.Repeat("A1z", 21) + "C\n" + baseShare + "\n=njUN\n-----END PGP MESSAGE-----",
		"the middle of one":                  strings.Repeat("A1z", 21) + "C\n" + strings.Repeat("B2y", 21) + "D\n" + baseShare,
		"a public key":                       "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + publicKey + "\n=njUN\n-----END PGP PUBLIC KEY BLOCK-----",
		"a certificate":                      "-----BEGIN CERTIFICATE-----\n" + certificate + "\n-----END CERTIFICATE-----",
		"an SSH public key":                  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0123456789abcdefghijklmnopqrstuvwxyzAB carol@laptop",
		"talk of private keys":               "we begin with the private key of Carol",
		"code":                               "if err := s.registerAuthenticationHandler(ctx); err != nil { return r.newConversationHistoryIterator(err) }",
		"a version":                          "v1.20.3+ent.hsm.fips1402",
		"numbers":                            strings.Repeat("1234 5678 ", 8),
		"a dump of zeros":                    strings.Repeat("0", 66)[:65],
		"our own envelope's name for itself": "conclave1 prod-rekey-k7m2 update 0a6e2a5c-8f47-4f0b-9a11-6a5b4c3d2e1f",
	} {
		if got := In(text, known); len(got) > 0 {
			t.Errorf("%s is taken for %v", name, got)
		}
	}
}

func TestTokenAloneIsOne(t *testing.T) {
	for _, token := range []string{newToken, newToken + ".gNtQ4", oldToken, oldToken + ".gNtQ4", batchToken, "hvr.3bXq0dA9sLkTz81VnRyEwPcU", "r.3bXq0dA9sLkTz81VnRyEwPcU"} {
		if !IsToken([]byte(token)) {
			t.Errorf("%s is taken for none", token)
		}
		for _, text := range []string{token + " ", "\n" + token, "x" + token, token[:12], token[1:], "", hexShare} {
			if IsToken([]byte(text)) {
				t.Errorf("%q is taken for a token", text)
			}
		}
	}
}

// What keeps words from being taken for shares must not keep shares from being recognised.
func TestAlmostNoShareSlipsThrough(t *testing.T) {
	tries := 1000 / needs.Step(5)
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
			if got := In(text, nil); !slices.Contains(got, Share) {
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

// seeds returns texts for the fuzz target to begin with. Without them it would try what
// nobody sends.
func seeds(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir("testdata/seeds/leak")
	if err != nil || len(entries) < 8 {
		t.Fatalf("%d seeds: %v", len(entries), err)
	}
	var all []string
	for _, e := range entries {
		text, err := os.ReadFile("testdata/seeds/leak/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// FuzzLeak checks that a share and a token are found among any text that is no armor.
func FuzzLeak(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		got := In(before+after, nil)
		for _, e := range got {
			if !slices.Contains([]Kind{Key, Token, Share, Password}, e) {
				t.Fatalf("an unknown kind: %q", e)
			}
		}
		if armorEdge.MatchString(before) || secretPackets(before) {
			return
		}
		for _, secret := range []string{hexShare, newToken} {
			if text := fmt.Sprintf("%s\n%s\n%s", before, secret, after); len(In(text, nil)) == 0 {
				t.Fatalf("not seen among %q and %q", before, after)
			}
		}
	})
}

func TestShareInGroupsIsSeenWhateverItsHyphensAre(t *testing.T) {
	for _, hyphen := range []string{"\u2010", "\u2011", "\u2212"} {
		if got := In(inGroups(hexShare, 11, hyphen), nil); len(got) != 1 || got[0] != Share {
			t.Errorf("%U: a share in groups is taken for %v", []rune(hyphen), got)
		}
	}
}

// A file that Windows PowerShell has written is in UTF-16.
func TestSecretInUTF16IsOne(t *testing.T) {
	for secret, want := range map[string]Kind{
		hexShare: Share, baseShare: Share, soleHex: Share, inGroups(hexShare, 4, " "): Share, newToken: Token, oldToken: Token, oneTime: Password,
		"-----BEGIN PGP PRIVATE KEY BLOCK-----\r\n\r\nlFgE": Key,
	} {
		for _, ending := range []string{"", "\r\n"} {
			for mark, order := range map[string]binary.AppendByteOrder{"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian} {
				file := []byte(mark)
				for _, unit := range utf16.Encode([]rune(secret + ending)) {
					file = order.AppendUint16(file, unit)
				}
				if got := In(string(file), nil); len(got) == 0 || got[0] != want {
					t.Errorf("%q in %v: %v, want %s", secret, order, got, want)
				}
			}
		}
	}
}
