package wording

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// An attempt that Vault does not have any more was cancelled, lost, or carried through
// past Conclave. Vault shows the same for all three. People are told that it is not known,
// what to keep until it is, and how to find out.

// goneReason says why a ceremony froze whose attempt is gone.
func goneReason(p ceremony.Plan, ev event.Frozen) string {
	return "Vault does not have the attempt any more: somebody cancelled it, or Vault was sealed, restarted or changed its leader, *or others have carried it through past Conclave*. " +
		unsettledWords(p) + remainsWords(p, ev.Remains)
}

// unsettledWords say what is not known of an attempt that is gone, and what to do
// until it is.
func unsettledWords(p ceremony.Plan) string {
	if p.Operation.Rekeys() {
		return "*It is not known which key is in force*: everybody keeps their old share, and the new one if they were given any, until a ceremony with one of them has worked, a generate-root for example."
	}
	words := fmt.Sprintf("*It is not known whether Vault has made a %s.* If it has, whoever sent the last share was given it, %s. ", tokenName(p.Operation), tokenForm(p))
	switch p.Operation {
	case ceremony.RecoveryToken:
		return words + "Treat it as made: it ends when the server is started again."
	case ceremony.DRToken:
		return words + "Treat it as made: it never expires, and whoever has it deletes it. Vault's audit log says who asked."
	}
	return words + "Treat it as made: look for root tokens with `vault list auth/token/accessors`, and revoke what nobody can explain."
}

// remainsWords say what Vault's backup shows of a rekey that is gone, and how to get
// at the new shares.
func remainsWords(p ceremony.Plan, remains event.Remains) string {
	switch {
	case !p.Operation.Rekeys():
		return ""
	case remains == rules.SharesMade:
		return "\n:package: *Vault's backup has new shares of this very attempt.* When this ceremony has ended, " + retrieval(p)
	case remains == rules.NothingMade:
		return "\nVault's backup has no new shares of this attempt. That speaks against it, and does not rule it out: a backup can be deleted."
	case p.Backup:
		return "\n:package: If new shares were made, Vault's backup has them. When this ceremony has ended, " + retrieval(p)
	}
	return "\nThe plan asked for no backup. If new shares were made, whoever sent the last share was given all of them, each encrypted to its receiver."
}

// retrieval ends a sentence that says how people get at the new shares in Vault's backup.
func retrieval(p ceremony.Plan) string {
	target := ""
	if p.Operation == ceremony.RekeyRecovery {
		target = " -target=recovery"
	}
	return fmt.Sprintf("`/ceremony start backup %s` hands them out; by hand it is `vault operator rekey%s -backup-retrieve`. Don't delete it before.", Escape(p.Cluster), target)
}

// unprovenEnd says what a ceremony leaves open when it has ended and nothing shows what
// came of an attempt.
func unprovenEnd(c rules.State) string {
	if !c.Unproven || !c.Ended() {
		return ""
	}
	if c.RolledBack() {
		return rolledBackEnd(c)
	}
	words := ":warning: Others may have carried an attempt of it through. " + unsettledWords(c.Plan)
	if c.Plan.Operation.Rekeys() && c.Plan.Backup {
		words += "\n:package: If new shares were made, Vault's backup has them: " + retrieval(c.Plan)
	}
	return words
}

// lostWords tell that an attempt is given up.
func lostWords(p ceremony.Plan, ev event.AttemptLost) string {
	if ev.Unproven {
		return fmt.Sprintf(":warning: Vault does not have the attempt with nonce `%s` any more, and nothing shows what came of it. %s", Code(ev.Nonce), unsettledWords(p))
	}
	return fmt.Sprintf(":recycle: The attempt with nonce `%s` is given up; by all that Vault shows, nothing of it has taken effect. A new one follows.", Code(ev.Nonce))
}

// keepElsewhere says what to do with the shares while nothing but the backup shows that the
// new ones are in force.
const keepElsewhere = "They are in force by all that Vault shows: *keep the old ones, too, until a ceremony with the new ones has worked*, a generate-root for example."

// elsewhereWords tell that a rekey was carried through past Conclave.
const elsewhereWords = "*Others have carried this rekey through past Conclave*: the last share did not come through it. Vault's backup had the new shares, and they were handed out from there."
