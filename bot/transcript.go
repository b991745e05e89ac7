package bot

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
	"conclave/plural"
)

// bring returns the files that a message posts, with their words: those of a transcript,
// or a time stamp of one, which comes later. Every other message has none. An error means
// that the journal is not what was signed, which no later try would change.
func (n *notifier) bring(c rules.State, m rules.Message) (files []ceremony.File, text string, err error) {
	switch ev := m.Entry.Event.(type) {
	case event.TranscriptSigned:
		if m.Kind == rules.TranscriptMessage {
			files, err = n.config.Files(c, ev)
			return files, transcriptWords(c, ev), err
		}
	case event.Archived:
		if m.Kind == rules.HistoryMessage && ev.TimeStamp != "" {
			stamp, err := ev.File(c.ID())
			return []ceremony.File{stamp}, wording.HistoryWords(c, m.Entry), err
		}
	}
	return nil, "", nil
}

// transcriptWords returns the words beside the files of a transcript.
func transcriptWords(c rules.State, signed event.TranscriptSigned) string {
	return fmt.Sprintf(":scroll: Transcript %d of `%s`: %s of its journal, signed by Conclave's identity. "+
		"Without Conclave and without Slack, `conclave verify %s` checks all of it, with `--identity` and the fingerprint that you were given.",
		signed.Number, c.ID(), plural.Of(signed.Lines, "line"), ceremony.TranscriptName(c.ID(), signed.Number, "json"))
}

// noUploads is what is said in the place of files.
const noUploads = ":no_entry: This workspace forbids uploads, so the files are not here."

// transcriptElsewhere returns the words in the place of a transcript that can't be uploaded.
func transcriptElsewhere(c rules.State, signed event.TranscriptSigned) string {
	text := fmt.Sprintf(":scroll: Transcript %d of `%s`: %s of its journal, signed by Conclave's identity. "+
		"SHA-256 of `%s`: `%s`.", signed.Number, c.ID(), plural.Of(signed.Lines, "line"),
		ceremony.TranscriptName(c.ID(), signed.Number, "json"), signed.SHA256)
	if len(signed.Archives) > 0 {
		text += " It goes to: " + wording.Escape(strings.Join(signed.Archives, ", ")) + "."
	}
	return text + " Whoever wants to check it gets the ceremony's journal from the operator of Conclave: `conclave verify` reads either."
}

// transcript tells a person who has a part in a ceremony where its newest transcript is,
// or sends it to them.
func (in *inbox) transcript(ctx context.Context, id ceremony.ID, by ceremony.Account, send bool) (render.Message, error) {
	c, _, err := in.engine.Ceremony(id)
	if err != nil {
		return render.Message{}, err
	}
	if !c.Plan.HasPart(by) {
		return render.Message{}, ceremony.NoPart
	}
	all := c.Transcripts()
	if len(all) == 0 {
		return render.Message{}, refusal.NoTranscript
	}
	signed := all[len(all)-1]
	if link := in.linkTo(ctx, c, signed); link != "" && !send {
		return render.Say("Transcript %d of `%s` is <%s|in the thread of its status post>. `/ceremony transcript %s send` sends it to you.", signed.Number, id, link, id), nil
	}
	channel, err := in.directMessages.With(ctx, by.User)
	if err != nil {
		return render.Message{}, err
	}
	files, err := in.config.Files(c, signed)
	if err != nil {
		return render.Message{}, fmt.Errorf("make the files of transcript %d of %s: %w", signed.Number, id, err)
	}
	for _, k := range c.TimeStamps() {
		if k.Number != signed.Number {
			continue
		}
		stamp, err := k.File(id)
		if err != nil {
			return render.Message{}, err
		}
		files = append(files, stamp)
	}
	if _, err := in.notifier.share(ctx, channel, "", files, transcriptWords(c, signed), false, time.Now()); err != nil {
		return render.Message{}, fmt.Errorf("send transcript %d of %s: %w", signed.Number, id, err)
	}
	return render.Say("Transcript %d of `%s` is in our direct messages.", signed.Number, id), nil
}

// linkTo returns the address of a transcript in Slack, or nothing when it is not there.
func (in *inbox) linkTo(ctx context.Context, c rules.State, signed event.TranscriptSigned) string {
	for _, m := range c.Messages() {
		s, ok := m.Entry.Event.(event.TranscriptSigned)
		if !ok || m.Kind != rules.TranscriptMessage || s.Number != signed.Number {
			continue
		}
		at, posted := c.Where(m.Key)
		if !posted || at.Channel == ceremony.Terminal {
			return ""
		}
		link, err := transport.Read(ctx, func() (string, error) {
			return in.api.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: at.Channel, Ts: at.TS})
		})
		if err != nil {
			in.log.Info("no link to a transcript", "ceremony", string(c.ID()), "error", err)
			return ""
		}
		return link
	}
	return ""
}
