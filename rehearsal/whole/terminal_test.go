package whole_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/rehearsal/stage"
)

// withoutSlack sets up a scene on a real Vault whose bot is stopped, as on a day on which Slack is down.
func withoutSlack(t *testing.T) *scene {
	s := onVault(t, func(to *stage.Settings) {
		to.Operations = []string{"rekey", "generate-root", "unseal", "backup"}
		to.Window = 30 * time.Minute
	})
	s.check(s.StopBot(s.ctx()))
	return s
}

func TestSealedVaultIsUnsealedFromATerminal(t *testing.T) {
	t.Parallel()
	s := withoutSlack(t)
	s.check(s.Vault.Seal(s.ctx()))

	c, id := s.begins("unseal", "--reason", "power cut")
	c.bring(first, "alice", "bob", "carol")
	c.ends(0)
	if seal, err := s.Seal(s.ctx()); err != nil || seal.Sealed {
		t.Errorf("the vault is sealed: %t, %v", seal.Sealed, err)
	}
	if got := s.now(id); !got.Settled() || got.Outcome != event.Completed {
		t.Errorf("%s is %s: %s", id, got.Phase, story(got))
	}
}

func TestRekeyAndRootTokenFromATerminal(t *testing.T) {
	t.Parallel()
	s := withoutSlack(t)

	c, id := s.begins("rekey")
	c.approved()
	c.bring(first, "alice", "bob", "carol")
	fresh := func(name string) string {
		return c.again().reads(`Give ` + name + ` their share \d of 5: (\S+),`)[1]
	}
	for _, name := range stage.Holders() {
		c.reveal(name, fresh(name))
	}
	c.again().reads(`(?s)asked for their new share`)
	c.bring(fresh, "erin", "dave", "carol")
	c.ends(0)
	if got := s.now(id); got.Outcome != event.Completed || !got.Told() {
		t.Fatalf("%s is %s: %s", id, got.Phase, story(got))
	}

	shares := map[string]string{}
	for _, name := range stage.Holders() {
		shares[name] = fresh(name)
	}
	// Vault keeps a backup of them until it is deleted.
	c, id = s.begins("backup")
	c.approved()
	c.reads(`paul is asked when the backup that was handed out may go`)
	c.types("delete paul %s", c.signs(stage.Paul, "delete"))
	c.ends(0)
	if got := s.now(id); got.Outcome != event.Completed {
		t.Errorf("%s is %s: %s", id, got.Phase, story(got))
	}

	c, id = s.begins("generate-root")
	c.approved()
	c.bring(func(name string) string { return shares[name] }, "alice", "dave", "erin")
	token := c.reveal(stage.Olga, c.reads(`Give olga their token: (\S+),`)[1])
	if is, err := s.Vault.IsRootToken(s.ctx(), token); err != nil || !is {
		t.Errorf("the token is a root token: %t, %v", is, err)
	}
	c.reads(`a root token is about`)
	s.check(s.Revoke(s.ctx(), token))
	c.types("revoked olga %s", c.signs(stage.Olga, "revoked"))
	c.ends(0)
	if got := s.now(id); !got.Settled() || got.Revoked == nil {
		t.Errorf("%s is %s: %s", id, got.Phase, story(got))
	}
}

func TestTerminalIsRefusedBesideARunningBot(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id, err := s.Propose(s.ctx(), stage.Olga, "rekey "+stage.ClusterName)
	s.check(err)
	for _, args := range [][]string{{"take-up"}, {"start", "rekey", stage.ClusterName, "--as", stage.Olga}} {
		c := s.console(args...)
		c.reads(`the bot, or somebody at another terminal, holds the ceremonies of this journal`)
		c.ends(1)
	}

	// Listing changes nothing.
	list, err := s.Run(s.ctx(), "ceremony", "list", "--config", s.ConfigFile())
	s.check(err)
	s.tells("the list", list, string(id), "proposed")
	shown, err := s.Run(s.ctx(), "ceremony", "show", string(id), "--config", s.ConfigFile())
	s.check(err)
	s.tells("the ceremony", shown, "conclave-plan1", "Waiting for approval")
	s.check(os.WriteFile(filepath.Join(s.Dir(), "secrets", "vault-token"), []byte(s.Vault.Token+"\n"),
		0o600)) // the least one may not
	keys, err := s.Run(s.ctx(), "ceremony", "key-status", stage.ClusterName, "--config", s.ConfigFile())
	s.check(err)
	s.tells("the key", keys, "term 1")
}

// Slack fails in the middle, and comes back before the end.
func TestCeremonyGoesFromSlackToATerminalAndBack(t *testing.T) {
	t.Parallel()
	s := onVault(t, nil)
	id, err := s.Propose(s.ctx(), stage.Olga, "rekey "+stage.ClusterName)
	s.check(err)
	s.check(s.Approve(s.ctx(), stage.Paul, id))
	s.check(s.Answer(s.ctx(), id, ceremony.StepUpdate, "alice"))
	s.check(s.StopBot(s.ctx()))
	board, _ := s.BoardOf(id)
	before, err := s.Person("carol").Asked(s.ctx(), id, ceremony.StepUpdate)
	s.check(err)

	c := s.console("take-up", string(id))
	c.reads(`bob is asked for`)
	c.bring(first, "bob")
	c.reads(`bob's share is counted`)
	if strings.Contains(c.screen(), "alice is asked") {
		t.Error("alice is asked for a share that is counted")
	}
	c.interrupt()
	c.reads(`It is left open until`)
	c.ends(0)

	s.start()
	ask, err := s.Person("carol").AskedAfter(s.ctx(), id, ceremony.StepUpdate, before)
	s.check(err)
	_, err = s.Person("carol").Answers(s.ctx(), ask)
	s.check(err)
	s.check(s.Receive(s.ctx(), id))
	s.check(s.Answer(s.ctx(), id, ceremony.StepVerify, "carol", "dave", "erin"))
	s.check(s.Ended(s.ctx(), id, "Completed"))
	again, _ := s.BoardOf(id)
	if again.TS != board.TS {
		t.Errorf("the status post is %s and was %s", again.TS, board.TS)
	}
	var end rules.State
	s.until("everybody to be told", func() bool { end = s.now(id); return end.Told() && !end.OwesTranscript() })
	for _, m := range end.Messages() {
		if at, _ := end.Where(m.Key); m.Kind == rules.HistoryMessage && at.Channel != s.Ops.ID() {
			t.Errorf("%s is not in the thread, but at %v", m.Key, at)
		}
	}
}

// A new cluster is initialised and unsealed, and operated without Slack.
func TestOperationsWithoutSharesAndForAllHoldersFromATerminal(t *testing.T) {
	t.Parallel()
	s := onNewVault(t, allowing(ceremony.Init, ceremony.Unseal, ceremony.Rotate, ceremony.RotateConfig, ceremony.Drill,
		ceremony.GenerateRoot))
	s.check(s.StopBot(s.ctx()))

	c, _ := s.begins("init")
	c.approved()
	shares := map[string]string{}
	for _, name := range stage.Holders() {
		shares[name] = c.again().reads(`Give ` + name + ` their share \d of 5: (\S+),`)[1]
		c.reveal(name, shares[name])
	}
	share := func(name string) string { return shares[name] }
	s.Vault.Token = c.reveal(stage.Olga, c.again().reads(`Give olga their token: (\S+),`)[1])
	c.ends(0)

	c, _ = s.begins("unseal")
	c.bring(share, "carol", "dave", "erin")
	c.ends(0)
	s.check(os.WriteFile(filepath.Join(s.Dir(), "secrets", "vault-token"), []byte(s.Vault.Token+"\n"), 0o600))
	s.check(s.Configure(nil)) // with the token that there is now

	c, id := s.begins("rotate")
	c.approved()
	c.ends(0)
	if term := s.reading("sys/key-status").Int("term"); term != 2 {
		t.Errorf("key term %d: %s", term, story(s.now(id)))
	}
	c, _ = s.begins("rotate-config", "--option", "interval=720h", "--reason", "policy 7")
	c.approved()
	c.ends(0)

	c, id = s.begins("drill")
	c.approved()
	c.bring(share, stage.Holders()...)
	c.ends(0)
	if got := s.now(id); got.Outcome != event.Completed {
		t.Errorf("%s: %s", got.Outcome, story(got))
	}

	// The requester's one-time password comes from their own computer.
	olga := s.computer(stage.Olga)
	made, err := olga.Run(s.ctx(), program+" otp new otp.txt && "+program+" otp show otp.txt", "")
	s.check(err)
	commitment := regexp.MustCompile(`\b[0-9a-f]{64}\b`).FindString(made)
	c, _ = s.begins("generate-root", "--option", "otp="+commitment)
	c.approved()
	_, err = olga.Run(s.ctx(), fmt.Sprintf("%s seal --yes --identity %s --otp otp.txt %s > envelope.asc", program,
		s.Identity, c.request(stage.Olga)), "")
	s.check(err)
	c.types("share olga %s", s.home(stage.Olga, "envelope.asc"))
	c.bring(share, "alice", "bob", "carol")
	encoded := c.again().reads(`olga's token, combined with their one-time password, is in (\S+)\. `)[1]
	token, err := olga.Run(s.ctx(), program+" decode --otp otp.txt < "+encoded, "")
	s.check(err)
	s.Know("olga's token", strings.TrimSpace(token))
	if is, err := s.Vault.IsRootToken(s.ctx(), strings.TrimSpace(token)); err != nil || !is {
		t.Errorf("the token is a root token: %t, %v", is, err)
	}
	c.types("quit")
	c.ends(0)
}

// Interference freezes the ceremony. Going on takes two people who refer to this very freeze.
func TestFrozenCeremonyIsThawedByTwoSignedWords(t *testing.T) {
	t.Parallel()
	s := withoutSlack(t)
	c, id := s.begins("rekey")
	c.approved()
	c.request("erin")
	interfere := func() {
		nonce := s.now(id).Attempt.Nonce
		answer, err := s.Vault.Do(s.ctx(), "DELETE", rekeyAttempt, map[string]string{"nonce": nonce})
		if err != nil || answer.Status >= 300 {
			t.Fatalf("cancel behind the terminal's back: %+v, %v", answer, err)
		}
	}
	interfere()
	c.reads(`Frozen\. Vault does not have the attempt any more`)
	olga, paul := c.signs(stage.Olga, "resume"), c.signs(stage.Paul, "resume")
	c.types("resume olga %s", olga)
	c.reads(`olga wants to go on`)
	c.types("resume paul %s", paul)
	c.reads(`(?s)The ceremony goes on.*Vault has begun`)
	interfere()
	c.reads(`Frozen\. Vault does not have the attempt any more`)
	c.types("resume olga %s", olga)
	c.reads(`not done: olga has signed an earlier resume`)
	if got := s.now(id); got.Phase != rules.PhaseFrozen || got.Freeze.Initiator {
		t.Errorf("%s: %s", got.Phase, story(got))
	}
	c.types("cancel olga %s", c.signs(stage.Olga, "cancel"))
	c.ends(1)
}

// What began at a terminal gets its status post when Slack is back.
func TestCeremonyBegunAtATerminalIsTakenUpInSlack(t *testing.T) {
	t.Parallel()
	s := withoutSlack(t)
	c, id := s.begins("rekey")
	c.types("quit")
	c.ends(0)

	s.start()
	s.check(s.Approve(s.ctx(), stage.Paul, id))
	s.check(s.AnswerFirst(s.ctx(), id))
	s.check(s.Receive(s.ctx(), id))
	s.check(s.Answer(s.ctx(), id, ceremony.StepVerify, "carol", "dave", "erin"))
	s.check(s.Ended(s.ctx(), id, "Completed"))
}

// A person with a shell on the host must not pass for two people.
func TestP2NobodyIsBelievedAtATerminalByTheirName(t *testing.T) {
	t.Parallel()
	s := withoutSlack(t)
	c := s.console("start", "rekey", stage.ClusterName, "--as", stage.Olga)
	command := c.reads(`(?m)^ *(printf .*-olga-start\.asc)$`)[1]
	own := func(name string) string {
		return strings.ReplaceAll(command, s.FingerprintOf(stage.Olga).String(), s.FingerprintOf(name).String())
	}

	c.types("start %s", c.runs(stage.Paul, own(stage.Paul)))
	c.reads(`not done: The message is signed by another key`)
	c.types("approve paul -")
	c.reads(`not done: nothing is begun yet`)
	c.types("start %s", c.runs(stage.Olga, strings.Replace(command, "prod-rekey", "prod-unseal", 1)))
	c.reads(`not done: olga has signed something else`)
	if begun := s.journals(); len(begun) != 0 {
		t.Fatalf("%v were proposed", begun)
	}
	c.types("start %s", c.runs(stage.Olga, command))
	id := ceremony.ID(c.reads(`(?m)^(prod-rekey-\w+): This is the plan:$`)[1])

	// The approver's statement is refused if it is signed by the initiator, about another plan, with another verb, or
	// sent twice.
	c.types("approve %s", id)
	c.reads(`not done: type who says it`)
	c.types("approve paul")
	approve := c.reads(`(?m)^ *(printf .*-paul-approve\.asc)$`)[1]
	paul, olga := s.FingerprintOf(stage.Paul).String(), s.FingerprintOf(stage.Olga).String()
	c.types("approve paul %s", c.runs(stage.Olga, strings.ReplaceAll(approve, paul, olga)))
	c.reads(`not done: The message is signed by another key`)
	c.types("approve paul %s", c.runs(stage.Paul,
		strings.Replace(approve, s.now(id).PlanHash, strings.Repeat("0", 64), 1)))
	c.reads(`not done: The hash is not that of this plan`)
	c.types("reject paul %s", c.runs(stage.Paul, approve))
	c.reads(`not done: paul has signed "approve", and not "reject"`)
	leaked := "hvs.CAESIJ" + strings.Repeat("q7", 20)
	c.types("approve paul %s", c.runs(stage.Paul, strings.Replace(approve, " approve'", " approve "+leaked+"'", 1)))
	c.reads(`not done: This looks like a private key or a Vault token in the open`)
	c.types("approve olga %s", c.runs(stage.Olga,
		strings.ReplaceAll(strings.ReplaceAll(approve, paul, olga), "-paul-", "-olga-")))
	c.reads(`not done: Whoever proposes a ceremony can't approve it`)
	c.types("approve nobody nothing.asc")
	c.reads(`not done: nobody under people in the configuration is called "nobody"`)
	if got := s.now(id); got.Phase != rules.PhaseProposed {
		t.Fatalf("it is %s", got.Phase)
	}
	// The journal keeps nothing of the text around the statement.
	signed := c.runs(stage.Paul, approve)
	text, err := os.ReadFile(signed)
	s.check(err)
	s.check(os.WriteFile(signed, append([]byte("my token is "+leaked+"\n"), text...), 0o600))
	c.types("approve paul %s", signed)
	c.reads(`paul approved the plan`)
	if strings.Contains(c.screen(), leaked) {
		t.Error("the terminal shows a token")
	}
	kept, err := filepath.Glob(filepath.Join(c.out, "*"))
	s.check(err)
	for _, file := range kept {
		if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), leaked) {
			t.Errorf("%s has a token: %v", file, err)
		}
	}

	// A share in plain text is recognised, and repeated nowhere.
	share, err := s.Person("alice").Share(s.ctx(), "")
	s.check(err)
	c.types("share alice %s", share)
	c.reads(`not done: that shows something secret in the open`)
	c.request("alice")
	c.types("share alice -\n%s\n-----END PGP MESSAGE-----", share)
	c.reads(`A message of alice was not used`)

	// Another person's envelope.
	c.types("share bob %s", c.seals("alice", stage.ShareFile, c.request("alice")))
	c.reads(`A message of bob was not used. The message is signed by another key`)

	c.types("cancel paul %s", c.signs(stage.Paul, "cancel", "not today"))
	c.reads(`paul ends the ceremony \(cancelled\)`)
	c.ends(1)
	got := s.now(id)
	said := slices.ContainsFunc(got.History, func(e event.Entry) bool {
		closing, ok := e.Event.(event.Closing)
		return ok && closing.Why == "not today"
	})
	if got.Outcome != event.Cancelled || !said {
		t.Errorf("%s: %s", got.Outcome, story(got))
	}
}

// A script has no keyboard: it sends all its commands at once. What goes on by itself must go on.
func TestScriptsWordsAreDoneBeforeItsInputEnds(t *testing.T) {
	t.Parallel()
	s := withoutSlack(t)
	c, id := s.begins("generate-root")
	approve := c.signs(stage.Paul, "approve")
	c.types("quit")
	c.ends(0)

	c = s.console("take-up", string(id))
	c.types("approve paul %s", approve)
	s.check(c.keys.Close())
	c.reads(`erin is asked for`)
	c.ends(0)

	c = s.console("take-up")
	for i, name := range []string{"alice", "bob", "carol"} {
		envelope, err := os.ReadFile(c.seals(name, stage.ShareFile, c.request(name)))
		s.check(err)
		c.types("share %s -\n%s", name, envelope)
		c.reads(fmt.Sprintf(`%d of 3|the last one needed`, i+1))
	}
	s.check(c.keys.Close())
	c.reveal(stage.Olga, c.again().reads(`Give olga their token: (\S+),`)[1])
	c.ends(0)
	if got := s.now(id); got.Outcome != event.Completed {
		t.Errorf("%s is %s: %s", id, got.Phase, story(got))
	}
	files, err := filepath.Glob(filepath.Join(c.out, "*"))
	s.check(err)
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
}
