package wording

import (
	"errors"
	"strings"

	"conclave/ceremony"
)

// The rules of this file and of refusal.go, which have the words about errors: a sentence
// says what is so, in the third person, so that it can stand in a private answer and in
// the channel alike. The hint tells the person what to do next. Neither quotes an error of
// Vault's, of Slack's or of this program's, since that may quote what was sent. The detail
// goes to the operator's log, under the reference that people are given.

// Words are what people read about an error.
type Words struct {
	What string // a sentence
	Hint string // what to do next; may be empty
}

// String returns the sentence and the hint.
func (w Words) String() string {
	if w.Hint == "" {
		return w.What
	}
	return w.What + " " + w.Hint
}

// ExplainError returns the words of an error of the engine, of Vault or of the journal.
func ExplainError(err error) Words {
	if r, ok := ceremony.RefusalOf(err); ok {
		return ExplainRefusal(r)
	}
	for _, s := range Sentinels() {
		if errors.Is(err, s.Err) {
			return s.words.granting(err)
		}
	}
	return Words{"Something went wrong inside Conclave.", "Nothing is known to have happened because of it; look at the status before you try again."}
}

// granting returns the words with the line of a policy that grants the missing right, if
// the error knows it.
func (w Words) granting(err error) Words {
	line := missingRight(err)
	if line == "" {
		return w
	}
	return Words{w.What, "The operator of Conclave has to add this to the policy of its token; `conclave policy` prints the whole: `" + line + "`"}
}

// missingRight returns the line of a policy that grants what Vault denied, or nothing when
// the error does not know it. The line names a path of Vault's and no more.
func missingRight(err error) string {
	right, ok := errors.AsType[interface {
		error
		Policy() string
	}](err)
	if !ok || !errors.Is(err, ceremony.ErrForbidden) {
		return ""
	}
	return Code(strings.Join(strings.Fields(right.Policy()), " "))
}

type sentence struct {
	Err   error
	words Words
}

// Sentinels returns the errors of package ceremony that are not refusals, with their words.
func Sentinels() []sentence {
	return []sentence{
		{ceremony.ErrUnknownCeremony, Words{"There is no ceremony with this id.", "`/ceremony list` shows the open ones, `/ceremony history` all."}},
		{ceremony.ErrJournal, Words{"The journal can't be written, and nothing is done that can't be recorded.", "The operator of Conclave makes sure that there is room and that Conclave may write there, and starts it again. Until then keep what you have, and send nothing."}},
		{ceremony.ErrNoLine, Words{"The journal has no line for this.", "Tell the operator of Conclave, who has the log."}},
		{ceremony.ErrBehind, Words{"Another process has written to this ceremony's journal.", "The operator of Conclave has to make sure that it runs only once."}},
		{ceremony.ErrNotAdopted, Words{"The journal of this ceremony was written before Conclave authenticated its lines, or under another identity.", "Nothing is done with it. The operator of Conclave stops it, runs `conclave journal adopt`, and starts it again."}},
		{ceremony.ErrLocked, Words{"Another process uses this journal.", "The operator of Conclave has to make sure that it runs only once."}},
		{ceremony.ErrChain, Words{"The journal of this ceremony was changed from outside; its chain is broken.", "Nothing is done with it any more. Keep the file and tell your security team."}},
		{ceremony.ErrNotRunning, Words{"Conclave is starting or stopping.", "Nothing was done. Try again in a minute."}},
		{ceremony.ErrNotSent, Words{"Vault can't be reached.", "Nothing was sent. Try again when it is back."}},
		{ceremony.ErrUncertain, Words{"Vault's answer was lost on the way.", "It is being asked what has become of it; nothing is repeated. Look at the status in a moment."}},
		{ceremony.ErrForbidden, Words{"Vault denied permission to Conclave's own token.", "The operator of Conclave has to check the token and its policy; `conclave check` says what is missing."}},
		{ceremony.ErrSealed, Words{"Vault is sealed.", "Unseal it first."}},
		{ceremony.ErrThrottled, Words{"Vault asks to slow down, and has done nothing.", "Try again in a minute."}},
		{ceremony.ErrNoLeader, Words{"The cluster has no active node at the moment.", "Nothing was done. Try again when a node has become active."}},
		{ceremony.ErrUnsupported, Words{"This Vault server does not offer the operation.", ""}},
		{ceremony.ErrNoBackup, Words{"Vault holds no backup of the new shares.", ""}},
		{ceremony.ErrRefused, Words{"Vault refused the request.", "The operator of Conclave finds the reason in its log."}},
		{ceremony.ErrNotPosted, Words{"Slack did not take the message.", "It will be tried again."}},
		{ceremony.ErrUndeliverable, Words{"The message can't be delivered.", ""}},
	}
}

// vaultSays returns the state of Vault in a few words, for the status post.
func vaultSays(err error) string {
	switch {
	case err == nil:
		return "answers"
	case errors.Is(err, ceremony.ErrJournal):
		return "is not asked"
	case errors.Is(err, ceremony.ErrSealed):
		return "sealed"
	case errors.Is(err, ceremony.ErrNoLeader):
		return "no active node"
	case errors.Is(err, ceremony.ErrForbidden):
		return "denies permission to Conclave's token"
	case errors.Is(err, ceremony.ErrThrottled):
		return "asks to slow down"
	case errors.Is(err, ceremony.ErrUnsupported):
		return "does not offer the operation"
	case errors.Is(err, ceremony.ErrRefused):
		return "refuses to answer"
	default:
		return "does not answer"
	}
}
