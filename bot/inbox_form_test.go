package bot

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/bot/slacktest"
	"conclave/bot/slacktest/blockkit"
	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// forms are the views that people see, each frozen as messages are.
func forms(t *testing.T) map[string]slack.ModalViewRequest {
	t.Helper()
	s := started(t, rekeyPlan())
	return map[string]slack.ModalViewRequest{
		"send":    render.Form(s.c),
		"taken":   render.FormAnswer(formTaken()),
		"exposed": render.FormAnswer(formRefused(refusal.ExposedShare)),
	}
}

func TestEveryFormIsFrozen(t *testing.T) {
	for name, v := range forms(t) {
		var sent bytes.Buffer
		e := json.NewEncoder(&sent)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		compare(t, filepath.Join("testdata", "forms", name+".json"), sent.Bytes())
	}
	files, err := filepath.Glob("testdata/forms/*.json")
	if err != nil || len(files) != len(forms(t)) {
		t.Fatalf("%d files for %d forms: %v", len(files), len(forms(t)), err)
	}
	blockkit.CheckBlockKit(t, files...)
}

// playAsked is a stage on which carol is asked for a share. The ask lies in her inbox.
func startAsked(t *testing.T, cfg slacktest.Config) (*stage, slacktest.Message) {
	s := start(t, cfg)
	p := s.plan()
	scenario := begin(t, p).then(
		event.Approved{By: s.people(s.bob)[0], PlanHash: p.Hash()},
		event.Starting{Attempt: 1},
		event.Started{Nonce: nonce1, Required: 2},
		event.KeyAnnounced{Key: announced(ceremony.StepUpdate, nonce1)},
	)
	s.engine.id = p.Ceremony
	ref, err := s.bot.Notifier().Deliver(s.ctx(), still(s.holds(scenario)), scenario.message(rules.AskMessage, "carol"), false)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := s.carol.Direct().Message(ref.TS)
	if !ok {
		t.Fatal("no ask")
	}
	return s, m
}

func (s *stage) pressForm(p *slacktest.Person, ask slacktest.Message) slacktest.View {
	s.t.Helper()
	if _, err := p.Clicks(ask, string(command.VerbForm)); err != nil {
		s.t.Fatal(err)
	}
	return s.form(p)
}

func (s *stage) form(p *slacktest.Person) slacktest.View {
	s.t.Helper()
	s.wait("a form", func() bool { _, open := p.Form(); return open })
	v, _ := p.Form()
	return v
}

func TestFormTakesAnEnvelopeAsADirectMessageDoes(t *testing.T) {
	s, ask := startAsked(t, slacktest.Config{})
	v := s.pressForm(s.carol, ask)
	if said := s.w.ReadView(v); strings.Contains(said, "gpg -") || strings.Contains(said, "printf") {
		t.Errorf("the form shows a command, which nobody has signed:\n%s", said)
	}
	done, err := s.carol.Submits(v, map[string]string{render.FormInput: envelope})
	if err != nil || done.Trouble != "" || len(done.Errors) > 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	got := s.offered(1)[0]
	if got.By != s.account(s.carol) || string(got.Envelope) != envelope ||
		got.Message != (ceremony.Ref{Channel: formChannel, TS: v.ID}) {
		t.Errorf("offered %q by %v at %v", got.Envelope, got.By, got.Message)
	}
	after, open := s.carol.Form()
	if !open || after.Submit != "" || !strings.Contains(s.w.ReadView(after), "direct messages") {
		t.Errorf("the form says %q", s.w.ReadView(after))
	}
	if n := s.fromBot(s.carol); n != 1 { // the ask
		t.Errorf("besides the receipt the person is told\n%s", s.inbox(s.carol))
	}
	for _, p := range []*slacktest.Person{s.alice, s.bob, s.carol} {
		if strings.Contains(s.inbox(p), "hF4D") {
			t.Errorf("%s has a message with what was typed", p.Name())
		}
	}
	if strings.Contains(s.log.String(), "hF4D") {
		t.Error("the log has what was typed")
	}
}

func TestFormIsTypedFor(t *testing.T) {
	s, _ := startAsked(t, slacktest.Config{})
	for _, typed := range []string{"submit form", "submit k7m2 Form", "submit prod-rekey-k7m2 form"} {
		if r := s.carol.Command(s.ops, "/ceremony", typed); r.Error != "" {
			t.Fatalf("%s: %s", typed, r.Error)
		}
		v := s.form(s.carol)
		if err := s.carol.Closes(v); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFormIsForThoseWhoAreAsked(t *testing.T) {
	s, ask := startAsked(t, slacktest.Config{})
	erin, mallory := s.w.AddPerson("erin"), s.w.AddPerson("mallory")
	s.ops.Invite(erin)
	s.ops.Invite(mallory)
	s.engine.clusters[0].Approvers = append(s.engine.clusters[0].Approvers, s.people(erin)...)
	s.expect("Nothing is wanted from this account", s.types(erin, "submit form"))
	s.expect("not in Conclave's configuration", s.types(mallory, "submit form"))

	c, _, err := s.engine.Ceremony("prod-rekey-k7m2")
	if err != nil {
		t.Fatal(err)
	}
	c.Key = new(*c.Key)
	c.Key.Subkey = strings.Repeat("8", 40)
	s.engine.mu.Lock()
	s.engine.all[c.ID()] = c
	s.engine.mu.Unlock()
	reply, err := s.carol.Clicks(ask, string(command.VerbForm))
	if err != nil {
		t.Fatal(err)
	}
	m, err := reply.Wait(s.ctx())
	if err != nil {
		t.Fatal(err)
	}
	s.expect("something that is over", s.w.Read(m))
}

func TestFormSaysAtOnceThatThereIsNoEnvelopeInIt(t *testing.T) {
	s, ask := startAsked(t, slacktest.Config{})
	v := s.pressForm(s.carol, ask)
	for _, typed := range []string{"hello", "   x", "-----END PGP MESSAGE-----"} {
		done, err := s.carol.Submits(v, map[string]string{render.FormInput: typed})
		if err != nil || !strings.Contains(done.Errors[render.FormCallback], "no PGP message") {
			t.Errorf("%q: %+v, %v", typed, done, err)
		}
	}
	if done, err := s.carol.Forces(v, map[string]string{}); err != nil || done.Errors[render.FormCallback] == "" {
		t.Errorf("empty: %+v, %v", done, err)
	}
	s.settle()
	if len(s.engine.offered()) != 0 {
		t.Error("it was offered")
	}
	if done, err := s.carol.Submits(v, map[string]string{render.FormInput: envelope}); err != nil || len(done.Errors) > 0 {
		t.Errorf("after the mistakes: %+v, %v", done, err)
	}
	s.offered(1)
}

// TestSecretTypedIntoTheFormIsAnsweredAndForgotten: P1.
func TestSecretTypedIntoTheFormIsAnsweredAndForgotten(t *testing.T) {
	for secret, want := range map[string]string{hexShare: warnOpen, newToken: "revoke it now",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE": "private key in the open"} {
		s, ask := startAsked(t, slacktest.Config{})
		v := s.pressForm(s.carol, ask)
		s.engine.id = ""
		s.engine.fail(ceremony.NotCollecting)
		if _, err := s.carol.Submits(v, map[string]string{render.FormInput: "here: " + secret}); err != nil {
			t.Fatal(err)
		}
		shown, _ := s.carol.Form()
		s.expect(want, s.w.ReadView(shown))
		s.told(s.carol, want)
		s.settle()
		if strings.Contains(s.log.String(), secret) || strings.Contains(s.w.ReadView(shown), secret) {
			t.Error("it was kept")
		}
	}
}

// TestFormIsOpenedWhileThePersonsOtherWorkWaits: Slack gives three seconds.
func TestFormIsOpenedWhileThePersonsOtherWorkWaits(t *testing.T) {
	s, ask := startAsked(t, slacktest.Config{})
	hold := make(chan struct{})
	defer close(hold)
	s.engine.during = func() { <-hold }
	if _, err := s.carol.DMs(envelope); err != nil {
		t.Fatal(err)
	}
	s.wait("an offer", func() bool { return len(s.engine.offered()) == 1 })
	s.pressForm(s.carol, ask)
}

func TestFormThatComesTooLateIsTold(t *testing.T) {
	s, ask := startAsked(t, slacktest.Config{})
	s.w.Inject(slacktest.Fault{Method: "views.open", Effect: slacktest.Answer("expired_trigger_id")})
	reply, err := s.carol.Clicks(ask, string(command.VerbForm))
	if err != nil {
		t.Fatal(err)
	}
	m, err := reply.Wait(s.ctx())
	if err != nil {
		t.Fatal(err)
	}
	s.expect("Press the button once more", s.w.Read(m))

	d := &inbox{Bot: s.bot, engine: s.engine, work: t.Context(), answering: t.Context()}
	if _, err := d.openForm(s.ctx(), s.account(s.carol), "prod-rekey-k7m2", "",
		trigger{"1.2.3", time.Now().Add(-triggerLife)}); err != refusal.FormLate {
		t.Errorf("a trigger whose time is over is used: %v", err)
	}
}

func TestFullQueueKeepsTheFormOpen(t *testing.T) {
	s, ask := startAsked(t, slacktest.Config{})
	v := s.pressForm(s.carol, ask)
	inside, hold := make(chan struct{}, 64), make(chan struct{})
	s.engine.during = func() { inside <- struct{}{}; <-hold }
	for i := range transport.MaxInPerson + 1 {
		if _, err := s.carol.DMs(envelope + "\n"); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			<-inside // it waits no more
		}
	}
	s.wait("a full queue", func() bool {
		count, _ := s.bot.queue.Waiting(s.carol.ID())
		return count == transport.MaxInPerson
	})
	done, err := s.carol.Submits(v, map[string]string{render.FormInput: envelope})
	if err != nil || !strings.Contains(done.Errors[render.FormCallback], "Too much is waiting") {
		t.Errorf("%+v, %v", done, err)
	}
	close(hold)
	s.settle()
}

// TestPolicyDecidesWhichWaysAreOffered: a way that is not allowed has no button and no
// words, and an earlier button has no effect.
func TestPolicyDecidesWhichWaysAreOffered(t *testing.T) {
	for want, ways := range map[string][]ceremony.Intake{
		"here, as text or as a file":          nil,
		"here, as text and not as a file":     {ceremony.ByText, ceremony.ByForm},
		"here, as a file and not as text":     {ceremony.ByFile},
		"with the form and not as a message.": {ceremony.ByForm},
	} {
		p := rekeyPlan()
		p.Ways = ways
		c := started(t, p).c
		m := shown(t)(render.ShareRequest(c, person("carol"), *c.Key, testSigner{}))
		said := render.PlainText(m)
		raw, err := json.Marshal(m.Blocks)
		if err != nil {
			t.Fatal(err)
		}
		if offered := strings.Contains(string(raw), "Use a form"); !strings.Contains(said, want) ||
			offered != wording.MayCome(p, ceremony.ByForm) {
			t.Errorf("%v: a form: %t, and\n%s", ways, offered, said)
		}
	}

	s, ask := startAsked(t, slacktest.Config{})
	s.engine.mu.Lock()
	c := s.engine.all["prod-rekey-k7m2"]
	c.Plan.Ways = []ceremony.Intake{ceremony.ByFile}
	s.engine.all[c.ID()] = c
	s.engine.mu.Unlock()
	reply, err := s.carol.Clicks(ask, string(command.VerbForm))
	if err != nil {
		t.Fatal(err)
	}
	m, err := reply.Wait(s.ctx())
	if err != nil {
		t.Fatal(err)
	}
	s.expect("does not take envelopes in this way", s.w.Read(m))
}

func TestWayByWhichAnEnvelopeCameIsTold(t *testing.T) {
	s, ask := startAsked(t, slacktest.Config{})
	if _, err := s.carol.DMs(envelope); err != nil {
		t.Fatal(err)
	}
	s.offered(1)
	if _, err := s.carol.Uploads("share.asc", []byte(envelope)); err != nil {
		t.Fatal(err)
	}
	s.offered(2)
	if _, err := s.carol.Submits(s.pressForm(s.carol, ask), map[string]string{render.FormInput: envelope}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []ceremony.Intake{ceremony.ByText, ceremony.ByFile, ceremony.ByForm} {
		if got := s.offered(3)[i].Way; got != want {
			t.Errorf("offer %d came by %q, told as %q", i+1, want, got)
		}
	}
}
