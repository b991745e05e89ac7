package paste_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"conclave/ceremony/paste"
)

// wide returns a text in UTF-16, with or without its mark.
func wide(order binary.AppendByteOrder, mark bool, text string) string {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// saved returns a text in every form in which an editor or a redirection saves it.
func saved(text string) map[string]string {
	all := map[string]string{}
	for name, text := range map[string]string{"LF": text + "\n", "CRLF": text + "\r\n", "no line end": text} {
		all[name+", UTF-8"] = text
		all[name+", UTF-8 with a mark"] = "\ufeff" + text
		all[name+", UTF-16LE"] = wide(binary.LittleEndian, true, text)
		all[name+", UTF-16BE"] = wide(binary.BigEndian, true, text)
		all[name+", UTF-16LE without a mark"] = wide(binary.LittleEndian, false, text)
		all[name+", UTF-16BE without a mark"] = wide(binary.BigEndian, false, text)
	}
	return all
}

const share = "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d906901"

func TestP1SecretIsReadInEveryEncodingAndLeavesNoCopy(t *testing.T) {
	for name, file := range saved(share) {
		text := []byte(file)
		got := paste.Secret(text)
		if string(got) != share || &got[0] != &text[0] {
			t.Errorf("%s: %q", name, got)
		}
		if rest := text[len(got):]; !bytes.Equal(rest, make([]byte, len(rest))) {
			t.Errorf("%s: %q is left behind it", name, rest)
		}
	}
	if got := paste.Secret([]byte(" \t" + share + "\u00a0\n")); string(got) != share {
		t.Errorf("spaces around it: %q", got)
	}
	for _, other := range []string{"", "\xff\xfe", "\xff\xfe\x00\x01\x02\x03", "\xff\xfe\x00\xd8", "\xfe\xff\xd8\x00\x00"} {
		paste.Secret([]byte(other)) // must not panic
	}
}

func TestPassphraseKeepsItsSpacesAndItsLetters(t *testing.T) {
	for _, phrase := range []string{" correct horse  ", "grüße, ключ, 鍵鍵鍵鍵鍵, 🔑", "-\u00a0\u2013"} {
		for name, file := range saved(phrase) {
			if strings.HasSuffix(name, "without a mark") && strings.ContainsFunc(phrase, func(r rune) bool { return r > 0x7f }) {
				continue // nothing says that this is UTF-16
			}
			text := []byte(file)
			if got := paste.Passphrase(text); string(got) != phrase {
				t.Errorf("%s: %q, want %q", name, got, phrase)
			}
		}
	}
}

func TestTextIsReadInEveryEncoding(t *testing.T) {
	for name, file := range saved("-----BEGIN PGP MESSAGE-----") {
		if got := strings.TrimSpace(paste.Text([]byte(file))); got != "-----BEGIN PGP MESSAGE-----" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := paste.Text([]byte("&amp;gt; a &#43; b&nbsp;c")); got != "> a + b c" {
		t.Errorf("escapes: %q", got)
	}
}

// Whatever Unicode calls a space, a dash or a quotation mark becomes that of ASCII.
func TestCharacterOfTheseClassesBecomesTheOneOfTheKeyboard(t *testing.T) {
	counted := map[string]int{}
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		class, want := "", ""
		switch {
		case unicode.Is(unicode.Zs, r):
			class, want = "spaces", "a b"
		case unicode.Is(unicode.Pd, r), unicode.Is(unicode.Hyphen, r) && r != '\u00ad' && r != '\u30fb' && r != '\uff65':
			class, want = "dashes", "a-b"
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
			class, want = "invisible", "ab"
		case r >= '\uff01' && r <= '\uff5e':
			class, want = "full width", "a"+string(r-'\uff01'+'!')+"b"
		default:
			continue
		}
		counted[class]++
		if got := paste.Line("a" + string(r) + "b"); got != want {
			t.Errorf("%U, of the %s: %q, want %q", r, class, got, want)
		}
	}
	for class, least := range map[string]int{"spaces": 15, "dashes": 20, "invisible": 150, "full width": 90} {
		if counted[class] < least {
			t.Errorf("only %d %s were tried", counted[class], class)
		}
	}
}

func TestWhatAKeyboardMeansIsRead(t *testing.T) {
	for typed, want := range map[string]string{
		"ｓｔａｒｔ　ｒｅｋｅｙ　ｐｒｏｄ":          "start rekey prod",
		"prodーrekeyーk7m2":           "prod-rekey-k7m2", // Japanese input
		"サーバー交換":                    "サーバー交換",          // a word of its own
		"prod−rekey−k7m2":           "prod-rekey-k7m2", // minus signs
		"prod\u00ad\u200b-rekey":    "prod-rekey",
		"“prod” ‘rekey’ «why» ´x´":  `"prod" 'rekey' "why" 'x'`,
		"rekey\u2028prod\r\nnow":    "rekey prod  now",
		"Schlüssel für Łódź, 日本 🔑":  "Schlüssel für Łódź, 日本 🔑",
		"plain words - as they are": "plain words - as they are",
	} {
		if got := paste.Line(typed); got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
}

func TestWordIsReadWithoutTheMarksAroundIt(t *testing.T) {
	const id = "prod-rekey-k7m2"
	for _, typed := range []string{
		"*" + id + "*", "_" + id + "_", "~" + id + "~", "`" + id + "`", "```" + id + "```", "<" + id + ">", "(" + id + ")",
		"[" + id + "]", `"` + id + `"`, "“" + id + "”", "‘" + id + "’", "«" + id + "»", id + ".", id + ",", id + ":", id + ";",
		id + "!", id + "?", id + "…", "*`" + id + "`*.", "#" + id, "\u200b" + id + "\u00a0", "＜" + id + "＞",
	} {
		if got := paste.Words(typed); !slices.Equal(got, []string{id}) {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
	if got := paste.Words("* start *, “rekey” `prod`"); !slices.Equal(got, []string{"start", "rekey", "prod"}) {
		t.Errorf("marks alone: %q", got)
	}
}

// What was read once is read the same again.
func FuzzPaste(f *testing.F) {
	for _, seed := range []string{"", "a–b", "aーーb", "\u00adー", "“„«", "\uff1c\u3000\uff0d", "\xff\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := paste.Plain(text)
		if twice := paste.Plain(once); twice != once {
			t.Errorf("%q, %q, %q", text, once, twice)
		}
		if line := paste.Line(text); strings.ContainsAny(line, "\n\r\t") {
			t.Errorf("%q has more than one line", line)
		}
	})
}
