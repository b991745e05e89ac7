package terminal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

func TestSignedWordIsReadAsItWasWritten(t *testing.T) {
	hash := strings.Repeat("5d", 32)
	for _, w := range []ceremony.Statement{
		{Of: "prod-rekey-k7m2", Hash: hash, Verb: ceremony.SayApprove, More: ""},
		{Of: "prod-rekey-k7m2", Hash: hash, Verb: ceremony.SayResume, More: "17"},
		{Of: "prod-rekey-k7m2", Hash: hash, Verb: ceremony.SayCancel, More: "Dave's key is lost"},
	} {
		if got, ok := ceremony.ParseStatement(w.Line()); !ok || got != w {
			t.Errorf("%q is read as %+v, %t", w.Line(), got, ok)
		}
	}
	for _, line := range []string{"", "conclave-word1", "conclave-word1 prod-rekey-k7m2 " + hash, "conclave-word2 a b approve", "approve prod-rekey-k7m2 " + hash + " x"} {
		if w, ok := ceremony.ParseStatement(line); ok {
			t.Errorf("%q is read as %+v", line, w)
		}
	}
}

func TestCommandThatSignsIsSafeToPaste(t *testing.T) {
	w := ceremony.Statement{Of: "prod-rekey", Hash: "5d", Verb: ceremony.SayStart, More: "it's `time` $(now)"}
	got := signCommand(w, ceremonytest.Fingerprint("a"), "prod-rekey-alice-start.asc").String()
	want := `printf '%s\n' 'conclave-word1 prod-rekey 5d start it'\''s ` + "`time` $(now)'" + ` | gpg --sign --armor -u ` + strings.Repeat("A", 40) + ` > prod-rekey-alice-start.asc`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Every verb of a ceremony is a word that can be asked for; the proposal's is not
// one about a ceremony.
func TestProposalsWordIsWorthNothingLater(t *testing.T) {
	if ceremony.SayStart.Decides() {
		t.Error("start decides about a ceremony")
	}
	if ceremony.Verb("share").Decides() || ceremony.Verb("quit").Decides() {
		t.Error("a line that is no word is one")
	}
}

func TestKeptFileIsNeverReplaced(t *testing.T) {
	f, err := openFolder(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.keep("a.signed.asc", "one\n")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.keep("a.signed.asc", "one\n"); err != nil || again != first {
		t.Errorf("the same is in %s and %s: %v", first, again, err)
	}
	other, err := f.keep("a.signed.asc", "two\n")
	if err != nil || filepath.Base(other) != "a-2.signed.asc" {
		t.Errorf("another is in %s: %v", other, err)
	}
	if text, err := os.ReadFile(first); err != nil || string(text) != "one\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestNothingIsWrittenOutsideOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	f, err := openFolder(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if path, err := f.keep("../prod-rekey-alice-start.asc", "one\n"); err == nil {
		t.Errorf("kept in %s", path)
	}
	for _, name := range []string{"conclave.log", "share.asc"} {
		if err := os.Symlink("../elsewhere", filepath.Join(dir, "out", name)); err != nil {
			t.Skip(err) // an account may not, on Windows
		}
	}
	if log, err := f.openLog(); err == nil {
		t.Error("the log goes where a link leads", log.Close())
	}
	if path, err := f.keep("share.asc", "one\n"); err != nil || filepath.Base(path) != "share-2.asc" {
		t.Errorf("kept in %s: %v", path, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}

// said is where a test's courier writes.
func said(t *testing.T) (*notifier, *strings.Builder) {
	t.Helper()
	f, err := openFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	return newNotifier(newScreen(&out), f, nil, func(ceremony.Account) (ceremony.Person, bool) { return ceremony.Person{}, false }), &out
}

func replayed(t *testing.T, events ...event.Event) rules.State {
	t.Helper()
	plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremony.Fingerprint(strings.Repeat("7", 40)))
	var entries []event.Entry
	prev := ""
	for i, ev := range append([]event.Event{event.Proposed{Plan: plan, PlanHash: plan.Hash()}}, events...) {
		e := event.Entry{Seq: i + 1, Prev: prev, At: time.Now(), Hash: strings.Repeat("0", i+1), Event: ev}
		entries, prev = append(entries, e), e.Hash
	}
	c, err := rules.Replay(entries)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func messageOf(t *testing.T, c rules.State, kind rules.MessageKind) rules.Message {
	t.Helper()
	for _, m := range c.Due() {
		if m.Kind == kind {
			return m
		}
	}
	t.Fatalf("no %s is due", kind)
	return rules.Message{}
}

// A request to decide that was shown here and not answered is one that the bot has
// to post when it takes the ceremony up.
func TestRequestToDecideStaysDueAndIsShownOnce(t *testing.T) {
	m, out := said(t)
	c := replayed(t)
	for range 3 {
		if ref, err := m.Deliver(context.Background(), c, messageOf(t, c, rules.ApprovalMessage), false); !errors.Is(err, ceremony.ErrNotPosted) {
			t.Errorf("posted: %v, %v", ref, err)
		}
	}
	if n := strings.Count(out.String(), "bob has no PGP key"); n != 1 {
		t.Errorf("shown %d times:\n%s", n, out)
	}
}

func TestThreadOfAStatusPostInSlackIsLeftToSlack(t *testing.T) {
	m, out := said(t)
	slack, here := ceremony.Ref{Channel: "C1", TS: "1.2"}, ceremony.Ref{Channel: ceremony.Terminal, TS: "board"}
	plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremony.Fingerprint(strings.Repeat("7", 40)))
	rejected := event.Rejected{By: plan.Approvers[0], Why: "not today"}
	for _, board := range []ceremony.Ref{slack, here} {
		c := replayed(t, event.Posted{Key: "board", Ref: board}, rejected, event.Ended{Outcome: event.WasRejected, Vault: event.NothingToCancel})
		_, posting := m.Deliver(context.Background(), c, messageOf(t, c, rules.HistoryMessage), false)
		at, drawing := m.Redraw(context.Background(), c, rules.Live{}, board)
		if at != board {
			t.Errorf("the status post moved to %v", at)
		}
		inSlack := board == slack
		if errors.Is(posting, ceremony.ErrNotPosted) != inSlack || (drawing != nil) != inSlack {
			t.Errorf("%s: posted %v, drawn %v", board.Channel, posting, drawing)
		}
		if inSlack && !toldHere(c) {
			t.Error("nothing is left to be said here, and it goes on")
		}
	}
	if n := strings.Count(out.String(), "bob rejected the plan: not today"); n != 1 {
		t.Errorf("shown %d times:\n%s", n, out)
	}
}
