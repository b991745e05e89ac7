package story

import (
	"iter"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// commandsOf returns the commands that could have led to an entry, filled in as the entry says.
func commandsOf(c rules.State, e event.Entry) iter.Seq[command.Command] {
	for _, area := range []func(rules.State, event.Event) []command.Command{ofPeople, ofShares, ofActs, ofAfterwards} {
		if commands := area(c, e.Event); commands != nil {
			return slices.Values(commands)
		}
	}
	return ofVault(c, e.Event)
}

// ofPeople returns the commands of people who agree, decide and watch.
func ofPeople(c rules.State, e event.Event) []command.Command {
	switch ev := e.(type) {
	case event.Approved:
		return []command.Command{command.Approve{By: ev.By.Account, PlanHash: ev.PlanHash, Signed: ev.Signed}}
	case event.Rejected:
		return []command.Command{command.Reject{By: ev.By.Account, Why: ev.Why, Signed: ev.Signed}}
	case event.RollCalled:
		return []command.Command{command.CallRoll{Called: ev}}
	case event.WitnessAsked:
		return []command.Command{command.AskWitness{}}
	case event.Proceeded:
		return []command.Command{command.Proceed{By: ev.By.Account, Signed: ev.Signed}}
	case event.ExceptionNoted:
		return []command.Command{command.Note{By: ev.By.Account, Text: ev.Text, Signed: ev.Signed}}
	case event.WitnessStated:
		return []command.Command{
			command.Testify{By: ev.By.Account, Agrees: ev.Agrees, Why: ev.Why, Signed: ev.Signed}}
	case event.WitnessLeft:
		return []command.Command{command.Tick{}}
	case event.FreezeAsked:
		return []command.Command{command.Freeze{By: ev.By.Account, Why: ev.Why, Signed: ev.Signed}}
	case event.ResumeAsked:
		return []command.Command{command.Resume{By: ev.By.Account, Signed: ev.Signed}}
	case event.VerificationDropped:
		return []command.Command{command.Reverify{By: ev.By.Account, Signed: ev.Signed}}
	case event.ResetAsked:
		return []command.Command{command.Reset{By: ev.By.Account, Signed: ev.Signed}}
	case event.DeletionAsked:
		return []command.Command{command.Delete{By: ev.By.Account, Signed: ev.Signed}}
	case event.Acknowledged:
		return []command.Command{command.Acknowledge{By: ev.By.Account, Why: ev.Why, Signed: ev.Signed}}
	case event.Noticed:
		return []command.Command{command.Alert{Found: ev}}
	case event.Conditions:
		return []command.Command{command.Observe{Seen: ev}}
	}
	return nil
}

// ofShares returns the commands by which an envelope is taken, opened and sent, or is not.
func ofShares(c rules.State, e event.Event) []command.Command {
	switch ev := e.(type) {
	case event.KeyAnnounced:
		return []command.Command{command.Announce(ev)}
	case event.Offered:
		return received(ev.By, ev.Message, ev.Evidence)
	case event.Declined:
		commands := append(received(ev.By, ev.Message, ev.Evidence),
			command.Decline{Evidence: ev.Evidence, Reason: ev.Reason, Share: ev.ShareTag, See: ev.See})
		return slices.AppendSeq(commands, settled(c, e))
	case event.Submitting:
		if ev.Before != len(c.Round.Counted) {
			return []command.Command{}
		}
		return []command.Command{command.Send{
			Evidence: ev.Evidence, Before: ev.Before, Share: ev.ShareTag,
			Verdict: ceremony.Verdict{Known: ev.Known, Whose: ev.Whose, Reason: ev.Insisted},
		}}
	case event.Proven:
		return []command.Command{command.Prove{
			Evidence: ev.Evidence, Share: ev.ShareTag,
			Verdict: ceremony.Verdict{Known: ev.Known, Whose: ev.Whose, Reason: ev.Insisted},
		}}
	case event.AnswerLost:
		return []command.Command{command.Lose{}}
	}
	return nil
}

// received returns the commands that bring an envelope in each way that there is: the journal does not say which.
func received(by ceremony.Person, message ceremony.Ref, evidence ceremony.Evidence) []command.Command {
	var commands []command.Command
	for _, way := range []ceremony.Intake{ceremony.AtTerminal, ceremony.ByText, ceremony.ByFile, ceremony.ByForm} {
		commands = append(commands, command.Receive{
			By: by.Account, Name: by.Name, Message: message, Way: way, Evidence: evidence})
	}
	return commands
}

// ofActs returns the commands by which Vault is asked for something, and by which its result is taken.
func ofActs(c rules.State, e event.Event) []command.Command {
	switch ev := e.(type) {
	case event.Starting:
		return []command.Command{command.Begin{}}
	case event.Started:
		return started(c, ev)
	case event.PasswordLost:
		return []command.Command{command.NotBegun{}}
	case event.Acting:
		return []command.Command{command.Request(ev)}
	case event.Initialized, event.Rotated, event.RotationSet, event.BackupRead:
		return []command.Command{command.Done{Result: ev}}
	case event.BackupDeleted:
		return []command.Command{command.Done{Result: ev}, command.Gone{}}
	}
	return nil
}

// started returns the commands that say an attempt was begun as the plan orders it, without a share or with one.
func started(c rules.State, ev event.Started) []command.Command {
	p := c.Plan
	seen := ceremony.Progress{
		Started: true, Nonce: ev.Nonce, Required: ev.Required, Shares: len(p.Receivers), Threshold: p.NewThreshold,
		Fingerprints: p.Recipients(), Backup: p.Backup, VerificationRequired: p.Verification,
	}
	more := seen
	more.Progress = 1
	open := command.Open{Nonce: ev.Nonce}
	for _, address := range p.Nodes {
		open.Nodes = append(open.Nodes, ceremony.NodeState{Address: address})
	}
	return []command.Command{
		command.Began{Seen: seen, Confirmed: true}, command.Began{Seen: more, Confirmed: true}, open}
}

// ofAfterwards returns the commands that follow the end of a ceremony.
func ofAfterwards(c rules.State, e event.Event) []command.Command {
	switch ev := e.(type) {
	case event.AccessorGiven:
		seen := ceremony.TokenState{Exists: true, Root: true}
		for _, before := range c.History {
			if rules.Is[event.TokenIssued](before.Event) {
				seen.Created = before.At
			}
		}
		return []command.Command{
			command.Name{By: ev.By.Account, Accessor: ev.Accessor, Seen: seen, Signed: ev.Signed}}
	case event.TokenRevoked:
		if ev.By == nil {
			return []command.Command{command.Gone{}}
		}
		return []command.Command{command.Revoke{By: ev.By.Account, Signed: ev.Signed}}
	case event.Reminded, event.BackupReminded, event.TokenLeft, event.BackupLeft:
		return []command.Command{command.Remind{}}
	case event.Archived:
		return []command.Command{command.Archive{Kept: ev}}
	case event.ArchiveFailed:
		return []command.Command{command.GiveUpArchive{}}
	}
	return nil
}
