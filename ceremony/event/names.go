package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// eventNames holds the name of every event in the journal, beside the event's zero
// value. Journals and signed transcripts have these names for ever: a Go type may be
// renamed, its name here must not change, and a row must not go.
var eventNames = [...]struct {
	name string
	zero Event
}{
	{"proposed", Proposed{}},
	{"conditions", Conditions{}},
	{"approved", Approved{}},
	{"rejected", Rejected{}},
	{"roll-called", RollCalled{}},
	{"present", Present{}},
	{"witness-asked", WitnessAsked{}},
	{"proceeded", Proceeded{}},
	{"exception-noted", ExceptionNoted{}},
	{"witness-stated", WitnessStated{}},
	{"witness-left", WitnessLeft{}},
	{"freeze-asked", FreezeAsked{}},
	{"starting", Starting{}},
	{"started", Started{}},
	{"key-announced", KeyAnnounced{}},
	{"offered", Offered{}},
	{"declined", Declined{}},
	{"submitting", Submitting{}},
	{"answer-lost", AnswerLost{}},
	{"counted", Counted{}},
	{"nodes-seen", NodesSeen{}},
	{"entered", Entered{}},
	{"proven", Proven{}},
	{"round-refused", RoundRefused{}},
	{"rekeyed", Rekeyed{}},
	{"token-issued", TokenIssued{}},
	{"password-lost", PasswordLost{}},
	{"acting", Acting{}},
	{"initialized", Initialized{}},
	{"rotated", Rotated{}},
	{"rotation-set", RotationSet{}},
	{"backup-read", BackupRead{}},
	{"deletion-asked", DeletionAsked{}},
	{"backup-deleted", BackupDeleted{}},
	{"backup-reminded", BackupReminded{}},
	{"backup-left", BackupLeft{}},
	{"accessor-given", AccessorGiven{}},
	{"reminded", Reminded{}},
	{"token-revoked", TokenRevoked{}},
	{"token-left", TokenLeft{}},
	{"verified", Verified{}},
	{"verification-dropped", VerificationDropped{}},
	{"reset-asked", ResetAsked{}},
	{"froze", Frozen{}},
	{"adopted", Adopted{}},
	{"resume-asked", ResumeAsked{}},
	{"resumed", Resumed{}},
	{"dropping", Dropping{}},
	{"attempt-lost", AttemptLost{}},
	{"round-reset", RoundReset{}},
	{"closing", Closing{}},
	{"ended", Ended{}},
	{"transcript-signed", TranscriptSigned{}},
	{"posted", Posted{}},
	{"undeliverable", Undeliverable{}},
	{"noticed", Noticed{}},
	{"acknowledged", Acknowledged{}},
	{"kept", Archived{}},
	{"not-kept", ArchiveFailed{}},
}

// EveryEvent returns the zero value of every event, for tests.
func EveryEvent() []Event {
	var all []Event
	for _, row := range eventNames {
		all = append(all, row.zero)
	}
	return all
}

// eventTypes is eventNames by the Go type of the zero value.
var eventTypes = func() map[reflect.Type]string {
	names := make(map[reflect.Type]string, len(eventNames))
	for _, row := range eventNames {
		names[reflect.TypeOf(row.zero)] = row.name
	}
	return names
}()

// TypeOf returns the event's name in the journal, such as round-refused for
// [RoundRefused]. It returns "" for an event that has none, which no journal takes.
func TypeOf(e Event) string { return eventTypes[reflect.TypeOf(e)] }

// DecodeEvent reads the fields of an event by its name in the journal. It returns an error
// for a field that this program does not know: then it can't judge the ceremony.
func DecodeEvent(name string, fields []byte) (Event, error) {
	for _, row := range eventNames {
		if row.name != name {
			continue
		}
		v := reflect.New(reflect.TypeOf(row.zero))
		d := json.NewDecoder(bytes.NewReader(fields))
		d.DisallowUnknownFields()
		if err := d.Decode(v.Interface()); err != nil {
			return nil, fmt.Errorf("read event %q: %w", name, err)
		}
		return v.Elem().Interface().(Event), nil
	}
	return nil, fmt.Errorf("unknown event %q", name)
}
