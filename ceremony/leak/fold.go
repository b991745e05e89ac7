package leak

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fold returns a text in which what nobody sees is gone, and in which each character that
// looks like a letter or a digit of ASCII is that one.
func fold(text string) string {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || c < ' ' && c != '\n' {
			return strings.Map(foldRune, text)
		}
	}
	return text
}

func foldRune(r rune) rune {
	switch {
	case r == '\n', r >= ' ' && r < unicode.MaxASCII:
		return r
	case unicode.IsSpace(r), r == utf8.RuneError, r == '\u2800':
		return ' ' // the expressions know only spaces of ASCII, and no byte order mark
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Mn, unicode.Me), strings.ContainsRune(fillers, r):
		return -1 // invisible marks, and half of UTF-16, would break a share into pieces
	case unicode.Is(unicode.Pd, r), r == '\u2212':
		return '-'
	case unicode.In(r, unicode.Pi, unicode.Pf), r == '\u201e', r == '\u201a':
		return '"'
	case r >= '\uff01' && r <= '\uff5e': // full width
		return r - '\uff01' + '!'
	case r >= '\U0001d400' && r < '\U0001d6a4': // mathematical letters, in alphabets of 52
		return letter(int(r-'\U0001d400') % 52)
	case unicode.Is(unicode.Nd, r):
		return digit(r)
	case r >= '\u24b6' && r <= '\u24e9': // in circles
		return letter(int(r - '\u24b6'))
	case r >= '\u2460' && r <= '\u2468':
		return '1' + r - '\u2460'
	case r >= '\u2074' && r <= '\u2079': // raised
		return '4' + r - '\u2074'
	case r >= '\u2080' && r <= '\u2089': // lowered
		return '0' + r - '\u2080'
	}
	if same, ok := alike[r]; ok {
		return same
	}
	return r
}

// fillers are letters that show nothing.
const fillers = "\u115f\u1160\u3164\uffa0"

// letter returns a letter by its number in A-Za-z.
func letter(n int) rune {
	if n < 26 {
		return 'A' + rune(n)
	}
	return 'a' + rune(n-26)
}

// digit returns the digit of ASCII that a digit of another script stands for. Unicode keeps
// digits in runs of ten from zero. Source: Unicode Standard, 4.6.
func digit(r rune) rune {
	for _, of := range unicode.Nd.R16 {
		if uint16(of.Lo) <= uint16(r) && r <= rune(of.Hi) {
			return '0' + (r-rune(of.Lo))%10
		}
	}
	for _, of := range unicode.Nd.R32 {
		if rune(of.Lo) <= r && r <= rune(of.Hi) {
			return '0' + (r-rune(of.Lo))%10
		}
	}
	return r
}

// alike are letters and digits that look like one of ASCII: of Cyrillic, of Greek, and those
// that Unicode keeps outside their alphabet.
var alike = func() map[rune]rune {
	all := map[rune]rune{}
	pairs := []rune("аaеeоoсcрpхxуyіiјjѕsԁdһhԛqԝwАAВBЕEЅSІIЈJКKМMНHОOРPСCТTХXΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXαaοoνv" +
		"ℬBℰEℱFℋHℐIℒLℳMℛRℯeℊgℴoℎhℭCℂCℌHℑIℜRℨZℍHℕNℙPℚQℝRℤZⅮDⅭCⅬLⅯMⅾdⅽcⅼlⅿm⓪0¹1²2³3⁰0∕/⁄/﹢+＋+₊+⁺+")
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}()
