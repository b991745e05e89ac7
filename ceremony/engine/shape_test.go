package engine_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// These strings are more than a word to a shell, and look otherwise like a fingerprint, a
// nonce or a name.
var commands = []string{
	"0;A='touch pwned';${A,,};: ", "$(touch pwned)", "`touch pwned`", "' ; touch pwned; '", "a\ntouch pwned\n", "a b",
	"\x1b[201~", "../a",
}

func TestFingerprintsAndIDsHaveTheirShapeFromDecodingOn(t *testing.T) {
	for _, text := range append(commands, "a;b", strings.Repeat("a", 39), strings.Repeat("g", 40),
		strings.Repeat("a", 40)+"\n;") {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var who ceremony.Person
		if err := json.Unmarshal([]byte(`{"name":"a","account":"T1/U1","key":`+string(quoted)+`}`), &who); err == nil {
			t.Errorf("a person's key %q is read as %q", text, string(who.Key))
		}
		var keys map[ceremony.Fingerprint]string
		if err := json.Unmarshal([]byte(`{`+string(quoted)+`:"a"}`), &keys); err == nil {
			t.Errorf("the key of a certificate %q is read", text)
		}
		var id ceremony.ID
		if err := json.Unmarshal(quoted, &id); err == nil && !ceremony.IsName(text) {
			t.Errorf("the id %q is read", text)
		}
	}
	for _, text := range []string{"", strings.Repeat("0a", 20)} {
		var f ceremony.Fingerprint
		if err := json.Unmarshal([]byte(`"`+text+`"`), &f); err != nil || string(f) != text {
			t.Errorf("%q is read as %q: %v", text, string(f), err)
		}
	}
}

// TestReplayRefusesWhatCouldBeACommand makes up, in a journal, everything that gets
// into a command for people, one after the other.
func TestReplayRefusesWhatCouldBeACommand(t *testing.T) {
	plan, key := ceremonytest.ForgedPlan(), ceremony.Announced{
		Identity: ceremonytest.Taken, Subkey: strings.Repeat("7", 40), Step: ceremony.StepUpdate, Nonce: "nonce-1",
	}
	replay := func(plan ceremony.Plan, more ...event.Event) error {
		all := append([]event.Event{event.Proposed{Plan: plan, PlanHash: plan.Hash()}}, more...)
		var entries []event.Entry
		for i, ev := range all {
			entries = append(entries, event.Entry{Seq: i + 1, At: time.Unix(1770000000, 0), Event: ev})
		}
		_, err := rules.Replay(entries)
		return err
	}
	if err := replay(plan); err != nil {
		t.Fatal(err)
	}
	for _, bad := range commands {
		for what, made := range map[string]func(*ceremony.Plan){
			"id":        func(p *ceremony.Plan) { p.Ceremony = ceremony.ID(bad) },
			"cluster":   func(p *ceremony.Plan) { p.Cluster = bad },
			"identity":  func(p *ceremony.Plan) { p.Identity = ceremony.Fingerprint(bad) },
			"initiator": func(p *ceremony.Plan) { p.Initiator.Name = bad },
			"holder": func(p *ceremony.Plan) {
				p.Holders = []ceremony.Person{{Name: "a", Key: ceremony.Fingerprint(bad)}}
			},
			"roll call": func(p *ceremony.Plan) {
				p.RollCall = []ceremony.Person{{Name: "a", Key: ceremony.Fingerprint(bad)}}
			},
			"requester":  func(p *ceremony.Plan) { p.Requester = &ceremony.Person{Name: bad} },
			"commitment": func(p *ceremony.Plan) { p.OTP = bad },
		} {
			p := plan
			made(&p)
			if err := replay(p); err == nil || !strings.Contains(err.Error(), `event 1: "proposed": `) {
				t.Errorf("%s %q: %v", what, bad, err)
			}
		}
		for what, made := range map[string]func(*ceremony.Announced){
			"identity": func(a *ceremony.Announced) { a.Identity = ceremony.Fingerprint(bad) },
			"subkey":   func(a *ceremony.Announced) { a.Subkey = bad },
			"step":     func(a *ceremony.Announced) { a.Step = ceremony.Step(bad) },
			"nonce":    func(a *ceremony.Announced) { a.Nonce = bad },
		} {
			odd := key
			made(&odd)
			if err := replay(plan, event.KeyAnnounced{Key: odd}); err == nil ||
				!strings.Contains(err.Error(), "touch pwned") && !strings.Contains(err.Error(), " no ") {
				t.Errorf("%s %q of a ceremony key: %v", what, bad, err)
			}
		}
		for _, ev := range []event.Event{
			event.Started{Nonce: bad}, event.Rekeyed{VerificationNonce: bad}, event.RoundReset{Nonce: bad},
			event.RoundRefused{Nonce: bad},
		} {
			if err := replay(plan, ev); err == nil || !strings.Contains(err.Error(), "is no nonce") {
				t.Errorf("%T with nonce %q: %v", ev, bad, err)
			}
		}
	}
}
