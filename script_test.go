package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/openpgp"
	"conclave/host"
	"conclave/needs"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"conclave": main})
}

// Each script runs the real binary, without a network.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values["asked"] = map[string]asked{}
			env.Values["locks"] = map[string]*journal.Files{}
			// A short path: gpg's agent listens on a socket in there.
			home, err := os.MkdirTemp("", "gpg")
			if err != nil {
				return err
			}
			env.Defer(func() { _ = os.RemoveAll(home) })
			env.Setenv("GNUPGHOME", home)
			env.Setenv("GORACE", os.Getenv("GORACE"))
			kept, err := filepath.Abs("ceremony/testdata/transcript")
			if err != nil {
				return err
			}
			env.Setenv("TRANSCRIPTS", kept)
			identity, err := os.ReadFile(filepath.Join(kept, "identity"))
			if err != nil {
				return err
			}
			env.Setenv("IDENTITY", strings.TrimSpace(string(identity)))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config")) // pinned identities
			return nil
		},
		// [needs.Required] is true under make test: a tool that is missing there is an error.
		Condition: func(name string) (bool, error) {
			if name != "required" {
				return false, fmt.Errorf("no condition %q", name)
			}
			return needs.Required(), nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"replace":   scriptReplace,
			"holder":    scriptHolder,
			"announce":  scriptAnnounce,
			"ask":       scriptAsk,
			"says":      scriptSays,
			"call":      scriptCall,
			"answers":   scriptAnswers,
			"deliver":   scriptDeliver,
			"opens":     scriptOpens,
			"encode":    scriptEncode,
			"journal":   scriptJournal,
			"proposal":  scriptProposal,
			"age":       scriptAge,
			"lock":      scriptLock,
			"unlock":    scriptUnlock,
			"until":     scriptUntil,
			"killagent": scriptKillAgent,
		},
	})
}

// replace FILE OLD NEW: changes the first OLD in FILE, which must be there.
func scriptReplace(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, []byte(strings.Replace(text, args[1], args[2], 1)), info.Mode()))
}

// holder NAME…: makes a PGP key and writes NAME.asc, the public half, and a
// journal's plan can name it from then on.
func scriptHolder(ts *testscript.TestScript, _ bool, names []string) {
	for _, name := range names {
		key, err := openpgp.GenerateHolder(name, time.Now().Add(-time.Hour))
		ts.Check(err)
		armor, err := key.PublicArmor()
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name+".asc"), []byte(armor), 0o600))
	}
}

// asked is a ceremony key, which lives on in the test process as it does in the
// bot, and the ceremony that it is for.
type asked struct {
	id   ceremony.ID
	plan string // its hash
	key  ceremony.Key
}

// announce FILE STEP [HOLDER.asc]: writes the message in which the identity under
// secrets/ asks the holder for a share, as it is pasted from Slack; or, without a
// holder, a person without a key for their one-time password.
func scriptAnnounce(ts *testscript.TestScript, _ bool, args []string) {
	passphrase, err := host.ReadSecret(host.Path(ts.MkAbs("secrets/passphrase")))
	ts.Check(err)
	id, err := openpgp.Load(ts.MkAbs("secrets/identity.asc"), passphrase)
	ts.Check(err)

	plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", ceremony.Fingerprint(strings.Repeat("7", 40)))
	var holders []*openpgp.Certificate
	if len(args) > 2 {
		certificate, err := openpgp.ReadCertificate([]byte(ts.ReadFile(args[2])))
		ts.Check(err)
		holders = append(holders, certificate)
		plan = ceremonytest.ScriptPlan("prod-rekey-k7m2", certificate.Fingerprint())
	} else {
		plan.Ceremony, plan.Operation = "prod-generate-root-k7m2", ceremony.GenerateRoot
		plan.Receivers, plan.Requester = nil, &plan.Approvers[0]
	}
	plan.Identity = id.Fingerprint()
	o := openpgp.New(id, holders)
	key, err := o.NewKey(ceremony.Notice{
		Plan: plan, Step: ceremony.Step(args[1]), Nonce: "2dbd10f1-8528-6246-09e7-82b25b8aba63",
		At: time.Now(), Expires: plan.Closes,
	})
	ts.Check(err)
	ts.Value("asked").(map[string]asked)[args[0]] = asked{plan.Ceremony, plan.Hash(), key}
	a := key.Announced()
	told, err := o.SignInstruction(ceremony.Instruction{
		Plan: plan, About: args[1], For: plan.Holders[0].Key, Text: "# Run this:\ntrue\n",
	})
	ts.Check(err)
	message := "You are asked.\n1. Take the key:\n" + a.Certificate + "\n2. Type gpg -d:\n" + told.Message +
		"\n3. The same, for conclave:\n" + a.Announcement + "\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(message), 0o600))
	ts.Setenv("subkey", a.Subkey)
}

// scriptIdentity is the identity under secrets/.
func scriptIdentity(ts *testscript.TestScript) *openpgp.OpenPGP {
	passphrase, err := host.ReadSecret(host.Path(ts.MkAbs("secrets/passphrase")))
	ts.Check(err)
	id, err := openpgp.Load(ts.MkAbs("secrets/identity.asc"), passphrase)
	ts.Check(err)
	return openpgp.New(id, nil)
}

// scriptBot is the bot whose identity is under secrets/, and the holder whose
// certificate is in a file.
func scriptBot(ts *testscript.TestScript, holder string) (*openpgp.OpenPGP, ceremony.Plan) {
	passphrase, err := host.ReadSecret(host.Path(ts.MkAbs("secrets/passphrase")))
	ts.Check(err)
	id, err := openpgp.Load(ts.MkAbs("secrets/identity.asc"), passphrase)
	ts.Check(err)
	certificate, err := openpgp.ReadCertificate([]byte(ts.ReadFile(holder)))
	ts.Check(err)
	plan := ceremonytest.ScriptPlan("prod-rekey-k7m2", certificate.Fingerprint())
	plan.Identity = id.Fingerprint()
	return openpgp.New(id, []*openpgp.Certificate{certificate}), plan
}

// ask FILE VERB HOLDER.asc [OF]: writes the message in which the identity under secrets/ asks
// the holder to sign a word; with OF, of that ceremony.
func scriptAsk(ts *testscript.TestScript, _ bool, args []string) {
	o, plan := scriptBot(ts, args[2])
	if len(args) > 3 {
		plan.Ceremony = ceremony.ID(args[3])
	}
	word := ceremony.Statement{Of: string(plan.Ceremony), Hash: plan.Hash(), Verb: ceremony.Verb(args[1])}
	signed, err := o.SignInstruction(ceremony.Instruction{
		Plan: plan, About: args[1], For: plan.Holders[0].Key, Says: word.Line(), Text: "# Sign it:\ntrue\n",
	})
	ts.Check(err)
	message := "Please approve.\nType gpg --import:\n" + signed.Certificate + "\nType gpg -d:\n" + signed.Message + "\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(message), 0o600))
}

// says SIGNED VERB HOLDER.asc [OF]: the bot reads the holder's word.
func scriptSays(ts *testscript.TestScript, _ bool, args []string) {
	o, plan := scriptBot(ts, args[2])
	if len(args) > 3 {
		plan.Ceremony = ceremony.ID(args[3])
	}
	said, err := o.VerifyStatement(
		[]byte(ts.ReadFile(args[0])), plan.Holders[0].Key, time.Now().Add(-time.Hour), time.Now(),
	)
	ts.Check(err)
	want := ceremony.Statement{Of: string(plan.Ceremony), Hash: plan.Hash(), Verb: ceremony.Verb(args[1])}
	// The plan is made anew, with times of its own.
	got, ok := ceremony.ParseStatement(said.Line)
	if !ok || got.Of != want.Of || got.Verb != want.Verb {
		ts.Fatalf("the word is %q", said.Line)
	}
}

// call FILE HOLDER.asc [CHALLENGE.asc]: writes the message in which the identity
// under secrets/ calls the roll; with a file, that takes the challenge's place.
func scriptCall(ts *testscript.TestScript, _ bool, args []string) {
	o, plan := scriptBot(ts, args[1])
	challenge, response, err := o.Challenge(plan.Holders[0].Key, time.Now())
	ts.Check(err)
	if len(args) > 2 {
		challenge = ts.ReadFile(args[2])
	}
	signed, err := o.SignRollCall(ceremony.RollCallNotice{Plan: plan, Digest: ceremony.RollCallDigest(ceremony.RollCallAnswer([]byte(response))), At: time.Now()})
	ts.Check(err)
	certificate, err := o.PublicKey(o.Identity())
	ts.Check(err)
	message := "The roll is called.\n" + certificate + "\n" + signed + "\nYour challenge:\n" + challenge + "\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(message), 0o600))
	ts.Setenv("response", response)
}

// answers SIGNED HOLDER.asc: the bot reads the holder's answer to the last roll call.
func scriptAnswers(ts *testscript.TestScript, _ bool, args []string) {
	o, plan := scriptBot(ts, args[1])
	said, err := o.VerifyStatement(
		[]byte(ts.ReadFile(args[0])), plan.Holders[0].Key, time.Now().Add(-time.Hour), time.Now(),
	)
	ts.Check(err)
	fields := strings.Fields(said.Line)
	want := []string{
		"conclave-word1", "prod-rekey-k7m2", "present", ceremony.RollCallAnswer([]byte(ts.Getenv("response"))),
	}
	if len(fields) != 5 || !slices.Equal(slices.Delete(fields, 2, 3), want) {
		ts.Fatalf("the answer is %q", said.Line)
	}
}

// deliver FILE CEREMONY KIND INDEX CIPHERTEXT HOLDER.asc: writes the message that
// hands over what is in CIPHERTEXT, a binary PGP message.
func scriptDeliver(ts *testscript.TestScript, _ bool, args []string) {
	o, plan := scriptBot(ts, args[5])
	index, err := strconv.Atoi(args[3])
	ts.Check(err)
	signed, err := o.SignDelivery(ceremony.Parcel{
		Ceremony: ceremony.ID(args[1]), Kind: args[2], Index: index, Total: 5, Recipient: plan.Holders[0].Key,
		Ciphertext: base64.StdEncoding.EncodeToString([]byte(ts.ReadFile(args[4]))),
	})
	ts.Check(err)
	message := "Here it is.\n1. Save it:\n" + signed.Armor + "\n2. Check it:\n" + signed.Line + "\n3. Keep it.\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(message), 0o600))
}

// opens MESSAGE ENVELOPE SECRET [HOLDER.asc]: the ceremony key of the message opens
// the envelope, finds every binding right, and SECRET in it: the holder's share,
// under their signature, or a one-time password.
func scriptOpens(ts *testscript.TestScript, _ bool, args []string) {
	asked := ts.Value("asked").(map[string]asked)[args[0]]
	a := asked.key.Announced()
	want := strings.TrimSpace(ts.ReadFile(args[2]))
	expected := ceremony.Expected{
		Ceremony: asked.id, Step: a.Step, Nonce: a.Nonce, NotBefore: a.At, Now: time.Now(), PlanHash: asked.plan,
	}
	if len(args) > 3 {
		certificate, err := openpgp.ReadCertificate([]byte(ts.ReadFile(args[3])))
		ts.Check(err)
		expected.Signer = certificate.Fingerprint()
	} else {
		expected.Commitment = openpgp.Commitment([]byte(want))
	}
	secret, _, err := asked.key.Open([]byte(ts.ReadFile(args[1])), expected)
	ts.Check(err)
	ts.Check(secret.Use(func(found []byte) error {
		if string(found) != want {
			return fmt.Errorf("the envelope holds another secret")
		}
		return nil
	}))
}

// encode PASSWORD TOKEN ENCODED: writes what Vault makes of the two.
func scriptEncode(ts *testscript.TestScript, _ bool, args []string) {
	word := encoded(strings.TrimSpace(ts.ReadFile(args[1])), ts.ReadFile(args[0]))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(word+"\n"), 0o600))
}

// journal DIR ID…: writes a journal in which each ceremony was proposed and
// rejected, by the identity under secrets/ where there is one.
func scriptJournal(ts *testscript.TestScript, _ bool, args []string) {
	key := ceremonytest.JournalKey()
	if _, err := os.Stat(ts.MkAbs("secrets/identity.asc")); err == nil {
		key = scriptIdentity(ts).JournalKey()
	}
	j, err := journal.OpenJournal(ts.MkAbs(args[0]), key)
	ts.Check(err)
	defer j.Close()
	ctx, previous := context.Background(), ""
	for _, id := range args[1:] {
		plan := ceremonytest.ScriptPlan(
			ceremony.ID(id), ceremony.Fingerprint(hex.EncodeToString(bytes.Repeat([]byte{7}, 20))),
		)
		entries, err := j.Append(ctx, plan.Ceremony, 0,
			event.Proposed{Plan: plan, PlanHash: plan.Hash(), Previous: previous})
		ts.Check(err)
		previous = entries[0].Hash
		_, err = j.Append(ctx, plan.Ceremony, 1,
			event.Rejected{By: plan.Approvers[0], Why: "not today"},
			event.Ended{Outcome: event.WasRejected, Vault: event.NothingToCancel})
		ts.Check(err)
	}
}

// proposal DIR ID [SIGNED]: adds a ceremony that bob has approved by a button, and that is
// open. With SIGNED, that stands there as what he has signed.
func scriptProposal(ts *testscript.TestScript, _ bool, args []string) {
	bot := scriptIdentity(ts)
	j, err := journal.OpenJournal(ts.MkAbs(args[0]), bot.JournalKey())
	ts.Check(err)
	defer j.Close()
	plan := ceremonytest.ScriptPlan(ceremony.ID(args[1]), ceremony.Fingerprint(strings.Repeat("7", 40)))
	plan.Identity = bot.Identity()
	_, err = j.Append(context.Background(), plan.Ceremony, 0,
		event.Proposed{Plan: plan, PlanHash: plan.Hash()},
		event.Approved{By: plan.Approvers[0], PlanHash: plan.Hash(), Signed: strings.Join(args[2:], " ")})
	ts.Check(err)
}

// age DIR: writes every journal anew as programs before the authentication of lines did.
func scriptAge(ts *testscript.TestScript, _ bool, args []string) {
	paths, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.jsonl"))
	ts.Check(err)
	for _, path := range paths {
		chain, err := journal.ReadChain(strings.NewReader(ts.ReadFile(path)))
		ts.Check(err)
		var old bytes.Buffer
		prev := ""
		for _, e := range chain.Entries {
			e.Prev, e.MACKey, e.MAC = prev, "", ""
			raw, err := journal.EncodeLine(ceremony.ID(strings.TrimSuffix(filepath.Base(path), ".jsonl")), e)
			ts.Check(err)
			prev = journal.HashLine(raw)
			old.Write(append(raw, '\n'))
		}
		ts.Check(os.WriteFile(path, old.Bytes(), 0o600))
	}
}

// lock DIR: takes a journal's lock, as a bot that runs has it.
func scriptLock(ts *testscript.TestScript, _ bool, args []string) {
	j, err := journal.OpenFiles(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Value("locks").(map[string]*journal.Files)[args[0]] = j
}

// unlock DIR: gives it back.
func scriptUnlock(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Value("locks").(map[string]*journal.Files)[args[0]].Close())
}

// until FILE PATTERN: waits for a program in the background to write it.
func scriptUntil(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[1])
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && pattern.Match(text) {
			return
		}
	}
	ts.Fatalf("%s never came to hold %s", args[0], pattern)
}

// killagent ends the agent that gpg has started for this script.
func scriptKillAgent(ts *testscript.TestScript, _ bool, _ []string) {
	cmd := exec.Command("gpgconf", "--kill", "all")
	cmd.Env = append(os.Environ(), "GNUPGHOME="+ts.Getenv("GNUPGHOME"))
	ts.Check(cmd.Run())
}
