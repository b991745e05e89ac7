package leak

import (
	"slices"
	"strings"
)

// mostPluses is how many plus signs of a share are looked for as spaces. Of 200 shares one has
// more.
const mostPluses = 3

// shortestWord is the length from which on a word tells by itself whether it may be drawn.
const shortestWord = 8

// baseInWords reports whether words on one line make up a share in base64: two of any lengths,
// or what is left of it when its plus signs have become spaces, as in a form or a URL.
func baseInWords(words []fragment) bool {
	for first := range words {
		long, prose := 0, false
		for i := first; i < len(words) && i-first <= mostPluses && words[i].base; i++ {
			if i > first && (words[i].starts || !words[i].near) {
				break
			}
			w := words[i].text
			gaps := i - first
			long += len(w)
			prose = prose || !mayBeDrawn(w)
			if long+gaps > shareBase64 && gaps != 1 {
				break
			}
			if gaps == 0 || long != shareBase64 && long+gaps != shareBase64 {
				continue
			}
			parts := words[first : i+1]
			if gaps == 1 && long == shareBase64 && !prose && between(words, first, i) && shareShaped(joined(parts, "")) {
				return true
			}
			if long+gaps != shareBase64 || !lostPluses(parts) {
				continue
			}
			// What stands behind its name, or alone on a line, may have short words in it.
			ends := i+1 == len(words) || words[i+1].starts || !words[i+1].near
			switch {
			case !prose && between(words, first, i),
				ends && shareNames.MatchString(words[first].before),
				ends && words[first].starts && !slices.ContainsFunc(parts, wordOfProse):
				return true
			}
		}
	}
	return false
}

// mayBeDrawn reports whether a word by itself looks drawn, and not like one of prose.
func mayBeDrawn(word string) bool {
	return len(word) >= shortestWord && 3*lowerLetters(word) < 2*len(word) &&
		strings.ToLower(word) != word && strings.ToUpper(word) != word
}

// wordOfProse reports whether a short word is written like one of prose: aws, Key, PAT.
func wordOfProse(f fragment) bool {
	w := f.text
	if len(w) < 3 || len(w) >= shortestWord || strings.ContainsFunc(w, func(r rune) bool { return !isLetter(r) }) {
		return false
	}
	lower := strings.ToLower(w)
	return w == lower || w == strings.ToUpper(w) || w[1:] == lower[1:]
}

func isLetter(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }

// between reports whether no other words that may be drawn stand around some on their line.
func between(words []fragment, first, last int) bool {
	return (words[first].starts || !mayBeDrawn(words[first-1].text)) &&
		(last+1 == len(words) || words[last+1].starts || !mayBeDrawn(words[last+1].text))
}

// lostPluses reports whether words are a share whose plus signs have become spaces. The longest
// of them has to look drawn: words of prose have any length.
func lostPluses(parts []fragment) bool {
	longest := ""
	for i, p := range parts {
		if i > 0 && !p.space {
			return false
		}
		if len(p.text) > len(longest) {
			longest = p.text
		}
	}
	return mayBeDrawn(longest) && mixed(longest) && shareShaped(joined(parts, "+"))
}
