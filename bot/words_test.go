package bot

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// codes returns the values of every constant of a string type in a folder's source, so
// that one that is added later is not forgotten here.
func codes(t *testing.T, folder, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range files {
		for _, m := range regexp.MustCompile(`(?m)^\t\w+ +`+typeName+` += "([^"]+)"`).FindAllStringSubmatch(sourceOf(t, file), -1) {
			all = append(all, m[1])
		}
	}
	if len(all) < 30 {
		t.Fatalf("%d constants of type %s in %s", len(all), typeName, folder)
	}
	return all
}

func TestEveryDenialHasWords(t *testing.T) {
	for _, code := range codes(t, "refusal", "Denial") {
		w := explain(fmt.Errorf("somewhere: %w", refusal.Denial(code)))
		switch {
		case w == wording.Wordless:
			t.Errorf("%s: no words", code)
		case !strings.HasSuffix(w.What, "."), w.Hint != "" && !strings.HasSuffix(w.Hint, "."):
			t.Errorf("%s: not whole sentences: %q", code, w)
		case strings.Contains(code, "-") && strings.Contains(w.String(), code):
			t.Errorf("%s: people don't read codes: %q", code, w)
		}
	}
}

// What the engine, Vault and the journal say is explained as package wording does.
func TestOtherErrorsHaveTheWordsOfTheirRefusal(t *testing.T) {
	for _, err := range []error{ceremony.OwnProposal, ceremony.ErrUncertain} {
		if got := explain(fmt.Errorf("somewhere: %w", err)); got != wording.ExplainError(err) || got == wording.Wordless {
			t.Errorf("%v is explained as %q", err, got)
		}
	}
}

func TestTokenInPlaceOfItsAccessorIsToBeRevoked(t *testing.T) {
	if said := explain(refusal.TokenAsAccessor).String(); !strings.Contains(said, "revoke it now") {
		t.Errorf("a person who shows a token is told %q", said)
	}
}

func sourceOf(t *testing.T, file string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// TestEveryKindOfMessageIsFrozen: every message that is sent to people has a golden file.
func TestEveryKindOfMessageIsFrozen(t *testing.T) {
	rendered := sourceOf(t, "golden_test.go") + sourceOf(t, "golden_operations_test.go") +
		sourceOf(t, "golden_alarm_test.go") + sourceOf(t, "golden_watched_test.go")
	names := regexp.MustCompile(`(?m)^\t(\w+Message)\s+MessageKind = `).FindAllStringSubmatch(sourceOf(t, "../ceremony/rules/outbox.go"), -1)
	if len(names) < 10 {
		t.Fatalf("%d kinds found", len(names))
	}
	for _, m := range names {
		if name := m[1]; name != "BoardMessage" && name != "HistoryMessage" &&
			!strings.Contains(rendered, "rules."+name+",") {
			t.Errorf("no scene shows a %s", name)
		}
	}
}

// TestDrillOfManyHoldersShowsWhatItIsFor: Slack cuts a long report at its end, and
// the number of holders that may be lost is not there.
func TestDrillOfManyHoldersShowsWhatItIsFor(t *testing.T) {
	p := drillPlan()
	p.Holders = nil
	for i := range 60 {
		holder := person("carol")
		holder.Name, holder.Account.User = fmt.Sprintf("holder-with-a-long-name-%02d", i), fmt.Sprintf("U0HOLDER%02d", i)
		p.Holders = append(p.Holders, holder)
	}
	s := approvedScenario(t, p).then(event.Started{Nonce: nonce1, Required: 60}, event.KeyAnnounced{Key: announced(ceremony.StepDrill, nonce1)})
	for i := range 60 {
		if name := p.Holders[i].Name; i < 5 {
			s.proves(name)
		} else {
			s.fails(name, ceremony.StepDrill, ceremony.WeakCipher)
		}
	}
	s.then(event.Closing{Outcome: event.Completed}, event.Ended{Outcome: event.Completed, Vault: event.NothingToCancel})
	for _, m := range []render.Message{render.StatusPost(s.c, rules.Live{}, noon), render.Ended(s.c, p.Holders[0])} {
		text, err := json.Marshal(m.Blocks)
		if err != nil || !strings.Contains(string(text), "can lose 2 more holders") {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}

// TestP10StatusPostSaysWhatIsNotKnown: the post shows what is journaled, and says of
// anything else that it is not known yet.
func TestP10StatusPostSaysWhatIsNotKnown(t *testing.T) {
	read := func(c rules.State, live rules.Live) string {
		text, err := json.Marshal(render.StatusPost(c, live, noon).Blocks)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	lost := started(t, rekeyPlan()).share("bob", ceremony.StepUpdate, nonce1, event.AnswerLost{})
	for want, got := range map[string]string{
		"not asked yet":          read(begin(t, rekeyPlan()).c, rules.Live{}),
		"does not answer, since": read(lost.c, rules.Live{Vault: ceremony.ErrNotSent, Since: noon}),
		"It is not known yet":    read(lost.c, rules.Live{}),
		"on its way to Vault":    read(started(t, rekeyPlan()).share("bob", ceremony.StepUpdate, nonce1).c, rules.Live{}),
		"the operator has it in": read(undelivered(t), rules.Live{}),
		"*Not asked yet: alice":  read(started(t, rekeyPlan()).c, rules.Live{}),
		"*Not asked: dave.*":     read(unasked(t, rules.AskMessage).c, rules.Live{}),
		"dave (not asked)":       read(unasked(t, rules.AskMessage).c, rules.Live{}),
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the post lacks %q:\n%s", want, got)
		}
	}
	if got := read(lost.c, rules.Live{}); strings.Contains(got, "🟩") {
		t.Error("a share whose fate is not known is shown as counted")
	}
}

// unasked is a rekey in which a request to dave can't be delivered, and everybody else
// was asked.
func unasked(t *testing.T, kind rules.MessageKind) *scenario {
	s := started(t, rekeyPlan())
	s.then(event.Undeliverable{Key: s.message(kind, "dave").Key})
	s.c = s.asked()
	return s
}

// TestP10RequestThatCantBeDeliveredIsShownAsSuch in the status post and in the answer to
// /ceremony status, until nobody is waited for.
func TestP10RequestThatCantBeDeliveredIsShownAsSuch(t *testing.T) {
	s := start(t, slacktest.Config{})
	scenario := begin(t, s.plan())
	scenario.then(event.Undeliverable{Key: scenario.message(rules.ApprovalMessage, "bob").Key})
	s.holds(scenario)
	if got := s.types(s.alice, "status"); !strings.Contains(got, "May approve: bob (not asked)") ||
		!strings.Contains(got, "*Not asked: bob.*") {
		t.Errorf("bob is shown as asked:\n%s", got)
	}
	s.holds(scenario.then(event.Approved{By: s.people(s.bob)[0], PlanHash: scenario.c.PlanHash}))
	if got := s.types(s.alice, "status"); strings.Contains(got, "ot asked:") {
		t.Errorf("bob has approved, and is shown as not asked:\n%s", got)
	}
}

func undelivered(t *testing.T) rules.State {
	s := rekeyed(t)
	return s.then(event.Undeliverable{Key: s.message(rules.DeliveryMessage, "dave").Key}).c
}
