package story_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/story"
)

// keptStories returns the journals of earlier versions: path → entries.
func keptStories(t testing.TB) map[string][]event.Entry {
	t.Helper()
	stories := map[string][]event.Entry{}
	root := filepath.Join("..", "testdata", "kept")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".jsonl") {
			return err
		}
		lines, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		chain, err := journal.ReadChain(bytes.NewReader(lines))
		stories[path] = chain.Entries
		return err
	})
	if err != nil || len(stories) == 0 {
		t.Fatalf("%d journals: %v", len(stories), err)
	}
	return stories
}

func TestGenuineStoriesCouldHaveBeenTold(t *testing.T) {
	for path, entries := range keptStories(t) {
		if strings.Contains(path, "every-event") {
			continue // one of each event, and no story
		}
		for _, f := range story.Untold(entries) {
			t.Errorf("%s, line %d: %s", path, f.Entry.Seq, f.Why)
		}
		for _, f := range story.Unmet(entries) {
			t.Errorf("%s, line %d (%s): unmet: %s", path, f.Entry.Seq, event.TypeOf(f.Entry.Event), f.Why)
		}
	}
}
