package wording_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// constants returns the values of every constant of a string type in a package's source,
// so that one that is added later is not forgotten here.
func constants(t *testing.T, folder, typeName string) []string {
	t.Helper()
	var all []string
	eachDeclaration(t, folder, token.CONST, func(spec *ast.ValueSpec) {
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typeName {
			return
		}
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
	})
	if len(all) == 0 {
		t.Fatalf("no constants of type %s in %s", typeName, folder)
	}
	return all
}

func eachDeclaration(t *testing.T, folder string, kind token.Token, do func(*ast.ValueSpec)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == kind {
				for _, s := range g.Specs {
					do(s.(*ast.ValueSpec))
				}
			}
		}
	}
}

func wellPut(t *testing.T, code string, w wording.Words) {
	t.Helper()
	if w == wording.Wordless {
		t.Errorf("%s: no words", code)
	}
	if w.What == "" || !strings.HasSuffix(w.What, ".") || w.Hint != "" &&
		!strings.ContainsAny(w.Hint[len(w.Hint)-1:], ".!") {
		t.Errorf("%s: not whole sentences: %q", code, w)
	}
	if strings.Contains(w.String(), code) && strings.Contains(code, "-") {
		t.Errorf("%s: people don't read codes: %q", code, w)
	}
}

// missing is an adapter's error about a right that Conclave's token lacks.
type missing struct{ error }

func (missing) Policy() string {
	return "path \"sys/rotate\" {\n  capabilities = [\"update\", \"sudo\"]\n}\n"
}
func (m missing) Unwrap() error { return m.error }

func TestEveryRefusalHasWords(t *testing.T) {
	for _, code := range constants(t, "..", "Refusal") {
		wellPut(t, code, wording.ExplainRefusal(ceremony.Refusal(code)))
		if got := wording.ExplainError(fmt.Errorf("somewhere: %w",
			ceremony.Refusal(code))); got != wording.ExplainRefusal(ceremony.Refusal(code)) {
			t.Errorf("%s: wrapped, it is explained as %q", code, got)
		}
	}
}

func TestEverySentinelHasWordsOfItsOwn(t *testing.T) {
	named := map[string]bool{}
	for _, s := range wording.Sentinels() {
		named[s.Err.Error()] = true
		wellPut(t, s.Err.Error(), wording.ExplainError(fmt.Errorf("somewhere: %w", s.Err)))
	}
	eachDeclaration(t, "..", token.VAR, func(spec *ast.ValueSpec) {
		for i, name := range spec.Names {
			if !strings.HasPrefix(name.Name, "Err") || name.Name == "ErrSecretSpent" || name.Name == "ErrNoProof" {
				continue // a spent secret is a defect, and explained as one; what an auditor misses is a gap, and none of the bot's
			}
			text, err := strconv.Unquote(spec.Values[i].(*ast.CallExpr).Args[0].(*ast.BasicLit).Value)
			if err != nil || !named[text] {
				t.Errorf("no words for ceremony.%s (%v)", name.Name, err)
			}
		}
	})
}

// The status post and its thread show the two values that differ.
func TestFreezeNamesWhatDiffers(t *testing.T) {
	for _, row := range []struct {
		froze event.Frozen
		want  []string
	}{
		{event.Frozen{Why: event.VaultDiffers, Want: "A", Got: "B"}, []string{"The plan says: `A`", "Vault says: `B`"}},
		{event.Frozen{Why: event.OtherConfig, Want: "A", Got: "B"}, []string{"The plan says: `A`", "The configuration says: `B`", "nobody can resume"}},
		{event.Frozen{Why: event.OtherBot, Want: "A", Got: "B"}, []string{"The plan says: `A`", "Conclave has: `B`"}},
		{event.Frozen{Why: event.NotSigned, Got: "B"}, []string{"Found: `B`", "nobody can resume"}},
		{event.Frozen{Why: event.NotTold, Got: "B"}, []string{"Found: `B`", "nobody can resume"}},
	} {
		c := rules.State{Phase: rules.PhaseFrozen, Freeze: &rules.FreezeState{Frozen: row.froze}}
		for _, text := range []string{wording.FreezeWords(c), wording.HistoryWords(c, event.Entry{Event: row.froze})} {
			for _, want := range row.want {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %q is not in %q", row.froze.Why, want, text)
				}
			}
		}
	}
}

func TestFreezeReasonsOutcomesAndEndingsHaveWords(t *testing.T) {
	for _, why := range constants(t, "../event", "FreezeReason") {
		reason := func(why event.FreezeReason) string {
			return wording.FreezeReason(ceremony.Plan{Operation: ceremony.Rekey, Cluster: "prod"}, event.Frozen{Why: why})
		}
		if reason(event.FreezeReason(why)) == reason("unheard of") {
			t.Errorf("no words for freezing because of %q", why)
		}
	}
	for _, o := range constants(t, "../event", "Outcome") {
		if c := (rules.State{Phase: rules.PhaseEnded, Outcome: event.Outcome(o)}); wording.OutcomeWords(c) == "" {
			t.Errorf("no words for outcome %q", o)
		}
	}
	for _, s := range constants(t, "../rules", "Phase") {
		if s == string(rules.PhaseEnded) {
			continue
		}
		if c := (rules.State{Phase: rules.Phase(s)}); wording.StateWords(c) == "*"+s+"*" {
			t.Errorf("no words for state %q", s)
		}
	}
}

func TestEveryOperationHasWords(t *testing.T) {
	said := map[string]ceremony.Operation{}
	for _, op := range ceremony.Operations() {
		p := ceremony.Plan{Operation: op, Cluster: "prod", OldPolicy: &ceremony.RotationPolicy{},
			NewPolicy: &ceremony.RotationPolicy{}}
		if strings.HasPrefix(wording.Subject(p), string(op)+" on ") || wording.Purpose(p) == "" {
			t.Errorf("%s: no words: %q, %q", op, wording.Subject(p), wording.Purpose(p))
		}
		if other, twice := said[wording.Subject(p)]; twice {
			t.Errorf("%s and %s are both %q", op, other, wording.Subject(p))
		}
		said[wording.Subject(p)] = op
		ended := rules.State{Plan: p, Phase: rules.PhaseEnded, Outcome: event.Completed}
		if op != ceremony.RotateConfig && wording.ResultWords(ended) == "" {
			t.Errorf("%s: nothing is said of its result", op)
		}
	}
}

func TestEveryStepAndEveryActHasWords(t *testing.T) {
	asked := map[string]string{}
	c := rules.State{Plan: ceremony.Plan{Operation: ceremony.Unseal, Cluster: "prod"}}
	for _, step := range constants(t, "..", "Step") {
		what := wording.RequestOf(c, ceremony.Person{Name: "carol"}, ceremony.Step(step)).What
		if other, twice := asked[what]; twice {
			t.Errorf("steps %s and %s are both asked for with %q", step, other, what)
		}
		asked[what] = step
	}
	for _, act := range constants(t, "../event", "Act") {
		if wording.ActWords(event.Act(act)) == wording.ActWords("unheard of") {
			t.Errorf("no words for act %q", act)
		}
	}
}

// TestEveryEventIsToldInItsOwnWords compares the history with the list of events: an event
// that is told at all is not told by its type's name.
func TestEveryEventIsToldInItsOwnWords(t *testing.T) {
	untold := []string{"Proposed", "Starting", "Offered", "Submitting", "AnswerLost", "Dropping", "Acting", "NodesSeen",
		"Posted", "Undeliverable"}
	events, words := sourceOf(t, "../event/event.go"), sourceOf(t, "history.go")
	all := regexp.MustCompile(`(?m)^func \((\w+)\) event\(\)`).FindAllStringSubmatch(events, -1)
	if len(all) < 40 {
		t.Fatalf("%d events found", len(all))
	}
	for _, m := range all {
		if told := strings.Contains(words, "case event."+m[1]+":"); told == slices.Contains(untold, m[1]) {
			t.Errorf("%s: told %v", m[1], told)
		}
	}
}

func TestMissingRightIsNamedByTheLineThatGrantsIt(t *testing.T) {
	want := "`path \"sys/rotate\" { capabilities = [\"update\", \"sudo\"] }`"
	err := fmt.Errorf("ask prod: %w", missing{ceremony.ErrForbidden})
	if w := wording.ExplainError(err); !strings.Contains(w.Hint, want) {
		t.Errorf("explained as %q", w)
	}
	live := rules.Live{Vault: err, Since: time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)}
	if line := wording.VaultLine(rules.State{Plan: ceremony.Plan{Operation: ceremony.Rekey, Cluster: "prod"}},
		live); !strings.Contains(line, want) {
		t.Errorf("the status post says %q", line)
	}
	if w := wording.ExplainError(missing{ceremony.ErrRefused}); strings.Contains(w.Hint, want) {
		t.Errorf("a refusal of another kind is explained as %q", w)
	}
}

// TestPeopleNeverReadInternalText guards the rule of explain.go: an error of Slack's, of
// Vault's or of this program's may quote what was sent.
func TestPeopleNeverReadInternalText(t *testing.T) {
	inside := errors.New("dial tcp 10.0.0.7:8200: canary-4711")
	for _, err := range []error{inside, fmt.Errorf("x: %w: %w", ceremony.ErrNotSent, inside),
		fmt.Errorf("y: %w: %w", ceremony.VaultRefused, inside)} {
		if said := wording.ExplainError(err).String(); strings.Contains(said, "canary") ||
			strings.Contains(said, "10.0.0.7") {
			t.Errorf("%v is told as %q", err, said)
		}
	}
}

// When the deletion of a backup was agreed to and had no answer, nobody knows whether it is
// gone.
func TestDeletionWithoutAnOutcomeIsNotSaidToHaveBeenRefused(t *testing.T) {
	c := rules.State{
		Plan:  ceremony.Plan{Operation: ceremony.ReadBackup, Cluster: "prod"},
		Phase: rules.PhaseEnded, Outcome: event.Completed, Ending: event.AttemptUnknown,
	}
	if words := wording.OutcomeWords(c); !strings.Contains(words, "nobody agreed") {
		t.Errorf("nobody has agreed: %s", words)
	}
	c.Deletion = &ceremony.Person{Name: "paul"}
	if words := wording.OutcomeWords(c); strings.Contains(words, "nobody agreed") ||
		!strings.Contains(words, "may still keep") {
		t.Errorf("paul has agreed: %s", words)
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

// Who has shown a secret in Slack is told one thing about the message, wherever they look.
func TestEveryTextSaysTheSameAboutAMessageWithASecret(t *testing.T) {
	texts := map[string]string{}
	for _, r := range []ceremony.Refusal{
		ceremony.NotEncrypted, ceremony.PlainShare, ceremony.PlainPassword, ceremony.PrivateMaterial,
	} {
		texts[string(r)] = wording.ExplainRefusal(r).String()
	}
	for _, path := range []string{"../../docs/holder.md", "../../bot/explain.go", "alarm.go"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = strings.Join(strings.Fields(string(text)), " ")
	}
	for where, text := range texts {
		said := strings.ReplaceAll(text, "wording.DeleteTheMessage", wording.DeleteTheMessage)
		if !strings.Contains(said, wording.DeleteTheMessage) && !strings.Contains(said, "DeleteTheMessage") {
			t.Errorf("%s says nothing about the message: %s", where, text)
		}
		said = strings.ReplaceAll(said, wording.DeleteTheMessage, "")
		for _, other := range []string{"Delete it now", "elete it where you", "elete the key where", "on't delete anything", "delete the message"} {
			if strings.Contains(said, other) {
				t.Errorf("%s says %q", where, other)
			}
		}
	}
}
