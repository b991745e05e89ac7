package wording

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/plural"
)

// Subject says what a ceremony is about. It can stand at the beginning of a line and
// behind a colon.
func Subject(p ceremony.Plan) string {
	switch p.Operation {
	case ceremony.Init:
		return "Initialising " + p.Cluster
	case ceremony.Unseal:
		return "Unsealing " + p.Cluster
	case ceremony.Rekey:
		return "New key shares for " + p.Cluster
	case ceremony.RekeyRecovery:
		return "New recovery key shares for " + p.Cluster
	case ceremony.GenerateRoot, ceremony.RecoveryToken, ceremony.DRToken:
		return "A " + tokenName(p.Operation) + " for " + p.Cluster
	case ceremony.Rotate:
		return "A new encryption key for " + p.Cluster
	case ceremony.RotateConfig:
		return "Another rotation policy for " + p.Cluster
	case ceremony.ReadBackup:
		return "The backup of new shares of " + p.Cluster
	case ceremony.Drill:
		return "A drill for " + p.Cluster
	case ceremony.Alarm:
		return "ALARM for " + p.Cluster
	}
	return fmt.Sprintf("%s on %s", p.Operation, p.Cluster)
}

// tokenName returns the name of the token that an operation issues.
func tokenName(op ceremony.Operation) string {
	switch op {
	case ceremony.RecoveryToken:
		return "recovery-mode token"
	case ceremony.DRToken:
		return "DR operation token"
	}
	return "root token"
}

// Purpose says what becomes of the cluster when the plan is carried out, for the people
// who have to agree to it.
func Purpose(p ceremony.Plan) string {
	switch p.Operation {
	case ceremony.Init:
		return fmt.Sprintf("Vault makes the key of a new cluster: *%s, %s* %s, each encrypted to its receiver; and a first root token, encrypted to %s. "+
			"Vault answers this once: should the answer be lost, nobody can read the shares, and the cluster, which is still empty, has to be set up anew.",
			plural.Of(len(p.Receivers), shareName(p)), quorum(p.NewThreshold, len(p.Receivers)), useOfShares(p), requester(p))
	case ceremony.Unseal:
		return "The holders bring their shares, and each share goes to every sealed node. Nothing in Vault changes, but that it answers again."
	case ceremony.Rekey, ceremony.RekeyRecovery:
		return rekeyPurpose(p)
	case ceremony.GenerateRoot:
		return fmt.Sprintf("Vault makes a root token, which may do *everything* until it is revoked. The holders bring %s. %s", plural.Of(p.Threshold, "share"), keptFromOthers(p))
	case ceremony.RecoveryToken:
		return fmt.Sprintf("Vault makes a token for a server that runs in recovery mode: whoever has it may read and change *everything that is stored there*, until the server is started again. The holders bring %s. %s",
			plural.Of(p.Threshold, "share"), keptFromOthers(p))
	case ceremony.DRToken:
		return fmt.Sprintf("Vault makes an operation token for the secondary of a disaster recovery pair: whoever has it may *promote the secondary*, give it another primary, or end its replication. The holders bring %s. %s",
			plural.Of(p.Threshold, "share"), keptFromOthers(p))
	case ceremony.Rotate:
		return fmt.Sprintf("Vault installs a new encryption key, and writes with it from then on. The one in use has term %d. What is stored stays readable, and nobody's share changes.", p.KeyTerm)
	case ceremony.RotateConfig:
		if p.OldPolicy == nil || p.NewPolicy == nil {
			break
		}
		return fmt.Sprintf("It changes *when* Vault installs a new encryption key by itself.\n*Now:* %s\n*Wanted:* %s", PolicyWords(*p.OldPolicy), PolicyWords(*p.NewPolicy))
	case ceremony.ReadBackup:
		return "The backup that Vault keeps of a rekey's new shares is read, and everybody gets what is encrypted to their own key. It stays in Vault until an approver agrees that it is deleted, which is the last step."
	case ceremony.Drill:
		return "Every holder is asked to prove that they can still decrypt their share and sign. Conclave looks at the shares and throws them away: *nothing is sent to Vault*."
	}
	return ""
}

func rekeyPurpose(p ceremony.Plan) string {
	text := fmt.Sprintf("*%s, %s*, instead of %d, %s now. The holders bring %d of those; Vault makes the new ones, each encrypted to its receiver.",
		plural.Of(len(p.Receivers), "new "+shareName(p)), quorum(p.NewThreshold, len(p.Receivers)), p.Shares, quorum(p.Threshold, p.Shares), p.Threshold)
	if p.Verification {
		text += fmt.Sprintf(" The old ones stay in force until %s.", proofNeeded(p))
	}
	return text + changes(p)
}

func proofNeeded(p ceremony.Plan) string {
	if p.NewThreshold == 1 {
		return "one of the receivers has proven theirs"
	}
	return fmt.Sprintf("%d of the receivers have proven theirs", p.NewThreshold)
}

// changes says who will hold a share and holds none now, who loses theirs, and who gets
// the new share under another key.
func changes(p ceremony.Plan) string {
	var joins, leaves, keys []string
	for _, r := range p.Receivers {
		i := slices.IndexFunc(p.Holders, func(h ceremony.Person) bool { return h.Account == r.Account })
		switch {
		case i < 0:
			joins = append(joins, Escape(r.Name))
		case p.Holders[i].Key != r.Key:
			keys = append(keys, Escape(r.Name))
		}
	}
	for _, h := range p.Holders {
		if !slices.ContainsFunc(p.Receivers, func(r ceremony.Person) bool { return r.Account == h.Account }) {
			leaves = append(leaves, Escape(h.Name))
		}
	}
	var b strings.Builder
	for _, change := range []struct {
		what string
		who  []string
	}{{"Leaves", leaves}, {"Joins", joins}, {"With another PGP key", keys}} {
		if len(change.who) > 0 {
			fmt.Fprintf(&b, "\n*%s:* %s", change.what, ListAnd(change.who))
		}
	}
	return b.String()
}

// keptFromOthers says why nobody but the requester can read a token.
func keptFromOthers(p ceremony.Plan) string {
	if p.OTP == "" {
		return fmt.Sprintf("The token is encrypted to the PGP key of %s.", requester(p))
	}
	return fmt.Sprintf("The token is combined with a one-time password that only %s has, in place of a PGP key. *Have the words of its commitment read out to you on the phone*, and approve only if they are these:\n`%s`",
		requester(p), ceremony.SpokenHash(p.OTP, commitmentWords))
}

// commitmentWords is how many words of a one-time password's commitment are compared by
// voice. `conclave otp` shows as many.
const commitmentWords = 8

// Cautions returns the warnings about a plan.
func Cautions(p ceremony.Plan) []string {
	var all []string
	if words := unverified(p); words != "" {
		all = append(all, words)
	}
	if p.Operation.MakesShares() && p.NewThreshold == 1 {
		all = append(all, ":warning: *One share is enough*: whoever has one of the shares that are made needs nobody else.")
	}
	if !p.TokenExpires.IsZero() {
		all = append(all, fmt.Sprintf(":warning: *Conclave's own Vault token ends %s*, before this ceremony closes, and nobody is known to renew it. From then on Vault may refuse what Conclave sends.", When(p.TokenExpires)))
	}
	return all
}

// unverified warns of a rekey whose new shares nobody proves.
func unverified(p ceremony.Plan) string {
	if !p.Operation.Rekeys() || p.Verification {
		return ""
	}
	words := fmt.Sprintf(":rotating_light: *WITHOUT VERIFICATION.* The new key is in force the moment Vault has made it, before anybody has opened a new share. If fewer than %d of them can be opened, *the key is lost*.", p.NewThreshold)
	if !p.Backup {
		words += " Vault keeps no backup of them, either."
	}
	return words
}

// shareName returns the name of the shares that an operation is about.
func shareName(p ceremony.Plan) string {
	if p.Operation == ceremony.RekeyRecovery || p.Seal != "" && (ceremony.Seal{Type: p.Seal}).UnsealsItself() {
		return "recovery key share"
	}
	return "key share"
}

// quorum says how many of some shares are needed.
func quorum(threshold, shares int) string {
	switch {
	case shares == 1:
		return "which is enough by itself"
	case threshold == 1:
		return "of which any one is enough"
	case threshold == shares:
		return "all of which are needed"
	}
	return fmt.Sprintf("of which any %d are needed", threshold)
}

func useOfShares(p ceremony.Plan) string {
	if (ceremony.Seal{Type: p.Seal}).UnsealsItself() {
		return "to make a root token"
	}
	return "to unseal the cluster"
}

// Initiator returns who proposed a ceremony: a person, or one of Conclave's own watches.
func Initiator(p ceremony.Plan) string {
	switch p.Initiator {
	case ceremony.SealWatch:
		return "Conclave's seal watch"
	case ceremony.InterferenceWatch:
		return "Conclave's interference watch"
	}
	return Escape(p.Initiator.Name)
}

// requester returns the person who gets the token.
func requester(p ceremony.Plan) string {
	if p.Requester == nil {
		return Initiator(p)
	}
	return Escape(p.Requester.Name)
}

// PolicyWords says when Vault rotates by itself.
func PolicyWords(r ceremony.RotationPolicy) string {
	if !r.Enabled {
		return "never by itself, only by hand"
	}
	after := "after " + Thousands(r.MaxOperations) + " encryptions"
	if r.Interval > 0 {
		after += " or " + Spell(r.Interval) + ", whichever comes first"
	}
	return after
}
