package openpgp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"conclave/ceremony"
)

// mangled is what chats, mail programs and people do to armor. Each row gets the
// armor of an envelope that is as it should be.
var mangled = []struct {
	name   string
	mangle func(armor string) string
	want   ceremony.Refusal // empty: it can be undone
}{
	{"as it was", same, ""},
	{"carriage returns", replace("\n", "\r\n"), ""},
	{"carriage returns alone", replace("\n", "\r"), ""},
	{"line separators", replace("\n", "\u2028"), ""},
	{"trailing spaces", replace("\n", "  \n"), ""},
	{"leading spaces", replace("\n", "\n    "), ""},
	{"leading tabs", replace("\n", "\n\t"), ""},
	{"no-break spaces", replace("\n", "\n\u00a0\u00a0"), ""},
	{"no-break spaces in place of all", replace(" ", "\u00a0"), ""},
	{"narrow no-break spaces in place of all", replace(" ", "\u202f"), ""},
	{"ideographic spaces in place of all", replace(" ", "\u3000"), ""},
	{"tabs in place of spaces", replace(" ", "\t"), ""},
	{"two spaces in place of one", replace(" ", "  "), ""},
	{"first and last line broken", replace("PGP ", "PGP\n"), ""},
	{"broken and quoted", func(a string) string { return quoted("  ")(strings.ReplaceAll(a, "BEGIN PGP", "BEGIN\r\nPGP")) }, ""},
	{"hyphens that break not", replace("-", "\u2011"), ""},
	{"fence on its own lines", around("```\n", "\n```"), ""},
	{"fence glued on", around("```", "```"), ""},
	{"text before and after", around("Here it is:\n\n", "\nBye, A.\n"), ""},
	{"text glued before", around("Here it is: ", ""), ""},
	{"text glued after", func(a string) string { return strings.TrimSpace(a) + " thanks" }, ""},
	{"Version header", header("Version: GnuPG v2"), ""},
	{"Comment headers", header("Comment: made with love\nComment: https://example.invalid/a/very/long/path/that/looks/like/data/but/is/none"), ""},
	{"doubled newlines", replace("\n", "\n\n"), ""},
	{"blank line after the first lost", replace("-----\n\n", "-----\n"), ""},
	{"blank line after a header lost", func(a string) string {
		return strings.Replace(a, "-----\n\n", "-----\nVersion: GnuPG v2\n", 1)
	}, ""},
	{"checksum lost", func(a string) string { return checksumLine.ReplaceAllString(a, "\n") }, ""},
	{"quoted", quoted("> "), ""},
	{"quoted twice", quoted(">> "), ""},
	{"quoted and escaped", quoted("&gt; "), ""},
	{"bold", quoted("*"), ""},
	{"code on every line", func(a string) string {
		return "`" + strings.Join(strings.Split(strings.TrimSpace(a), "\n"), "`\n`") + "`"
	}, ""},
	{"em dashes", replace("-----", "\u2014\u2014-"), ""},
	{"en dashes", replace("-", "\u2013"), ""},
	{"minus signs", replace("-----", "\u2212\u2212\u2212\u2212\u2212"), ""},
	{"fewer dashes", replace("-----", "--"), ""},
	{"zero width spaces", replace("\n", "\u200b\n\u200b"), ""},
	{"soft hyphens", replace("A", "A\u00ad"), ""},
	{"byte order mark", around("\ufeff", ""), ""},
	{"on one line", replace("\n", " "), ""},
	{"on one line with a header", func(a string) string {
		return strings.ReplaceAll(header("Comment: made by hand")(a), "\n", " ")
	}, ""},
	{"on one line without spaces", replace("\n", ""), ""},
	{"body on one line", func(a string) string {
		head, rest, _ := strings.Cut(a, "\n\n")
		at := strings.LastIndex(rest, "\n=")
		return head + "\n\n" + strings.ReplaceAll(rest[:at], "\n", "") + rest[at:]
	}, ""},
	{"escaped plus signs", replace("+", "&#43;"), ""},
	{"escaped twice", replace("+", "&amp;#43;"), ""},
	{"full-width signs", func(a string) string {
		return strings.NewReplacer("+", "\uff0b", "/", "\uff0f").Replace(a)
	}, ""},
	{"smart quotes around", around("\u201c", "\u201d"), ""},
	{"UTF-16 of Windows", utf16As(binary.LittleEndian), ""},
	{"UTF-16, big end first", utf16As(binary.BigEndian), ""},

	{"a line lost", func(a string) string {
		lines := strings.Split(a, "\n")
		return strings.Join(append(lines[:4:4], lines[5:]...), "\n")
	}, ceremony.Altered},
	{"a character changed", func(a string) string {
		lines := strings.Split(a, "\n")
		lines[4] = strings.Map(func(r rune) rune {
			if r == rune(lines[4][9]) {
				return 'A' + (r+1)%26
			}
			return r
		}, lines[4])
		return strings.Join(lines, "\n")
	}, ceremony.Altered},
	{"a character lost", func(a string) string {
		lines := strings.Split(a, "\n")
		lines[4] = lines[4][1:]
		return strings.Join(lines, "\n")
	}, ceremony.Altered},
	{"checksum changed", func(a string) string {
		return checksumLine.ReplaceAllString(a, "\n=AAAA\n")
	}, ceremony.Altered},
	{"end lost", func(a string) string { return a[:strings.Index(a, "-----END")] }, ceremony.Truncated},
	{"cut in the middle", func(a string) string { return a[:len(a)/2] }, ceremony.Truncated},
	{"beginning lost", func(a string) string { return a[strings.Index(a, "\n"):] }, ceremony.Truncated},
	{"begun twice", func(a string) string { return a[:len(a)/2] + "\n" + a[:len(a)/3] }, ceremony.Truncated},
	{"shortened with an ellipsis", func(a string) string { return a[:100] + "\u2026" + a[200:] }, ceremony.BadArmor},
	{"ends as something else", replace("END PGP MESSAGE", "END PGP SIGNATURE"), ceremony.BadArmor},
	{"nothing inside", func(string) string { return "-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----" }, ceremony.BadArmor},
	{"no markers", func(a string) string {
		lines := strings.Split(strings.TrimSpace(a), "\n")
		return strings.Join(lines[2:len(lines)-2], "\n")
	}, ceremony.NoArmor},
}

var checksumLine = regexp.MustCompile(`\n=[A-Za-z0-9+/]{4}\n`)

func same(a string) string { return a }

func replace(old, with string) func(string) string {
	return func(a string) string { return strings.ReplaceAll(a, old, with) }
}

func around(before, after string) func(string) string {
	return func(a string) string { return before + strings.TrimSpace(a) + after }
}

func header(h string) func(string) string {
	return func(a string) string { return strings.Replace(a, "-----\n\n", "-----\n"+h+"\n\n", 1) }
}

func quoted(with string) func(string) string {
	return func(a string) string { return with + strings.ReplaceAll(strings.TrimSpace(a), "\n", "\n"+with) }
}

func utf16As(order binary.ByteOrder) func(string) string {
	return func(a string) string {
		b := order.(binary.AppendByteOrder).AppendUint16(nil, 0xfeff)
		for _, u := range utf16.Encode([]rune(a)) {
			b = order.(binary.AppendByteOrder).AppendUint16(b, u)
		}
		return string(b)
	}
}

func TestMangledPasteIsUndoneOrRefusedForItsOwnReason(t *testing.T) {
	for _, tt := range mangled {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			armor := string(s.craft(t, craft{}))
			for !strings.Contains(armor, "+") || !strings.Contains(armor, "/") {
				armor = string(s.craft(t, craft{}))
			}
			text := []byte(tt.mangle(armor))
			if got, want := s.key.Fits(text), tt.want == ""; got != want {
				t.Errorf("fits: %t, want %t", got, want)
			}
			if tt.want == "" {
				s.opened(t, text)
			} else {
				s.refused(t, text, tt.want)
			}
		})
	}
}

func TestChecksumOfTheStandardsExampleIsRight(t *testing.T) {
	// The armor of RFC 4880, section 6.6: its checksum is njUN.
	s := newStage(t)
	body := "yDgBO22WxBHv7O8X7O/jygAEzol56iUKiXmV+XmpCtmpqQUKiQrFqclFqUDBovzSvBSFjNSiVHsuAA==\n=njUN\n"
	text := []byte("-----BEGIN PGP MESSAGE-----\nVersion: OpenPrivacy 0.99\n\n" + body + "-----END PGP MESSAGE-----\n")
	s.refused(t, text, ceremony.NotEncrypted) // readable, and not encrypted
	s.refused(t, bytes.Replace(text, []byte("njUN"), []byte("njUO"), 1), ceremony.Altered)
}

func TestWordsThatLookLikeASharesLengthRaiseNoAlarm(t *testing.T) {
	s := newStage(t)
	for _, text := range []string{
		"I approve " + strings.Repeat("ab", 32),
		"nonce 0b9d5dc1-6d53-5c1b-9d7f-0f3f6f1b9a11",
		"fingerprint " + strings.ToUpper(strings.Repeat("a1", 20)),
		"https://example.invalid/archives/C0123456789/p1700000000000000?thread_ts=1700000000.000000",
		strings.Repeat("a", 44),
		"SHA256:" + base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0xa7}, 32)),
		"you know hvs. tokens, don't you",
		"BEGIN with the PRIVATE KEY? no",
	} {
		s.refused(t, []byte(text), ceremony.NoArmor)
	}
}
