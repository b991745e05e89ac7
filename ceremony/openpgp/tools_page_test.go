package openpgp_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// toolListing matches a listing of docs/tools.md: for which program and step it is, and its commands.
var toolListing = regexp.MustCompile("(?ms)^```sh (\\w+) (\\w+)\n(.*?)^```$")

// toolsPage returns the listings: program → step → commands.
func toolsPage(t *testing.T) map[string]map[string]string {
	t.Helper()
	page := string(must(os.ReadFile("../../docs/tools.md"))(t))
	all := map[string]map[string]string{}
	count := 0
	for _, m := range toolListing.FindAllStringSubmatch(page, -1) {
		if all[m[1]] == nil {
			all[m[1]] = map[string]string{}
		}
		all[m[1]][m[2]], count = m[3], count+1
	}
	if fences := strings.Count(page, "\n```sh"); fences != count || count == 0 {
		t.Fatalf("%d of %d listings have a program and a step", count, fences)
	}
	return all
}

// toolSteps are what a person does with a program of their own.
var toolSteps = []string{"key", "look", "check", "share", "password", "roll", "word", "open"}

// Every program's listings are run in every shell for which they are, as they stand on the page. What is made is
// judged by the bot.
func TestP8ToolsPageWorksWithTheRealPrograms(t *testing.T) {
	page := toolsPage(t)
	sq, other := "sq1", "sq0"
	d := newDesk(t, "sq", "rnp", "rnpkeys", "bash", "zsh", "dash", "fish")
	version := string(d.run("sq --version 2>/dev/null || sq version 2>&1"))
	if d.oldSequoia() {
		sq, other = other, sq
	}
	t.Logf("run with %s, %s, %s", firstLine(version), firstLine(string(d.run("rnp --version"))), firstLine(string(d.run("fish --version"))))
	t.Logf("not run, since another version is installed: %d listings for %s", len(page[other]), other)
	ran := 0
	for _, tool := range []string{sq, "rnp"} {
		for _, shell := range []string{"bash", "zsh", "dash", "fish"} {
			t.Run(tool+" in "+shell, func(t *testing.T) {
				runTool(t, page[tool], shell)
				ran += len(toolSteps)
			})
		}
	}
	for _, tool := range []string{"sq1", "sq0", "rnp"} {
		for _, step := range toolSteps {
			if page[tool][step] == "" {
				t.Errorf("docs/tools.md does not say how to do %q with %s", step, tool)
			}
		}
	}
	t.Logf("%d commands were run", ran)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func runTool(t *testing.T, listings map[string]string, shell string) {
	d := newDesk(t, "sq", "rnp", "rnpkeys", shell)
	// in has a shell run commands. In fish, people type what the page says first.
	words := map[string]string{}
	in := func(step string) string {
		t.Helper()
		commands := listings[step]
		for name, word := range words {
			commands = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllLiteralString(commands, word)
		}
		// A passphrase is asked for at a terminal, which a test does not have.
		commands = strings.ReplaceAll(commands, "sq key generate --own-key", "sq key generate --own-key --without-password")
		commands = strings.ReplaceAll(commands, "--generate-key", "--password '' --generate-key")
		d.write("commands", []byte(commands))
		line := shell + " commands"
		if shell == "fish" {
			line = "fish -c bash <commands"
		}
		return string(d.run("%s", line))
	}
	in("key")
	time.Sleep(1100 * time.Millisecond) // sq takes what is as old as this second to be from the future
	s := d.setOut(must(os.ReadFile(d.home + "/me.asc"))(t))
	s.want.Now = time.Now().Add(time.Minute)
	d.write("share.asc", asVault(t, must(s.bot.Certificate(s.want.Signer))(t), share))
	identity := must(s.identity.PublicArmor())(t)
	d.write("conclave.asc", []byte(identity))
	d.write("conclave-key.txt", []byte(s.key.Announced().Certificate))
	told := must(s.bot.SignInstruction(s.word()))(t)
	d.write("conclave-says.txt", []byte(told.Message))
	a := s.key.Announced()
	words["BEFORE"], words["BEHIND"] = a.Prefix(s.want.Ceremony), strings.TrimPrefix(a.Suffix(s.want.Ceremony, s.want.PlanHash), " ")
	words["NOTATION"] = a.Binding(s.want.Ceremony, s.want.PlanHash)
	words["ME"], words["CONCLAVE"] = s.want.Signer.String(), s.identity.Fingerprint().String()
	words["WORD"] = s.word().Says
	kept := map[string]string{}
	for _, name := range []string{"share.asc", "conclave.asc", "conclave-key.txt", "conclave-says.txt"} {
		kept[name] = string(must(os.ReadFile(d.home + "/" + name))(t))
	}

	if out := in("look"); strings.Contains(listings["look"], "inspect") &&
		(!strings.Contains(out, s.identity.Fingerprint().String()) || !strings.Contains(out, strings.ToUpper(a.Subkey))) {
		t.Errorf("look: %s", out)
	}
	if out := in("check"); !strings.Contains(out, "ceremony: prod-rekey-k7m2\n") {
		t.Errorf("check prints %q", out)
	}
	envelope := []byte(in("share"))
	s.opened(t, envelope)
	e := s.evidence(t, envelope)
	if _, _, err := s.verified(e); err != nil {
		t.Errorf("an auditor can't check it: %v", err)
	}

	says := func(step string) ceremony.SignedLine {
		t.Helper()
		return must(s.bot.VerifyStatement([]byte(in(step)), s.want.Signer, s.now.Add(-time.Minute), time.Now().Add(time.Minute)))(t)
	}
	if got := says("word").Line; got != s.word().Says {
		t.Errorf("the word is %q", got)
	}
	d.write("challenge.txt", enarmor(t, "PGP MESSAGE", asVault(t, must(s.bot.Certificate(s.want.Signer))(t), response)))
	present := ceremony.Statement{Of: string(s.want.Ceremony), Hash: s.want.PlanHash, Verb: ceremony.SayPresent}
	words["PRESENT"] = present.Line()
	if got := says("roll").Line; got != present.Line()+" "+ceremony.RollCallAnswer([]byte(response)) {
		t.Errorf("the answer is %q", got)
	}
	parcel := s.parcel(t)
	signed := must(s.bot.SignDelivery(parcel))(t)
	d.write("new.asc", []byte(signed.Armor))
	if got := in("open"); got != "it opens\n" {
		t.Errorf("open: %q", got)
	}

	p := passwordStage(t, s.now)
	d.write("conclave.asc", []byte(must(p.identity.PublicArmor())(t)))
	d.write("conclave-key.txt", []byte(p.key.Announced().Certificate))
	d.write("otp.txt", []byte(password))
	words["BEFORE"] = p.key.Announced().Prefix(p.want.Ceremony)
	words["BEHIND"] = strings.TrimPrefix(p.key.Announced().Suffix(p.want.Ceremony, p.want.PlanHash), " ")
	words["CONCLAVE"] = p.identity.Fingerprint().String()
	in("look")
	p.openedPassword(t, []byte(in("password")))

	delete(kept, "conclave.asc")
	delete(kept, "conclave-key.txt")
	for name, content := range kept {
		if string(must(os.ReadFile(d.home+"/"+name))(t)) != content {
			t.Errorf("%s is not as it was", name)
		}
	}
	// What was not signed by the pinned identity is told, and nothing of it is printed as if it were.
	d.write("conclave-says.txt", []byte(must(passwordStage(t, s.now).bot.SignInstruction(s.word()))(t).Message))
	d.write("commands", []byte(listings["check"]))
	if out, err := d.try("%s", shell+" commands"); err == nil {
		t.Errorf("check accepts another identity's: %q", out)
	}
}

// The first listing is for any of the keys: conclave reads what the programs have made.
func TestKeysOfOtherProgramsAreReadForSealing(t *testing.T) {
	d := newDesk(t, "sq", "rnp", "rnpkeys")
	page := toolsPage(t)
	if page["any"]["seal"] != "conclave seal --key me.pgp --encrypted share.asc message.txt\n" {
		t.Errorf("the page says %q", page["any"]["seal"])
	}
	d.run("rnpkeys --password '' --generate-key --userid ada@example.com >log 2>&1; rnpkeys --secret --export-key ada@example.com > rnp.pgp")
	if d.oldSequoia() {
		d.run("sq key generate --userid 'Ada <ada@example.invalid>' --export sq.pgp")
	} else {
		d.run("sq key generate --own-key --without-password --name Ada --email ada@example.com --rev-cert me.rev; sq key export --cert-email ada@example.com --output sq.pgp")
	}
	for _, name := range []string{"rnp.pgp", "sq.pgp"} {
		h := must(openpgp.ReadHolderKey(must(os.ReadFile(d.home+"/"+name))(t), nil))(t)
		s := d.setOut([]byte(must(h.PublicArmor())(t)))
		plain := must(h.Decrypt(must(os.ReadFile(d.home + "/share.asc"))(t)))(t)
		inv := must(openpgp.CheckAnnouncement(s.pasted(), s.identity.Fingerprint(), s.want.Now))(t)
		s.opened(t, []byte(must(inv.Seal(plain, h, s.want.Now))(t)))
	}
}
