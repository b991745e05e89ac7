package story

import (
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// Unmet returns the events that lack what the plan demands before them: approvals, the roll call, witnesses, its time,
// the people, nonce and number of each round, the recipients of what Vault made, the verification. It asks neither
// [rules.Decide] nor [rules.Apply].
func Unmet(entries []event.Entry) []Fault {
	if len(entries) == 0 {
		return nil
	}
	proposed, ok := entries[0].Event.(event.Proposed)
	if !ok {
		return []Fault{{Entry: entries[0], Why: "it is no proposal, so that there is no plan to hold the rest to"}}
	}
	t := tally{plan: proposed.Plan}
	for i, e := range entries[1:] {
		t.entry = e
		var next event.Event
		if i+2 < len(entries) {
			next = entries[i+2].Event
		}
		t.look(e, next)
	}
	return t.faults
}

// tally counts what people have shown so far.
type tally struct {
	plan   ceremony.Plan
	entry  event.Entry
	faults []Fault

	approvals []ceremony.Approval
	present   []ceremony.Account // who has answered the roll call
	proceeded []ceremony.Gate    // gates that a witness has opened since what they are for came up
	begun     bool               // Vault was asked for something
	frozen    bool
	resumes   []ceremony.Person // who wants a frozen ceremony to go on

	step     ceremony.Step
	nonce    string // of the current round
	key      *ceremony.Announced
	counted  []ceremony.Account // whose share is in the current round
	sent     *event.Submitting
	made     bool // new shares, or a token
	verified bool
	deletion bool // an approver agrees that a backup is deleted
}

func (t *tally) fault(format string, args ...any) {
	t.faults = append(t.faults, Fault{Entry: t.entry, Why: fmt.Sprintf(format, args...)})
}

// look judges one entry. next is the event after it, or nil.
func (t *tally) look(e event.Entry, next event.Event) {
	switch ev := e.Event.(type) {
	case event.Approved:
		t.approved(e, ev)
	case event.Present:
		t.answered(ev)
	case event.Proceeded:
		if _, is := ceremony.Find(t.plan.Witnesses, ev.By.Account); is {
			t.proceeded = append(t.proceeded, ev.Gate)
		} else {
			t.fault("%s is no witness of the plan", ev.By.Name)
		}
	case event.Starting, event.Acting, event.BackupRead:
		t.begin(e)
	case event.Started:
		t.started(e, ev)
	case event.KeyAnnounced:
		t.key = &ev.Key
		if ev.Key.Step == ceremony.StepOTP {
			t.step, t.nonce = ev.Key.Step, ev.Key.Nonce
		}
	case event.Offered:
		t.brings(e, ev.By, ev.Step)
	case event.Submitting:
		t.submitting(ev)
	case event.Counted:
		t.counts(ev.By)
	case event.Proven:
		t.counts(ev.By)
	case event.Frozen:
		t.frozen, t.resumes = true, nil
	case event.ResumeAsked:
		t.resumes = append(t.resumes, ev.By)
	case event.Resumed:
		t.resumed()
	default:
		t.lookAtRound(e, next)
	}
}

// lookAtRound judges what ends a round, begins one anew, or ends the ceremony.
func (t *tally) lookAtRound(e event.Entry, next event.Event) {
	switch ev := e.Event.(type) {
	case event.RoundRefused:
		t.round(ev.Step, ev.Nonce)
	case event.RoundReset:
		t.round(ev.Step, ev.Nonce)
	case event.AttemptLost:
		t.proceeded, t.counted, t.sent, t.key = nil, nil, nil, nil
	case event.Rekeyed:
		t.rekeyed(ev, next)
	case event.TokenIssued:
		t.completes(ev.By, t.plan.Threshold)
		t.made = true
		if _, stopped := next.(event.Frozen); t.plan.OTP == "" && !stopped && !slices.Equal(ev.Keys, t.plan.Recipients()) {
			t.fault("the token is for %v, and the plan names %v", ev.Keys, t.plan.Recipients())
		}
	case event.Verified:
		if ev.By != nil {
			t.completes(*ev.By, t.plan.NewThreshold)
		}
		t.verified = true
	case event.Initialized:
		t.made = true
		t.handsOut(ev.Shares)
	case event.DeletionAsked:
		_, may := ceremony.Find(t.plan.Approvers, ev.By.Account)
		if !may || ev.By.Account == t.plan.Initiator.Account {
			t.fault("%s can't have agreed to the deletion", ev.By.Name)
		}
		t.deletion = true
	case event.Ended:
		t.ended(ev)
	}
}

func (t *tally) approved(e event.Entry, ev event.Approved) {
	switch {
	case !slices.Contains(t.plan.Approvers, ev.By):
		t.fault("%s is no approver of the plan", ev.By.Name)
	case ev.By.Account == t.plan.Initiator.Account:
		t.fault("%s approves their own proposal", ev.By.Name)
	case slices.ContainsFunc(t.approvals, func(a ceremony.Approval) bool { return a.By.Account == ev.By.Account }):
		t.fault("%s approves twice", ev.By.Name)
	case t.plan.SignedApprovals && ev.Signed == "":
		t.fault("the plan wants approvals signed, and %s has not signed", ev.By.Name)
	case !e.At.Before(t.plan.Closes.Add(clockSlack)):
		t.fault("%s approves after the plan's end", ev.By.Name)
	default:
		t.approvals = append(t.approvals, ceremony.Approval{By: ev.By, At: e.At})
	}
}

func (t *tally) answered(ev event.Present) {
	switch {
	case !slices.Contains(t.plan.RollCall, ev.By):
		t.fault("%s is not called by the plan", ev.By.Name)
	case ev.Signed == "":
		t.fault("%s has signed nothing", ev.By.Name)
	case !slices.Contains(t.present, ev.By.Account):
		t.present = append(t.present, ev.By.Account)
	}
}

// agreed demands what has to come before Vault is asked for anything.
func (t *tally) agreed() {
	if t.plan.Approvals > 0 || t.plan.Operation.NeedsApproval() {
		if !t.plan.Agreed(t.approvals) {
			t.fault("it begins with %d of %d approvals that the plan asks for", len(t.approvals), t.plan.Approvals)
		}
	}
	if len(t.plan.RollCall) > 0 && len(t.present) < t.plan.Present {
		t.fault("it begins with %d of %d people who have answered the roll call", len(t.present), t.plan.Present)
	}
	if t.frozen {
		t.fault("it begins while it is frozen")
	}
	t.witness(ceremony.GateStart)
}

// begin demands what has to come before an act or an attempt, and its time.
func (t *tally) begin(e event.Entry) {
	t.agreed()
	if acting, is := e.Event.(event.Acting); is && acting.Act == event.DeletingBackup {
		if !t.deletion {
			t.fault("no approver has agreed to the deletion")
		}
		return
	}
	if !e.At.Before(t.plan.Closes.Add(clockSlack)) {
		t.fault("it begins after the plan's end, %s", stamp(t.plan.Closes))
	}
	if t.begun || len(t.approvals) == 0 {
		t.begun = true
		return // what has begun goes on at any hour
	}
	t.begun = true
	earliest := t.approvals[len(t.approvals)-1].At.Add(time.Duration(t.plan.Cooling) - clockSlack)
	if e.At.Before(earliest) {
		t.fault("the plan's time to think, %s, is not over", t.plan.Cooling)
	}
	if q := t.plan.Quiet; q != nil && t.quiet(e.At) && t.quiet(e.At.Add(clockSlack)) && t.quiet(e.At.Add(-clockSlack)) &&
		!q.Changing(e.At) {
		t.fault("it begins in the plan's quiet hours, %s", q)
	}
}

// quiet reports whether nothing may begin at a time.
func (t *tally) quiet(at time.Time) bool { return !t.plan.Begins(at).Equal(at) }

func (t *tally) started(e event.Entry, ev event.Started) {
	op := t.plan.Operation
	if !op.HasAttempt() {
		t.begin(e)
	}
	if want := t.plan.Needed(op.FirstStep()); ev.Required != want {
		t.fault("it asks for %d shares, and the plan for %d", ev.Required, want)
	}
	t.round(op.FirstStep(), ev.Nonce)
	t.made, t.verified = false, false
}

// round begins a round. An empty nonce is that of the round before.
func (t *tally) round(step ceremony.Step, nonce string) {
	if nonce == "" {
		nonce = t.nonce
	}
	t.step, t.nonce, t.counted, t.sent, t.key = step, nonce, nil, nil, nil
	t.proceeded = slices.DeleteFunc(t.proceeded, func(g ceremony.Gate) bool { return g != ceremony.GateStart })
}

// brings demands that a person may bring a share now.
func (t *tally) brings(e event.Entry, by ceremony.Person, step ceremony.Step) {
	switch {
	case !slices.Contains(t.plan.Contributors(step), by):
		t.fault("%s brings a share that the plan does not ask of them", by.Name)
	case step != t.step:
		t.fault("%s brings a share for %q, and %q is due", by.Name, step, t.step)
	case t.frozen:
		t.fault("%s brings a share while it is frozen", by.Name)
	case t.key == nil || t.key.Step != step || t.key.Nonce != t.nonce:
		t.fault("no key of this round was announced to %s", by.Name)
	case !e.At.Before(t.plan.Closes.Add(clockSlack)):
		t.fault("%s brings a share after the plan's end, %s", by.Name, stamp(t.plan.Closes))
	}
}

func (t *tally) submitting(ev event.Submitting) {
	t.brings(t.entry, ev.By, ev.Step)
	if ev.Nonce != t.nonce {
		t.fault("%s's share goes to %q, and this round is %q", ev.By.Name, ev.Nonce, t.nonce)
	}
	if t.plan.Operation.HasAttempt() {
		if slices.Contains(t.counted, ev.By.Account) {
			t.fault("%s's share is in this round already", ev.By.Name)
		}
		if len(t.counted) == t.plan.Needed(ev.Step)-1 {
			gate := ceremony.GateUpdate
			if ev.Step == ceremony.StepVerify {
				gate = ceremony.GateVerify
			}
			t.witness(gate)
		}
	}
	t.sent = &ev
}

// witness demands that a witness has opened a gate, where the plan has witnesses.
func (t *tally) witness(gate ceremony.Gate) {
	if len(t.plan.Witnesses) > 0 && !slices.Contains(t.proceeded, gate) {
		t.fault("no witness has let %q happen", gate)
	}
}

func (t *tally) counts(by ceremony.Person) {
	if t.plan.Operation.HasAttempt() && (t.sent == nil || t.sent.By != by) {
		t.fault("%s's share is counted and was not sent", by.Name)
	}
	t.counted, t.sent = append(t.counted, by.Account), nil
}

// completes demands that a person's share is the last of as many as a round takes.
func (t *tally) completes(by ceremony.Person, needed int) {
	if t.sent == nil || t.sent.By != by {
		t.fault("the share of %s completes it and was not sent", by.Name)
	}
	if got := len(t.counted) + 1; got != needed {
		t.fault("%d shares of different people complete it, and the plan asks for %d", got, needed)
	}
	t.sent = nil
}

func (t *tally) rekeyed(ev event.Rekeyed, next event.Event) {
	if (ev.By != ceremony.Person{}) && !ev.FromBackup {
		t.completes(ev.By, t.plan.Threshold)
	}
	t.made = true
	_, stopped := next.(event.Frozen)
	if !stopped && !slices.Equal(ev.Keys, t.plan.Recipients()) {
		t.fault("the new shares are for %v, and the plan names %v", ev.Keys, t.plan.Recipients())
	}
	if !stopped {
		t.handsOut(ev.Shares)
	}
	if t.plan.Verification && !stopped && ev.VerificationNonce == "" && !ev.FromBackup {
		t.fault("the plan asks for a verification, and there is none")
	}
	if t.plan.Verification && !stopped && !ev.FromBackup && ev.Required != t.plan.NewThreshold {
		t.fault("the verification takes %d shares, and the plan asks for %d", ev.Required, t.plan.NewThreshold)
	}
	t.round(ceremony.StepVerify, ev.VerificationNonce)
}

// handsOut demands that each receiver gets a share, in the plan's order.
func (t *tally) handsOut(shares []event.NewShare) {
	got := make([]ceremony.Person, len(shares))
	for i, s := range shares {
		got[i] = s.For
	}
	if !slices.Equal(got, t.plan.Receivers) {
		t.fault("%d shares are not those of the plan's %d receivers, in its order", len(got), len(t.plan.Receivers))
	}
}

func (t *tally) resumed() {
	initiator := t.plan.Initiator == ceremony.SealWatch
	approver := false
	for _, p := range t.resumes {
		if p.Account == t.plan.Initiator.Account {
			initiator = true
		} else if slices.Contains(t.plan.Approvers, p) {
			approver = true
		}
	}
	if !t.frozen || !initiator || !approver {
		t.fault("it goes on, and the initiator and an approver have not both asked for it since it froze")
	}
	t.frozen, t.key = false, nil
}

// ended demands that what has completed has its result.
func (t *tally) ended(ev event.Ended) {
	if ev.Outcome != event.Completed {
		return
	}
	p := t.plan
	switch {
	case (p.Operation.Rekeys() || p.Operation.IssuesToken() || p.Operation == ceremony.Init) && !t.made:
		t.fault("it has completed, and has made nothing")
	case p.Operation.Rekeys() && p.Verification && !t.verified:
		t.fault("it has completed, and the new key was not verified")
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
