package leak

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"conclave/needs"
)

// drawn returns so many octets that depend on the seed alone.
func drawn(r *rand.Rand, n int) []byte {
	octets := make([]byte, n)
	for i := range octets {
		octets[i] = byte(r.UintN(256))
	}
	return octets
}

// forms are the ways in which people write a share down, or in which a program prints it.
// Each takes the share's 33 octets, their digits and their base64.
func forms() map[string]func(raw []byte, digits, base string) string {
	join := func(parts []string, with func(i int, part string) string) string {
		for i, p := range parts {
			parts[i] = with(i+1, p)
		}
		return strings.Join(parts, "")
	}
	split := func(s string, size int) []string { return strings.Split(inGroups(s, size, " "), " ") }
	shift := func(s string, to func(rune) rune) string { return strings.Map(to, s) }
	armored := func(label, body string) string {
		return "-----BEGIN " + label + "-----\n\n" + body + "\n-----END " + label + "-----"
	}
	hidden := func(s, mark string) string { return inGroups(s, 5, mark) }
	return map[string]func(raw []byte, digits, base string) string{
		// As it is.
		"digits":       func(_ []byte, d, _ string) string { return d },
		"base64":       func(_ []byte, _, b string) string { return "mine is " + b + " ok?" },
		"base64 names": func(raw []byte, _, _ string) string { return base64.URLEncoding.EncodeToString(raw) },
		"as JSON":      func(_ []byte, d, b string) string { return `{"keys":["` + d + `"],"keys_base64":["` + b + `"]}` },
		"as JSON with its slashes escaped": func(_ []byte, _, b string) string {
			return `{"keys_base64":["` + strings.ReplaceAll(b, "/", `\/`) + `"]}`
		},
		"as a command":       func(_ []byte, _, b string) string { return "vault operator unseal " + b },
		"behind hash:":       func(_ []byte, _, b string) string { return "hash: " + b },
		"behind sha256:":     func(_ []byte, d, _ string) string { return "sha256: " + d },
		"before punctuation": func(_ []byte, _, b string) string { return "(" + b + ")." },

		// Between armor lines.
		"between armor lines":            func(_ []byte, _, b string) string { return armored("PGP MESSAGE", b) },
		"digits between armor lines":     func(_ []byte, d, _ string) string { return armored("PGP MESSAGE", d) },
		"in groups between armor lines":  func(_ []byte, _, b string) string { return armored("PGP MESSAGE", inGroups(b, 4, " ")) },
		"in lines between armor lines":   func(_ []byte, _, b string) string { return armored("PGP MESSAGE", inGroups(b, 22, "\n")) },
		"between lines of a public key":  func(_ []byte, _, b string) string { return armored("PGP PUBLIC KEY BLOCK", b) },
		"between lines of a certificate": func(_ []byte, _, b string) string { return armored("CERTIFICATE", b) },
		"between lines of its own":       func(_ []byte, _, b string) string { return armored("VAULT SHARE", b) },
		"behind an edge of armor":        func(_ []byte, _, b string) string { return "-----BEGIN PGP MESSAGE-----\n\n" + b },
		"before an edge of armor":        func(_ []byte, _, b string) string { return b + "\n-----END PGP MESSAGE-----" },
		"in a header of armor":           func(_ []byte, _, b string) string { return armored("PGP MESSAGE", "Comment: "+b+"\n\n"+envelopeBody) },
		"before what is armored":         func(_ []byte, _, b string) string { return armored("PGP MESSAGE", b+"\n"+envelopeBody) },
		"among what is armored": func(_ []byte, _, b string) string {
			return armored("PGP MESSAGE", envelopeBody+"\n"+b+"\n"+envelopeBody)
		},
		"behind what is armored": func(_ []byte, _, b string) string { return armored("PGP MESSAGE", wholeBody+"\n"+b) },
		"clearsigned": func(_ []byte, _, b string) string {
			return "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n" + b + "\n" + armored("PGP SIGNATURE", envelopeBody)
		},
		"between armor lines, one line":   func(_ []byte, _, b string) string { return strings.ReplaceAll(armored("PGP MESSAGE", b), "\n", " ") },
		"between armor lines, quoted":     func(_ []byte, _, b string) string { return strings.ReplaceAll(armored("PGP MESSAGE", b), "\n", "\n> ") },
		"between armor lines, other dash": func(_ []byte, _, b string) string { return strings.ReplaceAll(armored("PGP MESSAGE", b), "--", "—") },

		// In a URL.
		"digits in a URL": func(_ []byte, d, _ string) string { return "https://vault.example.com/ui/unseal?key=" + d },
		"base64 in a URL": func(_ []byte, _, b string) string { return "https://vault.example.com/ui/unseal?key=" + b },
		"escaped in a URL": func(_ []byte, _, b string) string {
			return "https://vault.example.com/?reset=0&key=" + url.QueryEscape(b)
		},
		"names in a URL": func(raw []byte, _, _ string) string {
			return "http://10.0.0.1:8200/v1/sys/unseal?share=" + base64.URLEncoding.EncodeToString(raw)
		},
		"in a URL's path":       func(_ []byte, _, b string) string { return "https://vault.example.com/ui/unseal/" + b },
		"in a URL's fragment":   func(_ []byte, _, b string) string { return "https://vault.example.com/ui/#unseal=" + b },
		"in a URL, in brackets": func(_ []byte, _, b string) string { return "<https://vault.example.com/?key=" + b + ">" },
		"as a body of a form": func(_ []byte, _, b string) string {
			return "curl -d key=" + url.QueryEscape(b) + " $VAULT_ADDR/v1/sys/unseal"
		},

		// In look-alikes.
		"full width": func(_ []byte, d, _ string) string { return shift(d, func(c rune) rune { return c - '!' + '！' }) },
		"full width base64": func(_ []byte, _, b string) string {
			return shift(b, func(c rune) rune { return c - '!' + '！' })
		},
		"mathematical": func(_ []byte, d, _ string) string {
			return shift(d, func(c rune) rune {
				if c <= '9' {
					return '𝟎' + c - '0'
				}
				return '𝐚' + c - 'a'
			})
		},
		"monospace": func(_ []byte, d, _ string) string {
			return shift(d, func(c rune) rune {
				if c <= '9' {
					return '𝟶' + c - '0'
				}
				return '𝚊' + c - 'a'
			})
		},
		"digits of another script": func(_ []byte, d, _ string) string {
			return shift(d, func(c rune) rune {
				if c <= '9' {
					return '٠' + c - '0'
				}
				return c
			})
		},
		"Cyrillic letters": func(_ []byte, d, _ string) string {
			return strings.NewReplacer("a", "а", "c", "с", "e", "е").Replace(d)
		},
		"Cyrillic base64": func(_ []byte, _, b string) string {
			return strings.NewReplacer("a", "а", "A", "А", "p", "р").Replace(b)
		},
		"O and l": func(_ []byte, d, _ string) string { return strings.NewReplacer("0", "O", "1", "l").Replace(d) },
		"in circles": func(_ []byte, d, _ string) string {
			return strings.NewReplacer("a", "ⓐ", "b", "ⓑ", "1", "①", "0", "⓪").Replace(d)
		},
		"raised": func(_ []byte, d, _ string) string {
			return strings.NewReplacer("1", "¹", "2", "²", "7", "⁷").Replace(d)
		},

		// Split by what nobody sees.
		"zero width spaces":   func(_ []byte, d, _ string) string { return hidden(d, "\u200b") },
		"grapheme joiners":    func(_ []byte, d, _ string) string { return hidden(d, "\u034f") },
		"variation selectors": func(_ []byte, _, b string) string { return hidden(b, "\ufe0f") },
		"soft hyphens":        func(_ []byte, _, b string) string { return hidden(b, "\u00ad") },
		"Hangul fillers":      func(_ []byte, _, b string) string { return hidden(b, "\u3164") },
		"accents":             func(_ []byte, d, _ string) string { return hidden(d, "\u0301") },
		"tags":                func(_ []byte, d, _ string) string { return hidden(d, "\U000e0061") },
		"control characters":  func(_ []byte, _, b string) string { return hidden(b, "\x07") },
		"Braille blanks":      func(_ []byte, d, _ string) string { return inGroups(d, 6, "\u2800") },

		// As code.
		"pairs with commas":      func(_ []byte, d, _ string) string { return inGroups(d, 2, ", ") },
		"pairs with 0x":          func(_ []byte, d, _ string) string { return "[]byte{0x" + inGroups(d, 2, ", 0x") + "}" },
		"pairs with backslashes": func(_ []byte, d, _ string) string { return `b'\x` + inGroups(d, 2, `\x`) + `'` },
		"a string of Go's":       func(raw []byte, _, _ string) string { return fmt.Sprintf("share := %q", string(raw)) },
		"octets of Go's":         func(raw []byte, _, _ string) string { return fmt.Sprint(raw) },
		"octets in a list": func(raw []byte, _, _ string) string {
			return "[" + strings.ReplaceAll(strings.Trim(fmt.Sprint(raw), "[]"), " ", ", ") + "]"
		},
		"a sum of strings":     func(_ []byte, d, _ string) string { return `"` + d[:33] + `" + "` + d[33:] + `"` },
		"a sum of base64":      func(_ []byte, _, b string) string { return `"` + b[:22] + `" + "` + b[22:] + `"` },
		"a sum over lines":     func(_ []byte, _, b string) string { return `key = "` + b[:20] + "\" +\n  \"" + b[20:] + `"` },
		"adjacent strings":     func(_ []byte, d, _ string) string { return `("` + inGroups(d, 11, `" "`) + `")` },
		"with colons":          func(_ []byte, d, _ string) string { return inGroups(d, 2, ":") },
		"with dots":            func(_ []byte, d, _ string) string { return inGroups(d, 11, ".") },
		"a dot in the middle":  func(_ []byte, d, _ string) string { return d[:33] + "." + d[33:] },
		"with slashes":         func(_ []byte, d, _ string) string { return inGroups(d, 6, "/") },
		"with bars":            func(_ []byte, d, _ string) string { return "| " + inGroups(d, 6, " | ") + " |" },
		"base64 with hyphens":  func(_ []byte, _, b string) string { return inGroups(b, 4, "-") },
		"base64 of the base64": func(_ []byte, _, b string) string { return base64.StdEncoding.EncodeToString([]byte(b)) },
		"base64 of the digits": func(_ []byte, d, _ string) string { return base64.StdEncoding.EncodeToString([]byte(d)) },
		"a secret of Kubernetes": func(_ []byte, d, _ string) string {
			return "  init.json: " + base64.StdEncoding.EncodeToString([]byte(`{"keys":["`+d+`"]}`))
		},
		"digits of the base64": func(_ []byte, _, b string) string { return hex.EncodeToString([]byte(b)) },
		"base32":               func(raw []byte, _, _ string) string { return base32.StdEncoding.EncodeToString(raw) },
		"one by one":           func(_ []byte, d, _ string) string { return inGroups(d, 1, " ") },
		"in HTML":              func(_ []byte, _, b string) string { return strings.NewReplacer("+", "&#43;", "/", "&#x2F;").Replace(b) },
		"in JSON, escaped": func(_ []byte, _, b string) string {
			return `{"key":"` + strings.NewReplacer("+", `\u002b`, "/", `\u002f`).Replace(b) + `"}`
		},
		"in Markdown":               func(_ []byte, _, b string) string { return "**" + b + "**" },
		"in a dump":                 func(raw []byte, _, _ string) string { return strings.TrimSpace(hex.Dump(raw)) },
		"as octets, in a file":      func(raw []byte, _, _ string) string { return "\xff" + string(raw[1:]) },
		"as octets, with a newline": func(raw []byte, _, _ string) string { return "\xff" + string(raw[1:]) + "\n" },

		// In words.
		"two unequal words":         func(_ []byte, _, b string) string { return b[:27] + " " + b[27:] },
		"two unequal words, prose":  func(_ []byte, _, b string) string { return "mine is " + b[:17] + " " + b[17:] + " ok?" },
		"two unequal words, quoted": func(_ []byte, _, b string) string { return `"` + b[:24] + `" "` + b[24:] + `"` },
		"an unequal sum":            func(_ []byte, _, b string) string { return `"` + b[:19] + `" + "` + b[19:] + `"` },

		// Numbered.
		"numbered words": func(_ []byte, d, _ string) string {
			return join(split(d, 11), func(i int, p string) string { return fmt.Sprintf("%d: %s ", i, p) })
		},
		"numbered words, brackets": func(_ []byte, d, _ string) string {
			return join(split(d, 6), func(i int, p string) string { return fmt.Sprintf("(%d) %s ", i, p) })
		},
		"numbered words, from 0": func(_ []byte, d, _ string) string {
			return join(split(d, 6), func(i int, p string) string { return fmt.Sprintf("%d %s ", i-1, p) })
		},
		"numbers glued to words": func(_ []byte, _, b string) string {
			return join(split(b, 4), func(i int, p string) string { return fmt.Sprintf("%d)%s ", i, p) })
		},
		"numbered lines": func(_ []byte, d, _ string) string {
			return join(split(d, 22), func(i int, p string) string { return fmt.Sprintf("%d. %s\n", i, p) })
		},
		"numbered base64": func(_ []byte, _, b string) string {
			return join(split(b, 11), func(i int, p string) string { return fmt.Sprintf("%d. %s\n", i, p) })
		},
		"numbered base64, two": func(_ []byte, _, b string) string { return "1) " + b[:22] + "\n2) " + b[22:] },
		"parts": func(_ []byte, d, _ string) string {
			return join(split(d, 22), func(i int, p string) string { return fmt.Sprintf("Part %d: %s\n", i, p) })
		},
		"parts of all": func(_ []byte, _, b string) string {
			return join(split(b, 11), func(i int, p string) string { return fmt.Sprintf("part %d of 4: %s\n", i, p) })
		},
		"fractions": func(_ []byte, d, _ string) string {
			return join(split(d, 22), func(i int, p string) string { return fmt.Sprintf("%d/3 %s\n", i, p) })
		},
		"numbered groups": func(_ []byte, d, _ string) string {
			return join(split(d, 22), func(i int, p string) string { return fmt.Sprintf("%02d  %s\n", i, inGroups(p, 4, " ")) })
		},
	}
}

// Bodies of armor: one that is cut, and one with a whole packet in it.
const envelopeBody = "hF4DAAAAAAAAAAASAQdAuvDL0H5mGkpQX0eyH1Yv0Yq2m9vXvY0m2Jq3bX6mY2Qw"

var wholeBody = inGroups(base64.StdEncoding.EncodeToString(append([]byte{0x84, 94}, drawn(rand.New(rand.NewPCG(1, 2)), 94)...)), 64, "\n")

// TestShareIsSeenInEveryForm draws 200 shares for each form, and 20 under the race detector.
// With a seed of its own each run is the same.
func TestShareIsSeenInEveryForm(t *testing.T) {
	const most = 2 // that are missed: see mostWords
	tries := 200 / needs.Step(10)
	all := forms()
	for i, name := range slices.Sorted(maps.Keys(all)) {
		form, r := all[name], rand.New(rand.NewPCG(11, uint64(i)))
		missed, unsure, example := 0, 0, ""
		for range tries {
			raw := drawn(r, shareBytes)
			text := form(raw, hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw))
			switch find(text, nil, 0)[Share] {
			case nothing:
				missed++
				example = text
			case possible:
				unsure++
			}
		}
		if missed > most {
			t.Errorf("%s: %d of %d are missed, such as %q", name, missed, tries, example)
		}
		if unsure > 4*most { // some look like a document's name
			t.Errorf("%s: %d of %d are unsure", name, unsure, tries)
		}
	}
}

// TestShareIsSeenWithoutItsPluses: in a form, and in what is read of a URL, a plus sign is a
// space. Short words are left of a share then, which look like prose where prose is.
func TestShareIsSeenWithoutItsPluses(t *testing.T) {
	const tries = 200
	for name, c := range map[string]struct {
		form func(spaced string) string
		most int // that are missed
	}{
		"alone":        {func(s string) string { return s }, 30},
		"in a form":    {func(s string) string { return "reset=false&key=" + s + "&migrate=false" }, 12},
		"in a URL":     {func(s string) string { return "https://vault.example.com/ui/unseal?key=" + s }, 10},
		"behind words": {func(s string) string { return "Unseal Key 1: " + s }, 10},
		"in prose":     {func(s string) string { return "mine is " + s + ", I think" }, 110},
	} {
		r := rand.New(rand.NewPCG(7, 43))
		missed, seen, example := 0, 0, ""
		for seen < tries {
			share := base64.StdEncoding.EncodeToString(drawn(r, shareBytes))
			if !strings.Contains(share, "+") {
				continue
			}
			seen++
			if text := c.form(strings.ReplaceAll(share, "+", " ")); find(text, nil, 0)[Share] != certain {
				missed++
				example = text
			}
		}
		t.Logf("%s: %d of %d are missed", name, missed, tries)
		if missed > c.most {
			t.Errorf("%s: %d of %d are missed, such as %q", name, missed, tries, example)
		}
	}
}

// TestKeyOfAnOnlyHolderIsCertainByItsName, and possible without.
func TestKeyOfAnOnlyHolderIsCertainByItsName(t *testing.T) {
	for text, want := range map[string]bool{
		"Unseal Key 1: " + soleBase: true, "Unseal Key 1: " + soleHex: true, "Recovery Key 1: " + soleHex: true,
		"my share is " + soleHex: true, "unseal_key=" + soleHex: true, "the unseal key: " + inGroups(soleHex, 8, " "): true,
		"share: " + soleHex: true, "share=" + soleBase: true, "share = " + soleHex: true, "Share 3: " + soleHex: true,
		"key share 3 of 5: " + soleHex: true, "share #2 " + soleHex: true, "my share: " + inGroups(soleHex, 8, " "): true,
		"key=" + soleBase: true, "vault-key=" + soleHex: true, "RECOVERY_KEY_1=" + soleHex: true, "root key: " + soleHex: true,
		`{"keys":["` + soleHex + `"],"keys_base64":["` + soleBase + `"]}`: true, `{"unseal_keys_hex":["` + soleHex + `"]}`: true,
		"please share " + soleHex: false, "share " + soleHex: false, "please share " + inGroups(soleHex, 8, " "): false,
		"can you share it? " + soleHex: false, "the share was unmounted, " + soleHex: false, "who shares " + soleBase: false,
		"api_key=" + soleBase: false, "cache-key=" + soleHex: false, "PresharedKey=" + soleBase: false, "a.key=" + soleHex: false,
		"https://a.example/?apikey=" + soleHex: false, "key_id=" + soleHex: false, "shared_secret=" + soleBase: false,
		soleHex: false, soleBase: false, "key: " + soleHex: false, "container " + soleHex: false, inGroups(soleHex, 8, " "): false,
	} {
		if got := slices.Contains(Certain(text, nil), Share); got != want {
			t.Errorf("%q: certain %t", text, got)
		}
		if !slices.Contains(In(text, nil), Share) {
			t.Errorf("%q: not possible", text)
		}
	}
}

// TestTokenIsSeenInWhatEncodesIt, such as a secret of Kubernetes.
func TestTokenIsSeenInWhatEncodesIt(t *testing.T) {
	once := base64.StdEncoding.EncodeToString([]byte(newToken))
	for name, text := range map[string]string{
		"base64":             "token: " + once,
		"base64 of JSON":     base64.StdEncoding.EncodeToString([]byte(`{"root_token":"` + newToken + `"}`)),
		"base64, twice":      base64.StdEncoding.EncodeToString([]byte(once)),
		"digits":             hex.EncodeToString([]byte(newToken)),
		"escaped in a URL":   "https://vault.example.com/?token=" + strings.ReplaceAll(newToken, ".", "%2E"),
		"full width":         strings.Map(func(c rune) rune { return c - '!' + '！' }, newToken),
		"with marks nobody":  inGroups(newToken, 7, "\u034f"),
		"between armor":      "-----BEGIN PGP MESSAGE-----\n\n" + newToken + "\n-----END PGP MESSAGE-----",
		"an old one, quoted": `VAULT_TOKEN='` + oldToken + `'`,
		"defanged":           strings.Replace(newToken, ".", "[.]", 1),
		"defanged, in words": "mine was hvs(dot)" + newToken[4:] + " until noon",
		"an old one, so":     "VAULT_TOKEN=" + strings.Replace(oldToken, ".", "[.]", 1),
	} {
		if got := Certain(text, nil); !slices.Contains(got, Token) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestArmorOfEveryProgramIsNoSecret reads what gpg writes, as it is, cut and on one line.
func TestArmorOfEveryProgramIsNoSecret(t *testing.T) {
	needs.Programs(t, "gpg")
	r := rand.New(rand.NewPCG(5, 8))
	for n := range 80 {
		size := 90 + n // of a packet of an encrypted session key, and of what it encrypts
		packets := slices.Concat([]byte{0x84, 94}, drawn(r, 94), []byte{0xd2, byte(size)}, drawn(r, size))
		cmd := exec.Command("gpg", "--batch", "--homedir", t.TempDir(), "--enarmor")
		cmd.Stdin = bytes.NewReader(packets)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		out = bytes.ReplaceAll(out, []byte("ARMORED FILE"), []byte("MESSAGE"))
		text := string(out)
		lines := strings.Split(strings.TrimSpace(text), "\n")
		for name, text := range map[string]string{
			"whole": text, "on one line": strings.ReplaceAll(text, "\n", " "), "quoted": "> " + strings.ReplaceAll(text, "\n", "\n> "),
			"its beginning": strings.Join(lines[:4], "\n"), "its end": strings.Join(lines[3:], "\n"),
		} {
			if got := In(text, nil); len(got) > 0 {
				t.Errorf("%s, of %d octets: %v\n%s", name, n, got, text)
			}
		}
	}
}
