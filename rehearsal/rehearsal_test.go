package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/journal"
	"conclave/ceremony/transcript"
	"conclave/needs"
	"conclave/rehearsal/stage"
	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/realvault"
)

// program is the bot, built once for all tests of this package.
var program string

func TestMain(m *testing.M) {
	needs.Parallel(6)
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "conclave")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if program, err = stage.Build(context.Background(), dir, false); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

// perform runs the program in this process and returns what it printed.
func perform(t *testing.T, want int, input string, args ...string) string {
	t.Helper()
	var out, said bytes.Buffer
	got := run(t.Context(), append([]string{"--conclave", program}, args...),
		terminal{in: strings.NewReader(input), out: &out, err: &said})
	if got != want {
		t.Fatalf("exit code %d, want %d\n%s\n%s", got, want, &out, &said)
	}
	return out.String() + said.String()
}

// scriptLine returns the text behind a word that begins a line, as a script finds it.
func scriptLine(t *testing.T, out, word string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^`+word+` (\S+)$`).FindAllStringSubmatch(out, -1)
	if len(m) != 1 {
		t.Fatalf("%d lines %q in\n%s", len(m), word, out)
	}
	return m[0][1]
}

func TestAutoPlaysARekeyAndAGenerateRootAndChecksThem(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kept")
	out := perform(t, 0, "", "--auto", "--dir", dir)

	if _, err := ceremony.ParseFingerprint(scriptLine(t, out, "identity")); err != nil {
		t.Error(err)
	}
	lines := scriptLine(t, out, "journal")
	reports, err := journal.VerifyDir(lines)
	if err != nil || len(reports) != 2 {
		t.Errorf("journal %s: %v, %v", lines, reports, err)
	}
	if filepath.Dir(lines) != dir {
		t.Errorf("journal %s is not in %s", lines, dir)
	}
	for _, words := range []string{
		"the old shares open nothing any more",
		"the new shares of carol, dave, erin open the vault",
		"what olga has now is a root token",
		"conclave verify finds the transcript of prod-rekey-",
	} {
		if !strings.Contains(out, "✔ "+words) {
			t.Errorf("nothing says that %s", words)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("a pipe got colours")
	}
}

func TestPracticeThatDoesNothingIsFine(t *testing.T) {
	t.Parallel()
	if out := perform(t, 0, "", "--dir", t.TempDir()); !strings.Contains(out, "✔ no share") {
		t.Errorf("nothing was looked at:\n%s", out)
	}
}

func TestAutoPlaysEveryOperation(t *testing.T) {
	t.Parallel()
	for _, p := range plays() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			out := perform(t, 0, "", "--auto", "--operation", p.name, "--dir", t.TempDir())
			scriptLine(t, out, "identity")
			reports, err := journal.VerifyDir(scriptLine(t, out, "journal"))
			if err != nil || len(reports) == 0 {
				t.Errorf("journal: %v, %v", reports, err)
			}
			if !strings.Contains(out, checking) || !strings.Contains(out, "✔ no share") {
				t.Errorf("nothing was looked at:\n%s", out)
			}
			// Emoji in Slack's notation. In commands, a text between colons follows a word.
			if left := regexp.MustCompile(`\B:[a-z_]{3,}:`).FindAllString(out, -1); len(left) > 0 {
				t.Errorf("%v are shown as words", left)
			}
		})
	}
}

func TestAuditorsWalkFindsEveryForgery(t *testing.T) {
	t.Parallel()
	out := perform(t, 0, "", "--audit", "--dir", t.TempDir())
	want := 0
	for _, f := range forgeries() {
		want += len(f.hands())
		if !strings.Contains(out, ": "+f.what) {
			t.Errorf("nothing says that %s", f.what)
		}
	}
	if found := strings.Count(out, "✔ found, "); found != want || want < 20 {
		t.Errorf("%d of %d were found:\n%s", found, want, out)
	}
}

// A walk that finds every forgery proves something only if it fails when it misses one.
func TestForgeryThatNobodyFindsEndsTheWalk(t *testing.T) {
	t.Parallel()
	p, err := findPlay("audit")
	if err != nil {
		t.Fatal(err)
	}
	h, err := open(t.Context(), options{dir: t.TempDir(), conclave: program, play: p}, terminal{out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	if err := h.stage.StartBot(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, err := h.watchedToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file, _, err := h.stage.Transcript(t.Context(), id, 1)
	if err != nil {
		t.Fatal(err)
	}
	idle := forgery{what: "everything is as it was"}
	if err, want := h.checkForgery(t.Context(), file, idle, stranger), "nobody finds it"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("%v", err)
	}
	f, err := newForger(h.stage)
	if err != nil {
		t.Fatal(err)
	}
	idle.commit = func(*forger, *transcript.Transcript) error { return nil }
	if _, err := f.forge(file, idle, stranger); err == nil {
		t.Error("what changes nothing passes for a forgery")
	}
}

// A team must be able to rehearse every operation before it needs it.
func TestEveryOperationIsListed(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	list(&out)
	for _, op := range ceremony.Operations() {
		if !regexp.MustCompile(`(?m)^` + string(op) + ` +\S`).MatchString(out.String()) {
			t.Errorf("%s is not in\n%s", op, &out)
		}
	}
	if got := perform(t, 0, "", "--list"); got != out.String() {
		t.Errorf("--list prints\n%s", got)
	}
}

func TestAnOperationIsPlayedOnSomebodysOwnServer(t *testing.T) {
	t.Parallel()
	server := realvault.StartReal(t, realvault.RealOptions{Storage: "inmem"})
	out := perform(t, 0, "", "--auto", "--operation", "rotate", "--dir", t.TempDir(), "--yes", "--vault", server.Addr())
	if !strings.Contains(out, "✔ Vault writes with a key of term 2") {
		t.Errorf("nothing says so in\n%s", out)
	}
}

const practiceScript = `
# a person who practises
/ceremony start rekey prod the yearly rekey
@mallory /ceremony status
@paul click approve
@alice share
@bob say hello
@bob share
@erin share
@alice take
@bob take
@carol take
@dave take
@erin take
@dave share
crash
@carol share
@erin share
wait completed
adopt
@olga /ceremony start generate-root prod we need one
@paul
read
click approve
@dave share
@erin share
@carol share
@olga take
board
thread
inbox
vault
help
quit
`

func TestPracticeIsPlayedByAnybodyThroughAPipe(t *testing.T) {
	t.Parallel()
	out := perform(t, 0, practiceScript, "--dir", t.TempDir())
	for _, words := range []string{
		"Vault says that it is a root token", "the bot was killed and is back",
		"5 shares of which 3 are needed", "@NAME",
	} {
		if !strings.Contains(out, words) {
			t.Errorf("nothing says %q in\n%s", words, out)
		}
	}
	scriptLine(t, out, "journal")
}

// No line of a script can have what only the run shows, such as the commitment of a one-time password.
func TestOperationsArePractisedThroughAPipe(t *testing.T) {
	t.Parallel()
	for operation, script := range map[string]string{
		"unseal":         "seal\n@alice share\n@bob share\n@carol share\nwait completed\nvault\n",
		"init":           "/ceremony start init prod the new one\n@paul click approve\n@alice take\n@bob take\n@carol take\n@dave take\n@erin take\n@olga take\nwait completed\nadopt\n/ceremony start unseal prod\n@erin share\n@dave share\n@carol share\nwait unsealing\nwait completed\nvault\n",
		"generate-root":  "/ceremony start generate-root prod\n@paul click approve\n@alice share\n@bob share\n@carol share\n@olga take\naccessor\nrevoke\n",
		"policy":         "/ceremony start rekey prod the yearly one\n@paul sign\nread\n@alice sign\n@bob sign\n@carol sign\n@dave sign\n@erin sign\n@wendy sign\n@alice share\n@bob share\n@wendy click proceed\n@carol share\n@alice take\n@bob take\n@carol take\n@dave take\n@erin take\n@erin share\n@dave share\n@wendy click proceed\n@carol share\nwait completed\n@wendy sign\n",
		"recovery-token": "/ceremony start recovery-token prod\n@paul click approve\n@alice share\n@bob share\n@carol share\n@olga take\nwait completed\n",
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			perform(t, 0, script, "--operation", operation, "--dir", t.TempDir())
		})
	}
}

// typist types what the screen has shown, and then the rest of a script.
type typist struct {
	bytes.Buffer
	told     *regexp.Regexp
	rest     string
	keyboard *io.PipeWriter
	typing   sync.WaitGroup
}

func (y *typist) Write(text []byte) (int, error) {
	if line := y.told.Find(text); line != nil && y.rest != "" {
		script := string(line) + "\n" + y.rest
		y.rest = ""
		y.typing.Go(func() {
			io.WriteString(y.keyboard, script) // fails when the program reads no more
			y.keyboard.Close()
		})
	}
	return y.Buffer.Write(text)
}

func TestOneTimePasswordIsPractised(t *testing.T) {
	t.Parallel()
	in, keyboard := io.Pipe()
	screen := &typist{
		told:     regexp.MustCompile(`/ceremony start generate-root prod otp=[0-9a-f]{64}`),
		rest:     "@paul click approve\n@olga share\n@alice share\n@bob share\n@carol share\n@olga take\naccessor\nrevoke\n",
		keyboard: keyboard,
	}
	screen.typing.Go(func() { io.WriteString(keyboard, "otp\n") })
	args := []string{"--conclave", program, "--operation", "generate-root-otp", "--dir", t.TempDir()}
	code := run(t.Context(), args, terminal{in: in, out: screen, err: screen})
	in.Close()
	screen.typing.Wait()
	if out := screen.String(); code != 0 || !strings.Contains(out, "Vault says that it is a root token") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestPracticeInAPipeEndsWithTheFirstMistake(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"frobnicate", "@nobody", "click everything", "read", "wait", "accessor", "revoke"} {
		out := perform(t, 1, line+"\nquit\n", "--dir", t.TempDir())
		if !strings.Contains(out, "rehearsal: olga> "+line+": ") || !strings.Contains(out, "the bot's log: ") {
			t.Errorf("%s: %s", line, out)
		}
	}
}

func TestARealServerWithOneUnsealKeyIsRekeyed(t *testing.T) {
	t.Parallel()
	server := realvault.StartReal(t, realvault.RealOptions{})
	operator := operator.NewOperator(server.Addr(), nil)
	keys, err := operator.Init(t.Context(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := operator.Unseal(t.Context(), keys.Shares...); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	token, unseal := filepath.Join(dir, "token"), filepath.Join(dir, "unseal")
	for path, text := range map[string]string{token: keys.RootToken, unseal: keys.Shares[0]} {
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept := filepath.Join(dir, "kept")
	perform(t, 0, "", "--auto", "--dir", kept, "--yes",
		"--vault", server.Addr(), "--vault-token-file", token, "--unseal-key-file", unseal)

	fresh, err := readLines(filepath.Join(kept, "secrets", "unseal-keys", stage.ShareFile))
	if err != nil || len(fresh) != 5 {
		t.Fatalf("%d new unseal keys: %v", len(fresh), err)
	}
	if works, err := operator.UnsealWorks(t.Context(), fresh[2:]...); err != nil || !works {
		t.Errorf("the unseal keys that were written down open the server: %t, %v", works, err)
	}
}

// Exit code 0 proves something only if the checks behind it find what is wrong.
func TestWhatDidNotHoldIsFound(t *testing.T) {
	t.Parallel()
	h, err := open(t.Context(), options{dir: t.TempDir(), conclave: program}, terminal{out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	shares, err := h.stage.Shares(t.Context(), "", "alice", "bob", "carol")
	if err != nil {
		t.Fatal(err)
	}
	wrong := []string{shares[0], shares[0], shares[0]}
	for name, check := range map[string]func(context.Context) error{
		"old shares open":       func(ctx context.Context) error { return h.checkShares(ctx, shares, false, "they") },
		"new shares don't open": func(ctx context.Context) error { return h.checkShares(ctx, wrong, true, "they") },
		"no root token": func(ctx context.Context) error {
			return errors.Join(h.unseal(ctx),
				h.checkRoot(ctx, "hvs.x"))
		},
		"no journal": h.checkJournal,
	} {
		if err := check(t.Context()); err == nil {
			t.Errorf("%s: not found", name)
		}
		if err := h.unseal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.stage.Person("alice").Slack.DMs(shares[0]); err != nil {
		t.Fatal(err)
	}
	if err, want := h.checkEvidence(t.Context()), "secrets were found"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("a share in Slack: %v", err)
	}
}

func TestARealServerThatIsNewIsInitialised(t *testing.T) {
	t.Parallel()
	server := realvault.StartReal(t, realvault.RealOptions{Storage: "inmem"})
	perform(t, 0, "", "--auto", "--dir", t.TempDir(), "--yes", "--vault", server.Addr())
}

func TestWrongCommandLinesAreRefused(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "something"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args string
		code int
		want string
	}{
		{"--help", 0, "go run ./rehearsal --auto"},
		{"--frobnicate", 2, "frobnicate"},
		{"auto", 2, "not a flag"},
		{"--speed -1", 2, "--speed"},
		{"--unseal-key-file x", 2, "go with --vault"},
		{"--vault http://127.0.0.1:1 --unseal-key-file x", 2, "both"},
		{"--vault http://127.0.0.1:1", 2, "--yes"},
		{"--operation frobnicate", 2, "--list"},
		{"--operation init --vault http://127.0.0.1:1", 2, "leave --vault out"},
		{"--dir " + full, 1, "not empty"},
		{"--auto --yes --vault http://127.0.0.1:1 --dir " + t.TempDir(), 1, "set the stage"},
	} {
		if out := perform(t, row.code, "", strings.Fields(row.args)...); !strings.Contains(out, row.want) {
			t.Errorf("%s: nothing says %q in\n%s", row.args, row.want, out)
		}
	}
}
