package bot

import (
	"errors"
	"strings"
	"testing"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// withTranscript gives the stage a ceremony that has ended and whose transcript is
// signed.
func withTranscript(t *testing.T, s *stage) *scenario {
	t.Helper()
	p := s.plan()
	scenario := begin(t, p)
	ref, err := s.bot.Notifier().Deliver(s.ctx(), still(scenario.c), statusPost(t, scenario.c), false)
	if err != nil {
		t.Fatal(err)
	}
	scenario.then(event.Posted{Key: "board", Ref: ref}, event.Rejected{By: s.people(s.bob)[0], Why: "no"},
		event.Ended{Outcome: event.WasRejected, Vault: event.NothingToCancel})
	scenario.then(event.TranscriptSigned{Number: 1, Lines: scenario.c.Seq(), SHA256: strings.Repeat("5a", 32),
		Signature: "d2NGTUE=", Archives: []string{"time stamp"}})
	s.holds(scenario)
	return scenario
}

func TestTranscriptIsPostedAsFilesInTheThread(t *testing.T) {
	s := start(t, slacktest.Config{})
	scenario := withTranscript(t, s)
	m := scenario.message(rules.TranscriptMessage, "")
	ref, err := s.bot.Notifier().Deliver(s.ctx(), still(scenario.c), m, false)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.bot.Notifier().Deliver(s.ctx(), still(scenario.c), m, true)
	if err != nil || again != ref {
		t.Errorf("posted at %v and then at %v: %v", ref, again, err)
	}
	statusPost, _ := scenario.c.Board()
	posted := s.withFiles(statusPost.TS)
	if len(posted) != 1 {
		t.Fatalf("%d messages with files", len(posted))
	}
	for _, want := range []string{"prod-rekey-k7m2-transcript-1.json", "prod-rekey-k7m2-transcript-1.html",
		"conclave verify prod-rekey-k7m2-transcript-1.json", "the fingerprint that you were given"} {
		s.expect(want, s.w.Read(posted[0]))
	}

	s.holds(scenario.then(event.Posted{Key: m.Key, Ref: ref}))
	s.expect("in the thread of its status post", s.types(s.carol, "transcript k7m2"))
	if strings.Contains(s.inbox(s.carol), "[file") {
		t.Errorf("unasked, carol has\n%s", s.inbox(s.carol))
	}
	s.expect("in our direct messages", s.types(s.carol, "transcript k7m2 send"))
	s.expect("prod-rekey-k7m2-transcript-1.json", s.inbox(s.carol))
}

func TestTranscriptThatIsNotInTheThreadIsSent(t *testing.T) {
	s := start(t, slacktest.Config{})
	scenario := withTranscript(t, s)
	s.expect("in our direct messages", s.types(s.alice, "transcript k7m2"))
	s.expect("prod-rekey-k7m2-transcript-1.html", s.inbox(s.alice))

	s.holds(scenario.then(event.Posted{Key: scenario.message(rules.TranscriptMessage, "").Key,
		Ref: ceremony.Ref{Channel: s.ops.ID(), TS: "1.1"}}))
	s.expect("in our direct messages", s.types(s.bob, "transcript k7m2")) // it was deleted
}

func TestTranscriptIsForThoseWithAPart(t *testing.T) {
	s := start(t, slacktest.Config{})
	withTranscript(t, s)
	erin := s.w.AddPerson("erin")
	s.ops.Invite(erin)
	s.engine.clusters[0].Initiators = append(s.engine.clusters[0].Initiators, s.people(erin)...)
	s.expect("You have no part", s.types(erin, "transcript k7m2"))
	s.holds(begin(t, s.plan()))
	s.expect("No transcript of this ceremony is signed yet", s.types(s.carol, "transcript k7m2"))
}

func TestTranscriptThatIsNotWhatWasSignedIsNotPosted(t *testing.T) {
	s := setUp(t, slacktest.Config{})
	scenario := withTranscript(t, s)
	s.bot.notifier.config.Files = func(rules.State, event.TranscriptSigned) ([]ceremony.File, error) {
		return nil, ceremony.ErrChain
	}
	_, err := s.bot.Notifier().Deliver(s.ctx(), still(scenario.c), scenario.message(rules.TranscriptMessage, ""), false)
	if !errors.Is(err, ceremony.ErrUndeliverable) || !errors.Is(err, ceremony.ErrChain) {
		t.Errorf("%v", err)
	}
}

// TestTimeStampFollowsItsTranscript into the thread, once, and to people who ask.
func TestTimeStampFollowsItsTranscript(t *testing.T) {
	s := start(t, slacktest.Config{})
	scenario := withTranscript(t, s)
	scenario.then(event.Archived{Number: 1, Where: "time stamp", SHA256: strings.Repeat("5a", 32),
		Receipt: "2026-03-14 12:00:00 UTC", TimeStamp: "MAA="})
	m := scenario.message(rules.HistoryMessage, "")
	if _, ok := m.Entry.Event.(event.Archived); !ok {
		t.Fatalf("the last line of the thread is about %T", m.Entry.Event)
	}
	for _, maybe := range []bool{false, true} {
		if _, err := s.bot.Notifier().Deliver(s.ctx(), still(scenario.c), m, maybe); err != nil {
			t.Fatal(err)
		}
	}
	statusPost, _ := scenario.c.Board()
	posted := s.withFiles(statusPost.TS)
	if len(posted) != 1 {
		t.Fatalf("%d messages with files", len(posted))
	}
	s.expect("[file prod-rekey-k7m2-transcript-1.tsr, 2 bytes]", s.w.Read(posted[0]))
	s.holds(scenario)
	s.expect("in our direct messages", s.types(s.carol, "transcript k7m2 send"))
	s.expect("prod-rekey-k7m2-transcript-1.tsr", s.inbox(s.carol))
}
