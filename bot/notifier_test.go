package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// posting starts a workspace with a bot that can post and does not run.
func posting(t *testing.T, cfg slacktest.Config) (*stage, rules.State) {
	t.Helper()
	s := setUp(t, cfg)
	t.Cleanup(func() {
		for _, v := range s.w.Violations() {
			t.Errorf("Slack's rule broken: %s", v)
		}
	})
	return s, begin(t, s.plan()).c
}

func statusPost(t *testing.T, c rules.State) rules.Message {
	return messageOf(t, c, rules.BoardMessage, "")
}

func TestStatusPostItsThreadAndDirectMessagesLieWhereTheyBelong(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	d := s.bot.Notifier()
	ref, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false)
	if err != nil || ref.Channel != s.ops.ID() {
		t.Fatal(ref, err)
	}
	scenario := (&scenario{t: t, entries: c.History}).
		then(event.Posted{Key: "board", Ref: ref}, event.Approved{By: s.people(s.bob)[0], PlanHash: c.PlanHash})
	line, err := d.Deliver(t.Context(), still(scenario.c), scenario.message(rules.HistoryMessage, ""), false)
	if err != nil {
		t.Fatal(err)
	}
	thread := s.ops.Thread(ref.TS)
	if last := thread[len(thread)-1]; last.TS != line.TS || !strings.Contains(s.w.Read(last), "approved the plan") {
		t.Errorf("the thread ends with\n%s", s.w.Read(last))
	}
	deliver(t, s, c, rules.ApprovalMessage, s.bob)
	if strings.Contains(string(s.w.Traffic()), "<@") {
		t.Error("somebody is mentioned")
	}
}

func TestClusterIsShownInItsOwnChannel(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	own := s.w.AddPrivateChannel("prod-ops", s.w.Bot())
	s.bot.notifier.config.Channels = map[string]string{"prod": own.ID()}
	ref, err := s.bot.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), false)
	if err != nil || ref.Channel != own.ID() {
		t.Error(ref, err)
	}
}

// TestPostWhoseAnswerWasLostIsPostedOnce is promise P5 for messages: the post is
// looked for, in the channel, in a thread, in direct messages.
func TestP5PostWhoseAnswerWasLostIsPostedOnce(t *testing.T) {
	for _, fault := range []slacktest.Effect{slacktest.DropAfter(), slacktest.StatusAfter(500)} {
		s, c := posting(t, slacktest.Config{})
		d := s.bot.Notifier()
		ref, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false)
		if err != nil {
			t.Fatal(err)
		}
		scenario := (&scenario{t: t, entries: c.History}).then(event.Posted{Key: "board", Ref: ref})
		proposed := scenario.c
		scenario.then(event.Approved{By: s.people(s.bob)[0], PlanHash: c.PlanHash})
		for kind, to := range map[rules.MessageKind]string{rules.BoardMessage: "", rules.HistoryMessage: "",
			rules.ApprovalMessage: "bob"} {
			at, m := scenario.c, messageOf(t, scenario.c, kind, to)
			switch kind {
			case rules.ApprovalMessage:
				at = proposed
			case rules.BoardMessage:
				at = c // the program died before the post was in the journal
			}
			count := func() int { return strings.Count(posted(s), `"key":"`+m.Key+`"`) }
			before := count()
			if kind == rules.BoardMessage {
				before--
			} else {
				injected := s.w.Inject(slacktest.Fault{Method: "chat.postMessage", Times: 1, Effect: fault})
				_, err := d.Deliver(t.Context(), still(at), m, false)
				injected.Remove()
				if err == nil || errors.Is(err, ceremony.ErrNotPosted) || errors.Is(err, ceremony.ErrUndeliverable) {
					t.Fatalf("%s, %s: a lost answer is told as %v", kind, fault, err)
				}
			}
			found, err := d.Deliver(t.Context(), still(at), m, true)
			if err != nil {
				t.Fatal(err)
			}
			if n := count() - before; n != 1 {
				t.Errorf("%s, %s: posted %d times", kind, fault, n)
			}
			if kind == rules.BoardMessage && found != ref {
				t.Errorf("found %v, posted %v", found, ref)
			}
		}
	}
}

// A journal that was put back from a copy gives the numbers of its lines again, and so the keys
// of messages. The old post is of another line.
func TestP5PostOfALineThatTheJournalHasLostIsNotTakenForTheNewOne(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	d := s.bot.Notifier()
	board, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false)
	if err != nil {
		t.Fatal(err)
	}
	said := func(why string) (rules.State, rules.Message) {
		scenario := (&scenario{t: t, entries: c.History}).
			then(event.Posted{Key: "board", Ref: board}, event.Rejected{By: s.people(s.bob)[0], Why: why})
		return scenario.c, scenario.message(rules.HistoryMessage, "")
	}
	before, old := said("before")
	lost, err := d.Deliver(t.Context(), still(before), old, false)
	if err != nil {
		t.Fatal(err)
	}
	after, m := said("after")
	m.Entry.Hash = strings.Repeat("ab", 32)
	if m.Key != old.Key {
		t.Fatalf("keys %s and %s: this test shows nothing", m.Key, old.Key)
	}
	found, err := d.Deliver(t.Context(), still(after), m, true)
	if err != nil || found == lost {
		t.Errorf("the old post is taken for the new one: %v, %v", found, err)
	}
	if again, err := d.Deliver(t.Context(), still(before), old, true); err != nil || again != lost {
		t.Errorf("the post of its own line is not found: %v, want %v, %v", again, lost, err)
	}
}

// posted is the key of every message that lies in the workspace.
func posted(s *stage) string {
	keys := map[string]string{} // channel and ts → key
	for _, ch := range s.w.Channels() {
		for _, m := range ch.Messages() {
			for _, in := range append(ch.Thread(m.TS), m) {
				if in.Metadata != nil {
					keys[in.Channel+in.TS] = fmt.Sprintf("%q:%q\n", metadataKey, in.Metadata.EventPayload[metadataKey])
				}
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Values(keys)), "")
}

func TestPostThatNeverArrivedIsPostedWhenLookedFor(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	s.w.Inject(slacktest.Fault{Method: "chat.postMessage", Times: 1, Effect: slacktest.DropBefore()})
	if _, err := s.bot.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), false); err == nil ||
		errors.Is(err, ceremony.ErrNotPosted) {
		t.Fatalf("%v", err)
	}
	if _, err := s.bot.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), true); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(posted(s), `"key":"board"`); n != 1 {
		t.Errorf("posted %d times", n)
	}
}

// TestFailedSearchPostsNothing: while Slack can't report whether the post is there,
// it is not posted again.
func TestFailedSearchPostsNothing(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	s.w.Inject(slacktest.Fault{Method: "conversations.history", Effect: slacktest.Status(503)})
	_, err := s.bot.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), true)
	if err == nil || errors.Is(err, ceremony.ErrNotPosted) || len(s.w.Calls("chat.postMessage")) != 0 {
		t.Errorf("%v", err)
	}
}

func TestWhatBecameOfAPostIsToldApart(t *testing.T) {
	for code, want := range map[string]error{
		"channel_not_found": ceremony.ErrNotPosted, "not_in_channel": ceremony.ErrNotPosted, "is_archived": ceremony.ErrNotPosted,
		"token_revoked": ceremony.ErrNotPosted, "restricted_action": ceremony.ErrNotPosted, "messages_tab_disabled": ceremony.ErrNotPosted,
		"invalid_blocks": ceremony.ErrUndeliverable, "msg_too_long": ceremony.ErrUndeliverable, "user_disabled": ceremony.ErrUndeliverable,
		"internal_error": nil, "fatal_error": nil, "service_unavailable": nil,
	} {
		s, c := posting(t, slacktest.Config{})
		s.w.Inject(slacktest.Fault{Method: "chat.postMessage", Effect: slacktest.Answer(code)})
		_, err := s.bot.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), false)
		if certain := errors.Is(err, ceremony.ErrNotPosted) || errors.Is(err, ceremony.ErrUndeliverable); err == nil ||
			certain != (want != nil) || !errors.Is(err, want) && want != nil {
			t.Errorf("%s: %v, want %v", code, err, want)
		}
	}
}

func TestSlackThatCantBeReachedHasPostedNothing(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	s.w.Close()
	if _, err := s.bot.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), false); !errors.Is(err,
		ceremony.ErrNotPosted) {
		t.Errorf("%v", err)
	}
}

func TestDeactivatedPersonIsUndeliverable(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	s.bob.Deactivate()
	_, err := s.bot.Notifier().Deliver(t.Context(), still(c), messageOf(t, c, rules.ApprovalMessage, "bob"), false)
	if !errors.Is(err, ceremony.ErrUndeliverable) {
		t.Errorf("%v", err)
	}
}

// Slack takes a message to an account that was deactivated after the direct messages
// with it were opened, and nobody reads it.
func TestP10PersonWhoWasDeactivatedLaterIsUndeliverable(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	deliver(t, s, c, rules.ApprovalMessage, s.bob)
	s.bob.Deactivate()
	s.bot.accounts.Forget(s.bob.ID()) // as user_change has the bot do
	_, err := s.bot.Notifier().Deliver(t.Context(), still(c), messageOf(t, c, rules.ApprovalMessage, "bob"), false)
	if !errors.Is(err, ceremony.ErrUndeliverable) {
		t.Errorf("%v", err)
	}
	if n := len(s.bob.Inbox()); n != 1 {
		t.Errorf("%d messages lie where nobody reads them", n)
	}
}

// TestWhoCantBeWrittenToIsToldApart: an account that no later try would reach is
// undeliverable; any other is tried again.
func TestWhoCantBeWrittenToIsToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		method, code string
		want         error
	}{
		"a bot":            {"conversations.open", "cannot_dm_bot", ceremony.ErrUndeliverable},
		"nobody":           {"users.info", "user_not_found", ceremony.ErrUndeliverable},
		"hidden":           {"users.info", "user_not_visible", ceremony.ErrUndeliverable},
		"gone":             {"conversations.open", "user_disabled", ceremony.ErrUndeliverable},
		"no common ground": {"conversations.open", "invalid_user_combination", ceremony.ErrUndeliverable},
		"a missing scope":  {"conversations.open", "missing_scope", ceremony.ErrNotPosted},
	} {
		t.Run(name, func(t *testing.T) {
			s, ceremonyOf := posting(t, slacktest.Config{})
			s.w.Inject(slacktest.Fault{Method: c.method, Effect: slacktest.Answer(c.code)})
			if c.method == "conversations.open" { // asked why, when a post is not taken
				s.w.Inject(slacktest.Fault{Method: "chat.postMessage", Effect: slacktest.Answer("channel_not_found")})
			}
			_, err := s.bot.Notifier().Deliver(t.Context(), still(ceremonyOf), messageOf(t, ceremonyOf, rules.ApprovalMessage, "bob"),
				false)
			if !errors.Is(err, c.want) || errors.Is(err, ceremony.ErrUndeliverable) != (c.want == ceremony.ErrUndeliverable) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// TestMessageDoesNotWaitForWhoSomebodyIs: whatever keeps Slack from answering, shares,
// requests and receipts are brought.
func TestMessageDoesNotWaitForWhoSomebodyIs(t *testing.T) {
	for name, effect := range map[string]slacktest.Effect{
		"no users:read":   slacktest.Answer("missing_scope"),
		"Slack's trouble": slacktest.Answer("internal_error"),
		"no answer":       slacktest.Hang(),
		"too many asked":  slacktest.RateLimited(time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c := posting(t, slacktest.Config{})
			s.w.Inject(slacktest.Fault{Method: "users.info", Effect: effect})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if _, err := s.bot.Notifier().Deliver(ctx, still(c), messageOf(t, c, rules.ApprovalMessage, "bob"), false); err != nil {
				t.Error(err)
			}
			if n := len(s.bob.Inbox()); n != 1 {
				t.Errorf("%d messages came", n)
			}
		})
	}
}

func TestSlowDownIsHonouredAndThePostComes(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	s.w.Inject(slacktest.Fault{Method: "chat.postMessage", Times: 1, Effect: slacktest.RateLimited(time.Second)})
	began := time.Now()
	if _, err := s.bot.Notifier().Deliver(t.Context(), still(c), statusPost(t, c), false); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("posted again after %v", took)
	}
	if h := s.bot.Health(); h.Throttled != 1 {
		t.Errorf("throttled %d times", h.Throttled)
	}
}

func TestWaitingForSlackIsNotAPost(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	s.w.Inject(slacktest.Fault{Method: "chat.postMessage", Effect: slacktest.RateLimited(time.Hour)})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.bot.Notifier().Deliver(ctx, still(c), statusPost(t, c), false); !errors.Is(err, ceremony.ErrNotPosted) {
		t.Errorf("%v", err)
	}
}

func TestStatusPostIsRedrawnInPlaceAndOnlyWhenItDiffers(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	d := s.bot.Notifier()
	ref, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false)
	if err != nil {
		t.Fatal(err)
	}
	live := rules.Live{Since: time.Now()}
	for range 3 {
		if at, err := d.Redraw(t.Context(), shows(c, live), ref); at != ref || err != nil {
			t.Fatal(at, err)
		}
	}
	m, _ := s.ops.Message(ref.TS)
	s.expect("answers, since", s.w.Read(m))
	if n := len(s.w.Calls("chat.update")); n > 2 { // a minute may have passed between two of them
		t.Errorf("edited %d times", n)
	}
	if m.Metadata == nil || m.Edited {
		t.Errorf("the post lost its metadata or is marked as edited: %+v", m)
	}
}

// TestStatusPostThatCantBeEditedIsReplacedOnce, although the answer to the
// replacement is lost.
func TestStatusPostThatCantBeEditedIsReplacedOnce(t *testing.T) {
	for _, code := range []string{"edit_window_closed", "message_not_found", "cant_update_message"} {
		s, c := posting(t, slacktest.Config{})
		d := s.bot.Notifier()
		old, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false)
		if err != nil {
			t.Fatal(err)
		}
		s.w.Inject(slacktest.Fault{Method: "chat.update", Times: 2, Effect: slacktest.Answer(code)})
		s.w.Inject(slacktest.Fault{Method: "chat.postMessage", Times: 1, Effect: slacktest.DropAfter()})
		live := rules.Live{Since: time.Now()}
		if at, err := d.Redraw(t.Context(), shows(c, live), old); err == nil || at != old {
			t.Fatalf("%s: %v, %v", code, at, err)
		}
		at, err := d.Redraw(t.Context(), shows(c, live), old)
		if err != nil || at == old {
			t.Fatalf("%s: %v, %v", code, at, err)
		}
		if n := strings.Count(posted(s), `"key":"board after `); n != 1 {
			t.Errorf("%s: replaced %d times", code, n)
		}
		m, _ := s.ops.Message(at.TS)
		s.expect("answers, since", s.w.Read(m))
	}
}

// What began at a terminal, on the day on which Slack was down, gets its status post,
// and then its thread.
func TestStatusPostThatWasShownAtATerminalTakesAPlaceInSlack(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	d := s.bot.Notifier()
	shown := ceremony.Ref{Channel: ceremony.Terminal, TS: "board"}
	scenario := (&scenario{t: t, entries: c.History}).
		then(event.Posted{Key: "board", Ref: shown}, event.Approved{By: s.people(s.bob)[0], PlanHash: c.PlanHash})
	if ref, err := d.Deliver(t.Context(), still(scenario.c), scenario.message(rules.HistoryMessage, ""), false); !errors.Is(err,
		ceremony.ErrNotPosted) {
		t.Errorf("posted into a thread that is not there: %v, %v", ref, err)
	}
	at, err := d.Redraw(t.Context(), shows(scenario.c, rules.Live{}), shown)
	if err != nil || at.Channel != s.ops.ID() {
		t.Fatal(at, err)
	}
	if again, err := d.Redraw(t.Context(), shows(scenario.c, rules.Live{}), shown); err != nil || again != at {
		t.Errorf("posted twice, at %v and %v: %v", at, again, err)
	}
	scenario.then(event.Posted{Key: "board", Ref: at})
	line, err := d.Deliver(t.Context(), still(scenario.c), scenario.message(rules.HistoryMessage, ""), false)
	if err != nil {
		t.Fatal(err)
	}
	if thread := s.ops.Thread(at.TS); thread[len(thread)-1].TS != line.TS {
		t.Error("the thread is elsewhere")
	}
}

func TestFailedRedrawIsAnErrorAndNoNewPost(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	d := s.bot.Notifier()
	ref, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false)
	if err != nil {
		t.Fatal(err)
	}
	s.w.Inject(slacktest.Fault{Method: "chat.update", Times: 1, Effect: slacktest.DropBefore()})
	live := rules.Live{Since: time.Now()}
	if at, err := d.Redraw(t.Context(), shows(c, live), ref); err == nil || at != ref {
		t.Fatal(at, err)
	}
	if at, err := d.Redraw(t.Context(), shows(c, live), ref); err != nil || at != ref {
		t.Fatal(at, err)
	}
	if n := len(s.w.Calls("chat.postMessage")); n == 0 || strings.Count(posted(s), "board") != 1 {
		t.Errorf("posted %s", posted(s))
	}
}

// The pace is held by the bot's own clock: on a busy machine two posts may arrive
// with less between them, and then Slack asks to slow down.
func TestPostsFollowSlacksRate(t *testing.T) {
	s, c := posting(t, slacktest.Config{RateLimits: true})
	b, err := New(s.bot.config)
	if err != nil {
		t.Fatal(err)
	}
	m, began := statusPost(t, c), time.Now()
	for range 3 {
		if _, err := b.Notifier().Deliver(t.Context(), still(c), m, false); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 2*transport.PostPace {
		t.Errorf("three posts after %v", took)
	}
	if transport.PostPace <= time.Second {
		t.Errorf("a post each %v, where Slack takes one a second", transport.PostPace)
	}
}

func TestARehearsalNeedNotWait(t *testing.T) {
	s, _ := posting(t, slacktest.Config{})
	config := s.bot.config
	config.Pace = time.Millisecond
	b, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	if gap := b.notifier.pace.Gap; gap != config.Pace {
		t.Errorf("a post each %v", gap)
	}
}

func TestMessageThatCantBeMadeIsGivenUp(t *testing.T) {
	s, _ := posting(t, slacktest.Config{})
	s.bot.notifier.config.Sign = testSigner{errors.New("no key")}
	p := s.plan()
	scenario := started(t, p).counted("bob", ceremony.StepUpdate, nonce1)
	scenario.share("carol", ceremony.StepUpdate, nonce1,
		event.Rekeyed{By: s.people(s.carol)[0], VerificationNonce: nonce2, Required: 2,
			Shares: []event.NewShare{{For: s.people(s.carol)[0], Ciphertext: "d2NGTUE="}}})
	if _, err := s.bot.Notifier().Deliver(t.Context(), still(scenario.c), scenario.message(rules.DeliveryMessage, "carol"),
		false); !errors.Is(err, ceremony.ErrUndeliverable) {
		t.Errorf("%v", err)
	}
}

// still returns a ceremony in which nothing happens any more.
func still(c rules.State) func() rules.State { return func() rules.State { return c } }

// shows returns what a status post of such a ceremony is to show.
func shows(c rules.State, live rules.Live) func() (rules.State, rules.Live) {
	return func() (rules.State, rules.Live) { return c, live }
}
