package bot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/slack-go/slack"

	"conclave/ceremony"
	"conclave/plural"
)

// spokenWords is how many PGP words of a plan's hash are shown. They tell two
// plans apart over the phone; the whole hash is in the approver's message.
const spokenWords = 4

// renderBoard is the status post. It mentions nobody: it is redrawn all the time,
// and people whose help is wanted have a direct message.
func renderBoard(c ceremony.Ceremony, live ceremony.Live, now time.Time) message {
	if c.Plan.Operation == ceremony.Alarm {
		return renderAlarmBoard(c)
	}
	blocks := []slack.Block{
		title(subject(c.Plan)),
		section("%s", stateWords(c)),
	}
	if !c.Ended() {
		for _, caution := range cautions(c.Plan) {
			blocks = append(blocks, section("%s", caution))
		}
	}
	for _, part := range []string{progress(c), notAsked(c), unknownYet(c), freezeWords(c), handedOut(c), revocation(c), backupLeft(c)} {
		if part != "" {
			blocks = append(blocks, section("%s", part))
		}
	}
	blocks = append(blocks, facts(boardFacts(c, live, now)...))
	if c.Plan.Reason != "" {
		blocks = append(blocks, section("*Reason*\n%s", escape(c.Plan.Reason)))
	}
	if c.State == ceremony.StateVerifying {
		blocks = append(blocks, footnote("`/ceremony reverify %s` has everybody prove their new share anew, should the proof be stuck.", c.ID()))
	}
	if c.Plan.Operation == ceremony.Unseal && c.Wants() {
		blocks = append(blocks, footnote("`/ceremony reset %s` has the sealed nodes forget what they have counted, should a share that is not ours be among it.", c.ID()))
	}
	blocks = append(blocks, footnote("What happened, step by step, is in this post's thread."))
	return message{line: boardLine(c), blocks: blocks}
}

// boardFacts are what stays the same while the ceremony goes on, and how Vault
// answers.
func boardFacts(c ceremony.Ceremony, live ceremony.Live, now time.Time) []fact {
	table := []fact{
		{"Ceremony", "`" + string(c.ID()) + "`"},
		{"Plan", planHash(c)},
		{"Proposed by", initiator(c.Plan) + ", " + when(c.Plan.Proposed)},
	}
	if c.Ended() {
		table = append(table, fact{"Ended", when(c.EndedAt())})
	} else {
		table = append(table,
			fact{"Closes", when(c.Plan.Closes) + "\n" + left(c.Plan.Closes, now)},
			fact{"Vault", vaultLine(c, live)},
		)
	}
	switch c.Plan.Operation {
	case ceremony.Rotate:
		table = append(table, fact{"Encryption key", termWords(c)})
	case ceremony.RotateConfig:
		if c.Plan.OldPolicy != nil && c.Plan.NewPolicy != nil {
			table = append(table, fact{"Rotation before", policyWords(*c.Plan.OldPolicy)}, fact{"Rotation wanted", policyWords(*c.Plan.NewPolicy)})
		}
	}
	return table
}

// termWords is the encryption key's term, and what it was.
func termWords(c ceremony.Ceremony) string {
	if rotated, ok := c.Result.(ceremony.Rotated); ok {
		return fmt.Sprintf("term %d, before it %d", rotated.Key.Term, c.Plan.KeyTerm)
	}
	return "term " + strconv.Itoa(c.Plan.KeyTerm)
}

// boardLine is what a phone shows of the status post.
func boardLine(c ceremony.Ceremony) string {
	said := string(c.State)
	switch {
	case c.Ended():
		said = outcomeWord(c.Outcome)
	case c.Plan.Operation == ceremony.Alarm:
		said = plural.Of(len(c.Findings()), "finding") + ", nobody has acknowledged it"
	case c.Plan.Operation == ceremony.Unseal && len(c.Nodes) > 0 && c.State == ceremony.StateCollecting:
		said = fmt.Sprintf("%d of %d nodes unsealed", countUnsealed(c), len(c.Nodes))
	case c.Plan.Operation == ceremony.Drill && c.Wants():
		said = fmt.Sprintf("%d of %d holders", len(c.Round.Counted), needed(c))
	case c.Round.Step == ceremony.Password && c.Wants():
		said = "waiting for the one-time password"
	case c.Wants():
		said = fmt.Sprintf("%d of %d shares", len(c.Round.Counted), needed(c))
	case deletable(c):
		said = "waiting for its deletion"
	}
	return subject(c.Plan) + ": " + said
}

// stateWords says where the ceremony stands and what it waits for.
func stateWords(c ceremony.Ceremony) string {
	switch {
	case c.Ended():
		return outcomeWords(c)
	case c.Closing != nil:
		return ":hourglass: *Being ended* (" + outcomeWord(c.Closing.Outcome) + "). " + closingWords(c.Plan.Operation)
	}
	switch c.State {
	case ceremony.StateProposed:
		return fmt.Sprintf(":raised_hand: *Waiting for approval*: %s. Nothing has been sent to Vault.\nMay approve: %s",
			approvalsWanted(c), listOr(wanted(c, mayStillApprove(c))))
	case ceremony.StateRollCall:
		return rollCallWords(c)
	case ceremony.StateApproved:
		agreed := ":hourglass: *Approved*."
		if !c.Plan.Operation.NeedsApproval() {
			agreed = ":hourglass: *Opened*."
		}
		if _, acting := pendingEvent(c).(ceremony.Acting); acting {
			return agreed // what is being done is said below
		}
		if waits := waitsToBegin(c); waits != "" {
			return agreed + " " + waits
		}
		return agreed + " " + beginning(c)
	case ceremony.StateRaised:
		return raisedWords(c)
	case ceremony.StateCollecting:
		return collecting(c)
	case ceremony.StateHandingOut:
		return handingOut(c)
	case ceremony.StateVerifying:
		return ":mag: *Collecting the new shares*, as proof that they can be used. The old key stays in force until then."
	case ceremony.StateFrozen:
		return ":octagonal_sign: *Frozen*. Nothing is sent to Vault until people decide."
	}
	return "*" + string(c.State) + "*"
}

// waitsToBegin says what is waited for before anything begins, empty when nothing is.
func waitsToBegin(c ceremony.Ceremony) string {
	if c.Gate() == ceremony.GateStart {
		return "A witness has to let it begin: " + listOr(wanted(c, c.Plan.Witnesses)) + "."
	}
	if c.Attempt.Number == 0 && (c.Plan.Cooling > 0 || c.Plan.Quiet != nil) && pendingEvent(c) == nil {
		return fmt.Sprintf("It begins at %s: the policy gives time to think, and keeps quiet hours.", when(c.StartsAt()))
	}
	return ""
}

func mayStillApprove(c ceremony.Ceremony) []ceremony.Person {
	var may []ceremony.Person
	for _, p := range c.Plan.Approvers {
		if p.Account != c.Plan.Initiator.Account && !approved(c, p.Account) {
			may = append(may, p)
		}
	}
	return may
}

func approved(c ceremony.Ceremony, who ceremony.Account) bool {
	return slices.ContainsFunc(c.Approvals, func(a ceremony.Approval) bool { return a.By.Account == who })
}

// beginning says what happens between the approval and the first share, or the
// act.
func beginning(c ceremony.Ceremony) string {
	_, starting := pendingEvent(c).(ceremony.Starting)
	switch op := c.Plan.Operation; {
	case op == ceremony.Unseal:
		return "The nodes are being asked."
	case op == ceremony.Drill:
		return "The drill is about to begin."
	case op == ceremony.Init:
		return "The nodes are being asked whether none has a key yet; then Vault makes one."
	case op == ceremony.Rotate:
		return "Vault is being asked for a new encryption key."
	case op == ceremony.RotateConfig:
		return "Vault is being asked for the other policy."
	case op == ceremony.ReadBackup:
		return "Vault is being asked for the backup."
	case c.Round.Step == ceremony.Password && !starting:
		return fmt.Sprintf("%s is asked for the one-time password: Vault can't begin without it.", requester(c.Plan))
	}
	return "Vault is being asked to begin."
}

// collecting says which shares are wanted, and what for.
func collecting(c ceremony.Ceremony) string {
	switch c.Plan.Operation {
	case ceremony.Unseal:
		return sealedWords(c)
	case ceremony.Drill:
		return ":fire_extinguisher: *Drill*: every holder is asked to prove that they can use their share. Nothing is sent to Vault."
	}
	return ":inbox_tray: *Collecting shares* of the key in force."
}

// handingOut says what is on its way to people, and what it is good for until
// then.
func handingOut(c ceremony.Ceremony) string {
	switch {
	case deletable(c):
		return fmt.Sprintf(":hourglass_flowing_sand: *Handed out. The backup is still in Vault*, until an approver has asked everybody whether their share opens, and types `/ceremony delete %s`.\nMay do it: %s",
			c.ID(), listOr(wanted(c, mayStillApprove(ceremony.Ceremony{Plan: c.Plan}))))
	case c.Deletion != nil:
		return fmt.Sprintf(":hourglass: *%s agreed that the backup is deleted.*", escape(c.Deletion.Name))
	case c.Plan.Operation == ceremony.ReadBackup:
		return ":outbox_tray: *Handing out* what Vault has kept. The backup stays in Vault for now."
	case !c.Plan.Verification:
		return ":outbox_tray: *Handing out* the new shares. They are in force."
	}
	return ":outbox_tray: *Handing out* the new shares. The old key stays in force until the new one is proven."
}

// deletable says whether everybody has been sent what the backup has for them,
// and nobody has agreed to its deletion.
func deletable(c ceremony.Ceremony) bool {
	return c.Backup != nil && c.Deletion == nil && c.State == ceremony.StateHandingOut &&
		!slices.ContainsFunc(c.Due(), func(m ceremony.Message) bool { return m.Kind == ceremony.DeliveryMessage })
}

// closingWords says what is done before a ceremony has ended.
func closingWords(op ceremony.Operation) string {
	switch {
	case op == ceremony.Unseal:
		return "The nodes are being asked to forget the shares that they were sent."
	case op == ceremony.Drill:
		return "A last message is being looked at."
	case op.HasAttempt():
		return "The attempt in Vault is being cancelled."
	}
	return "Vault is being asked what has become of it."
}

// unknownYet says what is on its way and has no outcome (P10).
func unknownYet(c ceremony.Ceremony) string {
	switch ev := pendingEvent(c).(type) {
	case ceremony.Offered:
		return fmt.Sprintf(":hourglass: A message of %s is being opened and checked.", escape(ev.By.Name))
	case ceremony.Submitting:
		if c.Pending.Asking {
			return fmt.Sprintf(":grey_question: %s's share was sent, and Vault's answer was lost. *It is not known yet* whether it counts; Vault is being asked.", escape(ev.By.Name))
		}
		return fmt.Sprintf(":hourglass: %s's share is on its way to Vault.", escape(ev.By.Name))
	case ceremony.Acting:
		return fmt.Sprintf(":grey_question: Vault is being asked %s. *It is not known yet* whether that is done.", actWords(ev.Act))
	case ceremony.Dropping:
		if ev.Step == ceremony.Enter {
			return ":hourglass: The sealed nodes are being asked to forget the shares that they have counted."
		}
		if ev.Step == ceremony.Verify {
			return ":hourglass: Vault is being asked to forget the proof so far. The new shares stay as they are."
		}
		return ":hourglass: Vault is being asked to forget the attempt."
	}
	return ""
}

func pendingEvent(c ceremony.Ceremony) ceremony.Event {
	if c.Pending == nil {
		return nil
	}
	return c.Pending.Event
}

// actWords is an act behind the words "Vault is being asked".
func actWords(act ceremony.Act) string {
	switch act {
	case ceremony.Initializing:
		return "to make the key of the new cluster"
	case ceremony.Rotating:
		return "to install a new encryption key"
	case ceremony.SettingPolicy:
		return "to rotate by the other policy"
	case ceremony.DeletingBackup:
		return "to delete the backup"
	}
	return "to do its part"
}

// freezeWords says what stopped the ceremony and what may be done about it.
func freezeWords(c ceremony.Ceremony) string {
	if c.State != ceremony.StateFrozen || c.Freeze == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(":warning: " + freezeReason(c.Plan, c.Freeze.Froze) + freezeFound(c.Freeze.Froze))
	if c.Plan.Initiator == ceremony.SealWatch {
		fmt.Fprintf(&b, "\nFind out why. Then an approver types `/ceremony resume %s` or `/ceremony cancel %s`.", c.ID(), c.ID())
		return b.String()
	}
	fmt.Fprintf(&b, "\nFind out why. Then the initiator *and* an approver type `/ceremony resume %s`, or one of them `/ceremony cancel %s`.", c.ID(), c.ID())
	switch {
	case c.Freeze.Initiator && !c.Freeze.Approver:
		b.WriteString("\n:white_check_mark: The initiator wants to go on; an approver is missing.")
	case c.Freeze.Approver && !c.Freeze.Initiator:
		b.WriteString("\n:white_check_mark: An approver wants to go on; the initiator is missing.")
	}
	return b.String()
}

// freezeFound says what differs from what.
func freezeFound(f ceremony.Froze) string {
	switch {
	case f.Want == "" && f.Got == "":
		return ""
	case f.Why == ceremony.NotSigned:
		return fmt.Sprintf("\nFound: `%s`", code(f.Got))
	case f.Why == ceremony.OtherBot:
		return fmt.Sprintf("\nThe plan says: `%s`\nConclave has: `%s`", code(f.Want), code(f.Got))
	case f.Why == ceremony.OtherConfig:
		return fmt.Sprintf("\nThe plan says: `%s`\nThe configuration says: `%s`", code(f.Want), code(f.Got))
	}
	return fmt.Sprintf("\nThe plan says: `%s`\nVault says: `%s`", code(f.Want), code(f.Got))
}

func freezeReason(p ceremony.Plan, ev ceremony.Froze) string {
	switch ev.Why {
	case ceremony.VaultDiffers:
		return "Vault's state is not what the plan says. Somebody may be interfering."
	case ceremony.AttemptGone:
		return goneReason(p, ev)
	case ceremony.ForeignAttempt:
		return "Vault has an attempt in progress that did not come from here."
	case ceremony.ForeignShare:
		return "Vault's count of shares is not ours: somebody has sent a share past Conclave, or progress was dropped."
	case ceremony.SealedMidway:
		return "Vault was sealed in the middle of the ceremony."
	case ceremony.PersonStopped:
		return "Somebody who has a part in it wants everything to stand still."
	case ceremony.OtherBot:
		return "Conclave has another identity than the one that the plan pins and that holders know. Cancel this ceremony, and find out why it has changed."
	case ceremony.OtherConfig:
		return "Conclave was started with a configuration that does not allow this plan: one of the two was changed. If the configuration was, put it back and start Conclave again, or cancel; until then nobody can resume. If it was not, somebody has written to the journal: cancel, and keep its files."
	case ceremony.NotSigned:
		return "The journal has somebody say what their PGP key has not signed. Somebody may have written to it: ask the people whom it names, outside of Slack. Cancel this ceremony, and keep the journal's files; nobody can resume it with them as they are."
	case ceremony.KeysLost:
		return "Vault has made the new shares, and its answer with them did not reach Conclave: it was lost, or others have sent the last share. The old shares stay in force until the new ones are proven; resuming drops the new ones and begins a new attempt."
	}
	return "Vault is not as expected."
}

// vaultLine says how Vault answers.
func vaultLine(c ceremony.Ceremony, live ceremony.Live) string {
	switch {
	case c.Plan.Operation == ceremony.Drill:
		return "is asked nothing in a drill"
	case live.Since.IsZero():
		return "not asked yet"
	}
	line := vaultSays(live.Vault) + ", since " + clock(live.Since)
	if right := missingRight(live.Vault); right != "" {
		line += "\nits policy lacks `" + right + "`"
	}
	if live.Vault == nil && c.Attempt.Nonce != "" && c.Plan.Operation.HasAttempt() {
		line += "\nnonce `" + code(c.Attempt.Nonce) + "`"
	}
	return line
}

func planHash(c ceremony.Ceremony) string {
	return fmt.Sprintf("`%s`\n%s", short(c.PlanHash), ceremony.SpokenHash(c.PlanHash, spokenWords))
}

// short is as much of a hash as people compare at a glance.
func short(hash string) string { return hash[:min(len(hash), 16)] }

// listOr is "a, b or c".
func listOr(names []string) string { return enumerate(names, "or") }

// listAnd is "a, b and c".
func listAnd(names []string) string { return enumerate(names, "and") }

func enumerate(names []string, word string) string {
	switch len(names) {
	case 0:
		return "nobody"
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + word + " " + names[len(names)-1]
}

func names(people []ceremony.Person) []string {
	all := make([]string, len(people))
	for i, p := range people {
		all[i] = escape(p.Name)
	}
	return all
}

// maxCode is how much of a text of Vault's is shown: what to do stands behind it.
const maxCode = 1000

// code keeps a text from ending the inline code that it stands in, which a new
// line does as well.
func code(s string) string {
	if s == "" {
		return "nothing"
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '`':
			return '\''
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
	return escape(clip(s, maxCode))
}
