package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/transcript"
)

// Transcript waits for the files of a ceremony's transcript in the thread of its status post, downloads them into the
// folder "transcripts", and returns their paths: JSON for machines, HTML for people.
func (s *Stage) Transcript(ctx context.Context, id ceremony.ID, number int) (file, page string, err error) {
	var posted []slacktest.File
	name := ceremony.TranscriptName(id, number, "json")
	err = s.Wait(ctx, "the file "+name, func() bool {
		board, ok := s.BoardOf(id)
		for _, m := range s.Ops.Messages() {
			if ok && m.ThreadTS == board.TS &&
				slices.ContainsFunc(m.Files, func(f slacktest.File) bool { return f.Name == name }) {
				posted = m.Files
			}
		}
		return posted != nil
	})
	if err != nil {
		return "", "", err
	}
	dir := filepath.Join(s.dir, "transcripts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", err
	}
	for _, f := range posted {
		if err := writeFile(dir, f.Name, string(f.Content)); err != nil {
			return "", "", err
		}
	}
	return filepath.Join(dir, name), filepath.Join(dir, ceremony.TranscriptName(id, number, "html")), nil
}

// Audit lets the program check a transcript against the identity that all people have pinned. A transcript that does
// not hold is no error.
func (s *Stage) Audit(ctx context.Context, file string) (transcript.Audit, error) {
	var audit transcript.Audit
	out, failed := s.Run(ctx, "verify", file, "--identity", s.Identity.String(), "--json")
	if err := json.Unmarshal([]byte(out), &audit); err != nil {
		return audit, fmt.Errorf("read what conclave verify has printed: %w\n%w", err, failed)
	}
	if passed := failed == nil; passed != audit.Passed() {
		return audit, fmt.Errorf("conclave verify says that it passed: %t, and its exit code: %w", audit.Passed(), failed)
	}
	return audit, nil
}
