package bot

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/plural"
)

// maxFindings is how many findings a status post of an alarm shows; all of them are
// in its thread.
const maxFindings = 12

// renderAlarmBoard is the status post of an alarm: what was noticed, since when, and
// what to do about it.
func renderAlarmBoard(c ceremony.Ceremony) message {
	blocks := []slack.Block{title(subject(c.Plan)), section("%s", stateWords(c))}
	findings := c.Findings()
	if more := len(findings) - maxFindings; more > 0 {
		findings = findings[more:]
		blocks = append(blocks, footnote("%s before these are in this post's thread.", plural.Of(more, "finding")))
	}
	for _, e := range findings {
		blocks = append(blocks, section("%s\n_noticed %s_", noticedWords(c.Plan, e), when(e.At)))
	}
	if !c.Ended() {
		for _, todo := range todos(c.Plan, findings) {
			blocks = append(blocks, section("%s", todo))
		}
		blocks = append(blocks, section("Whoever looks after it types `/ceremony acknowledge %s` and, if they like, what it was.\nMay do it: %s", c.ID(), listOr(mayAcknowledge(c.Plan))))
	}
	if unasked := notAsked(c); unasked != "" {
		blocks = append(blocks, section("%s", unasked))
	}
	last := fmt.Sprintf("What is noticed from now on is added here, until somebody acknowledges it or until %s.", when(c.Plan.Closes))
	if c.Ended() {
		last = "What is noticed from now on is another alarm."
	}
	blocks = append(blocks, footnote("`%s` · %s", c.ID(), last))
	return message{line: boardLine(c), blocks: blocks}
}

// renderAlarm tells an owner of the cluster what was noticed.
func renderAlarm(c ceremony.Ceremony, e ceremony.Entry) message {
	blocks := []slack.Block{title(subject(c.Plan)), section("%s\n_noticed %s_", noticedWords(c.Plan, e), when(e.At))}
	for _, todo := range todos(c.Plan, []ceremony.Entry{e}) {
		blocks = append(blocks, section("%s", todo))
	}
	switch {
	case c.Acknowledged != nil:
		blocks = append(blocks, section("%s", stateWords(c)))
	case !c.Ended():
		blocks = append(blocks,
			slack.NewActionBlock("decide", button(verbAcknowledge, buttonValue(c), "I look after it", slack.StylePrimary,
				confirm("Do you look after it?", "Nobody is told of it any more; whatever is noticed later is another alarm.", "I do", "Not yet"))),
			footnote("Or type `/ceremony acknowledge %s` and what it was. It is told to %s.", c.ID(), listAnd(names(c.Plan.Owners))))
	}
	return message{line: subject(c.Plan) + ": please look", blocks: blocks}
}

// mayAcknowledge are the people who may end an alarm, each of them once.
func mayAcknowledge(p ceremony.Plan) []string {
	var may []string
	for _, name := range names(slices.Concat(p.Owners, p.Initiators, p.Approvers)) {
		if !slices.Contains(may, name) {
			may = append(may, name)
		}
	}
	return may
}

// todos say what to do about findings, each thing once.
func todos(p ceremony.Plan, findings []ceremony.Entry) []string {
	var all []string
	for _, e := range findings {
		n, _ := e.Event.(ceremony.Noticed)
		if todo := ":point_right: " + todo(p, n); !slices.Contains(all, todo) {
			all = append(all, todo)
		}
	}
	return all
}

// noticedWords say what was noticed.
func noticedWords(p ceremony.Plan, e ceremony.Entry) string {
	n, _ := e.Event.(ceremony.Noticed)
	if n.Kind.Exposure() {
		return exposedWords(n)
	}
	line := ":rotating_light: " + interferenceWords(n)
	if n.Want != "" || n.Got != "" {
		line += fmt.Sprintf("\nbefore: `%s`\nnow: `%s`", code(n.Want), code(n.Got))
	}
	return line
}

func interferenceWords(n ceremony.Noticed) string {
	attempt := fmt.Sprintf("attempt of `%s` with nonce `%s`", code(string(n.Operation)), code(n.Subject))
	switch n.Kind {
	case ceremony.ForeignStart:
		return fmt.Sprintf("*Somebody has begun a `%s` past Conclave.* Its nonce is `%s`.", code(string(n.Operation)), code(n.Subject))
	case ceremony.ForeignCancel:
		if n.Of != "" {
			return fmt.Sprintf("*The attempt of `%s` is gone*, and not by its own doing: somebody has cancelled it, or it was lost when Vault was sealed, was started again or changed its leader, or *others have carried it through*.", n.Of)
		}
		return fmt.Sprintf("The %s, which did not come from Conclave, *is gone*: cancelled, lost by a change of the leader, or *carried through*. Then its result is in somebody's hands.", attempt)
	case ceremony.ForeignEnd:
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
		return fmt.Sprintf("The node %s *is now %s*, and no ceremony has done it.", nodeName(n.Subject), code(n.Got))
	case ceremony.ClusterChanged:
		return "*Another cluster answers* at the addresses of this one. Nothing else of it is compared with what was known."
	case ceremony.KeyChanged:
		return "*The key in force has other shares* than any ceremony has made: somebody has finished a rekey past Conclave. A node that was started before an earlier rekey may also show old numbers when it becomes the leader."
	}
	return "Vault is not as expected."
}

// todo says what to do about a finding.
func todo(p ceremony.Plan, n ceremony.Noticed) string {
	const ask = "Ask your colleagues, in another way than Slack, who it was."
	const audit = "Vault's audit log says who asked, but for rekeys, which many versions don't log."
	switch n.Kind {
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
	case ceremony.ForeignEnd:
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
	case ceremony.ExposedToken:
		return "*Revoke the token now*: `vault token revoke -self` where it is in `VAULT_TOKEN`, or by its accessor. Then look in Vault's audit log what it was used for."
	case ceremony.ExposedKey:
		return fmt.Sprintf("They make a new PGP key and revoke the old one; the operator of Conclave puts it into the configuration; *then* `/ceremony start %s %s private key of %s was exposed`. Whoever reads Slack can read every share that was handed out to the old key.",
			rekeyOf(n), p.Cluster, whose(n))
	case ceremony.ExposedShare, ceremony.ExposedEnvelope:
		return fmt.Sprintf("They delete the message; Slack may have kept it all the same. *A rekey makes the share worthless*; an initiator types: `/ceremony start %s %s exposed share of %s`", rekeyOf(n), p.Cluster, whose(n))
	}
	return ask
}

// exposedWords say that a secret was seen in the open, and never which.
func exposedWords(n ceremony.Noticed) string {
	who := "*Somebody whom the configuration does not know*"
	if n.By != nil {
		who = "*" + escape(n.By.Name) + "*"
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

// rekeyOf is the ceremony that replaces shares.
func rekeyOf(n ceremony.Noticed) string {
	if n.Operation == "" {
		return string(ceremony.Rekey)
	}
	return string(n.Operation)
}

func whose(n ceremony.Noticed) string {
	if n.By == nil {
		return "an unknown person"
	}
	return escape(n.By.Name)
}

// cancelCommand is how an attempt is dropped by hand. A rekey asks for its nonce.
func cancelCommand(n ceremony.Noticed) string {
	nonce := code(n.Subject)
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
func acknowledgedWords(ev ceremony.Acknowledged) string {
	return fmt.Sprintf("*%s* looks after it%s", escape(ev.By.Name), because(ev.Why))
}

// raisedWords say that nobody has acknowledged an alarm yet.
func raisedWords(c ceremony.Ceremony) string {
	return fmt.Sprintf(":bell: *Nobody has acknowledged it yet.* Told of it: %s.", listAnd(names(c.Plan.Owners)))
}

// exposureWords say whose shares of a cluster count as exposed.
func exposureWords(exposed []ceremony.Exposure) string {
	var lines []string
	for _, x := range exposed {
		what := "a share that they have shown in the open"
		if x.Kind == ceremony.ExposedKey {
			what = "their private PGP key, and so every share that was handed out to it"
		}
		lines = append(lines, fmt.Sprintf(":rotating_light: *%s*: %s counts as exposed since %s (`%s`), until a rekey has replaced it", escape(x.Person.Name), what, when(x.At), x.Of))
	}
	return strings.Join(lines, "\n")
}
