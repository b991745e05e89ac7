package engine_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/transcript"
)

// madeUp returns the file of a transcript whose lines form a chain, whatever they say.
func madeUp(t *testing.T, id ceremony.ID, events ...event.Event) []byte {
	t.Helper()
	file := transcript.Transcript{
		Format: "conclave-transcript1", Ceremony: id, Journal: []string{},
		Certificates: map[ceremony.Fingerprint]string{},
	}
	for i, e := range events {
		fields, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(struct {
			Seq      int             `json:"seq"`
			Prev     string          `json:"prev"`
			At       time.Time       `json:"at"`
			Ceremony ceremony.ID     `json:"ceremony"`
			Type     string          `json:"type"`
			Event    json.RawMessage `json:"event"`
		}{i + 1, file.Head, time.Unix(1770000000+int64(i), 0).UTC(), id, event.TypeOf(e), fields})
		if err != nil {
			t.Fatal(err)
		}
		file.Journal = append(file.Journal, string(line))
		sum := sha256.Sum256(line)
		file.Head = hex.EncodeToString(sum[:])
	}
	encoded, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// An auditor may be handed any file: its author may have written anything into it.
func TestP8MadeUpTranscriptIsRefusedAndNeverFatal(t *testing.T) {
	all := event.EveryEvent()
	operations := append(ceremony.Operations(), ceremony.Alarm, "")
	for seed := range uint64(800) {
		r := rand.New(rand.NewPCG(seed, 1))
		plan := ceremony.Plan{Ceremony: "x", Operation: operations[r.IntN(len(operations))]}
		fill(r, reflect.ValueOf(&plan).Elem(), 0)
		plan.Ceremony, plan.Operation = "x", operations[r.IntN(len(operations))]
		if r.IntN(2) == 0 {
			plan.Approvals = 0
		}
		if r.IntN(3) == 0 {
			plan.Requester = nil
		}
		events := []event.Event{event.Proposed{Plan: plan, PlanHash: plan.Hash()}}
		for range r.IntN(25) {
			e := reflect.New(reflect.TypeOf(all[r.IntN(len(all))])).Elem()
			fill(r, e, 0)
			events = append(events, e.Interface().(event.Event))
		}
		file := madeUp(t, "x", events...)
		func() {
			defer func() {
				if p := recover(); p != nil {
					var told strings.Builder
					for _, e := range events {
						fmt.Fprintf(&told, " %s", event.TypeOf(e))
					}
					t.Errorf("seed %d: %v, of %s%s\n%s", seed, p, plan.Operation, told.String(), debug.Stack())
				}
			}()
			if a := transcript.VerifyTranscript(file, "abc", fakeSignatures{}); a.Passed() {
				t.Errorf("seed %d: it holds", seed)
			}
		}()
	}
}

// fill sets a value at random.
func fill(r *rand.Rand, v reflect.Value, depth int) {
	if depth > 6 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString([]string{
			"", "a", "b", "U1", "update", "verify", "completed", "practice", "password", "enter",
		}[r.IntN(10)])
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(r.IntN(5)) - 1)
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Pointer:
		if r.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem(), depth+1)
		}
	case reflect.Slice:
		n := r.IntN(3)
		if v.Type().Elem().Kind() == reflect.Uint8 || n == 0 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(r, v.Index(i), depth+1)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1770000000+int64(r.IntN(100)), 0).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(r, v.Field(i), depth+1)
		}
	}
}

func TestP8TranscriptWithoutALineProvesNothing(t *testing.T) {
	if a := transcript.VerifyTranscript(madeUp(t, "x"), ceremonytest.Taken, trustsAll{}); a.Passed() {
		t.Errorf("it holds: %+v", a)
	}
}

// trustsAll believes every signature, as if the identity's key had been taken.
type trustsAll struct{ fakeSignatures }

func (trustsAll) VerifyCertificate(string, ceremony.Fingerprint) error { return nil }

func (trustsAll) VerifyDetached(string, ceremony.Fingerprint, []byte, string) error { return nil }

func TestP8NobodySignsWithoutAKeyInThePlan(t *testing.T) {
	plan := ceremonytest.ForgedPlan()
	a := transcript.VerifyTranscript(madeUp(t, plan.Ceremony, event.Proposed{Plan: plan, PlanHash: plan.Hash()},
		event.Approved{By: plan.Approvers[0], PlanHash: plan.Hash(), Signed: "whatever"}), ceremonytest.Taken,
		trustsAll{})
	if len(faultsOf(a, "approvals")) != 1 {
		t.Errorf("the approval of somebody without a key counts as signed: %+v", a.Checks)
	}
}

// A person leaves and is taken out of the configuration before the transcript of their last
// ceremony is signed.
func TestP8MissingCertificateIsAGapAndNoFault(t *testing.T) {
	plan := ceremonytest.ForgedPlan()
	a := transcript.VerifyTranscript(madeUp(t, plan.Ceremony, event.Proposed{Plan: plan, PlanHash: plan.Hash()}),
		ceremonytest.Taken, trustsAll{})
	for _, fault := range faultsOf(a, "certificates") {
		if !strings.Contains(fault, "identity") {
			t.Error(fault)
		}
	}
	if !slices.ContainsFunc(a.NotProven, func(g transcript.Gap) bool {
		return g.Code == "certificate-missing" && strings.Contains(g.Words, "alice")
	}) {
		t.Errorf("nobody is told: %+v", a.NotProven)
	}
}

// An attacker with the identity's key can make up a plan, and keys for everybody in it.
func TestP8AuditorIsToldToCompareTheKeysOfPeople(t *testing.T) {
	plan := ceremonytest.ForgedPlan()
	a := transcript.VerifyTranscript(madeUp(t, plan.Ceremony, event.Proposed{Plan: plan, PlanHash: plan.Hash()}),
		ceremonytest.Taken, trustsAll{})
	if !slices.ContainsFunc(a.NotProven, func(g transcript.Gap) bool { return g.Code == "keys-by-plan" }) ||
		!slices.Contains(a.People, plan.Initiator) {
		t.Errorf("nobody is told: %+v, %+v", a.NotProven, a.People)
	}
}
