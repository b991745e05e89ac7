package bot

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"conclave/ceremony"
)

// sign makes of a parcel what its receiver gets.
type sign func(ceremony.Parcel) (ceremony.SignedParcel, error)

// render is one message of the outbox.
func render(c ceremony.Ceremony, m ceremony.Message, sign sign) (message, error) {
	switch m.Kind {
	case ceremony.HistoryMessage:
		return renderHistory(c, m.Entry), nil
	case ceremony.ApprovalMessage:
		return renderApproval(c), nil
	case ceremony.AskMessage:
		ev, ok := m.Entry.Event.(ceremony.KeyAnnounced)
		if !ok || m.To == nil {
			return message{}, fmt.Errorf("render %s: not an ask", m.Key)
		}
		return renderAsk(c, *m.To, ev.Key), nil
	case ceremony.ReceiptMessage:
		if m.To == nil {
			return message{}, fmt.Errorf("render %s: a receipt for nobody", m.Key)
		}
		return renderReceipt(c, *m.To, m.Entry), nil
	case ceremony.DeliveryMessage, ceremony.TokenMessage:
		parcel, err := parcelOf(c, m)
		if err != nil {
			return message{}, fmt.Errorf("render %s: %w", m.Key, err)
		}
		signed, err := sign(parcel)
		if err != nil {
			return message{}, fmt.Errorf("render %s: sign: %w", m.Key, err)
		}
		if m.Kind == ceremony.TokenMessage {
			return renderToken(c, signed), nil
		}
		return renderDelivery(c, parcel, signed), nil
	case ceremony.FrozenMessage:
		return renderFrozen(c, m.Entry), nil
	case ceremony.EndedMessage:
		return renderEnded(c), nil
	}
	return message{}, fmt.Errorf("render %s: no words for kind %q", m.Key, m.Kind)
}

// errNoParcel means that a delivery has nothing in it for its receiver.
var errNoParcel = errors.New("the event has nothing for this person")

func parcelOf(c ceremony.Ceremony, m ceremony.Message) (ceremony.Parcel, error) {
	switch ev := m.Entry.Event.(type) {
	case ceremony.Rekeyed:
		i := slices.IndexFunc(ev.Shares, func(s ceremony.NewShare) bool { return m.To != nil && s.For.Account == m.To.Account })
		if i < 0 {
			return ceremony.Parcel{}, errNoParcel
		}
		return ceremony.Parcel{
			Ceremony: c.ID(), Kind: "share", Index: i + 1, Total: len(ev.Shares),
			Recipient: ev.Shares[i].For.Key, Ciphertext: ev.Shares[i].Ciphertext,
		}, nil
	case ceremony.TokenIssued:
		if c.Plan.Requester == nil {
			return ceremony.Parcel{}, errNoParcel
		}
		return ceremony.Parcel{
			Ceremony: c.ID(), Kind: "token", Index: 1, Total: 1,
			Recipient: c.Plan.Requester.Key, Ciphertext: ev.Ciphertext,
		}, nil
	}
	return ceremony.Parcel{}, errNoParcel
}

// renderApproval shows the plan whole. Its buttons carry the hash of the plan
// that was shown, so that a click approves that plan and no other.
func renderApproval(c ceremony.Ceremony) message {
	waiting := c.State == ceremony.StateProposed && c.Closing == nil
	blocks := []slack.Block{title("Please read a plan: " + subject(c.Plan))}
	if waiting {
		blocks = append(blocks, section("*%s* proposes this. Nothing is sent to Vault before it is approved. "+
			"Approve it only if you expected it: ask %s in another way than this one, and compare the words of the plan's hash.",
			escape(c.Plan.Initiator.Name), escape(c.Plan.Initiator.Name)))
	} else {
		blocks = append(blocks, section("The plan no longer waits for approval. %s", stateWords(c)))
	}
	blocks = append(blocks, listings(c.Plan.Text())...)
	blocks = append(blocks,
		section("*Hash of the plan*\n`%s`\n*in words:* %s", c.PlanHash, ceremony.SpokenHash(c.PlanHash, spokenWords)),
	)
	if waiting {
		value := buttonValue(c)
		blocks = append(blocks,
			slack.NewActionBlock("decide",
				button(verbApprove, value, "Approve", slack.StylePrimary,
					confirm("Approve the plan?", "You have read it, and it is what you agreed on with "+clip(c.Plan.Initiator.Name, 100)+".", "Approve", "Not yet")),
				button(verbReject, value, "Reject", slack.StyleDanger,
					confirm("Reject the plan?", "This ends the proposal.", "Reject", "Not yet")),
			),
			footnote("Or type `/ceremony approve %s %s`, or `/ceremony reject %s why`. Open until %s.", c.ID(), short(c.PlanHash), c.ID(), when(c.Plan.Closes)),
		)
	}
	return message{line: fmt.Sprintf("%s asks you to approve: %s", escape(c.Plan.Initiator.Name), subject(c.Plan)), blocks: blocks}
}

// buttonValue names the ceremony and the plan that a button stands under.
func buttonValue(c ceremony.Ceremony) string { return string(c.ID()) + " " + c.PlanHash }

// freezeValue names the freeze, too: who agreed that one was harmless has said
// nothing about the next.
func freezeValue(c ceremony.Ceremony) string {
	return buttonValue(c) + " " + strconv.Itoa(lastFreeze(c))
}

// lastFreeze is the entry by which the ceremony froze most lately.
func lastFreeze(c ceremony.Ceremony) int {
	for _, e := range slices.Backward(c.History) {
		if _, ok := e.Event.(ceremony.Froze); ok {
			return e.Seq
		}
	}
	return 0
}

// endOfPaste ends a here-document. No armor has a line like it.
const endOfPaste = "CONCLAVE"

func pasteInto(command, text string) string {
	return fmt.Sprintf("%s <<'%s'\n%s\n%s", command, endOfPaste, strings.TrimRight(text, "\n"), endOfPaste)
}

// shareFile is what a holder is told to call a new share.
func shareFile(id ceremony.ID) string { return string(id) + "-share.asc" }

// renderAsk tells a holder exactly what to run. The recipient is the ceremony's
// own subkey and not the identity: of several subkeys gpg takes the newest, which
// is another ceremony's when two are open.
func renderAsk(c ceremony.Ceremony, to ceremony.Person, key ceremony.Announced) message {
	if c.Key == nil || c.Key.Subkey != key.Subkey || c.Ended() {
		return renderReplacedAsk(c)
	}
	if !pasteable.MatchString(key.Prefix(c.ID())) {
		return renderOddNonce(c)
	}
	what, file, where := "Your share of the key in force is needed", "share.asc", "`share.asc` stands for the file in which you keep your share, encrypted to you."
	if key.Step == ceremony.Verify {
		what, file = "Please prove that you can use your new share", shareFile(c.ID())
		where = "`" + file + "` is the file that you have just been given."
	}
	if c.Plan.Operation == ceremony.RekeyRecovery && key.Step == ceremony.Update {
		what = "Your share of the recovery key is needed"
	}
	encrypt := fmt.Sprintf("{ printf '%s'; gpg -qd %s; } | gpg -sea --no-encrypt-to -u %s -r '%s!'",
		key.Prefix(c.ID()), file, to.Key, strings.ToUpper(key.Subkey))

	blocks := []slack.Block{
		title(what),
		section("*%s* (`%s`), proposed by %s and approved by %s. Until %s.",
			subject(c.Plan), c.ID(), escape(c.Plan.Initiator.Name), listAnd(approvers(c)), when(key.Expires)),
		section("*1.* Take the key of this ceremony:"),
		listing(pasteInto("gpg --import", key.Certificate)),
		section("*2.* Read what you agree to. gpg must say `Good signature` by the key that you were given once and have pinned:"),
		listing(grouped(key.Identity)),
		listing(pasteInto("gpg -d", key.Announcement)),
		section("The plan in it has the hash `%s` (%s).", short(c.PlanHash), ceremony.SpokenHash(c.PlanHash, spokenWords)),
		section("*3.* Encrypt and sign your share, and send me what this prints, here, as text or as a file:"),
		listing(encrypt),
		footnote("%s Your share passes from gpg to gpg: it is never in a file, in your shell's history or in Slack.", where),
		divider(),
		footnote("Or with the program `conclave`: paste the two PGP blocks above into `conclave seal --identity %s`. It checks all of this for you.", key.Identity),
	}
	return message{line: fmt.Sprintf("%s: %s", what, subject(c.Plan)), blocks: blocks}
}

// keepBoth is for a rekey whose last answer was lost: Vault has ended it, and
// nothing shows which key is in force.
const keepBoth = "*keep your old share and the new one* until a ceremony with the new shares has worked, a generate-root for example."

func renderReplacedAsk(c ceremony.Ceremony) message {
	words := "This request for your share was replaced by a newer one. Follow that."
	if c.Ended() {
		words = "Your share is no longer wanted. " + outcomeWords(c)
	}
	return message{line: plainText(words), blocks: []slack.Block{section("%s", words), footnote("`%s`", c.ID())}}
}

// pasteable is what may stand between quotes in a command that people paste into
// a shell. The nonce in it is what Vault sent.
var pasteable = regexp.MustCompile(`^[A-Za-z0-9 -]+$`)

func renderOddNonce(c ceremony.Ceremony) message {
	m := say(":octagonal_sign: *Send nothing.* Vault's nonce has characters that no nonce of Vault's has; somebody may be interfering. Tell your security team.")
	m.blocks = append(m.blocks, footnote("`%s`", c.ID()))
	return m
}

func approvers(c ceremony.Ceremony) []string {
	all := make([]string, len(c.Approvals))
	for i, a := range c.Approvals {
		all[i] = escape(a.By.Name)
	}
	return all
}

// grouped is a fingerprint as gpg prints it for comparing.
func grouped(f ceremony.Fingerprint) string {
	s := f.String()
	var groups []string
	for len(s) > 4 {
		groups = append(groups, s[:4])
		s = s[4:]
	}
	groups = append(groups, s)
	if len(groups) == 10 {
		groups[4] += " "
	}
	return strings.Join(groups, " ")
}

func divider() slack.Block { return slack.NewDividerBlock() }

// renderReceipt tells a holder what became of their message.
func renderReceipt(c ceremony.Ceremony, to ceremony.Person, e ceremony.Entry) message {
	var text string
	switch ev := e.Event.(type) {
	case ceremony.Counted:
		of := c.Plan.Needed(ev.Step)
		text = fmt.Sprintf(":white_check_mark: *Your share is counted.* %s  %d of %d", squares(ev.Progress, of), ev.Progress, of)
		if missing := of - ev.Progress; missing > 0 {
			text += fmt.Sprintf("\nThank you. %s still needed from the others; nothing more is wanted from you now.", plural(missing, "share"))
		}
	case ceremony.Declined:
		w := explainRefusal(ev.Reason)
		text = ":warning: *Your message was not used.* " + w.what
		if w.hint != "" {
			text += "\n" + w.hint
		}
	case ceremony.RoundRefused:
		text = fmt.Sprintf(":x: *Vault refused the round that your share was in.* %s In it were %s.\n"+
			"Check that you used the newest share that you were given for this cluster. A new round begins, and I ask you again in a moment.", blame(c.Plan.Operation, ev.Step), listAnd(names(ev.With)))
	case ceremony.Rekeyed:
		text = ":white_check_mark: *Your share is counted, and it was the last one needed.* Vault has made the new shares."
	case ceremony.TokenIssued:
		text = fmt.Sprintf(":white_check_mark: *Your share is counted, and it was the last one needed.* Vault has made the root token for %s.", escape(receiverOfToken(c)))
	case ceremony.Verified:
		if ev.Unconfirmed {
			text = ":warning: *Your share was the last one needed, and Vault's answer to it was lost.* Vault has ended the rekey: " + keepBoth
			break
		}
		text = ":white_check_mark: *Your share is counted, and it was the last one needed.* The new key is in force."
	default:
		text = historyWords(c, e)
	}
	return message{line: plainText(text), blocks: []slack.Block{section("%s", text), footnote("`%s` · %s · entry %d", c.ID(), when(e.At), e.Seq)}}
}

// renderDelivery hands a new share to its holder.
func renderDelivery(c ceremony.Ceremony, p ceremony.Parcel, s ceremony.SignedParcel) message {
	file, what := shareFile(c.ID()), "key share"
	if c.Plan.Operation == ceremony.RekeyRecovery {
		what = "recovery key share"
	}
	keep := "*Keep your old share* until I tell you that the ceremony is completed: it stays in force until then."
	if !c.Plan.Verification {
		keep = "The new shares are in force now. Keep your old share until the ceremony is completed."
	}
	return message{
		line: fmt.Sprintf("Your new %s for %s", what, escape(c.Plan.Cluster)),
		blocks: []slack.Block{
			title("Your new " + what + " for " + c.Plan.Cluster),
			section("Share %d of %d, encrypted by Vault to your key. Only you can open it:", p.Index, p.Total),
			listing(grouped(p.Recipient)),
			section("*1.* Save it:"),
			listing(pasteInto("cat > "+file, s.Armor)),
			section("*2.* Check that it is yours and that you can open it. The first command shows Conclave's signed line, which ends with the number that the second prints:"),
			listing(pasteInto("gpg -d", s.Line)),
			listing("gpg --dearmor < " + file + " | sha256sum"),
			listing("gpg -qd " + file + " > /dev/null && echo 'it opens'"),
			section("*3.* Keep the file safe, off this computer if you can. Don't decrypt it to disk. %s", keep),
			footnote("`%s` · signed by %s", c.ID(), c.Plan.Identity),
		},
	}
}

// renderToken hands the root token to whom it was made for.
func renderToken(c ceremony.Ceremony, s ceremony.SignedParcel) message {
	return message{
		line: fmt.Sprintf("The root token for %s", escape(c.Plan.Cluster)),
		blocks: []slack.Block{
			title("The root token for " + c.Plan.Cluster),
			section("It is encrypted by Vault to your key. Only you can open it; Conclave never had it in the open."),
			section("*1.* Check that it comes from Conclave:"),
			listing(pasteInto("gpg -d", s.Line)),
			section("*2.* Decrypt it where you need it:"),
			listing(pasteInto("gpg -qd", s.Armor)),
			section("*3.* Do what it was made for (%s), and then revoke it:", reasonOr(c.Plan.Reason, "the plan gives no reason")),
			listing("vault token revoke -self"),
			footnote("`%s` · signed by %s", c.ID(), c.Plan.Identity),
		},
	}
}

func reasonOr(reason, otherwise string) string {
	if reason == "" {
		return otherwise
	}
	return "“" + escape(reason) + "”"
}

// renderFrozen asks initiator and approvers to decide.
func renderFrozen(c ceremony.Ceremony, e ceremony.Entry) message {
	text := historyWords(c, e)
	blocks := []slack.Block{
		title("A ceremony is frozen: " + subject(c.Plan)),
		section("%s", text),
		section("Nothing is sent to Vault until you decide. First find out *why* this happened: who has access to Vault, and what does its audit log say?"),
	}
	if c.State == ceremony.StateFrozen && c.Closing == nil && e.Seq == lastFreeze(c) {
		value := freezeValue(c)
		blocks = append(blocks,
			slack.NewActionBlock("decide",
				button(verbResume, value, "Go on", slack.StyleDefault,
					confirm("Go on?", "You know why this happened, and it is harmless. It takes the initiator and an approver.", "Go on", "Not yet")),
				button(verbCancel, value, "Cancel the ceremony", slack.StyleDanger,
					confirm("Cancel the ceremony?", "Its attempt in Vault is cancelled, too. The key in force stays as it is.", "Cancel it", "Not yet")),
			),
			footnote("Or type `/ceremony resume %s` (it takes the initiator and an approver) or `/ceremony cancel %s why`.", c.ID(), c.ID()),
		)
	} else {
		blocks = append(blocks, section("This is over. %s", stateWords(c)))
	}
	return message{line: "Frozen, please decide: " + subject(c.Plan), blocks: blocks}
}

// renderEnded tells somebody who was asked for a share that it is over.
func renderEnded(c ceremony.Ceremony) message {
	blocks := []slack.Block{section("*%s*\n%s", subject(c.Plan), outcomeWords(c))}
	if c.Plan.Operation.Rekeys() && (len(c.NewShares) > 0 || c.Unproven) {
		switch {
		case c.Verified != nil && c.Verified.Unconfirmed:
			blocks = append(blocks, section("If you were given a new share: %s", keepBoth))
		case c.Unproven && c.Outcome != ceremony.Completed:
			blocks = append(blocks, section("If you were given a new share: nothing shows whether it is in force. Please %s", keepBoth))
		case c.Outcome == ceremony.Completed:
			blocks = append(blocks, section("If you were given a new share: it is the one that counts from now on. Destroy the old one once you have made sure that you can open the new one."))
		default:
			blocks = append(blocks, section("If you were given a new share: *it is not valid*. Your old share is still the right one. Delete the file `%s`.", shareFile(c.ID())))
		}
	}
	blocks = append(blocks, footnote("`%s` · nothing more is wanted from you.", c.ID()))
	return message{line: boardLine(c), blocks: blocks}
}
