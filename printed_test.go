package main

import (
	"crypto/sha256"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"conclave/bot/command"
	"conclave/cli"
)

// programs begin the commands that people are told to run.
const programs = `(?:conclave|gpg|tee|vault|bao|sq|rnp|systemctl|sha256sum|export|openssl|jq|cat|chmod|make|docker|cp|rm|install|runuser|mkdir|go)`

var (
	spanned = regexp.MustCompile("`((?:" + programs + " |/ceremony)[^`\n]*)`")
	fenced  = regexp.MustCompile("(?ms)^ *```(\\w*)([^\n]*)\n(.*?)^ *```")
	listed  = regexp.MustCompile(`^(?:` + programs + ` |\()`)
	aside   = regexp.MustCompile(`\s{2,}#.*|\s# .*`)
)

// printed returns what is printed for people to run: command → where it is printed. It comes from the messages (golden
// files), from the guides, and from the words in the code. docs/tools.md and the auditor's scripts have tests of their
// own, which run all of their listings.
func printed(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(where, text string) {
		for _, m := range spanned.FindAllStringSubmatch(html.UnescapeString(text), -1) {
			all[strings.TrimSpace(m[1])] = where
		}
	}
	messages, _ := filepath.Glob("bot/testdata/*.txt")
	guides, _ := filepath.Glob("docs/*.md")
	if len(messages) < 100 || len(guides) < 6 {
		t.Fatalf("%d messages and %d guides", len(messages), len(guides))
	}
	for _, path := range append(messages, append(guides, "README.md")...) {
		text := read(t, path)
		if filepath.Ext(path) == ".md" {
			for _, m := range fenced.FindAllStringSubmatch(text, -1) {
				if m[1] == "" && path != "docs/design.md" {
					addListing(all, path, m[3])
				}
			}
			text = fenced.ReplaceAllString(text, "")
		}
		add(path, text)
	}
	for _, room := range append(slices.Clone(speakingRooms), "config", "host", "ceremony/openpgp") {
		files, _ := filepath.Glob(filepath.Join(room, "*.go"))
		for _, path := range files {
			if !strings.HasSuffix(path, "_test.go") {
				addLiterals(t, path, add)
			}
		}
	}
	return all
}

// speakingRooms are the packages with words for people.
var speakingRooms = []string{
	"ceremony/wording", "bot", "bot/render", "bot/command", "cli/operator", "cli/terminal", "cli/holder", "cli/auditor",
	"ceremony/engine", "ceremony/planning", "app",
}

func addListing(all map[string]string, where, text string) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
		line = strings.Join(strings.Fields(aside.ReplaceAllString(strings.TrimSuffix(line, "\n"), "")), " ")
		if listed.MatchString(line) && !strings.Contains(line, "──") {
			all[line] = where
		}
	}
}

func addLiterals(t *testing.T, path string, add func(where, text string)) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if said, err := strconv.Unquote(literal.Value); err == nil {
				add(path, said)
			}
		}
		return true
	})
}

// blanks are what the forms of slash commands leave to people, or to the code.
var blanks = strings.NewReplacer(
	"[name=value …]", "", "otp=COMMITMENT", "otp="+strings.Repeat("4a", 32), "[", "", "]", "", "…", "653fc39d1b43c8de",
	"OPERATION", "rekey", "CLUSTER", "prod", "ID", "prod-rekey-k7m2", "ACCESSOR", accessor, "hash", "653fc39d1b43c8de", "WORD", "agree",
	"TEXT", "the lights went out", "TOPIC", "operations", "approve %s %s", "approve prod-rekey-k7m2 653fc39d1b43c8de", "%s", "prod",
)

const accessor = "q1vAUFpl6oQ2U0yi3TQ6MdJj"

// begun are the verbs of commands that are printed without their last word, which the text around them asks for.
var begun = []string{"accessor", "exception"}

// TestPrintedSlashCommandsAreUnderstood has the bot read every /ceremony command that is printed anywhere. A verb
// alone is a name, and no command.
func TestPrintedSlashCommandsAreUnderstood(t *testing.T) {
	verbs := map[string]bool{}
	for _, f := range command.Grammar() {
		verbs[string(f.Verb)] = true
	}
	read, names := 0, 0
	for text, where := range printed(t) {
		typed, is := strings.CutPrefix(text, "/ceremony")
		if !is {
			continue
		}
		typed = strings.TrimSpace(blanks.Replace(typed))
		words := strings.Fields(typed)
		if len(words) == 2 && slices.Contains(begun, words[0]) {
			typed += " " + accessor
		}
		_, err := command.ParseCommand(typed, func(string) bool { return true })
		switch {
		case text == "/ceremony %s":
			names++ // whatever it is near to
		case err == nil:
			read++
		case verbs[words[0]] && (len(words) == 1 || words[0] == "start" && len(words) == 2):
			names++
		default:
			t.Errorf("%s: %s: %v", where, text, err)
		}
	}
	t.Logf("%d slash commands are understood, %d are names of verbs", read, names)
	if read < 60 {
		t.Errorf("only %d slash commands", read)
	}
}

// named are words that name a command and are not run as they stand: of conclave's each is a command that there is.
var named = []string{
	"conclave check", "conclave ceremony", "conclave ceremony list", "conclave ceremony start", "conclave decode",
	"conclave identity new", "conclave manifest", "conclave open", "conclave otp new", "conclave otp show",
	"conclave policy", "conclave reload", "conclave run", "conclave seal", "conclave seal --otp", "conclave verify",
	"conclave journal adopt", "conclave seal --encrypted", "conclave verify %s", "conclave otp new FILE",
	"conclave policy CLUSTER", "conclave verify PATH…", "conclave open --token",
}

// fixture is how a command is run that is printed.
type fixture struct {
	fill  []string // what people fill in: in pairs, what is printed and what is typed
	stdin string   // the file that is pasted into it
	more  string   // what stands for a word at the terminal, where a test has none
	first string   // what was done before
	makes []string // the files that it may make or change
	wants string   // a pattern of what is printed by it, or said
	wait  int      // its exit code
	plain bool     // it is no command of fish's, where people type bash first
}

// runnable are the commands that are run in every shell, on the files of testdata/script/printed.txtar.
var runnable = map[string]fixture{
	"conclave seal --encrypted share.asc":                 {stdin: "asks.txt", more: " --yes", wants: "BEGIN PGP MESSAGE"},
	"conclave seal --encrypted prod-rekey-k7m2-share.asc": {stdin: "proves.txt", more: " --yes", wants: "BEGIN PGP MESSAGE"},
	"conclave seal --encrypted share.asc message.txt":     {first: "cp asks.txt message.txt", more: " --yes", wants: "BEGIN PGP MESSAGE", makes: []string{"message.txt"}},
	"conclave seal message.txt":                           {first: "cp calls.txt message.txt", more: " --yes", wants: "BEGIN PGP MESSAGE", makes: []string{"message.txt"}},
	"conclave seal --otp otp.txt":                         {stdin: "otp-asks.txt", more: " --yes", wants: "BEGIN PGP MESSAGE"},
	"conclave seal --otp otp.txt message.txt":             {first: "cp otp-asks.txt message.txt", more: " --yes", wants: "BEGIN PGP MESSAGE", makes: []string{"message.txt"}},
	"conclave seal --encrypted share.asc REQUEST > envelope.asc": {
		fill: []string{"REQUEST", "--yes asks.txt"}, makes: []string{"envelope.asc"}},
	"conclave open message.txt": {first: "cp delivers.txt message.txt", makes: []string{"message.txt", "prod-rekey-k7m2-attempt-2-share.asc"},
		wants: "It opens|it opens"},
	`export VAULT_TOKEN="$(conclave open --token message.txt)"`:      {first: "cp token.txt message.txt", makes: []string{"message.txt"}},
	`export VAULT_TOKEN="$(conclave open --token)"`:                  {stdin: "token.txt"},
	"conclave otp new otp.txt":                                       {first: "rm otp.txt", makes: []string{"otp.txt"}, wants: "commitment [0-9a-f]{64}"},
	"conclave otp show otp.txt":                                      {wants: "commitment [0-9a-f]{64}"},
	"conclave decode --otp otp.txt --remove":                         {stdin: "encoded", makes: []string{"otp.txt"}, wants: "hvs"},
	`export VAULT_TOKEN="$(conclave decode --otp otp.txt --remove)"`: {stdin: "encoded", makes: []string{"otp.txt"}},
	"conclave pin":                                          {wants: "[0-9A-F]{40}"},
	"conclave pin FINGERPRINT":                              {fill: []string{"FINGERPRINT", "$(cat fingerprint)"}},
	"conclave pin topmost Istanbul …":                       {fill: []string{"topmost Istanbul …", "$(cat words)"}, plain: true},
	"conclave pin 67ABCA3C2F9655E3378270DF7B81DFD84CEA9784": {fill: []string{"67ABCA3C2F9655E3378270DF7B81DFD84CEA9784", "$(cat fingerprint)"}},
	"conclave version":                                      {wants: "conclave"},
	"conclave verify journal":                               {wants: "whole"},
	"conclave verify journal/prod-rekey-k7m2.jsonl":         {wants: "whole"},
	"gpg --import":                                          {stdin: "conclave.asc"},
	"gpg --import conclave.asc":                             {},
	"gpg --quick-lsign-key 67ABCA3C2F9655E3378270DF7B81DFD84CEA9784": {
		fill: []string{"gpg", "gpg --batch --yes", "67ABCA3C2F9655E3378270DF7B81DFD84CEA9784", "$(cat fingerprint)"}},
	"gpg -qd":                                {stdin: "share.asc", wants: "0f1e2d3c"},
	"gpg -d":                                 {stdin: "says.txt", wants: "Good signature"},
	"gpg -sa":                                {stdin: "plain", wants: "BEGIN PGP MESSAGE"},
	"gpg --fingerprint alice@example.com":    {wants: "[0-9A-F ]{50}"},
	"gpg --armor --export alice@example.com": {wants: "BEGIN PGP PUBLIC KEY"},
	"gpg --armor --export FINGERPRINT > alice.asc":                                         {fill: []string{"FINGERPRINT", "alice@example.com"}, makes: []string{"alice.asc"}},
	"gpg --quick-set-expire FINGERPRINT 2y":                                                {fill: []string{"FINGERPRINT", "$(cat mine)"}},
	"gpg --quick-set-expire FINGERPRINT 2y '*'":                                            {fill: []string{"FINGERPRINT", "$(cat mine)"}},
	"gpg --encrypt -r alice@example.com --output share.asc --armor":                        {first: "rm share.asc", stdin: "plain", makes: []string{"share.asc"}},
	"gpg -qd CEREMONY-share.asc > /dev/null && echo 'it opens'":                            {fill: []string{"CEREMONY", "prod-rekey-k7m2"}, wants: "^it opens"},
	"(umask 077; set -C; LC_ALL=C tr -dc A-Za-z0-9 < /dev/urandom | head -c 28 > otp.txt)": {first: "rm otp.txt", makes: []string{"otp.txt"}, plain: true},
	"sha256sum otp.txt": {wants: "^[0-9a-f]{64}"},
}

// elsewhere are the commands that need more than a holder's files, as a pattern → what holds them instead.
var runElsewhere = map[string]string{
	`^(systemctl|docker|install|runuser|chmod|mkdir|make|go|rm|cp) `:                         "a host, a checkout or an installation: TestServiceStartsACommandThatExists, the Makefile itself",
	`^(vault|bao) |vault policy write`:                                                       "a Vault: TestPrintedVaultCommandsWork",
	`^conclave (run|reload|check|manifest|policy|identity|ceremony|journal) ?`:               "a configuration: the scripts of testdata/script",
	`^conclave (man|completion|--version) ?`:                                                 "testdata/script/usage.txtar",
	`^conclave verify (--identity|transcript)`:                                               "a transcript: testdata/script/transcript.txtar and verify.txtar",
	`^conclave verify (journal|PATH|%s)`:                                                     "testdata/script/verify.txtar",
	`^conclave pin (NEW-)?FINGERPRINT .*|^conclave pin FINGERPRINT --`:                       "a second identity: testdata/script/pin.txtar",
	`^(openssl|jq) |jq -r '\.journal`:                                                        "an archive: TestAuditorsScriptForTranscriptsIsTheOneThatIsTested",
	`^(gpg -qd|cat) (share\.asc|otp\.txt|%s) \| \(`:                                          "a ceremony key: TestGPGPrintsWhatToRun",
	`^gpg -d announcement`:                                                                   "an announcement: TestGPGReadsWhatTheBotSigns",
	`^gpg (-d > run\.txt|--recipient-file|--export-secret-keys|--card-status)|^cat run\.txt`: "parts of what TestGPGPrintsWhatToRun does",
	`^\(umask 077; (head|vault)`:                                                             "secrets of an operator: testdata/script/identity.txtar",
	`^sha256sum conclave`:                                                                    "an installation",
	`^conclave (journal line 1|seal --key me\.pgp)`:                                          "TestKeysOfOtherProgramsAreReadForSealing, or the name of a purpose",
}

func elsewhereOf(text string) string {
	for pattern, why := range runElsewhere {
		if regexp.MustCompile(pattern).MatchString(text) {
			return why
		}
	}
	return ""
}

// Each command that is printed is run, or it is known what runs it instead.
func TestEveryPrintedCommandIsRunSomewhere(t *testing.T) {
	run, other, names := 0, 0, 0
	seen := map[string]bool{}
	for text, where := range printed(t) {
		switch _, here := runnable[text]; {
		case strings.HasPrefix(text, "/ceremony"):
		case here:
			run++
			seen[text] = true
		case slices.Contains(named, text):
			names++
			nameIsThere(t, where, text)
		case elsewhereOf(text) != "":
			other++
			parses(t, where, text)
		default:
			t.Errorf("%s prints a command that no test runs: %s", where, text)
		}
	}
	for text := range runnable {
		if !seen[text] {
			t.Errorf("no message and no guide prints %q", text)
		}
	}
	t.Logf("%d commands are run by TestScripts/printed, %d by other tests, %d are names", run, other, names)
}

// nameIsThere makes sure that there is a command with this name and these flags.
func nameIsThere(t *testing.T, where, text string) {
	t.Helper()
	words := strings.Fields(text)
	cmd, rest, err := rootCommand(cli.Streams{}).Find(words[1:])
	if err != nil || cmd.Name() == "conclave" {
		t.Errorf("%s: there is no %s: %v", where, text, err)
		return
	}
	for _, word := range rest {
		if flag, is := strings.CutPrefix(word, "--"); is && cmd.Flags().Lookup(flag) == nil {
			t.Errorf("%s: %s has no --%s", where, cmd.CommandPath(), flag)
		}
	}
}

// parses makes sure that each shell can read a command.
func parses(t *testing.T, where, text string) {
	t.Helper()
	for _, shell := range printedShells {
		if _, err := exec.LookPath(shell); err != nil || shell == "fish" && strings.HasPrefix(text, "(") || strings.ContainsAny(text, "…<%") {
			continue
		}
		cmd := exec.Command(shell, "-n")
		cmd.Stdin = strings.NewReader(text + "\n")
		if shell == "fish" && strings.Contains(text, "| (") {
			continue // bash is typed first
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %s can't read %s: %v\n%s", where, shell, text, err, out)
		}
	}
}

var printedShells = []string{"bash", "zsh", "dash", "fish"}

// printed: runs what is printed in every shell, in a copy of the folder FOLDER each time.
func scriptPrinted(ts *testscript.TestScript, _ bool, args []string) {
	folder := ts.MkAbs(args[0])
	ran := map[string]bool{}
	total := 0
	var faults []string
	for _, text := range slices.Sorted(maps.Keys(runnable)) {
		f := runnable[text]
		for _, shell := range printedShells {
			desk := ts.MkAbs(fmt.Sprintf("desk-%d", total))
			ts.Check(os.CopyFS(desk, os.DirFS(folder)))
			for _, name := range []string{"share.asc", "otp.txt", "plain"} {
				ts.Check(os.Chmod(filepath.Join(desk, name), 0o600))
			}
			if err := runPrinted(ts, desk, shell, text, f); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %s: %v", shell, text, err))
			}
			ts.Check(os.RemoveAll(desk))
			ran[text], total = true, total+1
		}
	}
	if len(faults) > 0 {
		ts.Fatalf("%s", strings.Join(faults, "\n"))
	}
	ts.Logf("%d commands were run in %d shells: %d runs", len(ran), len(printedShells), total)
}

func runPrinted(ts *testscript.TestScript, desk, shell, text string, f fixture) error {
	environ := []string{"GNUPGHOME=" + ts.Getenv("GNUPGHOME"), "XDG_CONFIG_HOME=" + ts.Getenv("XDG_CONFIG_HOME"),
		"PATH=" + ts.Getenv("PATH"), "HOME=" + desk, "LC_ALL=C.UTF-8"}
	if f.first != "" {
		cmd := exec.Command("sh", "-ec", f.first)
		cmd.Dir, cmd.Env = desk, environ
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("before it: %w: %s", err, out)
		}
	}
	before := sumsOf(ts, desk)
	line := strings.NewReplacer(append(f.fill, "\x00", "")...).Replace(text) + f.more
	cmd := exec.Command(shell, "-c", line)
	if shell == "fish" && f.plain {
		cmd = exec.Command("fish", "-c", "bash")
		cmd.Stdin = strings.NewReader(line + "\n")
	}
	cmd.Dir, cmd.Env = desk, environ
	if f.stdin != "" {
		file, err := os.Open(filepath.Join(desk, f.stdin))
		if err != nil {
			return err
		}
		defer file.Close()
		cmd.Stdin = file
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if !regexp.MustCompile("(?m)" + f.wants).Match(out) {
		return fmt.Errorf("it prints %q, and not %s", out, f.wants)
	}
	after := sumsOf(ts, desk)
	for name, sum := range before {
		if after[name] != sum && !slices.Contains(f.makes, name) {
			return fmt.Errorf("%s is not as it was", name)
		}
	}
	for name := range after {
		if _, old := before[name]; !old && !slices.Contains(f.makes, name) {
			return fmt.Errorf("it has made %s", name)
		}
	}
	return nil
}

// sumsOf returns the hashes of a folder's files.
func sumsOf(ts *testscript.TestScript, dir string) map[string][32]byte {
	all := map[string][32]byte{}
	entries, err := os.ReadDir(dir)
	ts.Check(err)
	for _, e := range entries {
		if e.Type().IsRegular() {
			content, err := os.ReadFile(filepath.Join(dir, e.Name()))
			ts.Check(err)
			all[e.Name()] = sha256.Sum256(content)
		}
	}
	return all
}
