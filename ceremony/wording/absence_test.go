package wording_test

import (
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// tells checks that a text has each word of has and none of lacks.
func tells(t *testing.T, what, text string, has, lacks []string) {
	t.Helper()
	for _, word := range has {
		if !strings.Contains(text, word) {
			t.Errorf("%s does not say %q: %s", what, word, text)
		}
	}
	for _, word := range lacks {
		if strings.Contains(text, word) {
			t.Errorf("%s says %q: %s", what, word, text)
		}
	}
}

// entries returns a state with these events after the proposal of the plan.
func entries(c rules.State, events ...event.Event) rules.State {
	c.History = nil
	for i, e := range append([]event.Event{event.Proposed{Plan: c.Plan}}, events...) {
		c.History = append(c.History, event.Entry{Seq: i + 1, At: time.Unix(int64(i), 0), Event: e})
	}
	return c
}

// posts adds the journal's word that a message of this kind has reached a person, or never can.
func posts(c rules.State, kind rules.MessageKind, name string, reached bool) rules.State {
	for _, m := range c.Messages() {
		if m.Kind != kind || m.To == nil || m.To.Name != name {
			continue
		}
		var e event.Event = event.Undeliverable{Key: m.Key}
		if reached {
			e = event.Posted{Key: m.Key}
		}
		c.History = append(c.History, event.Entry{Seq: c.Seq() + 1, Event: e})
	}
	return c
}

// A journal that can't be written holds up one ceremony until the program is started anew (P9).
func TestP10JournalThatCantBeWrittenIsSaidToHoldUpTheCeremony(t *testing.T) {
	live := rules.Live{Vault: ceremony.ErrJournal, Since: time.Unix(0, 0)}
	tells(t, "the status", wording.StandsStill(live),
		[]string{"stands still", "keep their shares", "starts Conclave again"}, nil)
	c := rules.State{Plan: ceremonytest.PlanOf(ceremony.Rekey)}
	tells(t, "Vault's line", wording.VaultLine(c, live), []string{"is not asked"}, []string{"does not answer"})
	tells(t, "the answer", wording.ExplainError(live.Vault).String(), []string{"starts it again"}, []string{"after that, try again"})
	if said := wording.StandsStill(rules.Live{Vault: ceremony.ErrNotSent, Since: time.Unix(0, 0)}); said != "" {
		t.Errorf("although Vault alone is silent: %s", said)
	}
}

// What people alone can't thaw is not offered to be resumed.
func TestFreezeThatStandsIsNotSaidToBeResumed(t *testing.T) {
	for why, stands := range map[event.FreezeReason]bool{
		event.OtherBot: true, event.OtherConfig: true, event.NotSigned: true, event.NotTold: true,
		event.AttemptGone: false, event.ForeignShare: false,
	} {
		frozen := event.Frozen{Why: why, Want: "a", Got: "b"}
		c := rules.State{Plan: ceremonytest.PlanOf(ceremony.Rekey), Phase: rules.PhaseFrozen,
			Freeze: &rules.FreezeState{Frozen: frozen}}
		said := wording.FreezeWords(entries(c, frozen))
		if resumes := strings.Contains(said, "type `/ceremony resume"); resumes == stands {
			t.Errorf("frozen for %q: %s", why, said)
		}
		tells(t, string(why), said, []string{"/ceremony cancel"}, nil)
	}
}

// What was not delivered is not said to be handed out (P10).
func TestP10OnlyWhatHasReachedPeopleIsHandedOut(t *testing.T) {
	plan := ceremonytest.PlanOf(ceremony.ReadBackup)
	read := event.BackupRead{Nonce: "n"}
	for _, p := range plan.Receivers[:2] {
		read.Shares = append(read.Shares, event.NewShare{For: p, Ciphertext: "AAAA"})
	}
	first, second := plan.Receivers[0].Name, plan.Receivers[1].Name
	c := entries(rules.State{Plan: plan, Phase: rules.PhaseHandingOut, Backup: &read}, read)
	tells(t, "at first", wording.HandedOver(c), []string{"on its way", first, second}, []string{"was handed out"})
	c = posts(c, rules.DeliveryMessage, first, true)
	tells(t, "after one", wording.HandedOver(c), []string{"on its way", second}, []string{first})
	done := posts(c, rules.DeliveryMessage, second, true)
	tells(t, "after both", wording.HandedOver(done), []string{"was handed out"}, nil)
	if !wording.Deletable(done) {
		t.Error("after both: it can't be deleted")
	}
	c = posts(c, rules.DeliveryMessage, second, false)
	tells(t, "when one can't be delivered", wording.HandedOver(c), []string{"Not handed out", second}, []string{first})
	tells(t, "the status then", wording.StateWords(c), []string{"Not handed out", second}, []string{"/ceremony delete"})
	tells(t, "the board then", wording.HandedOut(c), []string{first, second, "can't be delivered"}, nil)
	if wording.Deletable(c) {
		t.Error("the only copy of a share can be deleted")
	}
}

func TestP10RequesterHasNoTokenThatWasNotSent(t *testing.T) {
	plan := ceremonytest.PlanOf(ceremony.Init)
	c := entries(rules.State{Plan: plan}, event.Initialized{Token: "AAAA"})
	name := plan.Requester.Name
	for said, state := range map[string]rules.State{
		"is being sent":     c,
		"has":               posts(c, rules.TokenMessage, name, true),
		"could not be sent": posts(c, rules.TokenMessage, name, false),
	} {
		if got := wording.TokenFor(state); got != said {
			t.Errorf("%q, want %q", got, said)
		}
	}
}

func TestP10OwnersAreToldOfAnAlarmWhenTheMessageHasReachedThem(t *testing.T) {
	plan := ceremonytest.PlanOf(ceremony.Alarm)
	plan.Owners = ceremonytest.People("sue", "bob")
	c := entries(rules.State{Plan: plan, Phase: rules.PhaseRaised}, event.Noticed{Kind: ceremony.TermChanged})
	tells(t, "at first", wording.StateWords(c), []string{"Nobody has acknowledged"}, []string{"Told of it"})
	c = posts(posts(c, rules.AlarmMessage, "sue", true), rules.AlarmMessage, "bob", false)
	tells(t, "then", wording.StateWords(c), []string{"Told of it: sue."}, []string{"bob"})
}

// The silence of a holder whom no request has reached says nothing of their share (P10).
func TestP10HolderWhoWasNotAskedIsNotSilentInADrill(t *testing.T) {
	plan := ceremonytest.PlanOf(ceremony.Drill)
	c := entries(rules.State{Plan: plan, Phase: rules.PhaseEnded, Outcome: event.Completed},
		event.KeyAnnounced{Key: ceremony.Announced{Step: ceremony.StepDrill}})
	c.Attempt.Nonce = "n"
	c.Round = rules.Round{Number: 1, Step: ceremony.StepDrill}
	asked := plan.Holders[0].Name
	c = posts(c, rules.AskMessage, asked, true)
	tells(t, "the report", wording.Report(c), []string{plan.Holders[1].Name + " (not asked)"}, []string{asked + " (not asked)"})
}

// The receipt of a share that ended in a freeze says what is not known, and what to keep.
func TestP10ReceiptOfAFreezeSaysWhatToKeep(t *testing.T) {
	for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.RekeyRecovery, ceremony.GenerateRoot, ceremony.Unseal} {
		for _, why := range []event.FreezeReason{event.AttemptGone, event.ForeignShare, event.ForeignAttempt, event.VaultDiffers} {
			c := rules.State{Plan: ceremonytest.PlanOf(op)}
			said := wording.ReceiptWords(c, event.Entry{Event: event.Frozen{Why: why}})
			tells(t, string(op)+" "+string(why), said, []string{"not known", "Send nothing now"}, []string{"is counted"})
			if op.Rekeys() {
				tells(t, string(op)+" "+string(why), strings.ToLower(said), []string{"keep"}, nil)
			}
		}
	}
}
