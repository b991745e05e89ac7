package bot

import (
	"errors"
	"strings"
	"testing"
	"time"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

var twoFiles = []ceremony.File{
	{Name: "prod-rekey-k7m2-transcript-1.json", Content: []byte(`{"format":"x"}`)},
	{Name: "prod-rekey-k7m2-transcript-1.html", Content: []byte("<!DOCTYPE html>")},
}

// thread is a status post, for what belongs under it.
func (s *stage) thread(c rules.State) string {
	s.t.Helper()
	ref, err := s.bot.Notifier().Deliver(s.ctx(), still(c), statusPost(s.t.(*testing.T), c), false)
	if err != nil {
		s.t.Fatal(err)
	}
	return ref.TS
}

// withFiles are the messages of a thread that have files.
func (s *stage) withFiles(thread string) []slacktest.Message {
	var all []slacktest.Message
	for _, m := range s.ops.Thread(thread) {
		if len(m.Files) > 0 {
			all = append(all, m)
		}
	}
	return all
}

func TestFilesAreOneMessageInTheThread(t *testing.T) {
	for _, slow := range []time.Duration{0, 300 * time.Millisecond} {
		s, c := posting(t, slacktest.Config{Timing: slacktest.Timing{Share: slow}})
		thread := s.thread(c)
		ref, err := s.bot.notifier.share(s.ctx(), s.ops.ID(), thread, twoFiles, "The transcript & all", false, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		posted := s.withFiles(thread)
		if len(posted) != 1 || posted[0].TS != ref.TS || ref.Channel != s.ops.ID() {
			t.Fatalf("at %v are %+v", ref, posted)
		}
		s.expect("The transcript & all\n[file prod-rekey-k7m2-transcript-1.json, 14 bytes]\n[file prod-rekey-k7m2-transcript-1.html, 15 bytes]", s.w.Read(posted[0]))
	}
}

// TestP5FilesWhoseAnswerWasLostArePostedOnce: whatever step it was that failed.
func TestP5FilesWhoseAnswerWasLostArePostedOnce(t *testing.T) {
	for _, method := range []string{"files.getUploadURLExternal", "upload_url", "files.completeUploadExternal"} {
		for _, fault := range []slacktest.Effect{slacktest.DropAfter(), slacktest.StatusAfter(500), slacktest.DropBefore(),
			slacktest.Status(500)} {
			s, c := posting(t, slacktest.Config{})
			thread := s.thread(c)
			injected := s.w.Inject(slacktest.Fault{Method: method, Times: 1, Effect: fault})
			_, err := s.bot.notifier.share(s.ctx(), s.ops.ID(), thread, twoFiles, "transcript", false, time.Now())
			injected.Remove()
			switch {
			case err == nil:
				t.Fatalf("%s, %s: nothing went wrong", method, fault)
			case (method != "files.completeUploadExternal") != errors.Is(err, ceremony.ErrNotPosted):
				t.Errorf("%s, %s: %v", method, fault, err)
			}
			ref, err := s.bot.notifier.share(s.ctx(), s.ops.ID(), thread, twoFiles, "transcript", true, time.Now())
			if err != nil {
				t.Fatalf("%s, %s: again: %v", method, fault, err)
			}
			if posted := s.withFiles(thread); len(posted) != 1 || posted[0].TS != ref.TS {
				t.Errorf("%s, %s: %d messages", method, fault, len(posted))
			}
		}
	}
}

// TestFilesOfOthersAreNotTakenForOurs: anybody in the channel can post a file by
// this name.
func TestFilesOfOthersAreNotTakenForOurs(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	thread := s.thread(c)
	statusPost, _ := s.ops.Message(thread)
	if _, err := s.alice.RepliesTo(statusPost, "look"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.alice.Shares(s.ops, "forged", slacktest.Upload{Name: twoFiles[0].Name, Content: []byte("{}")},
		slacktest.Upload{Name: twoFiles[1].Name, Content: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	ref, err := s.bot.notifier.share(s.ctx(), s.ops.ID(), "", twoFiles, "transcript", true, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := s.ops.Message(ref.TS); m.BotID == "" {
		t.Errorf("found %s", s.w.Read(m))
	}
}

func TestFilesWaitWhenSlackAsksToSlowDown(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	thread := s.thread(c)
	for _, method := range []string{"files.getUploadURLExternal", "files.completeUploadExternal"} {
		s.w.Inject(slacktest.Fault{Method: method, Times: 1, Effect: slacktest.RateLimited(time.Second)})
	}
	if _, err := s.bot.notifier.share(s.ctx(), s.ops.ID(), thread, twoFiles, "transcript", false, time.Now()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.withFiles(thread)); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestFileThatSlackWillNeverTakeIsGivenUp(t *testing.T) {
	s, c := posting(t, slacktest.Config{})
	thread := s.thread(c)
	s.w.Inject(slacktest.Fault{Method: "files.getUploadURLExternal",
		Effect: slacktest.Answer("file_upload_size_restricted")})
	_, err := s.bot.notifier.share(s.ctx(), s.ops.ID(), thread, twoFiles, strings.Repeat("x", 10), false, time.Now())
	if !errors.Is(err, ceremony.ErrUndeliverable) {
		t.Errorf("%v", err)
	}
}
