package wording

import (
	"errors"
	"strings"

	"conclave/ceremony"
)

// The rules of this file: every word that people read about an error is here. A
// sentence says what is so, in the third person, so that it can stand in a
// private answer and in the channel alike; the hint says to the person what to
// do next. Neither carries a text of Vault's, of Slack's or of this program's,
// since those may quote what was sent. The detail goes to the operator's log,
// under the reference that people are given.

// Words are what people read about an error.
type Words struct {
	What string // a sentence
	Hint string // what to do next; may be empty
}

func (w Words) String() string {
	if w.Hint == "" {
		return w.What
	}
	return w.What + " " + w.Hint
}

// ExplainError has the words of what the engine, Vault and the journal say.
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

// granting adds the line of a policy that grants the right which Vault misses.
func (w Words) granting(err error) Words {
	line := missingRight(err)
	if line == "" {
		return w
	}
	return Words{w.What, "The operator of Conclave has to add this to the policy of its token; `conclave policy` prints the whole: `" + line + "`"}
}

// missingRight is the line of a policy that would have let Vault do what it denied,
// empty where the error does not know it. It names a path of Vault's and no more.
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

// Sentinels are the errors of package ceremony that are not refusals.
func Sentinels() []sentence {
	return []sentence{
		{ceremony.ErrUnknownCeremony, Words{"There is no ceremony with this id.", "`/ceremony list` shows the open ones, `/ceremony history` all."}},
		{ceremony.ErrJournal, Words{"The journal can't be written, and nothing is done that can't be recorded.", "The operator of Conclave has to look at its disk; after that, try again."}},
		{ceremony.ErrBehind, Words{"Another process has written to this ceremony's journal.", "The operator of Conclave has to make sure that it runs only once."}},
		{ceremony.ErrLocked, Words{"Another process uses this journal.", "The operator of Conclave has to make sure that it runs only once."}},
		{ceremony.ErrChain, Words{"The journal of this ceremony was changed from outside; its chain is broken.", "Nothing is done with it any more. Keep the file and tell your security team."}},
		{ceremony.ErrNotRunning, Words{"Conclave is starting or stopping.", "Nothing was done. Try again in a minute."}},
		{ceremony.ErrNotSent, Words{"Vault can't be reached.", "Nothing was sent. Try again when it is back."}},
		{ceremony.ErrUncertain, Words{"Vault's answer was lost on the way.", "It is being asked what has become of it; nothing is repeated. Look at the status in a moment."}},
		{ceremony.ErrForbidden, Words{"Vault denied permission to Conclave's own token.", "The operator of Conclave has to check the token and its policy; `conclave check` says what is missing."}},
		{ceremony.ErrSealed, Words{"Vault is sealed.", "Unseal it first."}},
		{ceremony.ErrThrottled, Words{"Vault asks to slow down.", "Nothing was sent. Try again in a minute."}},
		{ceremony.ErrNoLeader, Words{"The cluster has no active node at the moment.", "Nothing was sent. Try again when a node has become active."}},
		{ceremony.ErrUnsupported, Words{"This Vault server does not offer the operation.", ""}},
		{ceremony.ErrNoBackup, Words{"Vault holds no backup of the new shares.", ""}},
		{ceremony.ErrRefused, Words{"Vault refused the request.", "The operator of Conclave finds the reason in its log."}},
		{ceremony.ErrNotPosted, Words{"Slack did not take the message.", "It will be tried again."}},
		{ceremony.ErrUndeliverable, Words{"The message can't be delivered.", ""}},
	}
}

// vaultSays is the state of Vault in a few words, for the status post.
func vaultSays(err error) string {
	switch {
	case err == nil:
		return "answers"
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
