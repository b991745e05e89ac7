package bot

import (
	"context"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
	"conclave/bot/transport"
)

// search looks for secrets in everything that a note brings, wherever it was written, and
// returns what it shows in the open. It fetches the files, and keeps what they hold in the
// note.
//
// What was written to the bot may be a share when it looks like one. What people write to
// each other, or forward, has to be one for certain.
func (in *inbox) search(ctx context.Context, who transport.Claim, n *note) []refusal.Exposure {
	typed := strings.Join(n.texts, "\n\n")
	if in.mayTake(who, len(typed)) {
		if n.direct {
			n.shown = refusal.Exposures(typed, in.engine.IsDigest)
		} else {
			n.shown = refusal.CertainExposures(typed, in.engine.IsDigest)
		}
	}
	if beside := strings.Join(n.beside, "\n\n"); in.mayTake(who, len(beside)) {
		n.besideShown = refusal.CertainExposures(beside, in.engine.IsDigest)
	}
	all := [][]refusal.Exposure{n.shown}
	for _, f := range append(each(n.files), each(n.carried)...) {
		// A file costs its largest size: what it has is not known before it was asked for.
		if !in.mayTake(who, maxFile) {
			f.err = refusal.Overloaded
			continue
		}
		f.content, f.err = in.download(ctx, f.id)
		if f.content == nil && f.err != nil {
			in.notSearched(who.User, "Slack did not hand the file over")
		}
		if n.direct && f.err == nil {
			f.shown = refusal.Exposures(string(f.content), in.engine.IsDigest)
		} else {
			f.shown = refusal.CertainExposures(string(f.content), in.engine.IsDigest)
		}
		all = append(all, f.shown)
	}
	for _, f := range n.carried {
		n.besideShown = refusal.Worst(n.besideShown, f.shown)
	}
	return refusal.Worst(append(all, n.besideShown)...)
}

func each(files []attached) []*attached {
	var all []*attached
	for i := range files {
		all = append(all, &files[i])
	}
	return all
}

// searchText returns the search of a text of so many characters that came in no message.
func (in *inbox) searchText(who transport.Claim, length int, shown func() []refusal.Exposure) look {
	return func(context.Context) ([]refusal.Exposure, bool) {
		if !in.mayTake(who, length) {
			return nil, false
		}
		return shown(), false
	}
}

// mayTake reports whether so many characters of a sender are searched. For people of the
// configuration they always are. For everybody else there is a budget.
func (in *inbox) mayTake(who transport.Claim, characters int) bool {
	if characters == 0 || in.listed(who.Claimed(in.config.Team)) || in.strangers.Spend(who.User, characters) {
		return true
	}
	in.notSearched(who.User, "the budget of strangers is used up")
	return false
}

// notSearched notes that what a person sent was not searched for secrets.
func (in *inbox) notSearched(user, why string) {
	in.health.Note(func(h *transport.Health) { h.Unsearched++ })
	in.log.Error("not searched for secrets", "user", user, "reason", why)
}

// passedOn returns the texts of the messages that were forwarded in a message.
func passedOn(m *slack.Msg) []string {
	var all []string
	for _, a := range m.Attachments {
		text := typed(a.Blocks)
		if strings.TrimSpace(text) == "" {
			text = unescape(a.Text)
		}
		all = append(all, text)
	}
	return all
}

// besides returns what stands in a message beside what was typed: what was forwarded in it,
// and what its files are called.
func besides(m *slack.Msg) []string {
	var all []string
	names := func(files []slack.File) {
		for _, f := range files {
			all = append(all, f.Name, f.Title)
		}
	}
	names(m.Files)
	for _, a := range m.Attachments {
		all = append(all, typed(a.Blocks), unescape(a.Text), unescape(a.Fallback), unescape(a.Pretext), unescape(a.Title),
			a.TitleLink, a.FromURL, a.OriginalURL, unescape(a.Footer))
		for _, f := range a.Fields {
			all = append(all, unescape(f.Title), unescape(f.Value))
		}
		names(a.Files)
	}
	return slices.DeleteFunc(all, func(s string) bool { return strings.TrimSpace(s) == "" })
}
