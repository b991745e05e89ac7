package main

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
)

// wordTag is the first word of every statement that is signed for a terminal.
const wordTag = "conclave-word1"

// wordVerb is what somebody says by a signed word.
type wordVerb string

// The verbs. Each is the one that is typed in Slack.
const (
	wordStart    wordVerb = "start"
	wordApprove  wordVerb = "approve"
	wordReject   wordVerb = "reject"
	wordCancel   wordVerb = "cancel"
	wordResume   wordVerb = "resume"
	wordReset    wordVerb = "reset"
	wordReverify wordVerb = "reverify"
	wordDelete   wordVerb = "delete"
	wordAccessor wordVerb = "accessor"
	wordRevoked  wordVerb = "revoked"

	wordAcknowledge wordVerb = "acknowledge"
)

// word is what somebody signs to be heard at a terminal, where a name alone is
// worth nothing (P2): one line,
//
//	conclave-word1 CEREMONY PLAN-HASH VERB [MORE]
//
// Whoever reads it knows what was agreed to, and it is good for nothing else. What
// may be said more than once carries what it is about: to resume, the entry by
// which the ceremony froze; to prove new shares again, the nonce of the round; to have
// nodes forget their shares, its number.
//
// Before there is a ceremony, a start has CLUSTER-OPERATION and a challenge, which
// is made for it alone, in the place of the first two.
type word struct {
	of   string
	hash string
	verb wordVerb
	more string
}

// spoken is a word that somebody has signed.
type spoken struct {
	word
	armor string // the signed message, to be kept
}

// line is the word as it is signed.
func (w word) line() string {
	return strings.TrimSpace(strings.Join([]string{wordTag, w.of, w.hash, string(w.verb), w.more}, " "))
}

// parseWord reads what somebody has signed.
func parseWord(line string) (word, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || fields[0] != wordTag {
		return word{}, false
	}
	return word{fields[1], fields[2], wordVerb(fields[3]), strings.Join(fields[4:], " ")}, true
}

// mayGiveReason says whether MORE is a reason, or nothing.
func (v wordVerb) mayGiveReason() bool {
	return v == wordReject || v == wordCancel || v == wordAcknowledge
}

// freelyAdded says whether MORE is the speaker's own: a reason, or an accessor.
func (v wordVerb) freelyAdded() bool { return v.mayGiveReason() || v == wordAccessor }

// decides says whether a verb is said about a ceremony that there is.
func (v wordVerb) decides() bool {
	return slices.Contains([]wordVerb{
		wordApprove, wordReject, wordCancel, wordResume, wordReset, wordReverify, wordDelete, wordAccessor, wordRevoked,
		wordAcknowledge,
	}, v)
}

// wordOn is what somebody signs to say verb of a ceremony as it stands.
func wordOn(c ceremony.Ceremony, verb wordVerb) word {
	w := word{of: string(c.ID()), hash: c.PlanHash, verb: verb}
	switch verb {
	case wordResume:
		w.more = fmt.Sprint(lastFreeze(c))
	case wordReset:
		w.more = fmt.Sprint(c.Round.Number)
	case wordReverify:
		w.more = c.Round.Nonce
	}
	return w
}

// lastFreeze is the entry by which the ceremony froze most lately, 0 if none did.
func lastFreeze(c ceremony.Ceremony) int {
	for _, e := range slices.Backward(c.History) {
		if _, froze := e.Event.(ceremony.Froze); froze {
			return e.Seq
		}
	}
	return 0
}

// command is how a word is signed with gpg, on its speaker's own computer.
func (w word) command(key ceremony.Fingerprint, file string) string {
	if w.verb == wordAccessor && w.more == "" {
		w.more = "ACCESSOR"
	}
	quoted := "'" + strings.ReplaceAll(w.line(), "'", `'\''`) + "'"
	return fmt.Sprintf(`printf '%%s\n' %s | gpg --sign --armor -u %s > %s`, quoted, key, file)
}

// wordFile is what the file with a word is called in what is shown.
func wordFile(of, name string, verb wordVerb) string {
	return fmt.Sprintf("%s-%s-%s.asc", of, name, verb)
}
