package wording

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

// MaxFindings is how many findings a status post of an alarm shows; all of them are
// in its thread.
const MaxFindings = 12

// MayAcknowledge returns the people who may end an alarm, each of them once.
func MayAcknowledge(p ceremony.Plan) []string {
	var may []string
	for _, name := range Names(slices.Concat(p.Owners, p.Initiators, p.Approvers)) {
		if !slices.Contains(may, name) {
			may = append(may, name)
		}
	}
	return may
}

// Todos returns what to do about findings, each thing once.
func Todos(p ceremony.Plan, findings []event.Entry) []string {
	var all []string
	for _, e := range findings {
		n, _ := e.Event.(event.Noticed)
		if todo := ":point_right: " + todo(p, n); !slices.Contains(all, todo) {
			all = append(all, todo)
		}
	}
	return all
}

// NoticedWords say what was noticed.
func NoticedWords(p ceremony.Plan, e event.Entry) string {
	n, _ := e.Event.(event.Noticed)
	if n.Kind.Exposure() {
		return exposedWords(n)
	}
	if n.Kind == ceremony.ManyProposals {
		return fmt.Sprintf(":rotating_light: *%s* has opened as many ceremonies within a day as the cluster allows (%s), and wanted to open another one. It was refused.",
			whose(n), Code(n.Subject))
	}
	if n.Kind.Journal() {
		return journalWords(n)
	}
	line := ":rotating_light: " + interferenceWords(n)
	if n.Want != "" || n.Got != "" {
		line += fmt.Sprintf("\nbefore: `%s`\nnow: `%s`", Code(n.Want), Code(n.Got))
	}
	return line
}

func interferenceWords(n event.Noticed) string {
	attempt := fmt.Sprintf("attempt of `%s` with nonce `%s`", Code(string(n.Operation)), Code(n.Subject))
	switch n.Kind {
	case ceremony.ForeignStart:
		return fmt.Sprintf("*Somebody has begun a `%s` past Conclave.* Its nonce is `%s`.", Code(string(n.Operation)), Code(n.Subject))
	case ceremony.ForeignCancel:
		if n.Of != "" {
			return fmt.Sprintf("*The attempt of `%s` is gone*, and not by its own doing: somebody has cancelled it, or it was lost when Vault was sealed, was started again or changed its leader, or *others have carried it through*.", n.Of)
		}
		return fmt.Sprintf("The %s, which did not come from Conclave, *is gone*: cancelled, lost by a change of the leader, or *carried through*. Then its result is in somebody's hands.", attempt)
	case rules.ForeignEnd:
		return fmt.Sprintf("*Others have carried the rekey of `%s` through past Conclave*: the last share did not come through it.", n.Of)
	case ceremony.ForeignProgress:
		switch {
		case n.Of != "":
			return fmt.Sprintf("*Vault's attempt of `%s` is not as Conclave has left it*: somebody has sent a share past Conclave, or progress was dropped. The ceremony freezes.", n.Of)
		case n.Operation == ceremony.Unseal:
			return fmt.Sprintf("*Somebody enters shares by hand* at the sealed node %s.", nodeName(n.Subject))
		}
		return fmt.Sprintf("*Shares are coming in* for the %s, which did not come from Conclave.", attempt)
	case ceremony.TermChanged:
		line := "*Vault writes with another encryption key*, and no ceremony has asked for it."
		if n.Perhaps {
			line += " Perhaps Vault has done it by its own rotation policy."
		}
		return line
	case ceremony.SealChanged:
		return fmt.Sprintf("The node %s *is now %s*, and no ceremony has done it.", nodeName(n.Subject), Code(n.Got))
	case ceremony.ClusterChanged:
		return "*Another cluster answers* at the addresses of this one. Nothing else of it is compared with what was known."
	case ceremony.RolledBack:
		return lostJournal(n)
	case ceremony.KeyChanged:
		return "*The key in force has other shares* than any ceremony has made: somebody has finished a rekey past Conclave."
	}
	return "Vault is not as expected."
}

// journalWords say that what Conclave keeps of ceremonies is not obeyed.
func journalWords(n event.Noticed) string {
	if n.Kind == ceremony.NotAdopted {
		return fmt.Sprintf(":rotating_light: *Conclave has not authenticated what it keeps of earlier ceremonies*: it was written before Conclave did that, or under another identity. It is not obeyed.\nSet aside: `%s`", Code(n.Got))
	}
	if n.Subject == "" {
		return fmt.Sprintf(":rotating_light: *There are more journals that are not as Conclave has written them*, or that can't be read, beside those that are named first. They are not obeyed.\nSet aside: `%s`", Code(n.Got))
	}
	return fmt.Sprintf(":rotating_light: *The journal of `%s` is not as Conclave has written it*, or can't be read. It is not obeyed.\nFound: `%s`", Code(n.Subject), Code(n.Got))
}

// SetAside says that a ceremony's journal is not obeyed, and why.
func SetAside(a ceremony.Aside) string {
	return fmt.Sprintf(":no_entry: `%s`  is set aside and may be open: %s", Code(string(a.Ceremony)), Escape(Explain(a.Why)))
}

// todo says what to do about a finding.
func todo(p ceremony.Plan, n event.Noticed) string {
	const ask = "Ask your colleagues, in another way than Slack, who it was."
	const audit = "Vault's audit log says who asked, but for rekeys, which many versions don't log."
	const held = " Until then nothing begins on this cluster but an `unseal`, and what is open there stands still. An attempt in Vault that nobody seems to have begun may be that of a ceremony that was set aside: let its people decide about it."
	switch n.Kind {
	case ceremony.NotAdopted:
		return "The operator of Conclave stops it, runs `conclave journal adopt`, which lists what was said in whose name, and starts it again." + held
	case ceremony.JournalBroken:
		return "Somebody may have written to the journal: tell your security team, and keep the file. The operator of Conclave puts the file from a backup in its place, or takes it out of the folder, and starts Conclave again; `conclave check` shows what is left to settle." + held
	case ceremony.ForeignStart:
		return fmt.Sprintf("%s If nobody has a reason for it, stop it: `%s`. Whoever reaches Vault's API can do that where the endpoint is open (Vault 1), elsewhere whoever has a token with `update` on it. Hand out *no share* until it is clear.", ask, cancelCommand(n))
	case ceremony.ForeignCancel:
		switch {
		case n.Of != "":
			return fmt.Sprintf("Find out whether Vault was sealed, restarted or changed its leader at that time; if not, somebody is working against the ceremony. %s Then decide about `%s`, which has frozen.", audit, n.Of)
		case n.Operation.Rekeys():
			return "If shares had come in before it went, the key may have been replaced, and what Conclave has handed out may open nothing any more: a `generate-root` shows whether it still fits. " + ask
		}
		return "If shares had come in before it went, treat a token as made: look for root tokens with `vault list auth/token/accessors` and revoke what nobody can explain. " + ask
	case rules.ForeignEnd:
		return fmt.Sprintf("Ask the holders of `%s` which of them have used Vault directly. If they have not, enough shares to do it are in other hands. Keep the old shares until a `generate-root` with the new ones has worked.", n.Of)
	case ceremony.ForeignProgress:
		switch {
		case n.Of != "":
			return fmt.Sprintf("Whoever has a share knows Vault's address: ask the holders of `%s` whether one of them has used Vault directly. Don't let it go on before that is clear.", n.Of)
		case n.Operation == ceremony.Unseal:
			return fmt.Sprintf("%s A holder may be unsealing by hand. If nobody is, the shares are somebody else's: `vault operator unseal -reset` at that node drops them, and a rekey is due.", ask)
		}
		return fmt.Sprintf("Holders are sending their shares to it: *ask each of them now*. `%s` stops it before the last one.", cancelCommand(n))
	case ceremony.TermChanged:
		return "Whoever did it has a token with `sudo` on `sys/rotate`: Vault's audit log names it. `/ceremony key-status " + p.Cluster + "` shows the policy. What is stored stays readable, and no share changes."
	case ceremony.SealChanged:
		if n.Got == "sealed" {
			return fmt.Sprintf("Was the machine started again, or did somebody seal it? The node's log says which. `/ceremony start unseal %s` opens it again, if Conclave has not begun to by itself.", p.Cluster)
		}
		return "Ask the holders which of them have unsealed it by hand. If they have not, enough shares to open the cluster are in other hands: *a rekey is due*."
	case ceremony.ClusterChanged:
		return "Was the cluster restored or set up anew? If not, somebody answers in its place: *hand out no share*, and compare the addresses, the certificates and `vault status` by hand."
	case ceremony.KeyChanged:
		return fmt.Sprintf("Ask who holds the new shares. Those that Conclave has handed out may be worthless now: `/ceremony start drill %s` shows who still has theirs, a `generate-root` whether they fit.", p.Cluster)
	case ceremony.ManyProposals:
		return fmt.Sprintf("Ask *%s*, in another way than Slack, whether it was they. If it was not, have the account locked; the operator of Conclave takes them out of the configuration. `/ceremony history %s` shows what they have opened.", whose(n), p.Cluster)
	case ceremony.RolledBack:
		return lostTodo(p, n)
	case ceremony.ExposedToken:
		return "*Revoke the token now*: `vault token revoke -self` where it is in `VAULT_TOKEN`, or by its accessor. Then " + DeleteTheMessage + ". Look in Vault's audit log what it was used for."
	case ceremony.ExposedKey:
		return fmt.Sprintf("They "+DeleteTheMessage+". They make a new PGP key and revoke the old one; the operator of Conclave puts it into the configuration; *then* `/ceremony start %s %s private key of %s was exposed`. Whoever reads Slack can read every share that was handed out to the old key.",
			rekeyOf(n), p.Cluster, whose(n))
	case ceremony.ExposedShare, ceremony.ExposedEnvelope:
		return fmt.Sprintf("They "+DeleteTheMessage+". *A rekey makes the share worthless*; an initiator types: `/ceremony start %s %s exposed share of %s`", rekeyOf(n), p.Cluster, whose(n))
	}
	return ask
}

// exposedWords say that a secret was seen in the open, and never which.
func exposedWords(n event.Noticed) string {
	who := "*Somebody whom the configuration does not know*"
	if n.By != nil {
		who = "*" + Escape(n.By.Name) + "*"
	}
	switch n.Kind {
	case ceremony.ExposedToken:
		return ":rotating_light: " + who + " has sent what looks like *a Vault token in the open*. It was not used and not kept."
	case ceremony.ExposedKey:
		return ":rotating_light: " + who + " has sent *a private PGP key*. It was not used and not kept."
	case ceremony.ExposedEnvelope:
		return ":rotating_light: " + who + " has sent a share that is *signed but not encrypted*. It was not used; whoever reads the message has the share."
	}
	return ":rotating_light: " + who + " has sent what looks like *a share in the open*. It was not used and not kept; whoever reads the message has the share."
}

// rekeyOf returns the operation that replaces the shares.
func rekeyOf(n event.Noticed) string {
	if n.Operation == "" {
		return string(ceremony.Rekey)
	}
	return string(n.Operation)
}

func whose(n event.Noticed) string {
	if n.By == nil {
		return "an unknown person"
	}
	return Escape(n.By.Name)
}

// cancelCommand returns the command that drops an attempt by hand. A rekey asks for its
// nonce.
func cancelCommand(n event.Noticed) string {
	nonce := Code(n.Subject)
	switch n.Operation {
	case ceremony.Rekey:
		return "vault operator rekey -cancel -nonce=" + nonce
	case ceremony.RekeyRecovery:
		return "vault operator rekey -target=recovery -cancel -nonce=" + nonce
	case ceremony.DRToken:
		return "vault operator generate-root -dr-token -cancel"
	case ceremony.RecoveryToken:
		return "vault operator generate-root -recovery-token -cancel"
	}
	return "vault operator generate-root -cancel"
}

// acknowledgedWords say who looks after an alarm.
func acknowledgedWords(ev event.Acknowledged) string {
	return fmt.Sprintf("*%s* looks after it%s", Escape(ev.By.Name), because(ev.Why))
}

// raisedWords say that nobody has acknowledged an alarm yet.
func raisedWords(c rules.State) string {
	words := ":bell: *Nobody has acknowledged it yet.*"
	if told := toldOwners(c); len(told) > 0 {
		words += fmt.Sprintf(" Told of it: %s.", ListAnd(Names(told)))
	}
	return words
}

// toldOwners returns the owners whom a message about the alarm has reached (P10).
func toldOwners(c rules.State) []ceremony.Person {
	var told []ceremony.Person
	for _, m := range c.Messages() {
		_, posted := c.Where(m.Key)
		if m.Kind == rules.AlarmMessage && posted && !slices.Contains(told, *m.To) {
			told = append(told, *m.To)
		}
	}
	return told
}

// ExposureWords say whose shares of a cluster count as exposed.
func ExposureWords(exposed []ledger.Exposure) string {
	var lines []string
	for _, x := range exposed {
		what := "a share that they have shown in the open"
		if x.Kind == ceremony.ExposedKey {
			what = "their private PGP key, and so every share that was handed out to it"
		}
		lines = append(lines, fmt.Sprintf(":rotating_light: *%s*: %s counts as exposed since %s (`%s`), until a rekey has replaced it", Escape(x.Person.Name), what, When(x.At), x.Of))
	}
	return strings.Join(lines, "\n")
}
