package wording

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/plural"
)

// SpokenWords is how many PGP words of a plan's hash are shown. They tell two plans apart
// on the phone; the whole hash is in the approver's message.
const SpokenWords = 4

// StatusFacts returns the table of the status post: what stays the same while the ceremony
// goes on, and how Vault answers.
func StatusFacts(c rules.State, live rules.Live, now time.Time) []Fact {
	table := []Fact{
		{"Ceremony", "`" + string(c.ID()) + "`"},
		{"Plan", planHash(c)},
		{"Proposed by", Initiator(c.Plan) + ", " + When(c.Plan.Proposed)},
	}
	if c.Ended() {
		table = append(table, Fact{"Ended", When(c.EndedAt())})
	} else {
		table = append(table,
			Fact{"Closes", When(c.Plan.Closes) + "\n" + Left(c.Plan.Closes, now)},
			Fact{"Vault", VaultLine(c, live)},
		)
	}
	switch c.Plan.Operation {
	case ceremony.Rotate:
		table = append(table, Fact{"Encryption key", termWords(c)})
	case ceremony.RotateConfig:
		if c.Plan.OldPolicy != nil && c.Plan.NewPolicy != nil {
			table = append(table, Fact{"Rotation before", PolicyWords(*c.Plan.OldPolicy)}, Fact{"Rotation wanted", PolicyWords(*c.Plan.NewPolicy)})
		}
	}
	return table
}

// termWords returns the term of the encryption key, and the term before it.
func termWords(c rules.State) string {
	if rotated, ok := c.Result.(event.Rotated); ok {
		return fmt.Sprintf("term %d, before it %d", rotated.Key.Term, c.Plan.KeyTerm)
	}
	return "term " + strconv.Itoa(c.Plan.KeyTerm)
}

// StatusLine returns the line of the status post that a phone shows.
func StatusLine(c rules.State) string {
	said := string(c.Phase)
	switch {
	case c.Ended():
		said = OutcomeWord(c.Outcome)
	case c.Plan.Operation == ceremony.Alarm:
		said = plural.Of(len(c.Findings()), "finding") + ", nobody has acknowledged it"
	case c.Plan.Operation == ceremony.Unseal && len(c.Nodes) > 0 && c.Phase == rules.PhaseCollecting:
		said = fmt.Sprintf("%d of %d nodes unsealed", countUnsealed(c), len(c.Nodes))
	case c.Plan.Operation == ceremony.Drill && c.Wants():
		said = fmt.Sprintf("%d of %d holders", len(c.Round.Counted), needed(c))
	case c.Round.Step == ceremony.StepOTP && c.Wants():
		said = "waiting for the one-time password"
	case c.Wants():
		said = fmt.Sprintf("%d of %d shares", len(c.Round.Counted), needed(c))
	case Deletable(c):
		said = "waiting for its deletion"
	}
	return Subject(c.Plan) + ": " + said
}

// StandsStill says that nothing is done for a ceremony whose journal can't be written, and
// what ends that. It is empty as long as the journal is written (P9).
func StandsStill(live rules.Live) string {
	if !errors.Is(live.Vault, ceremony.ErrJournal) {
		return ""
	}
	return fmt.Sprintf(":octagonal_sign: *Conclave stands still here*, since %s: the journal of this ceremony can't be written. Messages are not taken, nothing is sent to Vault, and the status is what the journal last had. *Holders keep their shares and send none.* The operator makes sure that there is room and that Conclave may write there, and starts Conclave again: then it asks Vault what became of what it had sent, and goes on.", clock(live.Since))
}

// StateWords says where the ceremony stands and what it waits for.
func StateWords(c rules.State) string {
	switch {
	case c.Ended():
		return OutcomeWords(c)
	case c.Closing != nil:
		return ":hourglass: *Being ended* (" + OutcomeWord(c.Closing.Outcome) + "). " + closingWords(c.Plan.Operation)
	}
	switch c.Phase {
	case rules.PhaseProposed:
		return fmt.Sprintf(":raised_hand: *Waiting for approval*: %s. Nothing has been sent to Vault.\nMay approve: %s",
			approvalsWanted(c), ListOr(wanted(c, mayStillApprove(c))))
	case rules.PhaseRollCall:
		return rollCallWords(c)
	case rules.PhaseApproved:
		agreed := ":hourglass: *Approved*."
		if !c.Plan.Operation.NeedsApproval() {
			agreed = ":hourglass: *Opened*."
		}
		if _, acting := pendingEvent(c).(event.Acting); acting {
			return agreed // what is being done is said below
		}
		if waits := waitsToBegin(c); waits != "" {
			return agreed + " " + waits
		}
		return agreed + " " + Beginning(c)
	case rules.PhaseRaised:
		return raisedWords(c)
	case rules.PhaseCollecting:
		return collecting(c)
	case rules.PhaseHandingOut:
		return handingOut(c)
	case rules.PhaseVerifying:
		return ":mag: *Collecting the new shares*, as proof that they can be used. The old key stays in force until then."
	case rules.PhaseFrozen:
		return ":octagonal_sign: *Frozen*. Nothing is sent to Vault until people decide."
	}
	return "*" + string(c.Phase) + "*"
}

// waitsToBegin says what is waited for before anything begins, or nothing.
func waitsToBegin(c rules.State) string {
	if c.Gate() == ceremony.GateStart {
		return "A witness has to let it begin: " + ListOr(wanted(c, c.Plan.Witnesses)) + "."
	}
	if c.Attempt.Number == 0 && (c.Plan.Cooling > 0 || c.Plan.Quiet != nil) && pendingEvent(c) == nil {
		return fmt.Sprintf("It begins at %s: the policy gives time to think, and keeps quiet hours.", When(c.StartsAt()))
	}
	return ""
}

func mayStillApprove(c rules.State) []ceremony.Person {
	var may []ceremony.Person
	for _, p := range c.Plan.Approvers {
		if p.Account != c.Plan.Initiator.Account && !approved(c, p.Account) {
			may = append(may, p)
		}
	}
	return may
}

func approved(c rules.State, who ceremony.Account) bool {
	return slices.ContainsFunc(c.Approvals, func(a ceremony.Approval) bool { return a.By.Account == who })
}

// Beginning says what happens between the approval and the first share, or the act.
func Beginning(c rules.State) string {
	_, starting := pendingEvent(c).(event.Starting)
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
	case c.Round.Step == ceremony.StepOTP && !starting:
		return fmt.Sprintf("%s is asked for the one-time password: Vault can't begin without it.", requester(c.Plan))
	}
	return "Vault is being asked to begin."
}

// collecting says which shares are wanted, and what for.
func collecting(c rules.State) string {
	switch c.Plan.Operation {
	case ceremony.Unseal:
		return sealedWords(c)
	case ceremony.Drill:
		return ":fire_extinguisher: *Drill*: every holder is asked to prove that they can use their share. Nothing is sent to Vault."
	}
	return ":inbox_tray: *Collecting shares* of the key in force."
}

// handingOut says what is on its way to people, and which shares are in force until then.
func handingOut(c rules.State) string {
	switch {
	case c.Plan.Operation == ceremony.ReadBackup && c.Deletion == nil && anyLost(c):
		return fmt.Sprintf(":x: %s The backup is the only copy of it, and stays in Vault until the ceremony closes.", HandedOver(c))
	case Deletable(c):
		return fmt.Sprintf(":hourglass_flowing_sand: *Handed out. The backup is still in Vault*, until an approver has asked everybody whether their share opens, and types `/ceremony delete %s`.\nMay do it: %s",
			c.ID(), ListOr(wanted(c, mayStillApprove(rules.State{Plan: c.Plan}))))
	case c.Deletion != nil:
		return fmt.Sprintf(":hourglass: *%s agreed that the backup is deleted.*", Escape(c.Deletion.Name))
	case c.Plan.Operation == ceremony.ReadBackup:
		return ":outbox_tray: *Handing out* what Vault has kept. The backup stays in Vault for now."
	case !c.Plan.Verification:
		return ":outbox_tray: *Handing out* the new shares. They are in force."
	}
	return ":outbox_tray: *Handing out* the new shares. The old key stays in force until the new one is proven."
}

// Deletable reports whether everybody has been sent what the backup has for them,
// and nobody has agreed to its deletion.
func Deletable(c rules.State) bool {
	return c.Backup != nil && c.Deletion == nil && c.Phase == rules.PhaseHandingOut && !anyLost(c) &&
		!slices.ContainsFunc(c.Due(), func(m rules.Message) bool { return m.Kind == rules.DeliveryMessage })
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

// UnknownYet says what is on its way and has no outcome yet (P10).
func UnknownYet(c rules.State) string {
	switch ev := pendingEvent(c).(type) {
	case event.Offered:
		return fmt.Sprintf(":hourglass: A message of %s is being opened and checked.", Escape(ev.By.Name))
	case event.Submitting:
		if c.Pending.Asking {
			return fmt.Sprintf(":grey_question: %s's share was sent, and Vault's answer was lost. *It is not known yet* whether it counts; Vault is being asked.", Escape(ev.By.Name))
		}
		return fmt.Sprintf(":hourglass: %s's share is on its way to Vault.", Escape(ev.By.Name))
	case event.Acting:
		return fmt.Sprintf(":grey_question: Vault is being asked %s. *It is not known yet* whether that is done.", ActWords(ev.Act))
	case event.Dropping:
		if ev.Step == ceremony.StepUnseal {
			return ":hourglass: The sealed nodes are being asked to forget the shares that they have counted."
		}
		if ev.Step == ceremony.StepVerify {
			return ":hourglass: Vault is being asked to forget the proof so far. The new shares stay as they are."
		}
		return ":hourglass: Vault is being asked to forget the attempt."
	}
	return ""
}

func pendingEvent(c rules.State) event.Event {
	if c.Pending == nil {
		return nil
	}
	return c.Pending.Event
}

// ActWords returns an act, to stand behind the words "Vault is being asked".
func ActWords(act event.Act) string {
	switch act {
	case event.Initializing:
		return "to make the key of the new cluster"
	case event.Rotating:
		return "to install a new encryption key"
	case event.SettingPolicy:
		return "to rotate by the other policy"
	case event.DeletingBackup:
		return "to delete the backup"
	}
	return "to do its part"
}

// FreezeWords says what stopped the ceremony and what may be done about it.
func FreezeWords(c rules.State) string {
	if c.Phase != rules.PhaseFrozen || c.Freeze == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(":warning: " + FreezeReason(c.Plan, c.Freeze.Frozen) + freezeFound(c.Freeze.Frozen))
	if c.Stands() {
		fmt.Fprintf(&b, "\nThe initiator or an approver types `/ceremony cancel %s`. `/ceremony resume` is refused as long as Conclave finds this when it starts.", c.ID())
		return b.String()
	}
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

// freezeFound shows the two values that differ.
func freezeFound(f event.Frozen) string {
	switch {
	case f.Want == "" && f.Got == "":
		return ""
	case f.Why == event.NotSigned, f.Why == event.NotTold:
		return fmt.Sprintf("\nFound: `%s`", Code(f.Got))
	case f.Why == event.RolledBack:
		return fmt.Sprintf("\nIt was at: `%s`\nIt is at: `%s`", Code(f.Want), Code(f.Got))
	case f.Why == event.TakenOver:
		return fmt.Sprintf("\nTaken over: `%s`", Code(f.Got))
	case f.Why == event.OtherBot:
		return fmt.Sprintf("\nThe plan says: `%s`\nConclave has: `%s`", Code(f.Want), Code(f.Got))
	case f.Why == event.OtherConfig:
		return fmt.Sprintf("\nThe plan says: `%s`\nThe configuration says: `%s`", Code(f.Want), Code(f.Got))
	}
	return fmt.Sprintf("\nThe plan says: `%s`\nVault says: `%s`", Code(f.Want), Code(f.Got))
}

// FreezeReason says why a ceremony froze.
func FreezeReason(p ceremony.Plan, ev event.Frozen) string {
	switch ev.Why {
	case event.VaultDiffers:
		return "Vault's state is not what the plan says. Somebody may be interfering."
	case event.AttemptGone:
		return goneReason(p, ev)
	case event.ForeignAttempt:
		return "Vault has an attempt in progress that is not known to have come from here."
	case event.ForeignShare:
		return "Vault's count of shares is not ours: somebody has sent a share past Conclave, or progress was dropped."
	case event.SealedMidway:
		return "Vault was sealed in the middle of the ceremony."
	case event.PersonStopped:
		return "Somebody who has a part in it wants everything to stand still."
	case event.OtherBot:
		return "Conclave has another identity than the one that the plan pins and that holders know. Cancel this ceremony, and find out why it has changed."
	case event.OtherConfig:
		return "Conclave was started with a configuration that does not allow this plan: one of the two was changed. If the configuration was, put it back and start Conclave again, or cancel; until then nobody can resume. If it was not, somebody has written to the journal: cancel, and keep its files."
	case event.NotSigned:
		return "The journal has somebody say what their PGP key has not signed. Somebody may have written to it: ask the people whom it names, outside of Slack. Cancel this ceremony, and keep the journal's files; nobody can resume it with them as they are."
	case event.NotTold:
		return "The journal tells what Conclave's rules do not allow, or lacks what the plan demands. Somebody who has Conclave's key may have written it, or Conclave has a defect. Cancel this ceremony, and keep the journal's files; nobody can resume it with them as they are."
	case event.RolledBack:
		return "*The journal is older than what Conclave has already done*: it was put back from a copy, or somebody has cut off its end. " + rolledBackWords(p)
	case event.TakenOver:
		return "An operator has had Conclave take over this ceremony's journal, which was written before Conclave authenticated its lines, or under another identity. Nobody vouches for what stands in it, approvals by a button above all. Ask those whom it names, outside of Slack, whether they have said that; then resume, or cancel."
	case event.KeysLost:
		return "Vault has made the new shares, and its answer with them did not reach Conclave: it was lost, or others have sent the last share. The old shares stay in force until the new ones are proven; resuming drops the new ones and begins a new attempt."
	}
	return "Vault is not as expected."
}

// VaultLine says how Vault answers.
func VaultLine(c rules.State, live rules.Live) string {
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
		line += "\nnonce `" + Code(c.Attempt.Nonce) + "`"
	}
	return line
}

func planHash(c rules.State) string {
	return fmt.Sprintf("`%s`\n%s", Short(c.PlanHash), ceremony.SpokenHash(c.PlanHash, SpokenWords))
}
