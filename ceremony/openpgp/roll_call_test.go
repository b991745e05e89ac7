package openpgp_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// response is what the challenge of these tests decrypts to.
const response = "00112233445566778899aabbccddeeff"

func digestOf(text string) string {
	return ceremony.RollCallDigest(ceremony.RollCallAnswer([]byte(text)))
}

// called is the direct message of a roll call: what the bot has signed, and the
// challenge, which holds the content.
func (s *stage) called(t testing.TB, content string, change func(*ceremony.RollCallNotice)) string {
	t.Helper()
	n := ceremony.RollCallNotice{Plan: plan(s.identity.Fingerprint(), s.now, 5), Digest: digestOf(response), At: s.now}
	if change != nil {
		change(&n)
	}
	challenge := asVault(t, must(s.bot.Certificate(s.want.Signer))(t), content)
	return "Are you there?\n```\n" + must(s.bot.SignRollCall(n))(t) +
		must(s.identity.PublicArmor())(t) + "```\nThe challenge:\n" +
		string(enarmor(t, "PGP MESSAGE", challenge)) + "Send me what it prints.\n"
}

func TestRollCallIsAnsweredBySigningTheResponse(t *testing.T) {
	s := newStage(t)
	key := holderKey(t, s.holder)
	message := s.called(t, response, nil)
	for name, mangle := range map[string]func(string) string{"as it was": same, "quoted": quoted("&gt; "), "on one line": replace("\n", " ")} {
		r, err := openpgp.CheckRollCall([]byte(mangle(message)), s.identity.Fingerprint(), s.want.Now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := plan(s.identity.Fingerprint(), s.now, 5)
		for _, tt := range []struct{ name, got, want string }{
			{"plan", r.Plan(), n.Text()},
			{"hash", r.PlanHash(), n.Hash()},
			{"ceremony", string(r.Ceremony()), string(n.Ceremony)},
			{"operation", string(r.Operation()), string(n.Operation)},
			{"cluster", r.Cluster(), n.Cluster},
			{"identity", string(r.Identity()), string(s.identity.Fingerprint())},
			{"closes", r.Closes().String(), n.Closes.String()},
		} {
			if tt.got != tt.want {
				t.Errorf("%s: %s: got %q, want %q", name, tt.name, tt.got, tt.want)
			}
		}
		decrypted := must(key.Decrypt([]byte(r.Challenges()[0])))(t)
		line := must(r.Word(append(decrypted, '\n')))(t)
		if want := "conclave-word1 prod-rekey-k7m2 " + n.Hash() + " present " + ceremony.RollCallAnswer([]byte(response)); line != want {
			t.Errorf("%s: the word is %q", name, line)
		}
		signed := must(key.SignWord(line, s.want.Now))(t)
		got, err := s.bot.VerifyStatement([]byte(signed), s.want.Signer, s.want.NotBefore, s.want.Now)
		if err != nil || got.Line != line {
			t.Errorf("%s: the bot reads %q, %v", name, got.Line, err)
		}
	}
}

// An attacker who can change messages puts the holder's share, as Vault once encrypted
// it, where the challenge was: it would come back in the open.
func TestP1WhatTheRollCallDoesNotNameIsNotSigned(t *testing.T) {
	s := newStage(t)
	r := must(openpgp.CheckRollCall([]byte(s.called(t, share, nil)), s.identity.Fingerprint(), s.want.Now))(t)
	for name, content := range map[string]string{"share": share, "nothing": "", "another response": strings.Repeat("0", 32)} {
		word, err := r.Word([]byte(content))
		if !errors.Is(err, openpgp.ErrNotTheResponse) || word != "" || strings.Contains(err.Error(), "c0ffee") {
			t.Errorf("%s: %q, %v", name, word, err)
		}
	}
	// Not even when the bot itself asks for it.
	asks := func(n *ceremony.RollCallNotice) { n.Digest = digestOf(share) }
	r = must(openpgp.CheckRollCall([]byte(s.called(t, share, asks)), s.identity.Fingerprint(), s.want.Now))(t)
	if word, err := r.Word([]byte(share)); !errors.Is(err, openpgp.ErrNotTheResponse) || word != "" {
		t.Errorf("asked for: %q, %v", word, err)
	}
}

func TestRollCallIsRefusedInItsOwnWords(t *testing.T) {
	s, other := newStage(t), newStage(t)
	message := s.called(t, response, nil)
	challenge := strings.Index(message, "The challenge:")
	certificate := strings.Index(message, "-----BEGIN PGP PUBLIC")
	for name, tt := range map[string]struct {
		message string
		now     time.Time
		want    error
	}{
		"nothing":                {"", s.want.Now, openpgp.ErrNoRollCall},
		"a request":              {string(s.pasted()), s.want.Now, openpgp.ErrNoRollCall},
		"no certificate":         {message[:certificate] + message[challenge:], s.want.Now, openpgp.ErrNoCertificate},
		"no challenge":           {message[:challenge], s.want.Now, openpgp.ErrNoChallenge},
		"another bot":            {other.called(t, response, nil), s.want.Now, openpgp.ErrOtherIdentity},
		"closed":                 {message, s.now.Add(4 * time.Hour), openpgp.ErrRollCallOver},
		"early":                  {message, s.now.Add(-time.Hour), openpgp.ErrNotSigned},
		"of another identity":    {s.called(t, response, func(n *ceremony.RollCallNotice) { n.Plan.Identity = other.identity.Fingerprint() }), s.want.Now, openpgp.ErrAnnouncementPlan},
		"a command for a digest": {s.called(t, response, func(n *ceremony.RollCallNotice) { n.Digest = "$(touch pwned)" }), s.want.Now, openpgp.ErrRollCall},
		"a command for an id":    {s.called(t, response, func(n *ceremony.RollCallNotice) { n.Plan.Ceremony = "prod;touch pwned" }), s.want.Now, openpgp.ErrRollCall},
		"a command for a name":   {s.called(t, response, func(n *ceremony.RollCallNotice) { n.Plan.Cluster = "`touch pwned`" }), s.want.Now, openpgp.ErrRollCall},
		"without a digest":       {s.called(t, response, func(n *ceremony.RollCallNotice) { n.Digest = "" }), s.want.Now, openpgp.ErrRollCall},
	} {
		r, err := openpgp.CheckRollCall([]byte(tt.message), s.identity.Fingerprint(), tt.now)
		if !errors.Is(err, tt.want) || r != nil {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestRollCallFitsIntoABlockOfAChatMessage(t *testing.T) {
	s := newStage(t)
	for _, holders := range []int{1, 5, 9, 40} {
		n := ceremony.RollCallNotice{
			Plan: plan(s.identity.Fingerprint(), s.now, holders), Digest: digestOf(response), At: s.now,
		}
		message := must(s.bot.SignRollCall(n))(t)
		t.Logf("%d holders: %d characters", holders, len(message))
		if len(message) > 2900 {
			t.Errorf("%d holders: %d characters", holders, len(message))
		}
		challenge := enarmor(t, "PGP MESSAGE", asVault(t, must(s.bot.Certificate(s.want.Signer))(t), response))
		r := must(openpgp.CheckRollCall(slices.Concat([]byte(message+must(s.identity.PublicArmor())(t)), challenge), s.identity.Fingerprint(), s.want.Now))(t)
		if r.PlanHash() != n.Plan.Hash() || r.Plan() != "" && r.Plan() != n.Plan.Text() {
			t.Errorf("%d holders: it has another plan", holders)
		}
	}
}

// Our own message, sent back with the answer, is no leak.
func TestRollCallSentBackIsNoLeak(t *testing.T) {
	s := newStage(t)
	n := ceremony.RollCallNotice{Plan: plan(s.identity.Fingerprint(), s.now, 1), Digest: digestOf(response), At: s.now}
	s.opened(t, concat([]byte(must(s.bot.SignRollCall(n))(t)), s.craft(t, craft{})))
}

func TestGPGAnswersARollCallByTheCommandInTheMessage(t *testing.T) {
	d, s := newGPGDesk(t, "future-default")
	d.write("called.txt", []byte(must(s.bot.SignRollCall(ceremony.RollCallNotice{
		Plan: plan(s.identity.Fingerprint(), s.now, 5), Digest: digestOf(response), At: s.now,
	}))(t)))
	out := string(d.run("gpg --batch --status-fd 2 -d called.txt 2>status; grep -q GOODSIG status"))
	if !strings.HasPrefix(out, "conclave-roll-call1\nceremony: prod-rekey-k7m2\n") || !strings.Contains(out, "\n\nconclave-plan1\n") {
		t.Errorf("gpg prints %q", out)
	}
	d.write("challenge.asc", enarmor(t, "PGP MESSAGE", asVault(t, must(s.bot.Certificate(s.want.Signer))(t), response)))
	signed := d.run("{ printf 'conclave-word1 prod-rekey-k7m2 %s present '; gpg -qd challenge.asc | gpg --with-colons --print-md sha256 | cut -d: -f3; } | gpg --batch -sa -u %s",
		plan(s.identity.Fingerprint(), s.now, 5).Hash(), s.want.Signer)
	got, err := s.bot.VerifyStatement(signed, s.want.Signer, s.want.NotBefore, s.want.Now)
	if err != nil || !strings.HasSuffix(strings.ToLower(got.Line), " present "+ceremony.RollCallAnswer([]byte(response))) {
		t.Errorf("the bot reads %q, %v", got.Line, err)
	}
}
