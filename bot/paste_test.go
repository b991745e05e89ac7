package bot

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
	"conclave/needs"
)

// shellUser is a person with a computer of their own: a gpg home and a folder.
type shellUser struct {
	t            *testing.T
	home, folder string
	fingerprint  string
	subkey       string
}

func newShellUser(t *testing.T, name string) *shellUser {
	t.Helper()
	needs.Programs(t, "gpg", "bash")
	home, err := os.MkdirTemp("", "g") // t.TempDir is too long for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	s := &shellUser{t: t, home: home, folder: t.TempDir()}
	t.Cleanup(func() {
		s.runs("gpgconf --kill all")
		_ = os.RemoveAll(home)
	})
	s.runs("gpg --batch -q --passphrase '' --quick-gen-key " + name + " ed25519 sign never")
	lines := strings.Split(s.runs("gpg --batch -q --with-colons --list-keys"), "\n")
	s.fingerprint = fingerprintAfter(lines, "pub:")
	s.runs("gpg --batch -q --passphrase '' --quick-add-key " + s.fingerprint + " cv25519 encr never")
	s.subkey = fingerprintAfter(strings.Split(s.runs("gpg --batch -q --with-colons --list-keys"), "\n"), "sub:")
	return s
}

func fingerprintAfter(lines []string, record string) string {
	for i, l := range lines {
		if strings.HasPrefix(l, record) {
			return strings.Split(lines[i+1], ":")[9]
		}
	}
	return ""
}

// runs has the person's shell run a command, and returns what it prints.
func (s *shellUser) runs(command string) string { return s.runsWith(command, nil) }

func (s *shellUser) runsWith(command string, input []byte) string {
	s.t.Helper()
	cmd := exec.Command("bash", "-c", "set -o pipefail\n"+command)
	cmd.Dir, cmd.Stdin = s.folder, bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "GNUPGHOME="+s.home, "LC_ALL=C")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	printed, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", command, err, complaints.String())
	}
	return string(printed)
}

// listingsOf are the blocks of a message that are there to be copied.
func listingsOf(m render.Message) []string {
	var all []string
	for _, b := range m.Blocks {
		if rich, ok := b.(*slack.RichTextBlock); ok {
			for _, e := range rich.Elements {
				all = append(all, e.(*slack.RichTextPreformatted).Elements[0].(*slack.RichTextSectionTextElement).Text)
			}
		}
	}
	return all
}

// authority is the bot's own OpenPGP, and a ceremony that asks carol, who has a real gpg.
type authority struct {
	*openpgp.OpenPGP
	t     *testing.T
	carol *shellUser
	to    ceremony.Person
}

// newAuthority returns an identity that carol has pinned in her gpg.
func newAuthority(t *testing.T, carol *shellUser) *authority {
	t.Helper()
	id, err := openpgp.Generate("Conclave acme", time.Now().Add(-time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	hers, err := openpgp.ReadCertificate([]byte(carol.runs("gpg -q --armor --export " + carol.fingerprint)))
	if err != nil {
		t.Fatal(err)
	}
	public, err := id.PublicArmor()
	if err != nil {
		t.Fatal(err)
	}
	carol.runsWith("gpg -q --batch --import", []byte(public))
	carol.runs("gpg -q --batch --yes --quick-lsign-key " + id.Fingerprint().String())
	to := person("carol")
	to.Key = hers.Fingerprint()
	return &authority{openpgp.New(id, []*openpgp.Certificate{hers}), t, carol, to}
}

// announces makes a ceremony key, and has the ceremony ask for a step with it.
func (a *authority) announces(c rules.State, step ceremony.Step) (rules.State, ceremony.Key) {
	a.t.Helper()
	key, err := a.NewKey(ceremony.Notice{Plan: c.Plan, Step: step, Nonce: nonce1, At: time.Now(), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		a.t.Fatal(err)
	}
	announced := key.Announced()
	c.Key = &announced
	return c, key
}

// plan is the plan of a rekey by this identity.
func (a *authority) plan() ceremony.Plan {
	p := rekeyPlan()
	p.Identity = a.Identity()
	return p
}

// encrypted returns a message of Vault's to carol, in base64.
func (a *authority) encrypted(content string) string {
	return a.carol.runsWith("gpg -q --batch --trust-model always -e -r "+a.carol.fingerprint+" | base64 -w0", []byte(content))
}

// followed is what a person gets who does what a message says with gpg alone.
type followed struct {
	imported, good bool
	printed        string
	commands       []string
}

// entries are the commands that a message says to type to follow it with gpg alone.
var entries = regexp.MustCompile("[Tt]ype `((?:tee|gpg) [^`]+)`")

// follow does in a shell what a message says to type, with the real programs. What it shows is
// pasted into tee, and never typed.
//
// good is set when gpg says so of the pinned identity where it is asked. A person sees what a
// command prints and what it says as one text.
func (s *shellUser) follow(m render.Message, pinned ceremony.Fingerprint) followed {
	s.t.Helper()
	var f followed
	run := func(command, paste string) {
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir, cmd.Stdin = s.folder, strings.NewReader(paste)
		cmd.Env = append(os.Environ(), "GNUPGHOME="+s.home, "LC_ALL=C")
		if command == wording.PrintOrder {
			printed, _ := cmd.Output()
			f.printed, f.commands = string(printed), commandsIn(string(printed))
			return
		}
		out, err := cmd.CombinedOutput()
		screen := string(out)
		switch command {
		case wording.SaveKey, wording.SaveOrder:
			if err != nil || screen != "" {
				s.t.Errorf("%s: %v, and on the screen is %q", command, err, screen)
			}
		case wording.ImportKey:
			f.imported = err == nil
		case wording.VerifyOrder:
			f.good = strings.Contains(screen, "Good signature") && strings.Contains(screen, pinned.String()) && !strings.Contains(screen, "BAD")
		default:
			s.t.Errorf("%s is in no guide", command)
		}
	}
	waiting := ""
	for _, b := range m.Blocks {
		if section, ok := b.(*slack.SectionBlock); ok && section.Text != nil {
			for _, e := range entries.FindAllStringSubmatch(html.UnescapeString(section.Text.Text), -1) {
				if strings.HasPrefix(e[1], "tee ") {
					waiting = e[1]
					continue
				}
				run(e[1], "")
			}
		}
		if shown := listingsOf(render.Message{Blocks: []slack.Block{b}}); waiting != "" && len(shown) > 0 {
			run(waiting, shown[0]+"\n")
			waiting = ""
		}
	}
	return f
}

// TestGPGPrintsWhatToRun follows every kind of message in which something is asked or handed
// over, with a real gpg, and runs what it has printed in each of the shells.
func TestGPGPrintsWhatToRun(t *testing.T) {
	carol := newShellUser(t, "carol")
	a := newAuthority(t, carol)
	p := a.plan()
	base := started(t, p).c
	carol.runsWith("gpg -q --batch --trust-model always -ea -r "+carol.fingerprint+" -o share.asc", []byte(hexShare))
	carol.runs("cp share.asc prod-rekey-k7m2-share.asc")
	made := shown(t)

	open := func(c rules.State, key ceremony.Key) func(printed string) error {
		return func(printed string) error {
			found, _, err := key.Open([]byte(printed), ceremony.Expected{
				Ceremony: c.ID(), Step: c.Key.Step, Nonce: nonce1, Signer: a.to.Key, NotBefore: c.Key.At, Now: time.Now(), PlanHash: c.PlanHash,
			})
			if err != nil {
				return err
			}
			return found.Use(func(share []byte) error {
				if string(share) != hexShare {
					return errors.New("it is another share")
				}
				return nil
			})
		}
	}
	says := func(c rules.State, verb ceremony.Verb, more string) func(printed string) error {
		return func(printed string) error {
			said, err := a.VerifyStatement([]byte(printed), a.to.Key, time.Now().Add(-time.Hour), time.Now())
			if err != nil {
				return err
			}
			want := c.StatementFor(verb)
			if more != "" {
				want.More = more
			}
			if !strings.EqualFold(said.Line, want.Line()) {
				return fmt.Errorf("signed is %q and not %q", said.Line, want.Line())
			}
			return nil
		}
	}
	type message struct {
		m     render.Message
		check func(printed string) error
	}
	cases := map[string]message{}
	for _, step := range []ceremony.Step{ceremony.StepUpdate, ceremony.StepVerify, ceremony.StepUnseal, ceremony.StepDrill} {
		c, key := a.announces(base, step)
		cases["a request, "+string(step)] = message{made(render.ShareRequest(c, a.to, *c.Key, a)), open(c, key)}
	}
	for _, verb := range []ceremony.Verb{ceremony.SayApprove, ceremony.SayProceed, ceremony.SayAgree} {
		blocks, err := render.SignInstead(base, a.to, verb, a)
		cases["a word, "+string(verb)] = message{made(render.Message{Blocks: blocks}, err), says(base, verb, "")}
	}
	called := begin(t, p)
	challenge, response, err := a.Challenge(a.to.Key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	digest := ceremony.RollCallDigest(ceremony.RollCallAnswer([]byte(response)))
	notice, err := a.SignRollCall(ceremony.RollCallNotice{Plan: p, Digest: digest, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	public, err := a.PublicKey(a.Identity())
	if err != nil {
		t.Fatal(err)
	}
	roll := rules.Message{Kind: rules.RollCallMessage, To: &a.to}
	rolled := called.c
	rolled.History = append(slices.Clone(rolled.History), event.Entry{Seq: len(rolled.History) + 1, Event: event.RollCalled{
		Certificate: public, Challenges: []ceremony.Challenge{{For: a.to, Ciphertext: challenge, Digest: digest, Notice: notice}},
	}})
	cases["a roll call"] = message{made(render.Notification(rolled, roll, a)), says(base, ceremony.SayPresent, ceremony.RollCallAnswer([]byte(response)))}
	parcel := ceremony.Parcel{Ceremony: base.ID(), Kind: "token", Index: 1, Total: 1, Recipient: a.to.Key, Ciphertext: a.encrypted("hvs.a token")}
	signed, err := a.SignDelivery(parcel)
	if err != nil {
		t.Fatal(err)
	}
	cases["a token"] = message{made(render.Token(base, a.to, signed, a)), func(printed string) error {
		if printed != "hvs.a token" {
			return fmt.Errorf("it is %q", printed)
		}
		return nil
	}}

	for what, tt := range cases {
		f := carol.follow(tt.m, a.Identity())
		if !f.good || len(f.commands) != 1 {
			t.Errorf("%s: good %v, and to run is %q", what, f.good, f.commands)
			continue
		}
		if !strings.Contains(f.printed, "ceremony: prod-rekey-k7m2\n") || !strings.Contains(f.printed, "for: "+string(a.to.Key)+"\n") {
			t.Errorf("%s: for whom it is does not stand in\n%s", what, f.printed)
		}
		for _, shell := range shells(t) {
			printed, ok := carol.tries(shell, f.commands[0])
			if err := tt.check(printed); err != nil || !ok {
				t.Errorf("%s, %s: %v, %v of\n%s", shell, what, ok, err, printed)
			}
		}
	}

	parcel.Kind, parcel.Ciphertext = "share", a.encrypted(hexShare)
	if signed, err = a.SignDelivery(parcel); err != nil {
		t.Fatal(err)
	}
	f := carol.follow(made(render.Delivery(base, rules.Message{To: &a.to}, parcel, signed, a)), a.Identity())
	if !f.good || len(f.commands) != 2 {
		t.Fatalf("a delivery: good %v, and to run is %q", f.good, f.commands)
	}
	for _, shell := range shells(t) {
		carol.runs("rm prod-rekey-k7m2-share.asc")
		for _, command := range f.commands {
			if printed, ok := carol.tries(shell, command); !ok {
				t.Errorf("%s: %s: %s", shell, command, printed)
			}
		}
		if got := carol.runs("gpg -qd prod-rekey-k7m2-share.asc"); got != hexShare {
			t.Errorf("%s: what is kept is %q", shell, got)
		}
	}
}

// TestWhoEditsAMessageChangesNoCommand: an attacker who can edit what Slack has changes every
// mention of the ceremony key, and adds a key and a command to every text. What gpg prints,
// and calls good, is still what the identity has signed.
func TestWhoEditsAMessageChangesNoCommand(t *testing.T) {
	carol, evil := newShellUser(t, "carol"), newShellUser(t, "conclave")
	a := newAuthority(t, carol)
	carol.runsWith("gpg -q --batch --trust-model always -ea -r "+carol.fingerprint+" -o share.asc", []byte(hexShare))
	c, key := a.announces(started(t, a.plan()).c, ceremony.StepUpdate)
	theirs := evil.runs("gpg -q --armor --export")
	evil.runsWith("gpg -q --batch --import", []byte(carol.runs("gpg -q --armor --export "+carol.fingerprint)))
	// An instruction of the attacker's own, which their own key has signed.
	text := wording.OrderShare(c, a.to, ceremony.Announced{
		Identity: ceremony.Fingerprint(strings.ToLower(evil.fingerprint)), Subkey: strings.ToLower(evil.subkey), Step: c.Key.Step, Nonce: c.Key.Nonce,
	}, "share.asc", "").Text
	text = strings.Replace(text, "--no-encrypt-to", "--no-encrypt-to --trust-model always", 1)
	text = "conclave-instruction1\nceremony: prod-rekey-k7m2\n\n" + text
	forged := evil.runsWith("gpg -q --batch -sa", []byte(text))
	// What gpg says of a good signature, in the attacker's words.
	imitated := "gpg: Signature made Sat Mar 14 09:00:00 2026 UTC\ngpg:                using EDDSA key " + a.Identity().String() +
		"\ngpg: Good signature from \"conclave\" [full]\n"
	unsigned := evil.runsWith("gpg -q --batch --store --armor", []byte(imitated+text+imitated))
	hidden := evil.runsWith("gpg -q --batch --trust-model always -ea -r "+carol.fingerprint, []byte(imitated+text+imitated))
	instead := func(block func(l string) string) func(l string) string {
		return func(l string) string {
			if strings.Contains(l, "BEGIN PGP MESSAGE") {
				return block(l)
			}
			return l
		}
	}

	edits := map[string]func(l string) string{
		"nothing": func(l string) string { return l },
		"another recipient": func(l string) string {
			return strings.ReplaceAll(strings.ReplaceAll(l, strings.ToUpper(c.Key.Subkey), evil.subkey), c.Key.Subkey, strings.ToLower(evil.subkey))
		},
		"a second key": func(l string) string {
			if strings.Contains(l, "PUBLIC KEY") {
				return theirs + l + "\n" + theirs
			}
			return l
		},
		"a command behind each block": func(l string) string { return l + "\ngpg -qd share.asc > out\n" },
		"an instruction of its own": func(l string) string {
			switch {
			case strings.Contains(l, "PUBLIC KEY"):
				return l + "\n" + theirs
			case strings.Contains(l, "BEGIN PGP MESSAGE"):
				return strings.TrimSpace(forged)
			}
			return l
		},
		"an unsigned packet":                       instead(func(string) string { return unsigned }),
		"an unsigned packet, encrypted":            instead(func(string) string { return hidden }),
		"an unsigned packet before the signed one": instead(func(l string) string { return unsigned + l }),
		"an unsigned packet behind the signed one": instead(func(l string) string { return l + "\n" + unsigned }),
		"gpg's words around it":                    instead(func(l string) string { return imitated + unsigned + imitated }),
	}
	ran := 0
	for what, edit := range edits {
		m := shown(t)(render.ShareRequest(c, a.to, *c.Key, a))
		for _, b := range m.Blocks {
			if rich, ok := b.(*slack.RichTextBlock); ok {
				text := rich.Elements[0].(*slack.RichTextPreformatted).Elements[0].(*slack.RichTextSectionTextElement)
				text.Text = edit(text.Text)
			}
		}
		f := carol.follow(m, a.Identity())
		if !f.good {
			if what == "nothing" {
				t.Fatalf("the message as it is: %+v", f)
			}
			continue // the person stops here
		}
		ran += len(f.commands)
		for _, command := range f.commands {
			for _, shell := range shells(t) {
				printed, _ := carol.tries(shell, command)
				if _, _, err := key.Open([]byte(printed), ceremony.Expected{
					Ceremony: c.ID(), Step: c.Key.Step, Nonce: nonce1, Signer: a.to.Key, NotBefore: c.Key.At, Now: time.Now(), PlanHash: c.PlanHash,
				}); err != nil {
					t.Errorf("%s, %s: %v", shell, what, err)
				}
				cmd := exec.Command("gpg", "--batch", "-qd")
				cmd.Stdin, cmd.Env = strings.NewReader(printed), append(os.Environ(), "GNUPGHOME="+evil.home)
				if out, _ := cmd.Output(); strings.Contains(string(out), hexShare) {
					t.Fatalf("%s, %s: THE SHARE IS OUT", shell, what)
				}
			}
		}
	}
	if ran < 2 {
		t.Errorf("%d commands were run", ran)
	}
}

// TestWhatARequesterWithoutAKeyIsToldCanBePasted is the same for a one-time
// password, on a computer whose gpg knows Conclave's key from the message alone.
func TestWhatARequesterWithoutAKeyIsToldCanBePasted(t *testing.T) {
	carol, alice := newShellUser(t, "carol"), newShellUser(t, "alice")
	a := newAuthority(t, carol)
	const password = "Kq7vXb2ZrT9mWc4YpL8nHd3JsG6f"
	alice.puts("otp.txt", password)
	p := passwordPlan()
	p.Identity = a.Identity()
	p.OTP = openpgp.Commitment([]byte(password))
	s := approvedScenario(t, p)
	c, key := a.announces(s.c, ceremony.StepOTP)

	m := shown(t)(render.ShareRequest(c, s.who("alice"), *c.Key, a))
	if said := render.PlainText(m); !strings.Contains(said, "type conclave seal --otp otp.txt and") {
		t.Errorf("with the program:\n%s", said)
	}
	f := alice.follow(m, a.Identity())
	if !f.imported || !f.good || len(f.commands) != 1 || !strings.Contains(f.printed, "for: -\n") {
		t.Fatalf("%+v", f)
	}
	for _, shell := range shells(t) {
		printed, _ := alice.tries(shell, f.commands[0])
		found, _, err := key.Open([]byte(printed), ceremony.Expected{
			Ceremony: c.ID(), Step: ceremony.StepOTP, Nonce: nonce1, NotBefore: c.Key.At, Now: time.Now(), PlanHash: c.PlanHash, Commitment: p.OTP,
		})
		if err != nil {
			t.Fatalf("%s: %v", shell, err)
		}
		if err := found.Use(func(b []byte) error {
			if string(b) != password {
				return errors.New("it is another password")
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", shell, err)
		}
	}
}

// TestMessagesStayWithinWhatSlackTakes: with a plan of many people, whose certificates are
// long, a request has far fewer characters than the 13,000 from which Slack refuses one.
func TestMessagesStayWithinWhatSlackTakes(t *testing.T) {
	carol := newShellUser(t, "carol")
	a := newAuthority(t, carol)
	p := a.plan()
	for i := range 40 {
		holder := person("carol")
		holder.Name, holder.Account.User = fmt.Sprintf("holder-%02d", i), fmt.Sprintf("U0HOLDER%02d", i)
		holder.Key = ceremony.Fingerprint(fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i)}))[:40])
		p.Holders, p.Receivers = append(p.Holders, holder), append(p.Receivers, holder)
	}
	p.Shares = len(p.Holders)
	for name, plan := range map[string]ceremony.Plan{"small": a.plan(), "large": p} {
		c, _ := a.announces(begin(t, plan).c, ceremony.StepUpdate)
		m := shown(t)(render.ShareRequest(c, a.to, *c.Key, a))
		size := 0
		for _, b := range m.Blocks {
			raw, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			size += len(raw)
		}
		for _, l := range listingsOf(m) {
			if len(l) > 3000 {
				t.Errorf("%s: a block has %d characters", name, len(l))
			}
		}
		t.Logf("%s: %d characters as JSON", name, size)
		if size > 12000 {
			t.Errorf("%s: %d characters", name, size)
		}
		if f := carol.follow(m, a.Identity()); !f.good || len(f.commands) != 1 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
