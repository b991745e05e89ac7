package leak

import (
	"regexp"
	"strconv"
	"strings"
)

// reading is one way to read a text.
type reading struct {
	text string
	// loose is set where hyphens join groups, and are no letters of base64.
	loose bool
}

// readings returns a text as it stands there, and as it reads without its numbering and
// without the marks with which code joins pieces.
func readings(text string) []reading {
	return []reading{{text: text}, {text: unnumbered(text), loose: true}}
}

var (
	// The number of a line: 3., (3), #3, 3/5, "Part 3 of 5:".
	lineNumber = regexp.MustCompile(`^[ >*(\[#-]*(?:[A-Za-z]{1,8} )?#?(\d{1,2})(?: ?/ ?\d{1,2}| of \d{1,2})?[ .):=\]|-]+`)
	// A line of a dump: an offset, octets, and what they are in ASCII.
	dumpLine = regexp.MustCompile(`^ *[0-9a-fA-F]{7,8}:? +((?:[0-9a-fA-F]{2}){1,2}(?: {1,2}(?:[0-9a-fA-F]{2}){1,2})*)(?:  .*)?$`)
	// A number within a line.
	wordNumber = regexp.MustCompile(`^[(\[#]*(\d{1,2})(?:[.):\]=]+(.*))?$`)
)

// unnumbered returns a text without the numbers of its lines, or of its words, and without
// the marks with which code joins pieces. It may take a group of digits for a number, so
// that the text is read with them as well.
func unnumbered(text string) string {
	var out strings.Builder
	due := -1 // the next number; -1 is either 0 or 1
	for line := range strings.SplitSeq(text, "\n") {
		marked := false // a number has a mark behind it
		if !strings.ContainsAny(beginning(line), "0123456789abcdef") {
			// It has no number, and is no line of a dump.
		} else if m := dumpLine.FindStringSubmatch(line); m != nil {
			out.WriteString(m[1] + "\n")
			continue
		} else if m := lineNumber.FindStringSubmatch(line); m != nil && len(m[0]) < len(line) {
			line = line[len(m[0]):]
			n, _ := strconv.Atoi(m[1])
			due, marked = n+1, strings.ContainsAny(m[0], ".):=]|")
		}
		for word := range strings.FieldsSeq(line) {
			if strings.Trim(word, `+."'&|,\`) == "" {
				continue
			}
			if strings.IndexByte("([#0123456789", word[0]) < 0 {
				// It begins with no number.
			} else if m := wordNumber.FindStringSubmatch(word); m != nil && (!marked || len(m[1]) < len(word)) {
				n, _ := strconv.Atoi(m[1])
				if n == due || due < 0 && n < 2 {
					due, word = n+1, m[2]
				}
			}
			out.WriteString(word)
			out.WriteByte(' ')
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// token is a run of letters and digits, and what stands before it.
type token struct {
	gap, text string
	apart     bool // it is no part of a share: of a UUID, or with letters of other scripts
}

// tokensOf takes a text apart at whatever is no letter and no digit.
func tokensOf(r reading) []token {
	var all []token
	text, gap := r.text, 0
	for at := 0; at < len(text); {
		if !wordByte(text[at]) {
			at++
			continue
		}
		end := at
		for end < len(text) && wordByte(text[end]) {
			end++
		}
		t := token{gap: text[gap:at], text: text[at:end]}
		if rest := strings.TrimPrefix(strings.TrimPrefix(t.text, "0"), "x"); len(rest) < len(t.text) && rest != "" &&
			(strings.HasPrefix(t.text, "0x") || strings.HasSuffix(t.gap, `\`)) {
			t.text = rest
		}
		all = append(all, t)
		at, gap = end, end
	}
	for i := 0; i+4 < len(all); i++ {
		if isUUID(all[i : i+5]) {
			for k := range 5 {
				all[i+k].apart = true
			}
			i += 4
		}
	}
	return all
}

// wordByte reports whether a byte belongs to a letter or to a digit. So do those of all other
// scripts.
func wordByte(c byte) bool { return letterOrDigit(c) || c >= 0x80 }

// isUUID reports whether five tokens are one. Source: RFC 9562, 4.
func isUUID(t []token) bool {
	for i, n := range []int{8, 4, 4, 4, 12} {
		if len(t[i].text) != n || i > 0 && t[i].gap != "-" {
			return false
		}
	}
	return true
}

// fewestLetters is how many of a share's 66 digits are letters at least. Of a million
// shares one has fewer; numbers in a table have none.
const fewestLetters = 8

// hexInPieces returns how sure it is that a run of groups of digits makes up a share. The
// whole run has to: a part of a run does not count, since fingerprints are written in
// groups, too. But a word or a number beside a share may be made of the same letters
// ("add", "12"), and shares may follow each other.
func hexInPieces(tokens []token, harmless func(string) bool) certainty {
	found := nothing
	first := 0
	for i := range len(tokens) + 1 {
		// A word as long as the whole key, or longer, was looked at by itself.
		if i < len(tokens) && !tokens[i].apart && len(tokens[i].text) < keyDigits && isHex(tokens[i].text) {
			continue
		}
		if i-first > 1 {
			found = max(found, hexRun(tokens[first:i], tokens[max(0, first-5):first], harmless))
		}
		first = i + 1
	}
	return found
}

// hexRun returns how sure it is that groups are a share. before are the words before them.
func hexRun(groups, before []token, harmless func(string) bool) certainty {
	var b strings.Builder
	for _, g := range groups {
		b.WriteString(g.text)
	}
	digits := b.String()
	all, n := len(digits), len(groups)
	if all < keyDigits || letters(digits) < fewestLetters {
		return nothing
	}
	isDigest := false
	var names []string
	for i, t := range before {
		behind := groups[0].gap
		if i+1 < len(before) {
			behind = before[i+1].gap
		}
		isDigest = isDigest || len(before)-i <= 2 && digestBefore.MatchString(t.text)
		names = append(names, beginning(t.text)+beginning(behind))
	}
	known := func(digest string) bool { return isDigest || harmless(strings.ToLower(digest)) }
	head, tail := len(groups[0].text), len(groups[n-1].text)
	// Only what is written evenly is certain: columns of numbers add up to anything.
	evenly := func(groups []token) certainty {
		if even(groups) {
			return certain
		}
		return possible
	}
	switch {
	case all == keyDigits && !known(digits):
		if namesShare(names) {
			return certain
		}
		return possible
	case all == shareDigits:
		// A digest that people were shown may have a number beside it.
		if known(digits[:keyDigits]) && ends(groups, keyDigits) || known(digits[all-keyDigits:]) && ends(groups, all-keyDigits) {
			return nothing
		}
		return evenly(groups)
	case all%shareDigits == 0 && endsEach(groups, shareDigits):
		return evenly(groups)
	case n > 2 && all-head == shareDigits:
		return evenly(groups[1:])
	case n > 2 && all-tail == shareDigits:
		return evenly(groups[:n-1])
	case n > 3 && all-head-tail == shareDigits:
		return evenly(groups[1 : n-1])
	}
	return nothing
}

// even reports whether groups are of one length, except that a line may end with a shorter
// one. Of two groups neither is short.
func even(groups []token) bool {
	if len(groups) == 2 {
		return min(len(groups[0].text), len(groups[1].text)) >= shareDigits/4
	}
	size := len(groups[0].text)
	for i, g := range groups {
		endsLine := i+1 == len(groups) || strings.Contains(groups[i+1].gap, "\n")
		if len(g.text) > size || len(g.text) < size && !endsLine {
			return false
		}
	}
	return true
}

// letters returns how many of a text's digits are letters.
func letters(digits string) int {
	n := 0
	for i := range len(digits) {
		if digits[i] > '9' {
			n++
		}
	}
	return n
}

// ends reports whether a group ends behind so many digits.
func ends(groups []token, digits int) bool {
	for _, g := range groups {
		if digits -= len(g.text); digits <= 0 {
			return digits == 0
		}
	}
	return false
}

// endsEach reports whether groups end behind so many digits, and again and again.
func endsEach(groups []token, digits int) bool {
	n := 0
	for _, g := range groups {
		if n += len(g.text); n > digits {
			return false
		} else if n == digits {
			n = 0
		}
	}
	return n == 0
}

// bytesInDecimals returns how sure it is that numbers are the octets of a share, as a
// program prints them: [95 42 156], 95, 42, 156.
func bytesInDecimals(tokens []token) certainty {
	found := nothing
	var seen [256]bool
	count, high, different := 0, 0, 0
	for i := range len(tokens) + 1 {
		if i < len(tokens) {
			n, err := strconv.Atoi(tokens[i].text)
			if isOctet := err == nil && n < 256 && len(tokens[i].text) < 4; isOctet && (count == 0 || listGap(tokens[i].gap)) {
				count++
				if n >= 128 {
					high++
				}
				if !seen[n] {
					seen[n] = true
					different++
				}
				continue
			}
		}
		if high > 6 && different > 20 {
			switch count {
			case shareBytes:
				found = certain
			case keyBytes:
				found = max(found, possible)
			}
		}
		if count > 0 {
			seen, count, high, different = [256]bool{}, 0, 0, 0
		}
	}
	return found
}

// listGap reports whether a gap divides the numbers of a list.
func listGap(gap string) bool { return strings.Trim(gap, " ,;\n") == "" }

// fragment is a word that may be a part of a share in base64.
type fragment struct {
	text   string
	before string // what stands before it on its line, as far as it may be a name
	starts bool   // it is the first of a line
	base   bool   // it may be a part of a share
	near   bool   // only spaces and quotes stand between it and the one before
	space  bool   // one space does
}

// fragmentsOf takes a text apart at whatever is no letter of base64.
func fragmentsOf(r reading) []fragment {
	var all []fragment
	for line := range strings.SplitSeq(r.text, "\n") {
		starts, last := true, 0
		for at := 0; at < len(line); {
			end := at
			for end < len(line) && isBase64(rune(line[end])) && !(r.loose && (line[end] == '-' || line[end] == '_')) {
				end++
			}
			for end > at && end < len(line) && line[end] == '=' {
				end++
			}
			if end == at {
				starts = starts && !wordByte(line[at])
				at++
				continue
			}
			// What stands before a colon is a label, and no part of a share.
			label := end < len(line) && line[end] == ':'
			gap := line[last:at]
			all = append(all, fragment{
				text: line[at:end], before: line[max(0, at-longestName):at], starts: starts,
				base: !label && end-at < shareBase64, near: strings.Trim(gap, " \"'`") == "", space: gap == " ",
			})
			at, last, starts = end, end, false
		}
	}
	return all
}

// narrowestLine is the least width of the lines into which a share is broken, where there
// are more than two.
const narrowestLine = 8

// baseInPieces reports whether words have a share in base64 that is broken into lines, or
// into groups of one length. It may stand between other words that look like a group.
func baseInPieces(words []fragment) bool {
	for first := range words {
		long, lines, grouped := 0, true, true
		size := len(words[first].text)
		for i := first; i < len(words) && long < shareBase64 && words[i].base; i++ {
			w := words[i].text
			if i > first {
				before := len(words[i-1].text)
				lines = lines && words[i].starts
				grouped = grouped && before == size && len(w) <= size
			}
			if !lines && !grouped {
				break
			}
			long += len(w)
			n := i - first + 1
			endsLine := i+1 == len(words) || words[i+1].starts
			inLines := lines && endsLine && (n == 2 || grouped && size >= narrowestLine)
			inGroups := grouped && (n > 2 || size == shareBase64/2)
			if long == shareBase64 && n > 1 && (inLines || inGroups) && alone(words, first, i) && shareShaped(joined(words[first:i+1], "")) {
				return true
			}
		}
	}
	return false
}

// alone reports whether fragments of one length are not a part of a longer row of them.
func alone(words []fragment, first, last int) bool {
	like := func(i int) bool {
		return i >= 0 && i < len(words) && words[i].base && len(words[i].text) == len(words[first].text) &&
			strings.ToLower(words[i].text) != words[i].text
	}
	return (words[first].starts || !like(first-1)) && (last+1 < len(words) && words[last+1].starts || !like(last+1))
}

// joined returns the text of fragments with a mark between them.
func joined(fragments []fragment, mark string) string {
	var b strings.Builder
	for i, f := range fragments {
		if i > 0 {
			b.WriteString(mark)
		}
		b.WriteString(f.text)
	}
	return b.String()
}
