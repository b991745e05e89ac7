package bot

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/bot/render"
	"conclave/bot/slacktest"
	"conclave/bot/transport"
)

// subscribed starts a workspace that sends what the manifest asks for.
func subscribed(t testing.TB) *stage { return start(t, slacktest.Config{Events: events()}) }

// TestSecretIsSeenWhereverPeopleWrite, with the events of the manifest alone: in channels,
// in threads, in what they forward, in files of any name, and in the names themselves.
func TestSecretIsSeenWhereverPeopleWrite(t *testing.T) {
	upload := func(name, content string) slacktest.Upload {
		return slacktest.Upload{Name: name, Content: []byte(content)}
	}
	list := `{"keys":["` + hexShare + `"],"keys_base64":["` + baseShare + `"]}` + "\n"
	places := map[string]func(s *stage) error{
		"a public channel": func(s *stage) error { _, err := s.carol.Says(s.ops, "mine: "+hexShare); return err },
		"a private channel": func(s *stage) error {
			_, err := s.carol.Says(s.w.AddPrivateChannel("quiet", s.carol, s.w.Bot()), "mine: "+baseShare)
			return err
		},
		"a thread": func(s *stage) error {
			first, err := s.alice.Says(s.ops, "who has sent theirs?")
			if err == nil {
				_, err = s.carol.RepliesTo(first[0], hexShare)
			}
			return err
		},
		"an edit in a channel": func(s *stage) error {
			sent, err := s.carol.Says(s.ops, "hello")
			if err != nil {
				return err
			}
			return s.carol.Edits(sent[0], hexShare)
		},
		"a file in a channel": func(s *stage) error {
			_, err := s.carol.Shares(s.ops, "", upload("init.json", list))
			return err
		},
		"a file's name": func(s *stage) error { _, err := s.carol.Uploads(hexShare+".txt", []byte("hello")); return err },
		"a file's name in a channel": func(s *stage) error {
			_, err := s.carol.Shares(s.ops, "", upload(hexShare, "hello"))
			return err
		},
		"the beginning of a large file": func(s *stage) error {
			_, err := s.carol.Uploads("init.log", append([]byte(list), bytes.Repeat([]byte("a word "), maxFile)...))
			return err
		},
		"a forwarded message": func(s *stage) error {
			sent, err := s.alice.Says(s.w.AddChannel("elsewhere", s.alice, s.carol), hexShare)
			if err == nil {
				_, err = s.carol.Forwards(sent[0], s.carol.Direct())
			}
			return err
		},
		"a message forwarded to a channel": func(s *stage) error {
			sent, err := s.alice.Says(s.w.AddChannel("elsewhere", s.alice, s.carol), hexShare)
			if err == nil {
				_, err = s.carol.Forwards(sent[0], s.ops)
			}
			return err
		},
		"a file that was forwarded": func(s *stage) error {
			sent, err := s.alice.Shares(s.w.AddChannel("elsewhere", s.alice, s.carol), "", upload("init.json", list))
			if err == nil {
				_, err = s.carol.Forwards(sent, s.carol.Direct())
			}
			return err
		},
	}
	for _, name := range []string{"share.txt", "share.json", "unseal-keys.yaml", "share.key", "share.md", "notes.rtf", "share",
		"keys.csv", "share.log", "share.ASC", "share.png"} {
		places["the file "+name] = func(s *stage) error { _, err := s.carol.Uploads(name, []byte(list)); return err }
	}
	for name, show := range places {
		t.Run(name, func(t *testing.T) {
			s := subscribed(t)
			if err := show(s); err != nil {
				t.Fatal(err)
			}
			if got := s.raisedFor(s.carol.ID()); !slices.Equal(got, []string{"exposed-share"}) {
				t.Errorf("heard of %q\n%s", got, s.log)
			}
			s.told(s.carol, warnOpen)
			if strings.Contains(s.log.String(), hexShare) {
				t.Error("it is in the log")
			}
		})
	}
}

// TestOtherSecretsAreSeenInFilesOfAnyName: keys and tokens have names of their own.
func TestOtherSecretsAreSeenInFilesOfAnyName(t *testing.T) {
	for name, row := range map[string]struct{ content, want string }{
		"id_ed25519":   {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n", "exposed-key"},
		"key.pem":      {"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "exposed-key"},
		".vault-token": {newToken + "\n", "exposed-token"},
		"secret.yaml":  {"data:\n  token: aHZzLkNBRVNJSjAxMjM0NTY3ODlhYmNkZWZnaGlqa2xtbm9wUVJTVFVW\n", "exposed-token"},
		"share.bin":    {"\xff\x9c" + strings.Repeat("\x01\xfe\x80", 10) + "\xee", "exposed-share"},
	} {
		s := subscribed(t)
		if _, err := s.carol.Uploads(name, []byte(row.content)); err != nil {
			t.Fatal(err)
		}
		if got := s.raisedFor(s.carol.ID()); !slices.Equal(got, []string{row.want}) {
			t.Errorf("%s: heard of %q", name, got)
		}
	}
}

// TestFilesOfStrangersAreSearched, and not used.
func TestFilesOfStrangersAreSearched(t *testing.T) {
	s := subscribed(t)
	mallory := s.w.AddPerson("mallory")
	if _, err := mallory.Uploads("init.json", []byte(hexShare)); err != nil {
		t.Fatal(err)
	}
	s.told(mallory, warnOpen)
	if got := s.raisedFor(mallory.ID()); !slices.Equal(got, []string{"exposed-share"}) || len(s.engine.offered()) > 0 {
		t.Errorf("heard of %q, offered %d", got, len(s.engine.offered()))
	}
}

// TestOrdinaryTalkInAChannelIsLeftAlone: nobody is asked about, answered or reported.
func TestOrdinaryTalkInAChannelIsLeftAlone(t *testing.T) {
	text, err := os.ReadFile("../ceremony/leak/testdata/chat/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := subscribed(t)
	mallory := s.w.AddPerson("mallory")
	s.ops.Invite(mallory)
	messages := strings.Split(string(text), "\n%%\n")
	messages = append(messages, soleHex, "digest "+soleHex+" 17", oneTime, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZfGk0BYJ")
	for i, message := range messages {
		if i%4 != 0 && i < len(messages)-4 || len(message) > 3000 {
			continue
		}
		if _, err := mallory.Says(s.ops, message); err != nil {
			t.Fatal(err)
		}
	}
	s.settle()
	if said := s.engine.said(); len(said) > 0 {
		t.Errorf("the engine was told %q", said)
	}
	if n := s.fromBot(mallory); n > 0 || len(s.w.Calls("users.info")) > 0 {
		t.Errorf("%d answers, %d questions to Slack:\n%s", n, len(s.w.Calls("users.info")), s.inbox(mallory))
	}
}

// TestFullQueueStillRaisesTheAlarm: what finds no place is searched all the same.
func TestFullQueueStillRaisesTheAlarm(t *testing.T) {
	for name, show := range map[string]func(s *stage, form slacktest.View){
		"a command": func(s *stage, _ slacktest.View) {
			if r := s.carol.Command(s.ops, "/ceremony", "submit "+hexShare); r.Error != "" {
				s.t.Error(r.Error)
			}
		},
		"a form": func(s *stage, form slacktest.View) {
			if _, err := s.carol.Submits(form, map[string]string{render.FormInput: hexShare + "\n" + envelope}); err != nil {
				s.t.Error(err)
			}
		},
		"a message": func(s *stage, _ slacktest.View) {
			if _, err := s.carol.DMs("it is " + hexShare); err != nil {
				s.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, ask := startAsked(t, slacktest.Config{})
			form := s.pressForm(s.carol, ask)
			s.settle()
			inside, hold := make(chan struct{}, 64), make(chan struct{})
			s.engine.during = func() { inside <- struct{}{}; <-hold }
			fill := func() {
				if _, err := s.carol.DMs(envelope + "\n"); err != nil {
					t.Fatal(err)
				}
			}
			fill()
			<-inside
			for range transport.MaxInPerson {
				fill()
			}
			s.wait("a full queue", func() bool {
				count, _ := s.bot.queue.Waiting(s.carol.ID())
				return count == transport.MaxInPerson
			})
			show(s, form)
			heard := func() bool {
				return slices.ContainsFunc(s.engine.said(), func(c string) bool { return strings.HasPrefix(c, "exposed-share by ") })
			}
			s.wait("an alarm, while the queue is full", heard)
			close(hold)
			s.told(s.carol, warnOpen)
			s.settle()
		})
	}
}

// TestWorkForStrangersIsBounded, and people of the configuration are not.
func TestWorkForStrangersIsBounded(t *testing.T) {
	s := subscribed(t)
	s.bot.strangers = transport.NewBudget(1, 2*longest, 1)
	mallory := s.w.AddPerson("mallory")
	for range 30 {
		if _, err := mallory.DMs(wordyText(3990)); err != nil {
			t.Fatal(err)
		}
		s.settle()
	}
	unsearched := s.bot.Health().Unsearched
	if unsearched == 0 || unsearched == 30 || !strings.Contains(s.log.String(), "not searched for secrets") {
		t.Errorf("%d of 30 texts are not searched", unsearched)
	}
	for range 30 {
		if _, err := s.carol.DMs(wordyText(3990)); err != nil {
			t.Fatal(err)
		}
		s.settle()
	}
	if now := s.bot.Health().Unsearched; now != unsearched {
		t.Errorf("of a holder, %d texts are not searched", now-unsearched)
	}
}

// TestSecretInGroupsIsSeenInAForm, although the form says that it is no envelope.
func TestSecretInGroupsIsSeenInAForm(t *testing.T) {
	s, ask := startAsked(t, slacktest.Config{})
	v := s.pressForm(s.carol, ask)
	groups := strings.TrimSpace(strings.Join(slices.Collect(func(yield func(string) bool) {
		for part := range slices.Chunk([]byte(hexShare), 6) {
			if !yield(string(part)) {
				return
			}
		}
	}), " "))
	typed := map[string]string{render.FormInput: strings.Repeat("one two three ", 20) + ":\n" + groups}
	for range 2 { // it stays open, and can be sent again
		done, err := s.carol.Submits(v, typed)
		if err != nil || !strings.Contains(done.Errors[render.FormCallback], "no PGP message") {
			t.Errorf("%+v, %v", done, err)
		}
	}
	s.told(s.carol, warnOpen)
	if got := s.raisedFor(s.carol.ID()); !slices.Equal(got, []string{"exposed-share"}) {
		t.Errorf("heard of %q", got)
	}
	if len(s.engine.offered()) > 0 {
		t.Error("it was offered")
	}
}

// TestDeafnessInChannelsShowsByOurOwnPosts, which come back as events.
func TestDeafnessInChannelsShowsByOurOwnPosts(t *testing.T) {
	for _, row := range []struct {
		events []string
		deaf   bool
	}{{events(), false}, {[]string{"message.im"}, true}} {
		s := start(t, slacktest.Config{Events: row.events})
		c := s.holds(begin(t, s.plan()))
		before := s.bot.Health()
		if before.DeafInChannels(time.Now().Add(time.Hour)) {
			t.Error("deaf before anything was posted")
		}
		if _, err := s.bot.Notifier().Deliver(s.ctx(), still(c), c.Messages()[0], false); err != nil {
			t.Fatal(err)
		}
		s.settle()
		h := s.bot.Health()
		if h.LastChannelPost.IsZero() {
			t.Fatal("nothing was posted in the channel")
		}
		if got := h.DeafInChannels(h.LastChannelPost.Add(2 * time.Minute)); got != row.deaf {
			t.Errorf("with %q: deaf is %t", row.events, got)
		}
		if h.DeafInChannels(h.LastChannelPost.Add(time.Second)) {
			t.Error("deaf before the event could be there")
		}
	}
}

// TestCheckNamesEventsAndWhatIsLost: a missing scope is a fault. Which events an app
// subscribes to nobody tells it, and the finding says so.
func TestCheckNamesEventsAndWhatIsLost(t *testing.T) {
	s, _ := posting(t, slacktest.Config{})
	of := func() Finding {
		for f := range s.bot.Check(t.Context(), nil) {
			if f.Subject == "Slack events" {
				return f
			}
		}
		t.Fatal("no finding about events")
		return Finding{}
	}
	f := of()
	for _, e := range subscriptions() {
		if f.Err != nil || !strings.Contains(f.Detail, e.name+" (without it: "+e.lost+")") {
			t.Errorf("%s is not named: %+v", e.name, f)
		}
	}
	s.expect("not known", f.Detail)
	s.w.RemoveScope("groups:history")
	if f = of(); f.Err == nil || !strings.Contains(f.Err.Error(), "message.groups needs groups:history (without it: a secret that is pasted into a private channel") {
		t.Errorf("%+v", f)
	}
}
