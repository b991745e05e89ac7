package ceremony_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"conclave/ceremony"
)

// names are what journals call the events, written down a second time: a row that
// changes in the program alone, or two that change places, can't read what is kept.
var names = map[string]ceremony.Event{
	"proposed":             ceremony.Proposed{},
	"approved":             ceremony.Approved{},
	"rejected":             ceremony.Rejected{},
	"roll-called":          ceremony.RollCalled{},
	"present":              ceremony.Present{},
	"witness-asked":        ceremony.WitnessAsked{},
	"proceeded":            ceremony.Proceeded{},
	"exception-noted":      ceremony.ExceptionNoted{},
	"witness-stated":       ceremony.WitnessStated{},
	"witness-left":         ceremony.WitnessLeft{},
	"freeze-asked":         ceremony.FreezeAsked{},
	"starting":             ceremony.Starting{},
	"started":              ceremony.Started{},
	"key-announced":        ceremony.KeyAnnounced{},
	"offered":              ceremony.Offered{},
	"declined":             ceremony.Declined{},
	"submitting":           ceremony.Submitting{},
	"answer-lost":          ceremony.AnswerLost{},
	"counted":              ceremony.Counted{},
	"nodes-seen":           ceremony.NodesSeen{},
	"entered":              ceremony.Entered{},
	"proven":               ceremony.Proven{},
	"round-refused":        ceremony.RoundRefused{},
	"rekeyed":              ceremony.Rekeyed{},
	"token-issued":         ceremony.TokenIssued{},
	"password-lost":        ceremony.PasswordLost{},
	"acting":               ceremony.Acting{},
	"initialized":          ceremony.Initialized{},
	"rotated":              ceremony.Rotated{},
	"rotation-set":         ceremony.RotationSet{},
	"backup-read":          ceremony.BackupRead{},
	"deletion-asked":       ceremony.DeletionAsked{},
	"backup-deleted":       ceremony.BackupDeleted{},
	"backup-reminded":      ceremony.BackupReminded{},
	"backup-left":          ceremony.BackupLeft{},
	"accessor-given":       ceremony.AccessorGiven{},
	"reminded":             ceremony.Reminded{},
	"token-revoked":        ceremony.TokenRevoked{},
	"token-left":           ceremony.TokenLeft{},
	"verified":             ceremony.Verified{},
	"verification-dropped": ceremony.VerificationDropped{},
	"reset-asked":          ceremony.ResetAsked{},
	"froze":                ceremony.Froze{},
	"resume-asked":         ceremony.ResumeAsked{},
	"resumed":              ceremony.Resumed{},
	"dropping":             ceremony.Dropping{},
	"attempt-lost":         ceremony.AttemptLost{},
	"round-reset":          ceremony.RoundReset{},
	"closing":              ceremony.Closing{},
	"ended":                ceremony.Ended{},
	"transcript-signed":    ceremony.TranscriptSigned{},
	"posted":               ceremony.Posted{},
	"undeliverable":        ceremony.Undeliverable{},
	"noticed":              ceremony.Noticed{},
	"acknowledged":         ceremony.Acknowledged{},
	"kept":                 ceremony.Kept{},
	"not-kept":             ceremony.NotKept{},
}

func TestP8EveryEventKeepsItsNameInTheJournal(t *testing.T) {
	for name, event := range names {
		if got := ceremony.TypeOf(event); got != name {
			t.Errorf("%T is %q in the journal, and was %q", event, got, name)
		}
		if read, err := ceremony.ReadEvent(name, "{}"); err == nil && reflect.TypeOf(read) != reflect.TypeOf(event) {
			t.Errorf("%q is read as %T, and was %T", name, read, event)
		}
	}
	once := map[reflect.Type]bool{}
	for _, event := range ceremony.EveryEvent() {
		if _, known := names[ceremony.TypeOf(event)]; !known {
			t.Errorf("%q is not in this test: write it down here, and into testdata/kept", ceremony.TypeOf(event))
		}
		if ty := reflect.TypeOf(event); once[ty] {
			t.Errorf("%T has two names", event)
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
	for _, event := range ceremony.EveryEvent() {
		named[reflect.TypeOf(event).Name()] = true
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
