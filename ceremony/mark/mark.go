// Package mark keeps marks of how far each ceremony's journal was, in places that are newer
// than the journal when the journal is put back from a copy: a small file outside of its
// folder, and Conclave's own posts in Slack. A mark is authenticated by a key that only this
// identity has. An old mark proves nothing, and a newer one proves that the journal has lost
// its end.
package mark

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// Mark is the number and the hash of the last line that a ceremony's journal had.
type Mark struct {
	Ceremony ceremony.ID
	Line     int
	Hash     string
}

// Of returns the mark of a ceremony as it stands, or the zero Mark of one without a line.
func Of(c rules.State) Mark {
	if c.Seq() == 0 {
		return Mark{}
	}
	last := c.History[c.Seq()-1]
	return Mark{c.ID(), last.Seq, last.Hash}
}

// shownHash is how many digits of a hash people are shown.
const shownHash = 16

// String returns the mark without its ceremony. A freeze names the mark by these words. The
// mark of a ceremony that is only known to have gone on has no hash.
func (m Mark) String() string {
	if m.Hash == "" {
		return "a later line"
	}
	return fmt.Sprintf("line %d, hash %s", m.Line, m.Hash[:min(len(m.Hash), shownHash)])
}

// In reports whether a journal has the marked line. It may have more.
func (m Mark) In(entries []event.Entry) bool {
	return m.Line <= len(entries) && entries[m.Line-1].Hash == m.Hash
}

// Newer reports whether the mark is newer than a journal, and people have not decided on it:
// the journal lacks the marked line, and has not frozen for it.
func (m Mark) Newer(entries []event.Entry) bool { return !m.In(entries) && !m.Decided(entries) }

// Decided reports whether a ceremony was frozen for this very mark. It goes on only when
// people have decided.
func (m Mark) Decided(entries []event.Entry) bool {
	return slices.ContainsFunc(entries, func(e event.Entry) bool {
		f, ok := e.Event.(event.Frozen)
		return ok && f.Why == event.RolledBack && slices.Contains(strings.Split(f.Want, between), m.String())
	})
}

// between stands between the marks of one ceremony where a freeze names them.
const between = "; "

// Words returns marks of one ceremony as a freeze names them. [Mark.Decided] reads them.
func Words(marks []Mark) string {
	var all []string
	for _, m := range marks {
		all = append(all, m.String())
	}
	return strings.Join(all, between)
}

// tag begins a mark in a post, and is what the key authenticates it for.
const tag = "conclave-mark1"

// IsOf returns a function that reports whether a mark is of a ceremony.
func IsOf(id ceremony.ID) func(Mark) bool { return func(m Mark) bool { return m.Ceremony == id } }

// Token returns the mark as one line for a post: "conclave-mark1 CEREMONY LINE HASH KEY MAC".
// Everybody in the workspace can read it.
func Token(key secret.MACKey, m Mark) string {
	text := m.line(tag)
	return text + " " + key.Name() + " " + key.Sum(tag, []byte(text))
}

// ParseToken returns the mark in a post. The error is ErrNotOurs unless the key has made it:
// everybody who can post can write such a line.
func ParseToken(key secret.MACKey, token string) (Mark, error) {
	f := strings.Fields(token)
	if len(f) != 6 || f[0] != tag {
		return Mark{}, ErrNotOurs
	}
	text := strings.Join(f[:4], " ")
	if !key.Proves(tag, []byte(text), f[5]) {
		return Mark{}, ErrNotOurs
	}
	return parseMark(f[1:4])
}

// ErrNotOurs means that a mark was not made under this identity's key, or was changed
// afterwards.
var ErrNotOurs = errors.New("not written by Conclave under this identity")

func (m Mark) line(word string) string {
	return fmt.Sprintf("%s %s %d %s", word, m.Ceremony, m.Line, cmp.Or(m.Hash, noHash))
}

// noHash stands in the place of the hash of a line that is known to have been, and no more.
const noHash = "-"

// parseMark reads the three words of a mark.
func parseMark(f []string) (Mark, error) {
	if len(f) != 3 {
		return Mark{}, fmt.Errorf("a mark of %d words", len(f))
	}
	n, err := strconv.Atoi(f[1])
	if err != nil || n < 1 || !ceremony.ID(f[0]).Valid() || !ceremony.IsHash(f[2]) && f[2] != noHash {
		return Mark{}, fmt.Errorf("%q is no mark", strings.Join(f, " "))
	}
	return Mark{ceremony.ID(f[0]), n, strings.TrimPrefix(f[2], noHash)}, nil
}
