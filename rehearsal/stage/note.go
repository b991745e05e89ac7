package stage

import (
	"strconv"
	"strings"

	"conclave/bot/slacktest"
	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// Note is a message of the bot as people see it, with what it is about.
type Note struct {
	slacktest.Message
	Text string // as it reads; blocks that are meant to be copied stand between lines of ```

	// From the metadata. They are empty in a direct answer to a command or a message.
	Kind     rules.MessageKind
	Ceremony ceremony.ID
	Seq      int // of the journal's entry that it tells about
}

// Listings returns the parts of the message that are meant to be copied, in order.
func (n Note) Listings() []string {
	var all, lines []string
	inside := false
	for line := range strings.SplitSeq(n.Text, "\n") {
		switch {
		case line != "```":
			lines = append(lines, line)
			continue
		case inside:
			all = append(all, strings.Join(lines, "\n"))
		}
		inside, lines = !inside, nil
	}
	return all
}

// Step returns the step for which a request asks for a share or a one-time password.
func (n Note) Step() ceremony.Step {
	return ceremony.Step(said(n.Instruction(), "about"))
}

// HasButton reports whether the message has a button with this action.
func (n Note) HasButton(action string) bool {
	for _, b := range n.Blocks {
		block, _ := b.(map[string]any)
		elements, _ := block["elements"].([]any)
		for _, e := range elements {
			if element, _ := e.(map[string]any); element["type"] == "button" && element["action_id"] == action {
				return true
			}
		}
	}
	return false
}

// AsksForStatement reports whether the message asks for a signed statement.
func (n Note) AsksForStatement() bool { return said(n.Instruction(), "says") != "" }

// refuses reports whether the answer to what a person sent says that it was not used.
func (n Note) refuses() bool {
	return n.Kind != rules.ReceiptMessage || strings.Contains(n.Text, "Your message was not used")
}

func (s *Stage) note(m slacktest.Message) Note {
	n := Note{Message: m, Text: s.Slack.Read(m)}
	if m.Metadata == nil {
		return n
	}
	id, _ := m.Metadata.EventPayload["ceremony"].(string)
	key, _ := m.Metadata.EventPayload["key"].(string)
	n.Ceremony = ceremony.ID(id)
	// "board", "history/12", "ask/9/TEAM/USER"; a status post that replaces an earlier one has more behind a space.
	kind, rest, _ := strings.Cut(key, "/")
	kind, _, _ = strings.Cut(kind, " ")
	n.Kind = rules.MessageKind(kind)
	seq, _, _ := strings.Cut(rest, "/")
	n.Seq, _ = strconv.Atoi(seq)
	return n
}

func (s *Stage) notes(all []slacktest.Message) []Note {
	var notes []Note
	for _, m := range all {
		if m.BotID != "" {
			notes = append(notes, s.note(m))
		}
	}
	return notes
}

// Board returns the newest status post in the ops channel.
func (s *Stage) Board() (Note, bool) { return s.board(func(Note) bool { return true }) }

// BoardOf returns the status post of a ceremony.
func (s *Stage) BoardOf(id ceremony.ID) (Note, bool) {
	return s.board(func(n Note) bool { return n.Ceremony == id })
}

// Posts returns what the bot shows in the ops channel, threads included, oldest first.
func (s *Stage) Posts() []Note { return s.notes(s.Ops.Messages()) }

func (s *Stage) board(fits func(Note) bool) (Note, bool) {
	var newest Note
	for _, n := range s.Posts() {
		if n.Kind == rules.BoardMessage && n.ThreadTS == "" && fits(n) {
			newest = n
		}
	}
	return newest, newest.TS != ""
}

// History returns the lines in the thread of a ceremony's status post.
func (s *Stage) History(id ceremony.ID) []Note {
	var lines []Note
	for _, n := range s.Posts() {
		if n.Kind == rules.HistoryMessage && n.Ceremony == id {
			lines = append(lines, n)
		}
	}
	return lines
}
