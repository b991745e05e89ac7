package render

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"conclave/bot/command"
	"conclave/ceremony/wording"
)

// blocksOf returns the blocks of a message as they are sent.
func blocksOf(t *testing.T, m Message) string {
	t.Helper()
	sent, err := json.Marshal(shortened(m.Blocks))
	if err != nil {
		t.Fatal(err)
	}
	return string(sent)
}

// long is a message of so many sections and a button.
func long(sections int) Message {
	m := Message{Line: "a line", Blocks: []slack.Block{title("a title")}}
	for range sections {
		m.Blocks = append(m.Blocks, section("%s", strings.Repeat("words & <b> ", 240)))
	}
	m.Blocks = append(m.Blocks, slack.NewActionBlock("decide", button(command.VerbApprove, "v", "Approve", "", nil)))
	return m
}

// TestOnePostIsCutToWhatSlackTakes: its longest texts are cut, and its buttons stay.
func TestOnePostIsCutToWhatSlackTakes(t *testing.T) {
	for _, sections := range []int{1, 4, 12, 40, 70} {
		m := long(sections)
		before, _ := json.Marshal(m.Blocks)
		sent := blocksOf(t, m)
		if len(sent) > wording.MaxMessage {
			t.Errorf("%d sections: %d characters are sent", sections, len(sent))
		}
		if sections <= 40 && !strings.Contains(sent, `"Approve"`) {
			t.Errorf("%d sections: the button is cut off", sections)
		}
		if (sent == string(before)) != (sections == 1) {
			t.Errorf("%d sections: %d characters became %d", sections, len(before), len(sent))
		}
	}
}

func TestPartsHoldEverythingOnceAndTheButtonLast(t *testing.T) {
	for sections, want := range map[int]int{1: 1, 12: 0, 130: 0} {
		m := long(sections)
		parts := m.Parts()
		words, buttons := 0, 0
		for i, p := range parts {
			sent := blocksOf(t, p)
			if len(sent) > wording.MaxMessage || len(p.Blocks) > wording.MaxBlocks {
				t.Errorf("%d sections: part %d has %d characters", sections, i, len(sent))
			}
			words += strings.Count(sent, "words")
			if n := strings.Count(sent, `"Approve"`); n > 0 {
				buttons += n
				if i != len(parts)-1 {
					t.Errorf("%d sections: the button is in part %d of %d", sections, i+1, len(parts))
				}
			}
		}
		if words != 240*sections || buttons != 1 || want > 0 && len(parts) != want {
			t.Errorf("%d sections: %d parts, %d words, %d buttons", sections, len(parts), words, buttons)
		}
	}
}
