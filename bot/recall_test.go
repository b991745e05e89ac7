package bot

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// recalled returns the marks in the posts about the cluster prod.
func recalled(t *testing.T, s *stage, boards ...ceremony.Ref) []string {
	t.Helper()
	tokens, err := s.bot.Notifier().Recall(t.Context(), "prod", boards)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestStatusPostCarriesHowFarTheJournalIs(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	d := s.bot.Notifier()
	ref, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := recalled(t, s); !slices.Equal(got, []string{testMark(c)}) {
		t.Errorf("posted with %q", got)
	}
	further := (&scenario{t: t, entries: c.History}).
		then(event.Posted{Key: "board", Ref: ref}, event.Approved{By: s.people(s.bob)[0], PlanHash: c.PlanHash}).c
	if _, err := d.Redraw(t.Context(), shows(further, rules.Live{}), ref); err != nil {
		t.Fatal(err)
	}
	if got := recalled(t, s); !slices.Equal(got, []string{testMark(further)}) {
		t.Errorf("edited with %q", got)
	}
	if found, err := d.find(t.Context(), c, "board", c.History[0], ref.Channel, ""); err != nil || found != ref {
		t.Errorf("after the edit it is not found by its key: %v, %v", found, err)
	}
}

// A post that took another one's place is found by its key after it was edited, also when
// another process edits it.
func TestEditedPostKeepsItsKey(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	d := s.bot.Notifier()
	old, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false)
	if err != nil {
		t.Fatal(err)
	}
	s.w.Inject(slacktest.Fault{Method: "chat.update", Times: 1, Effect: slacktest.Answer("edit_window_closed")})
	at, err := d.Redraw(t.Context(), shows(c, rules.Live{Since: time.Now()}), old)
	if err != nil || at == old {
		t.Fatal(at, err)
	}
	moved := (&scenario{t: t, entries: c.History}).
		then(event.Posted{Key: "board", Ref: old}, event.Posted{Key: "board", Ref: at}).c
	again := newNotifier(d.api, d.directMessages, d.channels, d.accounts, d.pace, d.health, d.config)
	for name, n := range map[string]*notifier{"the same process": d, "the next one": again} {
		if _, err := n.Redraw(t.Context(), shows(moved, rules.Live{Since: time.Now().Add(time.Hour), Vault: ceremony.ErrSealed}), at); err != nil {
			t.Fatal(err)
		}
		if found, err := d.find(t.Context(), c, "board after "+old.TS, c.History[0], at.Channel, ""); err != nil || found != at {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

// Among many posts of people, and in a channel that the configuration does not name any more.
func TestMarksAreFoundFarBackAndElsewhere(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	d := s.bot.Notifier()
	if _, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false); err != nil {
		t.Fatal(err)
	}
	for n := range 2*page + 10 {
		if _, err := s.alice.Says(s.ops, fmt.Sprintf("talk %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	before := s.w.AddChannel("before", s.w.Bot())
	d.config.Channel = before.ID()
	elsewhere, err := d.Deliver(t.Context(), still(c), statusPost(t, c), false)
	if err != nil {
		t.Fatal(err)
	}
	d.config.Channel = s.ops.ID()
	if got := recalled(t, s, elsewhere); len(got) != 2 {
		t.Errorf("%d marks: %q", len(got), got)
	}
}

func TestSlackThatIsDownIsToldFromAChannelThatCantBeRead(t *testing.T) {
	for effect, final := range map[string]bool{
		"not_in_channel": true, "missing_scope": true, "internal_error": false, "ratelimited": false,
	} {
		s, _ := posting(t, slacktest.Config{})
		s.w.Inject(slacktest.Fault{Method: "conversations.history", Effect: slacktest.Answer(effect)})
		if _, err := s.bot.Notifier().Recall(t.Context(), "prod", nil); err == nil || errors.Is(err, ceremony.ErrUndeliverable) != final {
			t.Errorf("%s: %v", effect, err)
		}
	}
}
