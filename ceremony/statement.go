package ceremony

import (
	"slices"
	"strings"
)

// StatementTag is the first word of every statement that people sign.
const StatementTag = "conclave-word1"

// Verb is what a person says about a ceremony.
type Verb string

// The verbs, as they are typed in Slack and at a terminal.
const (
	SayStart     Verb = "start"
	SayApprove   Verb = "approve"
	SayReject    Verb = "reject"
	SayPresent   Verb = "present"
	SayProceed   Verb = "proceed"
	SayFreeze    Verb = "freeze"
	SayResume    Verb = "resume"
	SayCancel    Verb = "cancel"
	SayReset     Verb = "reset"
	SayReverify  Verb = "reverify"
	SayDelete    Verb = "delete"
	SayAccessor  Verb = "accessor"
	SayRevoked   Verb = "revoked"
	SayException Verb = "exception"
	SayAgree     Verb = "agree"
	SayDisagree  Verb = "disagree"

	SayAcknowledge Verb = "acknowledge"
)

// Statement is what a person signs so that more than an account stands behind what they say
// (P2). It is one line,
//
//	conclave-word1 CEREMONY PLAN-HASH VERB [MORE]
//
// It tells its reader what was agreed to, and is good for nothing else. A verb that may be
// said more than once carries in MORE which moment it is about. Package rules says what.
//
// Before there is a ceremony, a start has CLUSTER-OPERATION and a challenge, which is made
// for it alone, in the place of the first two.
type Statement struct {
	Of   string
	Hash string
	Verb Verb
	More string
}

// Line returns the statement as it is signed.
func (w Statement) Line() string {
	return strings.TrimSpace(strings.Join([]string{StatementTag, w.Of, w.Hash, string(w.Verb), w.More}, " "))
}

// ParseStatement reads a signed line. It reports whether it is a statement.
func ParseStatement(line string) (Statement, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || fields[0] != StatementTag {
		return Statement{}, false
	}
	return Statement{fields[1], fields[2], Verb(fields[3]), strings.Join(fields[4:], " ")}, true
}

// Decides reports whether the verb is said about an existing ceremony.
func (v Verb) Decides() bool {
	return slices.Contains([]Verb{
		SayApprove, SayReject, SayPresent, SayProceed, SayFreeze, SayResume, SayCancel, SayReset, SayReverify,
		SayDelete, SayAccessor, SayRevoked, SayException, SayAgree, SayDisagree, SayAcknowledge,
	}, v)
}

// TakesReason reports whether the person may add why.
func (v Verb) TakesReason() bool {
	return slices.Contains([]Verb{SayReject, SayCancel, SayFreeze, SayAgree, SayDisagree, SayAcknowledge}, v)
}

// Adds reports whether the person adds something of their own: a reason, an accessor, what
// they saw, or the answer to a challenge.
func (v Verb) Adds() bool {
	return v.TakesReason() || v == SayAccessor || v == SayException || v == SayPresent
}
