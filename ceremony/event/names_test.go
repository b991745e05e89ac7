package event_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"conclave/ceremony/event"
)

// names holds the events by their names in journals, written down a second time. A row that
// changes in the program alone, or two that change places, could not read what is kept.
var names = map[string]event.Event{
	"proposed":             event.Proposed{},
	"conditions":           event.Conditions{},
	"approved":             event.Approved{},
	"rejected":             event.Rejected{},
	"roll-called":          event.RollCalled{},
	"present":              event.Present{},
	"witness-asked":        event.WitnessAsked{},
	"proceeded":            event.Proceeded{},
	"exception-noted":      event.ExceptionNoted{},
	"witness-stated":       event.WitnessStated{},
	"witness-left":         event.WitnessLeft{},
	"freeze-asked":         event.FreezeAsked{},
	"starting":             event.Starting{},
	"started":              event.Started{},
	"key-announced":        event.KeyAnnounced{},
	"offered":              event.Offered{},
	"declined":             event.Declined{},
	"submitting":           event.Submitting{},
	"answer-lost":          event.AnswerLost{},
	"counted":              event.Counted{},
	"nodes-seen":           event.NodesSeen{},
	"entered":              event.Entered{},
	"proven":               event.Proven{},
	"round-refused":        event.RoundRefused{},
	"rekeyed":              event.Rekeyed{},
	"token-issued":         event.TokenIssued{},
	"password-lost":        event.PasswordLost{},
	"acting":               event.Acting{},
	"initialized":          event.Initialized{},
	"rotated":              event.Rotated{},
	"rotation-set":         event.RotationSet{},
	"backup-read":          event.BackupRead{},
	"deletion-asked":       event.DeletionAsked{},
	"backup-deleted":       event.BackupDeleted{},
	"backup-reminded":      event.BackupReminded{},
	"backup-left":          event.BackupLeft{},
	"accessor-given":       event.AccessorGiven{},
	"reminded":             event.Reminded{},
	"token-revoked":        event.TokenRevoked{},
	"token-left":           event.TokenLeft{},
	"verified":             event.Verified{},
	"verification-dropped": event.VerificationDropped{},
	"reset-asked":          event.ResetAsked{},
	"froze":                event.Frozen{},
	"adopted":              event.Adopted{},
	"resume-asked":         event.ResumeAsked{},
	"resumed":              event.Resumed{},
	"dropping":             event.Dropping{},
	"attempt-lost":         event.AttemptLost{},
	"round-reset":          event.RoundReset{},
	"closing":              event.Closing{},
	"ended":                event.Ended{},
	"transcript-signed":    event.TranscriptSigned{},
	"posted":               event.Posted{},
	"undeliverable":        event.Undeliverable{},
	"noticed":              event.Noticed{},
	"acknowledged":         event.Acknowledged{},
	"kept":                 event.Archived{},
	"not-kept":             event.ArchiveFailed{},
}

func TestP8EveryEventKeepsItsNameInTheJournal(t *testing.T) {
	for name, ev := range names {
		if got := event.TypeOf(ev); got != name {
			t.Errorf("%T is %q in the journal, and was %q", ev, got, name)
		}
		read, err := event.DecodeEvent(name, []byte("{}"))
		if err == nil && reflect.TypeOf(read) != reflect.TypeOf(ev) {
			t.Errorf("%q is read as %T, and was %T", name, read, ev)
		}
	}
	once := map[reflect.Type]bool{}
	for _, ev := range event.EveryEvent() {
		if _, known := names[event.TypeOf(ev)]; !known {
			t.Errorf("%q is not in this test: write it down here, and into testdata/kept", event.TypeOf(ev))
		}
		if ty := reflect.TypeOf(ev); once[ty] {
			t.Errorf("%T has two names", ev)
		} else {
			once[ty] = true
		}
	}
	if len(once) != len(names) {
		t.Errorf("%d events, and %d names", len(once), len(names))
	}
}

// An event without a row would be refused by the journal when it happens.
func TestEveryTypeThatIsAnEventHasAName(t *testing.T) {
	named := map[string]bool{}
	for _, ev := range event.EveryEvent() {
		named[reflect.TypeOf(ev).Name()] = true
	}
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			method, ok := d.(*ast.FuncDecl)
			if !ok || method.Recv == nil || method.Name.Name != "event" {
				continue
			}
			receiver, ok := method.Recv.List[0].Type.(*ast.Ident)
			if !ok {
				t.Errorf("%s: an event is a value, not a pointer", path)
				continue
			}
			if found++; !named[receiver.Name] {
				t.Errorf("%s: %s has no name in the journal", path, receiver.Name)
			}
		}
	}
	if found != len(named) {
		t.Errorf("%d types are events, and %d have a name", found, len(named))
	}
}
