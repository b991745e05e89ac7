package journal

import (
	"errors"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// What people send meets the bound first, then what is sent to Vault. Its answer always fits:
// the longest has a mebibyte, and four at most as a line.
func TestP7VaultsAnswerFitsWhateverPeopleHaveSent(t *testing.T) {
	const mib, answer = 1 << 20, 4 << 20
	fromPeople := []event.Event{event.Offered{}, event.ExceptionNoted{}, event.ResumeAsked{}, event.Noticed{}}
	toVault := []event.Event{event.Submitting{}, event.Starting{}, event.Dropping{}, event.Acting{}}
	after := []event.Event{
		event.Rekeyed{}, event.TokenIssued{}, event.Initialized{}, event.BackupRead{}, event.Verified{}, event.Counted{},
		event.Declined{}, event.AnswerLost{}, event.Frozen{}, event.FreezeAsked{}, event.Closing{}, event.Ended{}, event.Posted{},
	}
	for _, row := range []struct {
		size                  int
		people, vault, answer bool
	}{
		{40 * mib, true, true, true},
		{40*mib + 1, false, true, true},
		{48 * mib, false, true, true},
		{48*mib + 1, false, false, true},
		{48*mib + answer, false, false, true},
		{64 * mib, false, false, true},
	} {
		for _, kind := range []struct {
			events []event.Event
			fit    bool
		}{{fromPeople, row.people}, {toVault, row.vault}, {after, row.answer}} {
			for _, ev := range kind.events {
				err := fits("prod-rekey-aaaa", row.size, []event.Event{ev})
				if (err == nil) != kind.fit || err != nil && !errors.Is(err, ceremony.ErrNoLine) {
					t.Errorf("%s in a journal of %d bytes: %v", event.TypeOf(ev), row.size, err)
				}
			}
		}
	}
	if err := fits("prod-rekey-aaaa", 64*mib+1, after[:1]); err == nil || errors.Is(err, ceremony.ErrNoLine) {
		t.Errorf("more than can be read is written: %v", err)
	}
}
