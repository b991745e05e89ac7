package openpgp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// word is an instruction to approve a plan.
func (s *stage) word() ceremony.Instruction {
	p := plan(s.identity.Fingerprint(), s.now, 5)
	said := ceremony.Statement{Of: string(p.Ceremony), Hash: p.Hash(), Verb: ceremony.SayApprove}
	return ceremony.Instruction{
		Plan: p, About: "approve", For: s.want.Signer, Says: said.Line(), Text: "# Sign it:\n\necho 'it' | gpg -sa\n",
	}
}

// told returns the message with an instruction, as a person pastes it.
func (s *stage) told(t testing.TB, i ceremony.Instruction) string {
	t.Helper()
	signed := must(s.bot.SignInstruction(i))(t)
	return "Please approve.\n```\n" + signed.Certificate + "```\nType gpg -d\n```\n" + signed.Message + "```\nSend me what it prints.\n"
}

func TestWordRequestIsReadAsItWasSigned(t *testing.T) {
	s := newStage(t)
	i := s.word()
	message, now := s.told(t, i), time.Now()
	for name, mangle := range map[string]func(string) string{"as it was": same, "quoted": quoted("&gt; "), "on one line": replace("\n", " ")} {
		w, err := openpgp.CheckWordRequest([]byte(mangle(message)), s.identity.Fingerprint(), now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, tt := range []struct{ name, got, want string }{
			{"plan", w.Plan(), i.Plan.Text()},
			{"hash", w.PlanHash(), i.Plan.Hash()},
			{"ceremony", string(w.Ceremony()), string(i.Plan.Ceremony)},
			{"operation", string(w.Operation()), string(i.Plan.Operation)},
			{"cluster", w.Cluster(), i.Plan.Cluster},
			{"identity", string(w.Identity()), string(s.identity.Fingerprint())},
			{"for", string(w.For()), string(s.want.Signer)},
			{"word", w.Word(), i.Says},
		} {
			if tt.got != tt.want {
				t.Errorf("%s: %s: got %q, want %q", name, tt.name, tt.got, tt.want)
			}
		}
	}
	claims, err := openpgp.Claims([]byte(message), now)
	if err != nil || len(claims) != 1 || claims[0].Kind != openpgp.Words || claims[0].Cluster != "prod" ||
		claims[0].ClusterID != i.Plan.ClusterID || claims[0].Ceremony != i.Plan.Ceremony {
		t.Errorf("it claims %+v, %v", claims, err)
	}
	i.Says = ""
	if claims, err := openpgp.Claims([]byte(s.told(t, i)), now); err != nil || claims[0].Kind != openpgp.Tells {
		t.Errorf("without a word it claims %+v, %v", claims, err)
	}
	if _, err := openpgp.CheckWordRequest([]byte(s.told(t, i)), s.identity.Fingerprint(), now); !errors.Is(err, openpgp.ErrNoInstruction) {
		t.Errorf("without a word: %v", err)
	}
	other := newStage(t)
	if _, err := openpgp.CheckWordRequest([]byte(message), other.identity.Fingerprint(), now); !errors.Is(err, openpgp.ErrOtherIdentity) {
		t.Errorf("of another identity: %v", err)
	}
	if _, err := openpgp.CheckWordRequest([]byte(message), s.identity.Fingerprint(), now.Add(-time.Hour)); !errors.Is(err, openpgp.ErrFromTheFuture) {
		t.Errorf("from the future: %v", err)
	}
}

// TestInstructionAboutAnotherCeremonyIsNotObeyed: neither is one signed that has a person
// speak about another ceremony than the one that it names, nor is one read.
func TestInstructionAboutAnotherCeremonyIsNotObeyed(t *testing.T) {
	s := newStage(t)
	good := s.word()
	signed := must(s.bot.SignInstruction(good))(t)
	text := gpgPrints(t, s, signed.Message)
	hash, otherHash := good.Plan.Hash(), strings.Repeat("5d", 32)
	for name, says := range map[string]string{
		"another ceremony":      "conclave-word1 prod-rekey-aaaa " + hash + " approve",
		"another plan":          "conclave-word1 prod-rekey-k7m2 " + otherHash + " approve",
		"another verb":          "conclave-word1 prod-rekey-k7m2 " + hash + " delete",
		"a start":               "conclave-word1 prod-rekey-k7m2 " + hash + " start",
		"another kind of text":  "conclave1 prod-rekey-k7m2 update",
		"what the eye can miss": "conclave-word1  prod-rekey-k7m2 " + hash + " approve",
		"two lines":             good.Says + "\x1b[2J",
	} {
		bad := good
		bad.Says = says
		if _, err := s.bot.SignInstruction(bad); !errors.Is(err, openpgp.ErrInstruction) {
			t.Errorf("%s: it is signed: %v", name, err)
		}
		forged := must(s.identity.SignText(strings.Replace(text, good.Says, says, 1), time.Now()))(t)
		if _, err := openpgp.CheckWordRequest([]byte(signed.Certificate+"\n"+forged), s.identity.Fingerprint(), time.Now()); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
	for name, change := range map[string][2]string{
		"a plan of another ceremony": {"\n\nconclave-plan1\nceremony: prod-rekey-k7m2\n", "\n\nconclave-plan1\nceremony: prod-rekey-aaaa\n"},
		"another identity":           {"identity: " + string(s.identity.Fingerprint()), "identity: " + strings.Repeat("ab", 20)},
		"another head":               {"cluster: prod\nabout", "cluster: staging\nabout"},
		"a line more":                {"\nfor: ", "\nalso: this\nfor: "},
	} {
		forged := must(s.identity.SignText(strings.Replace(text, change[0], change[1], 1), time.Now()))(t)
		if _, err := openpgp.CheckWordRequest([]byte(signed.Certificate+"\n"+forged), s.identity.Fingerprint(), time.Now()); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

// gpgPrints returns the text of a signed message.
func gpgPrints(t *testing.T, s *stage, message string) string {
	t.Helper()
	d := newDesk(t, "gpg")
	d.write("bot.asc", []byte(must(s.identity.PublicArmor())(t)))
	d.run("gpg --batch -q --import bot.asc")
	d.write("told.asc", []byte(message))
	return string(d.run("gpg --batch --status-fd 2 -d told.asc 2>status; grep -q GOODSIG status"))
}

func TestInstructionShowsNoPlanThatDoesNotFit(t *testing.T) {
	s := newStage(t)
	i := s.word()
	for name, tt := range map[string]struct {
		change func(*ceremony.Instruction)
		plan   bool
	}{
		"as it is":   {func(*ceremony.Instruction) {}, true},
		"brief":      {func(i *ceremony.Instruction) { i.Brief = true }, false},
		"large":      {func(i *ceremony.Instruction) { i.Plan = plan(s.identity.Fingerprint(), s.now, 26*3) }, false},
		"with paint": {func(i *ceremony.Instruction) { i.Plan.Reason = "all is well\x1b[2J" }, false},
	} {
		i := i
		tt.change(&i)
		i.Says = ""
		signed := must(s.bot.SignInstruction(i))(t)
		if len(signed.Message) > 3000 {
			t.Errorf("%s: it has %d characters", name, len(signed.Message))
		}
		text := gpgPrints(t, s, signed.Message)
		if strings.Contains(text, "\nconclave-plan1\n") != tt.plan || !strings.HasSuffix(text, "\n\n"+i.Text) || strings.Contains(text, "\x1b") {
			t.Errorf("%s: gpg prints\n%s", name, text)
		}
	}
	i.Text = "# Run this:\n\x1b]0;evil\x07\n"
	if _, err := s.bot.SignInstruction(i); !errors.Is(err, openpgp.ErrInstruction) {
		t.Errorf("a terminal would obey it: %v", err)
	}
}

// Our own message, sent back with the envelope, is no leak.
func TestInstructionSentBackIsNoLeak(t *testing.T) {
	s := newStage(t)
	s.opened(t, concat([]byte(must(s.bot.SignInstruction(s.word()))(t).Message), s.craft(t, craft{})))
}
