package bot

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"conclave/ceremony/wording"
)

// FuzzUnmangle holds that what Slack escapes comes back as it was typed, that nothing
// is added to a text, and that rich text of any form is read.
func FuzzUnmangle(f *testing.F) {
	for _, s := range seeds(f, "unmangle") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := unescape(wording.Escape(text)); got != text {
			t.Fatalf("%q comes back as %q", text, got)
		}
		if got := unescape(text); len(got) > len(text) {
			t.Fatalf("%q becomes %q", text, got)
		}
		if !strings.ContainsAny(text, "<>|&") {
			for _, mangled := range []string{"<https://" + text + ">", "<http://" + text + "|" + text + ">",
				"<mailto:" + text + "|" + text + ">"} {
				if got := unescape(mangled); !strings.Contains(got, text) || strings.ContainsAny(got, "<>|") {
					t.Fatalf("%q becomes %q", mangled, got)
				}
			}
		}
		var blocks slack.Blocks
		if json.Unmarshal([]byte(text), &blocks) == nil {
			typed(blocks)
		}
	})
}
