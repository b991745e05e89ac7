package whole_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"conclave/archive/archivetest"
	"conclave/ceremony"
	"conclave/rehearsal/stage"
)

// The archive of a ceremony is enough for an auditor: without the journal, without Slack, and without the host.
func TestTranscriptIsKeptElsewhereAndVerifies(t *testing.T) {
	t.Parallel()
	authority := archivetest.NewAuthority(t)
	copies := t.TempDir()
	url := authority.Issue(t, archivetest.ForStamps()).ServeStamps(t, nil)
	s := onVault(t, func(o *stage.Settings) {
		o.Operations = []string{string(ceremony.Rotate)}
		o.Archive = fmt.Sprintf("{directory: %q, time_stamp: {url: %q, ca_file: %q}}", copies, url, authority.File)
	})
	id := s.begin(ceremony.Rotate)
	s.completed(id)
	s.until("the transcript to be kept", func() bool { return s.now(id).Settled() })

	c := s.now(id)
	stamps := c.TimeStamps()
	if len(stamps) != 1 {
		t.Fatalf("%d time stamps: %s", len(stamps), story(c))
	}
	stamp, err := stamps[0].File(id)
	s.check(err)
	s.check(os.WriteFile(filepath.Join(copies, stamp.Name), stamp.Content, 0o600))
	transcript := filepath.Join(copies, ceremony.TranscriptName(id, 1, "json"))
	out, err := s.Run(s.ctx(), "verify", transcript, "--identity", string(c.Plan.Identity),
		"--timestamp", filepath.Join(copies, stamp.Name), "--tsa-ca", authority.File)
	s.check(err)
	s.tells("the auditor", out, "is what the identity signed",
		"the transcript was there at "+time.Now().UTC().Format("2006-01-02"))
	s.check(os.Chmod(transcript, 0o600))
	text, err := os.ReadFile(transcript)
	s.check(err)
	s.check(os.WriteFile(transcript, append(text, '\n'), 0o600))
	if _, err := s.Run(s.ctx(), "verify", transcript, "--identity", string(c.Plan.Identity),
		"--timestamp", filepath.Join(copies, stamp.Name), "--tsa-ca", authority.File); err == nil {
		t.Error("a byte more is not noticed")
	}
}
