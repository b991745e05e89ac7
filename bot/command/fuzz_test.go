package command_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/bot/command"
	"conclave/bot/refusal"
	"conclave/ceremony"
)

// FuzzSlashText holds two properties: every text is either a command with a known
// verb or an error with words, and no command carries what the guard looks for.
func FuzzSlashText(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		cmd, err := command.ParseCommand(typed, nil)
		usage, misused := errors.AsType[command.Usage](err)
		_, denied := errors.AsType[refusal.Denial](err)
		_, refused := ceremony.RefusalOf(err)
		switch {
		case err != nil && (denied || refused || misused && usage.Words().What != ""):
		case err != nil:
			t.Fatalf("%q: error without words: %v", typed, err)
		case !known(cmd.Verb) || strings.ContainsAny(cmd.ID+cmd.Cluster, " \n\t"):
			t.Fatalf("%q is %+v", typed, cmd)
		case command.Guard(cmd.Verb, cmd.ID+" "+cmd.Cluster+" "+cmd.Text+" "+cmd.Accessor+" otp="+cmd.Options["otp"], nil, nil) != nil:
			t.Fatalf("%q: something secret got through: %+v", typed, cmd)
		}
	})
}

// known reports whether a verb has a form, or is one that a witness types behind theirs.
func known(v command.Verb) bool {
	return slices.ContainsFunc(command.Grammar(), func(f command.Form) bool { return f.Verb == v }) ||
		slices.Contains([]command.Verb{command.VerbProceed, command.VerbAgree, command.VerbDisagree}, v)
}

// seeds returns the texts that the fuzzer begins with. Without them it would try what
// nobody types.
func seeds(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/seeds/slash/*")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d seeds: %v", len(files), err)
	}
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}
