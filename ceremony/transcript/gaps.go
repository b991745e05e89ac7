package transcript

import (
	"fmt"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// tally collects the people whose signatures hold, or are missing lawfully, and prove less
// than they could.
type tally struct {
	unkept  []ceremony.Person // the signature on their envelope can't be checked without the share
	unbound []ceremony.Person // their signature does not say what the envelope was for
	pressed []ceremony.Person // they approved by their account alone
	said    []ceremony.Person // they made another statement by their account alone

	uncertified []ceremony.Person // their certificate is not in the file
}

// gaps returns what the ceremony leaves unproven even if everything in its journal is true.
// The report of a check, the page and the report for programs show this list.
func gaps(c rules.State, loose tally) []Gap {
	var gaps []Gap
	gap := func(code, format string, args ...any) {
		gaps = append(gaps, Gap{code, fmt.Sprintf(format, args...)})
	}
	p := c.Plan
	if p.Approvals == 0 && !p.Operation.NeedsApproval() {
		gap("no-approval", "That anybody agreed beforehand: this operation needs no approval.")
	}
	if at := c.Last(rules.Is[event.Adopted]); at > 0 {
		gap("lines-adopted",
			"That Conclave has written lines 1 to %d: an operator has had it take them over, from before it authenticated its lines or from another identity.", at-1)
	}
	if len(loose.pressed) > 0 {
		gap("approval-unsigned",
			"That it was %s who approved: a button was pressed in their Slack account, and nothing was signed.",
			namesOf(loose.pressed))
	}
	if len(loose.said) > 0 {
		gap("word-unsigned", "That it was %s who spoke: what they said came from their account, and was not signed.",
			namesOf(loose.said))
	}
	if len(loose.unkept) > 0 {
		gap("envelope-unproven",
			"By itself, that %s signed the envelope: the bot has checked the signature, and it can't be checked again without the share.",
			namesOf(loose.unkept))
	}
	if len(loose.unbound) > 0 {
		gap("envelope-unbound",
			"By the signature alone, that %s signed for this ceremony: the program that made the envelope does not write it there. The bot has read it inside, beside the share.",
			namesOf(loose.unbound))
	}
	if len(loose.uncertified) > 0 {
		gap("certificate-missing",
			"Anything about the keys of %s: their certificates are not in the file. What they signed, if they did, could not be checked, nor that what was for them is encrypted to them.",
			namesOf(loose.uncertified))
	}
	if slices.ContainsFunc(p.Everybody(), func(who ceremony.Person) bool { return who.Key != "" }) {
		gap("keys-by-plan",
			"That the keys of the people are theirs: it is the plan that names them, and a bot that was taken over could have made up both. Compare the fingerprints with those that they have given you.")
	}
	peopleGaps(c, gap)
	resultGaps(c, gap)
	leftGaps(c, gap)
	if lost := lostMessages(c); len(lost) > 0 {
		gap("undelivered", "That everything was handed out: %s never reached its receiver.", strings.Join(lost, ", "))
	}
	gap("not-anchored",
		"When the identity signed this, but by its own clock: nothing in the file itself comes from anybody else's.")
	return gaps
}

// peopleGaps adds the gaps of people who were not asked, or have not answered.
func peopleGaps(c rules.State, gap func(code, format string, args ...any)) {
	p := c.Plan
	given := p.Operation.MakesShares() || p.Operation.IssuesToken()
	if absent := absent(c); len(absent) > 0 {
		gap("absent", "That %s could decrypt before anything began: they were called, and the others were enough.",
			namesOf(absent))
	}
	if given && len(p.RollCall) == 0 {
		gap("no-roll-call", "That whoever was given something could decrypt it beforehand: there was no roll call.")
	}
	switch {
	case len(p.Witnesses) == 0 && p.Operation != ceremony.Alarm:
		gap("no-witness", "What somebody without a part in it saw: the plan asks for no witness.")
	case c.OwesWitness():
		gap("witness-silent", "That a witness agrees: %s have said nothing up to here.", namesOf(p.Witnesses))
	}
}

// absent returns the people who were called and have not answered.
func absent(c rules.State) []ceremony.Person {
	if c.Called() == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.Plan.RollCall), func(p ceremony.Person) bool {
		return c.IsPresent(p.Account)
	})
}

// resultGaps adds the gaps of the ceremony's result.
func resultGaps(c rules.State, gap func(code, format string, args ...any)) {
	p := c.Plan
	switch {
	case p.Operation.Rekeys() && len(c.NewShares) > 0 && !p.Verification:
		gap("never-verified", "That the new shares can be used: they came into force without verification.")
	case c.Verified != nil && c.Verified.Unconfirmed:
		gap("verified-unconfirmed",
			"That the new key is in force: Vault ended the rekey, and its last answer was lost.")
	case c.Verified != nil:
		if silent := unverified(c); len(silent) > 0 {
			gap("holder-unproven", "That %s can use their new share: enough others came first.", namesOf(silent))
		}
	case p.Operation == ceremony.Init && len(c.NewShares) > 0:
		gap("never-verified", "That the new shares can be used: Vault asks for no proof of them.")
	case p.Operation == ceremony.Drill:
		gap("drill-share", "That a share which was shown in the drill is one of this cluster's: Vault was not asked.")
	}
	switch {
	case c.Unproven && p.Operation.IssuesToken():
		gap("attempt-lost",
			"That Vault has made no other token: an attempt was lost that others may have carried through.")
	case c.Unproven:
		gap("attempt-lost", "Which key is in force: an attempt was lost that others may have carried through.")
	}
	if c.MadeElsewhere() {
		gap("made-elsewhere",
			"Whose shares made the new ones: the last did not come through Conclave, and Vault's backup had what they made.")
	}
}

// unverified returns the receivers whose new share was not among those that proved the new
// key.
func unverified(c rules.State) []ceremony.Person {
	missing := slices.Clone(c.Plan.Receivers)
	since := c.Last(rules.Is[event.Rekeyed])
	for _, e := range c.History[since:] {
		var by *ceremony.Person
		switch ev := e.Event.(type) {
		case event.Counted:
			by = &ev.By
		case event.Verified:
			by = ev.By
		}
		if by != nil {
			missing = slices.DeleteFunc(missing, func(p ceremony.Person) bool { return p == *by })
		}
	}
	return missing
}

// leftGaps adds the gaps of the token, the backup or the attempt that is left in Vault.
func leftGaps(c rules.State, gap func(code, format string, args ...any)) {
	issued := c.Token != "" || c.Encoded != ""
	switch {
	case c.Plan.Operation == ceremony.Init && c.Token != "":
		gap("token-left", "That the first root token is revoked: Conclave does not look after it.")
	case !issued || c.Plan.Operation != ceremony.GenerateRoot:
	case c.Revoked != nil && c.Revoked.By != nil:
		gap("token-by-word", "That the root token is revoked: %s says so, and Vault could not be asked.",
			c.Revoked.By.Name)
	case c.Revoked == nil && c.Left:
		gap("token-left",
			"That the root token is revoked: a week later nobody was known to have revoked it. It never expires.")
	case c.Revoked == nil:
		gap("token-left",
			"That the root token is revoked: up to here nobody is known to have revoked it. A later transcript may say it.")
	}
	if c.Plan.Operation.Rekeys() && c.Plan.Backup && c.Ended() && c.Result == nil && c.BackedUpUnder() != "" {
		gap("backup-left",
			"That Vault keeps no copy of the new shares: its backup, which only their holders can open, was not seen to be deleted.")
	}
	if c.Ending == event.AttemptForeign {
		gap("foreign-attempt",
			"What became of the attempt that Vault had: it is not known to be this ceremony's, and was left alone.")
	}
}

// lostMessages returns the deliveries that never reached their receiver.
func lostMessages(c rules.State) []string {
	given := c.GivenUp()
	var lost []string
	for _, m := range c.Messages() {
		switch {
		case !given[m.Key]:
		case m.Kind == rules.DeliveryMessage:
			lost = append(lost, "the new share of "+m.To.Name)
		case m.Kind == rules.TokenMessage:
			lost = append(lost, "the token for "+m.To.Name)
		}
	}
	return lost
}

// namesOf returns the names of people as a list in words, each name once.
func namesOf(people []ceremony.Person) string {
	var names []string
	for _, p := range people {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}
