package wording

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// rolledBackWords say what is not known of a ceremony whose journal is an older copy, and
// what each way on means.
func rolledBackWords(p ceremony.Plan) string {
	words := "*What has happened since is not known here.* "
	switch op := p.Operation; {
	case op == ceremony.Drill:
		words += "Nothing of it goes to Vault; answers may be missing. "
	case op == ceremony.Unseal:
		words += "Nodes may have been given shares, or be unsealed. "
	case op.HasAttempt():
		words += "Vault may have counted shares, have come to the end, or have dropped the attempt. " + unsettledWords(p) + " "
	default:
		words += "Vault may have done what it was asked for. Look there. "
	}
	return words + "Until people decide, nothing is sent to Vault, and the status post stays as it is: it may be newer than this.\n" +
		"If there is a newer copy of the journal, stop Conclave, put that one back, and start it again: then nothing else is needed. " +
		"Otherwise *resume* compares Vault with what the journal has, and goes on from there; it freezes again where they differ. " +
		"*Cancel* ends it here, and cancels in Vault only the attempt that the journal has; it does not undo what Vault has done since."
}

// rolledBackEnd says what a ceremony leaves open whose journal was an older copy.
func rolledBackEnd(c rules.State) string {
	words := ":warning: Its journal was once put back from an older copy, and *what happened in between is not known*. "
	if c.Plan.Operation.HasAttempt() {
		return words + "An attempt that the journal has lost may have been carried through. " + unsettledWords(c.Plan)
	}
	return words + "Look in Vault whether it was done then."
}

// lostJournal says that the journal of a ceremony is older than it was, or is gone, in an
// alarm.
func lostJournal(n event.Noticed) string {
	switch {
	case n.Of == "":
		return "*The journal has lost ceremonies*: files were removed, or an older copy was put back. Which ones is not known."
	case n.Got == "not there":
		return fmt.Sprintf("*The journal has lost `%s` altogether*: an older copy was put back, or its file was removed. What that ceremony has done in Vault is not known here.", n.Of)
	}
	return fmt.Sprintf("*The journal of `%s` is older than it was*: a copy was put back, or somebody has cut off its end. The ceremony stands still: nothing is sent, and its post is not edited.", n.Of)
}

// lostTodo says what to do about a journal that is older than it was.
func lostTodo(p ceremony.Plan, n event.Noticed) string {
	const restore = "Ask the operator of Conclave whether they have restored it. If there is a newer copy, stop Conclave and put that one back. If nobody has, somebody has written to the host: keep the folder as it is. "
	switch {
	case n.Of == "":
		return restore + "The chain of `conclave verify` shows after which ceremony one is missing, unless it is the newest."
	case n.Got == "not there":
		return restore + fmt.Sprintf("Its status post and the archive say what it was. Until this alarm is acknowledged, `%s` takes no proposal but to unseal. Before you do that, look in Vault for an attempt, new shares or a token that nobody can explain.", Escape(p.Cluster))
	}
	return restore + "When you acknowledge this alarm, it goes on from where its journal is, and its post shows that."
}
