package bot

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

const envelope = `-----BEGIN PGP MESSAGE-----
Comment: https://gnupg.org & <friends>

hF4DAAAAAAAAAAASAQdAuvDL0H5mGkpQX0eyH1Yv0Yq2m9vXvY0m2Jq3bX6mY2Qw
=njUN
-----END PGP MESSAGE-----`

// offered waits for so many offers and gives them.
func (s *stage) offered(n int) []ceremony.Envelope {
	s.t.Helper()
	s.wait(fmt.Sprintf("%d offers", n), func() bool { return len(s.engine.offered()) >= n })
	s.settle()
	all := s.engine.offered()
	if len(all) != n {
		s.t.Fatalf("%d offers, want %d", len(all), n)
	}
	return all
}

func TestEnvelopeComesThroughAsItWasTyped(t *testing.T) {
	for name, typed := range map[string]string{
		"as it is":        envelope,
		"in a code block": "```\n" + envelope + "\n```",
		"among words":     "here you are:\n" + envelope + "\nthanks",
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, slacktest.Config{})
			s.engine.id = "prod-rekey-k7m2"
			sent, err := s.carol.DMs(typed)
			if err != nil {
				t.Fatal(err)
			}
			got := s.offered(1)[0]
			if got.By != s.account(s.carol) || got.Message != (ceremony.Ref{Channel: sent[0].Channel, TS: sent[0].TS}) {
				t.Errorf("offered by %v at %v", got.By, got.Message)
			}
			if !strings.Contains(string(got.Envelope), envelope) {
				t.Errorf("the engine got\n%s", got.Envelope)
			}
			if n := s.fromBot(s.carol); n != 0 {
				t.Errorf("besides the receipt the person is told\n%s", s.inbox(s.carol))
			}
		})
	}
}

func TestSmartPunctuationStillReachesTheEngine(t *testing.T) {
	s := start(t, slacktest.Config{})
	erin := s.w.AddPerson("erin", slacktest.SmartPunctuation)
	s.engine.clusters[0].Holders = append(s.engine.clusters[0].Holders, s.people(erin)...)
	if _, err := erin.DMs(envelope); err != nil {
		t.Fatal(err)
	}
	if got := string(s.offered(1)[0].Envelope); !strings.Contains(got, "BEGIN PGP MESSAGE") {
		t.Errorf("the engine got\n%s", got)
	}
}

func TestEnvelopeInAThreadCounts(t *testing.T) {
	s := start(t, slacktest.Config{})
	first, err := s.carol.DMs(envelope)
	if err != nil {
		t.Fatal(err)
	}
	s.offered(1)
	if _, err := s.carol.RepliesTo(first[0], envelope); err != nil {
		t.Fatal(err)
	}
	s.offered(2)
}

func TestFilesAreReadByTheirBytes(t *testing.T) {
	binary := []byte{0x84, 0x5e, 0x00, 0xff, 0x0a, 0x0d}
	for _, name := range []string{"share.asc", "share.GPG", "share.pgp", "share.txt"} {
		s := start(t, slacktest.Config{})
		if _, err := s.carol.Uploads(name, binary); err != nil {
			t.Fatal(err)
		}
		if got := s.offered(1)[0].Envelope; !bytes.Equal(got, binary) {
			t.Errorf("%s: the engine got %q", name, got)
		}
	}
}

func TestEachOfSeveralFilesHasAPlaceOfItsOwn(t *testing.T) {
	s := start(t, slacktest.Config{})
	m, err := s.carol.Shares(s.carol.Direct(), "two of them", slacktest.Upload{Name: "a.asc", Content: []byte(envelope)},
		slacktest.Upload{Name: "b.asc", Content: []byte(envelope)})
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, o := range s.offered(2) {
		places = append(places, o.Message.TS)
	}
	if diff := cmp.Diff([]string{m.TS, m.TS + "/2"}, places); diff != "" {
		t.Error(diff)
	}
}

func TestFileThatCantBeAnEnvelopeIsTold(t *testing.T) {
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"holiday.png", []byte("\x89PNG"), "none of the names"},
		{"share.asc", bytes.Repeat([]byte("x"), maxFile+1), "larger than any"},
	} {
		s := start(t, slacktest.Config{})
		if _, err := s.carol.Uploads(c.name, c.content); err != nil {
			t.Fatal(err)
		}
		s.told(s.carol, c.want)
		if len(s.engine.offered()) != 0 {
			t.Errorf("%s was offered", c.name)
		}
	}
}

func TestFileThatSlackDoesNotHandOverIsTold(t *testing.T) {
	for fault, want := range map[slacktest.Effect]string{
		slacktest.Status(500):            "did not hand the file over",
		slacktest.Answer("file_deleted"): "deleted before I could read it",
	} {
		s := start(t, slacktest.Config{})
		method := "url_private"
		if strings.Contains(fault.String(), "deleted") {
			method = "files.info"
		}
		s.w.Inject(slacktest.Fault{Method: method, Effect: fault})
		if _, err := s.carol.Uploads("share.asc", []byte(envelope)); err != nil {
			t.Fatal(err)
		}
		s.told(s.carol, want)
	}
}

// TestLargerFileThanSlackSaidIsCutOff: the size in files.info is a claim.
func TestLargerFileThanSlackSaidIsCutOff(t *testing.T) {
	b := &bounded{most: 10}
	if _, err := b.Write(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write(make([]byte, 3)); err == nil {
		t.Error("more than the limit was taken")
	}
}

// TestSecretInTheOpenIsAnsweredAndForgotten: P1. It reaches the engine, so that
// the exposure is on record if the person has a part, and nothing else.
func TestSecretInTheOpenIsAnsweredAndForgotten(t *testing.T) {
	for secret, want := range map[string]string{
		hexShare:                             "looks like a share in the open",
		baseShare:                            "looks like a share in the open",
		"it is Kq7vXb2ZrT9mWc4YpL8nHd3JsG6f": "a one-time password in the open",
		"here: hvs.CAESIJ0123456789abcdefghijklmnop":                                      "Vault token in the open",
		"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nx\n-----END PGP PRIVATE KEY BLOCK-----": "private key in the open",
	} {
		s := start(t, slacktest.Config{})
		s.engine.fail(ceremony.NotCollecting)
		if _, err := s.carol.DMs(secret); err != nil {
			t.Fatal(err)
		}
		s.told(s.carol, want)
		s.settle()
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("logged: %s", s.log)
		}
	}
}

func TestOutcomeIsToldOnce(t *testing.T) {
	s := start(t, slacktest.Config{})
	s.engine.fail(ceremony.Unsigned)
	s.engine.id = "prod-rekey-k7m2" // journaled: the outbox tells
	if _, err := s.carol.DMs(envelope); err != nil {
		t.Fatal(err)
	}
	s.offered(1)
	if n := s.fromBot(s.carol); n != 0 {
		t.Errorf("told twice:\n%s", s.inbox(s.carol))
	}
	s.engine.mu.Lock()
	s.engine.id = "" // not journaled: nobody else tells
	s.engine.mu.Unlock()
	if _, err := s.carol.DMs(envelope + "\n"); err != nil {
		t.Fatal(err)
	}
	s.told(s.carol, "The message is not signed")
}

func TestMessageWithoutAnEnvelopeGetsHelpOnceAMinute(t *testing.T) {
	s := start(t, slacktest.Config{})
	for range 3 {
		if _, err := s.carol.DMs("hello?"); err != nil {
			t.Fatal(err)
		}
	}
	s.told(s.carol, "I take encrypted shares here")
	s.settle()
	if n := s.fromBot(s.carol); n != 1 {
		t.Errorf("helped %d times", n)
	}
}

func TestRestOfASplitMessageIsRecognised(t *testing.T) {
	s := start(t, slacktest.Config{})
	if _, err := s.carol.DMs("mQENBF\n=njUN\n-----END PGP MESSAGE-----"); err != nil {
		t.Fatal(err)
	}
	s.told(s.carol, "cut in two")
	if len(s.engine.offered()) != 0 {
		t.Error("half an envelope was offered")
	}
}

func TestEditIsNotReadAsAnEnvelope(t *testing.T) {
	s := start(t, slacktest.Config{})
	sent, err := s.carol.DMs("hello?")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.carol.Edits(sent[0], envelope); err != nil {
		t.Fatal(err)
	}
	s.told(s.carol, "Edits of earlier messages are not read")
	if err := s.carol.Edits(sent[0], hexShare); err != nil {
		t.Fatal(err)
	}
	if err := s.carol.Deletes(sent[0]); err != nil {
		t.Fatal(err)
	}
	s.settle()
	if len(s.engine.offered()) != 0 {
		t.Error("an edit was offered")
	}
}

// TestOwnPostsAreNotRead: what the bot writes comes back as an event.
func TestOwnPostsAreNotRead(t *testing.T) {
	s := start(t, slacktest.Config{})
	c := s.holds(begin(t, s.plan()))
	deliver(t, s, c, rules.ApprovalMessage, s.bob)
	s.settle()
	if n := s.fromBot(s.bob); n != 1 || len(s.engine.offered()) != 0 {
		t.Errorf("%d posts, %d offers", n, len(s.engine.offered()))
	}
}

func TestShareOutsideDirectMessagesIsNotTaken(t *testing.T) {
	s := start(t, slacktest.Config{Events: append(slacktest.DefaultEvents(), "message.channels")})
	for _, typed := range []string{envelope, hexShare} {
		if _, err := s.carol.Says(s.ops, typed); err != nil {
			t.Fatal(err)
		}
	}
	s.told(s.carol, "in a direct message only")
	s.settle()
	if len(s.engine.offered()) != 0 {
		t.Error("a share from a channel was offered")
	}
	for _, m := range s.ops.Messages() {
		if m.BotID != "" {
			t.Errorf("the bot says to the channel: %s", s.w.Read(m))
		}
	}
}

func TestEnvelopesOfOthersAreNotTaken(t *testing.T) {
	s := start(t, slacktest.Config{})
	for _, c := range []struct {
		name  string
		trait slacktest.Trait
		want  string
	}{
		{"mallory", func(*slacktest.Person) {}, "not in Conclave's configuration"},
		{"gast", slacktest.Guest, "Guests of the workspace"},
		{"connected", slacktest.Connected, "another workspace"},
	} {
		p := s.w.AddPerson(c.name, c.trait)
		if _, err := p.DMs(envelope); err != nil {
			t.Fatal(err)
		}
		s.told(p, c.want)
	}
	if len(s.engine.offered()) != 0 {
		t.Error("a stranger's envelope was offered")
	}
}
