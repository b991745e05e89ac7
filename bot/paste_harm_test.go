package bot

import (
	"crypto/sha256"

	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
	"conclave/needs"
)

// shells are those that people have, as far as this computer has them too. In fish, people
// type bash first.
func shells(t *testing.T) [][]string {
	t.Helper()
	var found [][]string
	for _, s := range [][]string{{"bash"}, {"dash"}, {"zsh"}, {"fish"}, {"busybox", "sh"}} {
		if _, err := exec.LookPath(s[0]); err == nil {
			found = append(found, s)
		} else if needs.Required() && s[0] != "busybox" {
			t.Fatalf("%s is not installed, and CONCLAVE_REQUIRE_TOOLS is 1", s[0])
		}
	}
	return found
}

// tries has one of the person's shells run a command as it is, and returns what it
// prints and whether it says that all went well.
func (s *shellUser) tries(shell []string, command string) (printed string, ok bool) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), shell[0], append(shell[1:], "-c", command)...)
	if shell[0] == "fish" {
		cmd = exec.CommandContext(s.t.Context(), "fish", "-c", "bash")
		cmd.Stdin = strings.NewReader(command + "\n")
	}
	cmd.Dir = s.folder
	cmd.Env = append(os.Environ(), "GNUPGHOME="+s.home, "LC_ALL=C")
	out, err := cmd.Output()
	return string(out), err == nil
}

// filesIn returns the files of a folder: name → SHA-256.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		all[e.Name()] = hex.EncodeToString(sum[:])
	}
	return all
}

func (s *shellUser) puts(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

var (
	redirection = regexp.MustCompile("`> ([^`]*)`")
	intoFile    = regexp.MustCompile(`(?:^|[^0-9&<=-])>>?\s*([\w./-]+)`)
	shareNamed  = regexp.MustCompile(`(?:gpg -qd|--encrypted|\(set -C; cat >) ([\w.…-]+)`)
	savesNew    = regexp.MustCompile(`\([^()]*\bset -C;[^()]*\)`)
)

// advices returns the redirections that any words advise people to add to a command.
func advices(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	add := func(w wording.Words) {
		for _, m := range redirection.FindAllStringSubmatch(w.String(), -1) {
			found[" > "+m[1]] = true
		}
	}
	for _, code := range codes(t, "../ceremony", "Refusal") {
		add(wording.ExplainRefusal(ceremony.Refusal(code)))
	}
	for _, code := range codes(t, "refusal", "Denial") {
		add(explainDenial(refusal.Denial(code)))
	}
	if len(found) == 0 {
		t.Fatal("no words advise to send a file")
	}
	return slices.Sorted(maps.Keys(found))
}

// readers returns everything that is written for people to read: every message, every word about an
// error, and the pages of docs.
func readers(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"testdata/*.txt", "../docs/*.md", "../README.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			all[f] = sourceOf(t, f)
		}
	}
	for _, code := range codes(t, "../ceremony", "Refusal") {
		all["refusal "+code] = wording.ExplainRefusal(ceremony.Refusal(code)).String()
	}
	for _, code := range codes(t, "refusal", "Denial") {
		all["denial "+code] = explainDenial(refusal.Denial(code)).String()
	}
	return all
}

// TestNoAdviceNamesASharesFileAsAnOutput: the shell empties a file before the command
// that it stands behind reads it. (FiloSottile/age#150)
func TestNoAdviceNamesASharesFileAsAnOutput(t *testing.T) {
	shares, texts := map[string]string{}, readers(t)
	for where, text := range texts {
		for _, m := range shareNamed.FindAllStringSubmatch(text, -1) {
			shares[m[1]] = where
		}
	}
	if shares["share.asc"] == "" || shares["prod-rekey-k7m2-share.asc"] == "" {
		t.Fatalf("share files are %v", shares)
	}
	outputs := 0
	for where, text := range texts {
		for _, m := range intoFile.FindAllStringSubmatch(savesNew.ReplaceAllString(text, ""), -1) {
			outputs++
			if named, is := shares[m[1]]; is || strings.HasSuffix(m[1], "share.asc") || m[1] == "otp.txt" {
				t.Errorf("%s: %q goes to a file that is a share's (%s)", where, strings.TrimSpace(m[0]), named)
			}
		}
	}
	if outputs == 0 {
		t.Error("nothing is written to a file at all")
	}
}

// TestPrintedCommandsHarmNoFile runs every command that touches a share or a password,
// as it is printed and with all that is advised to be added, and then without the file.
func TestPrintedCommandsHarmNoFile(t *testing.T) {
	us, carol := newShellUser(t, "conclave"), newShellUser(t, "carol")
	pinned := us.runs("gpg -q --armor --export")
	carol.runsWith("gpg -q --batch --import", []byte(pinned))
	carol.runs("gpg -q --batch --yes --quick-lsign-key " + us.fingerprint)
	us.runsWith("gpg -q --batch --import", []byte(carol.runs("gpg -q --armor --export")))
	encrypted := func(content string) string {
		return us.runsWith("gpg -q --batch --trust-model always --armor -e -r "+carol.fingerprint, []byte(content))
	}
	const password = "Kq7vXb2ZrT9mWc4YpL8nHd3JsG6f"
	kept := map[string]string{
		"share.asc": encrypted(hexShare), "prod-rekey-k7m2-share.asc": encrypted(hexShare + "\n"), "otp.txt": password, "otp-kept.txt": "another",
	}

	announce := func(step ceremony.Step) ceremony.Announced {
		key := announced(step, nonce1)
		key.Identity, key.Subkey = ceremony.Fingerprint(strings.ToLower(us.fingerprint)), strings.ToLower(us.subkey)
		key.Certificate = pinned
		key.Announcement = us.runsWith("gpg -q --batch -sa", []byte("conclave-announce1\nwhat is agreed to\n"))
		return key
	}
	to := person("carol")
	to.Key = ceremony.Fingerprint(strings.ToLower(carol.fingerprint))
	base := started(t, rekeyPlan()).c

	type asked struct {
		step    ceremony.Step
		command string
		file    string
	}
	var all []asked
	for step, file := range map[ceremony.Step]string{
		ceremony.StepUpdate: "share.asc", ceremony.StepUnseal: "share.asc", ceremony.StepDrill: "share.asc",
		ceremony.StepVerify: "prod-rekey-k7m2-share.asc", ceremony.StepOTP: "otp.txt",
	} {
		c, key := base, announce(step)
		c.Key = &key
		if asks := wording.RequestOf(c, to, step).File; asks != file {
			t.Fatalf("%s: it reads %s", step, asks)
		}
		commands := commandsIn(wording.OrderShare(c, to, key, file, "").Text)
		if len(commands) != 1 || !strings.Contains(commands[0], file) {
			t.Fatalf("%s: %q does not read %s", step, commands, file)
		}
		command := commands[0]
		all = append(all, asked{step, command, file}, asked{step, wording.SealCommand(c, to, key, file, "envelope.asc").String(), file})
	}

	binary := us.runsWith("gpg -q --batch --dearmor | base64 -w0", []byte(encrypted("a new share")))
	armor := us.runsWith("base64 -d | gpg -q --batch --enarmor | sed 's/ARMORED FILE/MESSAGE/'", []byte(binary))
	delivery := commandsIn(wording.OrderShareKept(base, to.Key, "prod-rekey-k7m2-share.asc", armor).Text)
	if len(delivery) != 2 {
		t.Fatalf("of a delivery: %q", delivery)
	}

	for _, shell := range shells(t) {
		unharmed := func(what string) {
			t.Helper()
			now := filesIn(t, carol.folder)
			for name, content := range kept {
				if sum := sha256.Sum256([]byte(content)); now[name] != hex.EncodeToString(sum[:]) {
					t.Fatalf("%s: %s is not as it was after\n%s", shell, name, what)
				}
			}
		}
		lay := func() {
			t.Helper()
			for name, content := range kept {
				carol.puts(name, content)
			}
			_ = os.Remove(filepath.Join(carol.folder, "envelope.asc"))
		}
		for _, a := range all {
			for _, advice := range append([]string{""}, advices(t)...) {
				lay()
				printed, ok := carol.tries(shell, a.command+advice)
				unharmed(a.command + advice)
				if printed == "" {
					read, err := os.ReadFile(filepath.Join(carol.folder, "envelope.asc"))
					if err != nil {
						t.Fatalf("%s: %v", shell, err)
					}
					printed = string(read)
				}
				want := hexShare
				if a.step == ceremony.StepOTP {
					want = password
				}
				opened := us.runsWith("gpg -q --batch -d", []byte(printed))
				if !ok || !strings.HasPrefix(opened, ceremony.PayloadTag+" ") || !strings.Contains(opened, want) {
					t.Errorf("%s: %s: it prints, %v, %q", shell, a.step, ok, opened)
				}
			}
			for what, spoil := range map[string]func(){
				"missing": func() { _ = os.Remove(filepath.Join(carol.folder, a.file)) },
				"empty":   func() { carol.puts(a.file, "") },
				"of a folder": func() {
					_ = os.Remove(filepath.Join(carol.folder, a.file))
					_ = os.Mkdir(filepath.Join(carol.folder, a.file), 0o700)
				},
				"of no use":   func() { carol.puts(a.file, "-----BEGIN PGP MESSAGE-----\n\nowE=\n-----END PGP MESSAGE-----\n") },
				"of an empty": func() { carol.puts(a.file, encrypted("")) },
				"of a stranger": func() {
					carol.puts(a.file, us.runsWith("gpg -q --batch --trust-model always --armor -e -r "+us.fingerprint, []byte(hexShare)))
				},
			} {
				if a.step == ceremony.StepOTP && what != "missing" && what != "empty" && what != "of a folder" {
					continue // a password is in no message, and any text may be one
				}
				lay()
				spoil()
				printed, ok := carol.tries(shell, a.command)
				if out, err := os.ReadFile(filepath.Join(carol.folder, "envelope.asc")); err == nil {
					printed += string(out)
				}
				if printed != "" || ok {
					t.Errorf("%s: %s, with a file that is %s: it says %v, and prints\n%s", shell, a.step, what, ok, printed)
				}
				_ = os.RemoveAll(filepath.Join(carol.folder, a.file))
			}
		}

		// A delivery is saved beside a file of its name, and never over it.
		lay()
		if _, ok := carol.tries(shell, delivery[0]); ok {
			t.Errorf("%s: a share is saved where one is", shell)
		}
		for _, command := range delivery {
			_, _ = carol.tries(shell, command)
			unharmed(command)
		}
		if err := os.Remove(filepath.Join(carol.folder, "prod-rekey-k7m2-share.asc")); err != nil {
			t.Fatal(err)
		}
		if _, ok := carol.tries(shell, delivery[0]); !ok {
			t.Errorf("%s: a share can't be saved", shell)
		}
		if got := carol.runs(delivery[1]); !strings.Contains(got, "it opens") {
			t.Errorf("%s: the new share: %q", shell, got)
		}
	}
}

// TestRollCallIsNotAnsweredWithoutItsChallenge: what can't be decrypted has no hash to
// be signed.
func TestRollCallIsNotAnsweredWithoutItsChallenge(t *testing.T) {
	us, carol := newShellUser(t, "conclave"), newShellUser(t, "carol")
	us.runsWith("gpg -q --batch --import", []byte(carol.runs("gpg -q --armor --export")))
	to := person("carol")
	to.Key = ceremony.Fingerprint(strings.ToLower(carol.fingerprint))
	c := started(t, rekeyPlan()).c
	const challenge = "00112233445566778899aabbccddeeff"
	for _, shell := range shells(t) {
		for key, answered := range map[string]bool{carol.fingerprint: true, us.fingerprint: false} {
			command := wording.AnswerCommand(c, to, ceremony.Challenge{
				Ciphertext: us.runsWith("gpg -q --batch --trust-model always --armor -e -r "+key, []byte(challenge)),
			}, "").String()
			printed, ok := carol.tries(shell, command)
			if ok != answered || (printed != "") != answered {
				t.Errorf("%s: it says %v, and prints\n%s", shell, ok, printed)
			}
			if !answered {
				continue
			}
			word := carol.runsWith("gpg -q --batch -d 2>/dev/null", []byte(printed))
			w := c.StatementFor(ceremony.SayPresent)
			w.More = ceremony.RollCallAnswer([]byte(challenge))
			if strings.TrimSpace(strings.ToLower(word)) != strings.ToLower(w.Line()) {
				t.Errorf("%s: it signs %q and not %q", shell, word, w.Line())
			}
		}
	}
}

// A second attempt's share is not saved in the place of the first one's, which may
// have come into force.
func TestSecondAttemptsShareHasAFileOfItsOwn(t *testing.T) {
	s := rekeyed(t)
	first := s.message(rules.DeliveryMessage, "dave")
	again := s.then(event.AttemptLost{Nonce: nonce1, Unproven: true}, event.Starting{Attempt: 2}, event.Started{Nonce: nonce2, Required: 3},
		event.KeyAnnounced{Key: announced(ceremony.StepUpdate, nonce2)}).
		counted("bob", ceremony.StepUpdate, nonce2).counted("carol", ceremony.StepUpdate, nonce2).
		share("erin", ceremony.StepUpdate, nonce2, event.Rekeyed{By: person("erin"), Shares: newShares(), VerificationNonce: nonce1, Required: 3})
	second := again.message(rules.DeliveryMessage, "dave")
	if one, two := wording.DeliveredFile(again.c, first), wording.DeliveredFile(again.c, second); one == two {
		t.Errorf("both are %s", one)
	}
	asked := wording.RequestOf(again.c, person("dave"), ceremony.StepVerify)
	if want := wording.DeliveredFile(again.c, second); asked.File != want {
		t.Errorf("%s is asked for, and it is in %s", asked.File, want)
	}
}

// TestWhatIsNotOfItsShapeIsNeverPasted puts commands into everything that a command
// is made of, and runs whatever is shown then.
func TestWhatIsNotOfItsShapeIsNeverPasted(t *testing.T) {
	evil := []string{
		"0;A='touch pwned';${A,,};: ", "$(touch pwned)", "`touch pwned`", "';touch pwned;'", "a\ntouch pwned\n", "\x1b[201~\ntouch pwned\n", "a b;touch pwned",
		"-----BEGIN PGP MESSAGE-----\n\nowE=\nCONCLAVE\ntouch pwned\n", "owE=\nA: ';touch pwned;'", "%s$(touch pwned)", "",
	}
	good := started(t, rekeyPlan()).c
	to := person("carol")
	made := shown(t)
	parcel, _ := testSigner{}.SignDelivery(ceremony.Parcel{})
	request := func(c rules.State, to ceremony.Person) render.Message {
		return made(render.ShareRequest(c, to, *c.Key, testSigner{}))
	}
	word := func(c rules.State, to ceremony.Person, verb ceremony.Verb) render.Message {
		blocks, err := render.SignInstead(c, to, verb, testSigner{})
		return made(render.Message{Blocks: blocks}, err)
	}
	delivered := func(c rules.State, s ceremony.SignedParcel) render.Message {
		return made(render.Delivery(c, rules.Message{To: &to}, ceremony.Parcel{Recipient: to.Key}, s, testSigner{}))
	}
	alone := func(p wording.Pasted) render.Message {
		if !p.Made() {
			return render.Message{Blocks: []slack.Block{render.Stop}}
		}
		return render.Message{Blocks: []slack.Block{slack.NewRichTextBlock("", &slack.RichTextPreformatted{
			Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(p.Text, nil)}})}}
	}
	shown := map[string]func(string) render.Message{
		"a holder's key": func(bad string) render.Message {
			to := to
			to.Key = ceremony.Fingerprint(bad)
			return request(good, to)
		},
		"the id": func(bad string) render.Message {
			c := good
			c.Plan.Ceremony = ceremony.ID(bad)
			return request(c, to)
		},
		"the plan's hash": func(bad string) render.Message {
			c := good
			c.PlanHash = bad
			return request(c, to)
		},
		"the witness's key": func(bad string) render.Message {
			to := to
			to.Key = ceremony.Fingerprint(bad)
			return word(good, to, ceremony.SayProceed)
		},
		"the nonce of a word": func(bad string) render.Message {
			c := good
			c.Round.Nonce = bad
			return word(c, to, ceremony.SayReverify)
		},
		"the hash of a word": func(bad string) render.Message {
			c := good
			c.PlanHash = bad
			return word(c, to, ceremony.SayApprove)
		},
		"the id of a delivery": func(bad string) render.Message {
			c := good
			c.Plan.Ceremony = ceremony.ID(bad)
			return delivered(c, parcel)
		},
		"the share": func(bad string) render.Message {
			return delivered(good, ceremony.SignedParcel{Armor: bad, Line: parcel.Line})
		},
		"the line of a delivery": func(bad string) render.Message {
			return delivered(good, ceremony.SignedParcel{Armor: parcel.Armor, Line: bad})
		},
		"the token": func(bad string) render.Message {
			return made(render.Token(good, to, ceremony.SignedParcel{Armor: bad, Line: bad}, testSigner{}))
		},
		"the id of a token": func(bad string) render.Message {
			c := good
			c.Plan.Ceremony, c.Plan.Operation = ceremony.ID(bad), ceremony.GenerateRoot
			return made(render.Token(c, to, parcel, testSigner{}))
		},
		"a challenge": func(bad string) render.Message {
			return alone(wording.AnswerCommand(good, to, ceremony.Challenge{Ciphertext: bad}, ""))
		},
		"a name for a file": func(bad string) render.Message {
			if bad == "" {
				return render.Message{Blocks: []slack.Block{render.Stop}} // none is asked for
			}
			return alone(wording.SignCommand(good.StatementFor(ceremony.SayApprove), to.Key, bad))
		},
		"the speaker's key": func(bad string) render.Message {
			return alone(wording.SignCommand(good.StatementFor(ceremony.SayApprove), ceremony.Fingerprint(bad), "a.asc"))
		},
	}
	for what, change := range map[string]func(*ceremony.Announced, string){
		"the identity":     func(a *ceremony.Announced, bad string) { a.Identity = ceremony.Fingerprint(bad) },
		"the subkey":       func(a *ceremony.Announced, bad string) { a.Subkey = bad },
		"the nonce":        func(a *ceremony.Announced, bad string) { a.Nonce = bad + "'" },
		"the step":         func(a *ceremony.Announced, bad string) { a.Step = ceremony.Step(bad + "'") },
		"the certificate":  func(a *ceremony.Announced, bad string) { a.Certificate = bad },
		"the announcement": func(a *ceremony.Announced, bad string) { a.Announcement = bad },
	} {
		shown[what] = func(bad string) render.Message {
			c, key := good, *good.Key
			change(&key, bad)
			c.Key = &key
			return request(c, to)
		}
	}
	inbox := t.TempDir()
	for _, bad := range evil {
		c := good
		c.Accessor = bad
		if said := render.PlainText(render.Reminder(c, event.Entry{Event: event.Reminded{}})); strings.Contains(said, "touch") {
			t.Errorf("an accessor is shown as it is:\n%s", said)
		}
	}
	for what, show := range shown {
		for _, bad := range evil {
			if bad == "" && (what == "the witness's key" || what == "the nonce of a word" || what == "the hash of a word") {
				continue // there is nothing to sign with, or nothing in it that a shell reads
			}
			m := show(bad)
			if !slices.Contains(m.Blocks, render.Stop) || len(m.OrStop().Blocks) != 1 {
				t.Errorf("%s of %q is shown in %q", what, bad, listingsOf(m))
			}
			commands := listingsOf(m)
			for _, text := range instructionsOf(m) {
				commands = append(commands, commandsIn(text)...)
			}
			for _, command := range commands {
				for _, shell := range shells(t) {
					cmd := exec.Command(shell[0], append(shell[1:], "-c", command)...)
					cmd.Dir, cmd.Env = inbox, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + inbox, "GNUPGHOME=" + inbox}
					cmd.WaitDelay = time.Second
					_ = cmd.Run()
				}
			}
			if _, err := os.Stat(filepath.Join(inbox, "pwned")); err == nil {
				t.Fatalf("%s of %q: THE COMMAND RAN", what, bad)
			}
		}
	}
}

// TestNoMessageShowsACommandOfAShell: whoever can edit a message could edit the command.
// What people copy from a message is for gpg or conclave, or is read.
func TestNoMessageShowsACommandOfAShell(t *testing.T) {
	print := regexp.MustCompile(`^[0-9A-F]{4}( +[0-9A-F]{4}){9}$`)
	blocks, signed := 0, 0
	for name, m := range scenes(t) {
		signed += len(instructionsOf(m))
		for _, l := range listingsOf(m) {
			switch {
			case wording.IsArmor(l):
				blocks++
			case print.MatchString(l), wording.EncodedShape.MatchString(l), isOfAPlan(l):
			default:
				t.Errorf("%s shows %q", name, l)
			}
		}
		for _, b := range m.Blocks {
			raw, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			for _, command := range []string{"printf", "gpg -s", "<<", "| gpg", "gpg -qd"} {
				var text string
				if _, isListing := b.(*slack.RichTextBlock); !isListing {
					text = string(raw)
				}
				if strings.Contains(text, command) {
					t.Errorf("%s says %s", name, raw)
				}
			}
		}
	}
	if blocks == 0 || signed < 10 {
		t.Errorf("%d PGP blocks and %d instructions are shown", blocks, signed)
	}
}

// isOfAPlan reports whether a listing is of lines that each have a name before a colon. The
// first line of a plan names its form.
func isOfAPlan(l string) bool {
	line := regexp.MustCompile(`^[a-z][a-z0-9 '-]*: ?.*$`)
	for i, one := range strings.Split(l, "\n") {
		if !line.MatchString(one) && !(i == 0 && strings.HasPrefix(one, "conclave-plan")) {
			return false
		}
	}
	return true
}

// TestCommandsAreMadeInOnePlace holds the source to it: commands come from package wording,
// and messages show PGP blocks, fingerprints and plans.
func TestCommandsAreMadeInOnePlace(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.go", "*/*.go", "../cli/terminal/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	shows := regexp.MustCompile(`\blisting\(([^)]*)`)
	seen := 0
	for _, file := range files {
		if base := filepath.Base(file); base == "paste.go" || base == "blocks.go" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		source := sourceOf(t, file)
		for _, m := range shows.FindAllStringSubmatch(source, -1) {
			seen++
			if !strings.HasPrefix(m[1], "wording.Grouped(") && m[1] != "combined" {
				t.Errorf("%s shows %s without paste.go", file, m[1])
			}
		}
		if strings.Contains(source, "Pasted{") || strings.Contains(source, "wording.Paste(") {
			t.Errorf("%s makes a command past package wording", file)
		}
	}
	if seen == 0 {
		t.Error("nothing is shown")
	}
}

// TestPrintedCommandsAreSingleLines: of a command of several lines the last one may not be copied, and the shell then
// waits for it without a word. A terminal whose shell edits no lines takes 4,095 bytes in one.
func TestPrintedCommandsAreSingleLines(t *testing.T) {
	armor := "-----BEGIN PGP MESSAGE-----\n\n" + strings.Repeat(strings.Repeat("m", 64)+"\n", 22) + "=njUN\n-----END PGP MESSAGE-----\n"
	c, to := started(t, rekeyPlan()).c, person("carol")
	key := announced(ceremony.StepUpdate, nonce1)
	password := key
	password.Step = ceremony.StepOTP
	orders := map[string]wording.Order{
		"a share":     wording.OrderShare(c, to, key, "share.asc", "envelope.asc"),
		"a password":  wording.OrderShare(c, to, password, "otp.txt", ""),
		"a roll call": wording.OrderAnswer(c, to, ceremony.Challenge{Ciphertext: armor}, ""),
		"a word":      wording.OrderWord(c, to.Key, ceremony.SayApprove),
		"a new share": wording.OrderShareKept(c, to.Key, "prod-rekey-k7m2-share.asc", armor),
		"a token":     wording.OrderToken(c, to.Key, armor),
	}
	for what, order := range orders {
		commands := commandsIn(order.Text)
		if len(commands) == 0 || order.Void {
			t.Errorf("%s: no command in %q", what, order.Text)
		}
		for _, command := range commands {
			if strings.Contains(command, "\n") || len(command) > 4095 {
				t.Errorf("%s: %d bytes in %d lines:\n%s", what, len(command), 1+strings.Count(command, "\n"), command)
			}
		}
	}
}

// TestWhatWasCutEndsInAMessage runs what is left of a command when the end of its armor was not copied.
func TestWhatWasCutEndsInAMessage(t *testing.T) {
	carol := newShellUser(t, "carol")
	armor := carol.runsWith("gpg -q --batch --trust-model always -ea -r "+carol.fingerprint, []byte("response"))
	c, to := started(t, rekeyPlan()).c, person("carol")
	for what, order := range map[string]wording.Order{
		"a roll call": wording.OrderAnswer(c, to, ceremony.Challenge{Ciphertext: cutArmor(armor)}, ""),
		"a token":     wording.OrderToken(c, to.Key, cutArmor(armor)),
	} {
		for _, shell := range shells(t) {
			command := commandsIn(order.Text)[0]
			if printed, ok := carol.tries(shell, command); ok || printed != "" {
				t.Errorf("%s, %s: %v, printed is %q", shell, what, ok, printed)
			}
		}
	}
}

// cutArmor returns the first half of the lines.
func cutArmor(armor string) string {
	lines := strings.Split(strings.TrimSpace(armor), "\n")
	return strings.Join(lines[:len(lines)/2+1], "\n") + "\n"
}
