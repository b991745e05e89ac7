package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/engine"
	"conclave/ceremony/event"
	"conclave/ceremony/ledger"
	"conclave/ceremony/rules"
)

// stage is a running bot in a workspace, with an engine that only remembers.
type stage struct {
	t      testing.TB
	w      *slacktest.Workspace
	bot    *Bot
	engine *fakeEngine
	ops    *slacktest.Channel
	alice  *slacktest.Person // may propose and approve
	bob    *slacktest.Person // may approve
	carol  *slacktest.Person // holds a share
	log    *journal
	ended  chan error
	stop   context.CancelFunc
}

// quick are Slack's clocks for tests. How fast an acknowledgement is, the
// benchmark says: on a busy machine it breaks no rule.
func quick() slacktest.Timing {
	return slacktest.Timing{Redelivery: []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 400 * time.Millisecond}, Ping: 50 * time.Millisecond, Linger: 10 * time.Millisecond, Grace: time.Minute}
}

// setUp makes a bot that does not run yet.
func setUp(t testing.TB, cfg slacktest.Config) *stage {
	t.Helper()
	share := cfg.Timing.Share
	cfg.Timing = quick()
	cfg.Timing.Share = share
	w, err := slacktest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, w: w, log: &journal{}, ended: make(chan error, 1)}
	t.Cleanup(w.Close)
	s.alice, s.bob, s.carol = w.AddPerson("alice"), w.AddPerson("bob"), w.AddPerson("carol")
	s.ops = w.AddChannel("ops", s.alice, s.bob, s.carol, w.Bot())
	s.bot, err = New(Config{
		AppToken: w.AppToken(), BotToken: w.BotToken(), APIURL: w.URL() + "/api/", Team: w.TeamID(), Channel: s.ops.ID(),
		Sign: testSigner{}, Mark: testMark, Files: testFiles,
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.bot.rhythm.LeastGap = 10 * time.Millisecond
	s.bot.rhythm.MostGap = 80 * time.Millisecond
	s.bot.notifier.pace.Gap = 0
	s.engine = &fakeEngine{ready: make(chan struct{}), all: map[ceremony.ID]rules.State{}}
	s.engine.clusters = []ceremony.Cluster{{
		Name: "prod", Operations: ceremony.Operations(), Initiators: s.people(s.alice), Approvers: s.people(s.alice, s.bob),
		Approvals: 1,
		Holders:   s.people(s.alice, s.bob, s.carol), Receivers: s.people(s.alice, s.bob, s.carol), Window: time.Hour,
	}}
	return s
}

// start sets up and runs a bot, and makes sure at the end of the test that it
// stops when it is told to, and that it broke no rule of Slack's.
func start(t testing.TB, cfg slacktest.Config) *stage {
	t.Helper()
	s := setUp(t, cfg)
	close(s.engine.ready)
	s.run()
	s.wait("a socket", func() bool { return s.w.Sockets() == 1 && s.bot.Health().Connected })
	return s
}

func (s *stage) run() {
	s.t.Cleanup(func() { // once it has stopped
		for _, v := range s.w.Violations() {
			s.t.Errorf("Slack's rule broken: %s", v)
		}
	})
	s.runQuietly(s.t)
}

// runQuietly runs the bot, and makes sure that it stops when it is told to.
func (s *stage) runQuietly(tb testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.ended <- s.bot.Run(ctx, s.engine) }()
	tb.Cleanup(func() {
		cancel()
		select {
		case err := <-s.ended:
			if err != nil {
				tb.Errorf("the bot ended with %v", err)
			}
		case <-time.After(hang):
			tb.Error("the bot does not stop")
		}
	})
}

// hang is when a test gives up, on however busy a machine.
const hang = time.Minute

// wait returns when holds returns true.
func (s *stage) wait(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(hang); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain for %s\n%s", what, s.log)
		}
	}
}

func (s *stage) ctx() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), hang)
	s.t.Cleanup(cancel)
	return ctx
}

func (s *stage) account(p *slacktest.Person) ceremony.Account {
	return ceremony.Account{Team: s.w.TeamID(), User: p.ID()}
}

// accounts are the people as a configuration names them: name → user id.
func (s *stage) accounts() map[string]string {
	return map[string]string{"alice": s.alice.ID(), "bob": s.bob.ID(), "carol": s.carol.ID()}
}

func (s *stage) people(all ...*slacktest.Person) []ceremony.Person {
	var people []ceremony.Person
	for _, p := range all {
		known := person(p.Name())
		known.Account = s.account(p)
		people = append(people, known)
	}
	return people
}

// types runs a command and returns the answer as people read it.
func (s *stage) types(p *slacktest.Person, text string) string {
	s.t.Helper()
	reply := p.Command(s.ops, "/ceremony", text)
	if reply.Error != "" {
		s.t.Fatalf("/ceremony %s: Slack shows %s", text, reply.Error)
	}
	m, err := reply.Wait(s.ctx())
	if err != nil {
		s.t.Fatalf("/ceremony %s: %v\n%s", text, err, s.log)
	}
	if m.To != p.ID() {
		s.t.Errorf("/ceremony %s is answered to everybody", text)
	}
	return s.w.Read(m)
}

// told waits for a message of the bot's with this text in the person's inbox.
func (s *stage) told(p *slacktest.Person, what string) {
	s.t.Helper()
	if _, err := p.Finds(s.ctx(), func(m slacktest.Message) bool {
		return m.BotID != "" && strings.Contains(s.w.Read(m), what)
	}); err != nil {
		s.t.Fatalf("%s is not told %q: %v; inbox:\n%s\n%s", p.Name(), what, err, s.inbox(p), s.log)
	}
}

func (s *stage) inbox(p *slacktest.Person) string {
	var all []string
	for _, m := range p.Inbox() {
		all = append(all, s.w.Read(m))
	}
	return strings.Join(all, "\n--\n")
}

// fromBot counts the messages that the bot wrote to a person.
func (s *stage) fromBot(p *slacktest.Person) int {
	return len(slices.DeleteFunc(p.Inbox(), func(m slacktest.Message) bool { return m.BotID == "" }))
}

// settle waits until every envelope was acknowledged and what it set off is done.
func (s *stage) settle() {
	s.t.Helper()
	s.wait("the end of all work", func() bool {
		_, busy := s.bot.queue.Waiting("")
		_, answering := s.bot.answers.Waiting("")
		return s.w.Unacknowledged() == 0 && !busy && !answering
	})
}

func (s *stage) expect(want string, got string) {
	s.t.Helper()
	if !strings.Contains(got, want) {
		s.t.Errorf("answer lacks %q:\n%s", want, got)
	}
}

// holds gives the engine a ceremony whose people are those of the workspace.
func (s *stage) holds(scenario *scenario) rules.State {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	s.engine.all[scenario.c.ID()] = scenario.c
	return scenario.c
}

// plan is a plan for the people of the workspace.
func (s *stage) plan() ceremony.Plan {
	p := rekeyPlan()
	p.Initiator = s.people(s.alice)[0]
	p.Approvers = s.people(s.alice, s.bob)
	p.Holders = s.people(s.alice, s.bob, s.carol)
	p.Receivers = p.Holders
	p.Threshold, p.NewThreshold = 2, 2
	p.Proposed, p.Closes = time.Now(), time.Now().Add(time.Hour)
	return p
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

var _ Engine = (*engine.Engine)(nil)

// fakeEngine remembers what it was asked, and returns what it was told to.
type fakeEngine struct {
	ready    chan struct{}
	clusters []ceremony.Cluster

	mu     sync.Mutex
	all    map[ceremony.ID]rules.State
	calls  []string
	offers []ceremony.Envelope
	err    error       // of every command
	id     ceremony.ID // of every offer
	report ledger.KeyReport
	during func() // runs inside every command and offer
	asks   int    // how often it was asked for a digest, or for all ceremonies
}

var errNoCeremony = errors.New("the test has no ceremony")

func (e *fakeEngine) asked(call string) error {
	e.mu.Lock()
	e.calls = append(e.calls, call)
	err, during := e.err, e.during
	e.mu.Unlock()
	if during != nil {
		during()
	}
	return err
}

func (e *fakeEngine) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

func (e *fakeEngine) said() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

func (e *fakeEngine) offered() []ceremony.Envelope {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.offers)
}

func (e *fakeEngine) Ready() <-chan struct{} { return e.ready }

func (e *fakeEngine) Propose(_ context.Context, p ceremony.Proposal) (rules.State, error) {
	words := []string{"propose", string(p.Operation), p.Cluster}
	for _, name := range slices.Sorted(maps.Keys(p.Options)) {
		words = append(words, name+"="+p.Options[name])
	}
	if err := e.asked(strings.Join(append(words, p.Reason, "by", p.By.String()), " ")); err != nil {
		return rules.State{}, err
	}
	return e.any()
}

func (e *fakeEngine) any() (rules.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.all {
		return c, nil
	}
	return rules.State{}, errNoCeremony
}

func (e *fakeEngine) decide(what string, id ceremony.ID, by ceremony.Account, with string) (rules.State, error) {
	if err := e.asked(what + " " + string(id) + " " + with + " by " + by.String()); err != nil {
		return rules.State{}, err
	}
	c, _, err := e.Ceremony(id)
	return c, err
}

func (e *fakeEngine) Approve(_ context.Context, id ceremony.ID, by ceremony.Account, hash string) (rules.State, error) {
	return e.decide("approve", id, by, hash)
}

func (e *fakeEngine) Reject(_ context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return e.decide("reject", id, by, why)
}

func (e *fakeEngine) Cancel(_ context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return e.decide("cancel", id, by, why)
}

func (e *fakeEngine) Freeze(_ context.Context, id ceremony.ID, by ceremony.Account, why string) (rules.State, error) {
	return e.decide("freeze", id, by, why)
}

func (e *fakeEngine) Proceed(_ context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.decide("proceed", id, by, "")
}

func (e *fakeEngine) Note(_ context.Context, id ceremony.ID, by ceremony.Account, text string) (rules.State, error) {
	return e.decide("note", id, by, text)
}

func (e *fakeEngine) Testify(_ context.Context, id ceremony.ID, by ceremony.Account, agrees bool,
	why string) (rules.State, error) {
	return e.decide(fmt.Sprintf("testify %t", agrees), id, by, why)
}

func (e *fakeEngine) PeekStatement(pasted []byte) (string, bool) {
	i := bytes.Index(pasted, []byte(ceremony.StatementTag))
	if i < 0 {
		return "", false
	}
	line, _, _ := strings.Cut(string(pasted[i:]), "\n")
	return line, true
}

// SubmitStatement understands a line that begins with the tag of a statement, and nothing
// else.
func (e *fakeEngine) SubmitStatement(_ context.Context, by ceremony.Account, pasted []byte) (ceremony.ID,
	ceremony.Verb, error) {
	line, ok := e.PeekStatement(pasted)
	if !ok {
		return "", "", ceremony.NoWord
	}
	w, ok := ceremony.ParseStatement(line)
	if !ok {
		return "", "", ceremony.NoWord
	}
	return ceremony.ID(w.Of), w.Verb, e.asked("speak " + line + " by " + by.String())
}

func (e *fakeEngine) Resume(_ context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.decide("resume", id, by, "")
}

func (e *fakeEngine) Reset(_ context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.decide("reset", id, by, "")
}

func (e *fakeEngine) Reverify(_ context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.decide("reverify", id, by, "")
}

func (e *fakeEngine) Delete(_ context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.decide("delete", id, by, "")
}

func (e *fakeEngine) NameToken(_ context.Context, id ceremony.ID, by ceremony.Account, accessor string) (rules.State,
	error) {
	return e.decide("accessor", id, by, accessor)
}

func (e *fakeEngine) TokenRevoked(_ context.Context, id ceremony.ID, by ceremony.Account) (rules.State, error) {
	return e.decide("revoked", id, by, "")
}

func (e *fakeEngine) Acknowledge(_ context.Context, id ceremony.ID, by ceremony.Account, why, _ string) (rules.State,
	error) {
	return e.decide("acknowledge", id, by, why)
}

func (e *fakeEngine) KeyReport(_ context.Context, cluster string) (ledger.KeyReport, error) {
	if err := e.asked("key report of " + cluster); err != nil {
		return ledger.KeyReport{}, err
	}
	return e.report, nil
}

func (e *fakeEngine) Share(_ context.Context, o ceremony.Envelope) (ceremony.ID, error) {
	e.mu.Lock()
	e.offers = append(e.offers, o)
	e.mu.Unlock()
	err := e.asked("offer by " + o.By.String())
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.id, err
}

func (e *fakeEngine) Exposed(_ context.Context, by ceremony.Account, kind ceremony.Finding) ([]ceremony.ID, error) {
	return nil, e.asked(string(kind) + " by " + by.String())
}

func (e *fakeEngine) Ceremony(id ceremony.ID) (rules.State, rules.Live, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.all[id]
	if !ok {
		return c, rules.Live{}, ceremony.ErrUnknownCeremony
	}
	return c, rules.Live{Since: time.Now()}, nil
}

func (e *fakeEngine) Current() []rules.State {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asks++
	var all []rules.State
	for _, c := range e.all {
		all = append(all, c)
	}
	return all
}

func (e *fakeEngine) Past(cluster string, most int) ([]rules.State, int) {
	past := slices.DeleteFunc(e.Current(), func(c rules.State) bool {
		return !c.Ended() || cluster != "" && c.Plan.Cluster != cluster
	})
	return past[:min(most, len(past))], len(past)
}

func (e *fakeEngine) Named(word string) (open, ended []ceremony.ID) {
	for _, c := range e.Current() {
		switch id := string(c.ID()); {
		case !strings.HasPrefix(id, word) && !strings.HasSuffix(id, "-"+word):
		case c.Ended():
			ended = append(ended, c.ID())
		default:
			open = append(open, c.ID())
		}
	}
	return open, ended
}

func (e *fakeEngine) Exposures(cluster string) []ledger.Exposure {
	return ledger.Exposures(e.Current(), cluster)
}

func (*fakeEngine) SetAside() []ceremony.Aside { return nil }

func (e *fakeEngine) IsDigest(word string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asks++
	for _, c := range e.all {
		if word == c.PlanHash || word == c.Plan.OTP ||
			slices.ContainsFunc(c.History, func(entry event.Entry) bool { return word == entry.Hash }) {
			return true
		}
	}
	return false
}

func (e *fakeEngine) Clusters() []ceremony.Cluster { return e.clusters }
