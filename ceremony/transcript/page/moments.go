package page

import (
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// moment is an event as it is drawn.
type moment struct {
	lane   string
	shape  shape
	words  string
	toward string // lane that it reaches as well; empty without one
}

// momentOf returns what is drawn of an entry. It reports whether anything is.
func momentOf(c rules.State, e event.Entry) (moment, bool) {
	if rules.Is[event.Conditions](e.Event) && len(c.Changed(e)) == 0 {
		return moment{}, false
	}
	for _, row := range moments {
		if m, ok := row(c, e.Event); ok {
			return m, true
		}
	}
	return moment{}, false
}

// row returns what is drawn of one type of event. It reports whether the event is of
// that type.
type row func(rules.State, event.Event) (moment, bool)

// moments has a row for each type of event that is drawn.
var moments = []row{
	by(said, "proposed the plan", func(e event.Proposed) ceremony.Person { return e.Plan.Initiator }),
	at[event.Conditions](conclaveLane, bad, "what it runs under has changed"),
	by(good, "approved the plan", func(e event.Approved) ceremony.Person { return e.By }),
	by(bad, "rejected the plan", func(e event.Rejected) ceremony.Person { return e.By }),
	at[event.RollCalled](conclaveLane, asked, "people were called to show that they can decrypt"),
	by(good, "answered the roll call", func(e event.Present) ceremony.Person { return e.By }),
	at[event.WitnessAsked](conclaveLane, asked, "the witnesses were asked"),
	by(good, "let the step happen", func(e event.Proceeded) ceremony.Person { return e.By }),
	by(bad, "noted an exception", func(e event.ExceptionNoted) ceremony.Person { return e.By }),
	by(bad, "wanted the ceremony to stand still", func(e event.FreezeAsked) ceremony.Person { return e.By }),
	on(func(_ rules.State, e event.WitnessStated) moment {
		if e.Agrees {
			return person(e.By, good, "agreed, as a witness")
		}
		return person(e.By, bad, "did not agree, as a witness")
	}),
	at[event.Noticed](conclaveLane, bad, "something was noticed"),
	by(good, "acknowledged it", func(e event.Acknowledged) ceremony.Person { return e.By }),
	at[event.Started](vaultLane, done, "an attempt began"),
	at[event.KeyAnnounced](conclaveLane, asked, "people were asked for shares"),
	by(bad, "sent a message that was not used", func(e event.Declined) ceremony.Person { return e.By }),
	at[event.AnswerLost](vaultLane, bad, "Vault's answer was lost"),
	on(func(c rules.State, e event.Counted) moment {
		return share(e.By, fmt.Sprintf("brought share %d of %d", e.Progress, c.Plan.Needed(e.Step)))
	}),
	on(func(_ rules.State, e event.Entered) moment {
		return share(e.By, "brought a share to the sealed nodes")
	}),
	by(good, "proved that they can use their share", func(e event.Proven) ceremony.Person { return e.By }),
	at[event.RoundRefused](vaultLane, bad, "Vault refused the shares of a round"),
	on(func(_ rules.State, e event.Rekeyed) moment {
		if rules.Elsewhere(e) {
			return moment{
				lane: vaultLane, shape: bad, words: "others had carried the rekey through: the backup had the new shares",
			}
		}
		return share(e.By, "brought the last share: Vault made the new ones")
	}),
	on(func(_ rules.State, e event.TokenIssued) moment {
		return share(e.By, "brought the last share: Vault made the token")
	}),
	on(func(_ rules.State, e event.Verified) moment {
		if e.By != nil {
			return share(*e.By, "brought the last proof: the new key is in force")
		}
		return moment{lane: vaultLane, shape: good, words: "the new key is in force"}
	}),
	at[event.Initialized](vaultLane, good, "the cluster has its key"),
	at[event.Rotated](vaultLane, good, "the encryption key was rotated"),
	at[event.RotationSet](vaultLane, good, "the rotation policy was set"),
	at[event.BackupRead](vaultLane, done, "the backup was read"),
	by(good, "agreed that the backup is deleted", func(e event.DeletionAsked) ceremony.Person { return e.By }),
	at[event.BackupDeleted](vaultLane, good, "the backup is gone"),
	by(said, "named the token", func(e event.AccessorGiven) ceremony.Person { return e.By }),
	on(func(_ rules.State, e event.TokenRevoked) moment {
		if e.By != nil {
			return person(*e.By, said, "said that the token is revoked")
		}
		return moment{lane: vaultLane, shape: good, words: "the token is revoked"}
	}),
	at[event.TokenLeft](conclaveLane, bad, "nobody is known to have revoked the token"),
	at[event.BackupLeft](conclaveLane, bad, "nobody has had the backup deleted"),
	by(bad, "wanted the new shares to be proven anew", func(e event.VerificationDropped) ceremony.Person {
		return e.By
	}),
	by(bad, "wanted the shares to be forgotten", func(e event.ResetAsked) ceremony.Person { return e.By }),
	at[event.Frozen](conclaveLane, bad, "the ceremony froze"),
	by(said, "wanted to go on", func(e event.ResumeAsked) ceremony.Person { return e.By }),
	at[event.Resumed](conclaveLane, good, "the ceremony went on"),
	at[event.AttemptLost](vaultLane, bad, "the attempt was lost"),
	at[event.RoundReset](vaultLane, bad, "the round began anew"),
	on(func(_ rules.State, e event.Closing) moment {
		if e.By != nil {
			return person(*e.By, bad, "ended the ceremony")
		}
		return moment{lane: conclaveLane, shape: bad, words: "the ceremony was brought to its end"}
	}),
	on(func(_ rules.State, e event.Ended) moment {
		s := bad
		if e.Outcome == event.Completed {
			s = good
		}
		return moment{lane: conclaveLane, shape: s, words: "ended: " + clean(string(e.Outcome))}
	}),
}

// on makes a row.
func on[E event.Event](draw func(rules.State, E) moment) row {
	return func(c rules.State, e event.Event) (moment, bool) {
		of, ok := e.(E)
		if !ok {
			return moment{}, false
		}
		return draw(c, of), true
	}
}

// at makes a row on the lane of Conclave or of Vault.
func at[E event.Event](lane string, s shape, words string) row {
	return on(func(rules.State, E) moment { return moment{lane: lane, shape: s, words: words} })
}

// by makes a row on the lane of the person who caused the event.
func by[E event.Event](s shape, words string, who func(E) ceremony.Person) row {
	return on(func(_ rules.State, e E) moment { return person(who(e), s, words) })
}

// person is a moment on a person's lane. The words follow their name.
func person(p ceremony.Person, s shape, words string) moment {
	name := clean(p.Name)
	return moment{lane: name, shape: s, words: name + " " + words}
}

// share is a moment on a person's lane that reaches Vault.
func share(p ceremony.Person, words string) moment {
	m := person(p, said, words)
	m.toward = vaultLane
	return m
}
