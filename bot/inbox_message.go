package bot

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/bot/transport"
	"conclave/ceremony"
)

// maxFile is the size of the largest file that is read, in bytes. An envelope has a tenth
// of it.
const maxFile = 64 << 10

// note is a message that a person wrote to the bot, or where the bot can read it.
type note struct {
	user    string
	channel string
	ts      string
	direct  bool
	edited  string   // when, in Slack's words; empty when it was not edited
	texts   []string // what was typed, best reading first
	files   []string // file ids
}

// readings returns what a person typed, the best reading first. There is one where the
// readings do not differ.
func readings(m *slack.Msg) []string {
	var all []string
	for _, text := range []string{typed(m.Blocks), unescape(m.Text)} {
		known := func(other string) bool { return strings.TrimSpace(other) == strings.TrimSpace(text) }
		if strings.TrimSpace(text) != "" && !slices.ContainsFunc(all, known) {
			all = append(all, text)
		}
	}
	return all
}

// key returns the same for the same note, whatever event it came in.
func (n note) key() string {
	if n.edited != "" {
		return "edit of " + n.channel + "/" + n.ts + " at " + n.edited
	}
	return n.channel + "/" + n.ts
}

// noteOf reads a message event, without its texts, which may be long: see [readings]. It
// reports whether the event brings new words of a person. The bot's own posts come back as
// events too, and so do their edits.
func noteOf(ev *slackevents.MessageEvent) (note, bool) {
	n := note{user: ev.User, channel: ev.Channel, ts: ev.TimeStamp, direct: ev.ChannelType == slackevents.ChannelTypeIM}
	m := ev.Message
	switch ev.SubType {
	case "", slack.MsgSubTypeFileShare, slack.MsgSubTypeThreadBroadcast:
	case slack.MsgSubTypeMessageChanged:
		// An edit by a person says who and when; a link preview does not.
		if m == nil || m.Edited == nil || ev.PreviousMessage == nil || m.Text == ev.PreviousMessage.Text {
			return note{}, false
		}
		n.user, n.ts, n.edited = m.User, m.Timestamp, cmp.Or(ev.EventTimeStamp, m.Edited.Timestamp, "some time")
	default:
		return note{}, false
	}
	if m == nil || n.user == "" || ev.BotID != "" || m.BotID != "" {
		return note{}, false
	}
	for _, f := range m.Files {
		n.files = append(n.files, f.ID)
	}
	return n, true
}

// text returns the first reading that has a PGP message in it, or else the first.
func (n note) text() string {
	for _, t := range n.texts {
		if refusal.PGPBegin.MatchString(t) {
			return t
		}
	}
	if len(n.texts) == 0 {
		return ""
	}
	return n.texts[0]
}

// shows returns what any reading of it shows in the open.
func (n note) shows(harmless func(string) bool) []refusal.Exposure {
	return refusal.Exposures(strings.Join(n.texts, "\n\n"), harmless)
}

// receive takes a note. When a receipt answers it, there is no other answer here. shown is
// what its texts show in the open.
//
// Life of a share, 2 of 7: is it from a person of our workspace, in a direct
// message, with something in it to open? Slack's mangling has been undone.
func (in *inbox) receive(
	ctx context.Context, by ceremony.Account, n note, shown []refusal.Exposure,
) (render.Message, error) {
	if done, err := in.turnAway(by, n, shown); done {
		return render.Message{}, err
	}
	text := n.text()
	var faults []error
	place := n.places()
	offered := false
	var said render.Message
	take := func(content []byte, way ceremony.Intake, shown []refusal.Exposure) {
		offered = true
		reply, statement, err := in.submitStatement(ctx, by, content)
		switch {
		case statement && len(shown) > 0:
			err = shown[0].Told() // whatever they have signed beside it: this is what they have to know
		case statement && err == nil:
			said = reply
		case !statement:
			err = in.share(ctx, by, place(), way, content, shown)
		}
		faults = append(faults, err)
	}
	if len(shown) > 0 || refusal.PGPBegin.MatchString(text) {
		take([]byte(text), n.way(), shown)
	}
	for _, id := range n.files {
		content, err := in.download(ctx, id)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		shown := refusal.Exposures(string(content), in.engine.IsDigest)
		in.reportLeak(ctx, by, shown)
		if len(shown) > 0 && !offerable(shown[0]) {
			offered = true
			faults = append(faults, shown[0].Told())
			continue
		}
		take(content, ceremony.ByFile, shown)
	}
	faults = slices.DeleteFunc(faults, func(err error) bool { return err == nil })
	switch {
	case len(faults) > 0:
		// The first fault is told; each of the others has its line in the log.
		for _, err := range faults[1:] {
			in.log.Info("refused", "kind", string(transport.KindMessage), "user", n.user, "error", err)
		}
		return render.Message{}, faults[0]
	case offered:
		return said, nil
	case refusal.PGPBlock.MatchString(text):
		return render.Message{}, refusal.SplitMessage
	case n.channel == formChannel:
		return render.Message{}, refusal.NoEnvelope // the form has promised an answer
	case !in.helped.Free(n.user):
		return render.Message{}, nil
	}
	return render.DirectHelp(), nil
}

// turnAway reports whether nothing in a note is to be opened, and returns what its sender is
// told, if anything. shown is what its texts show in the open.
func (in *inbox) turnAway(by ceremony.Account, n note, shown []refusal.Exposure) (done bool, err error) {
	exposed, armored := len(shown) > 0, refusal.PGPBegin.MatchString(n.text())
	switch {
	case exposed && (!n.direct || n.edited != "" || !offerable(shown[0])):
		return true, shown[0].Told()
	case !n.direct && armored:
		return true, refusal.NotDirect
	case !n.direct:
		return true, nil
	case n.edited != "" && armored:
		return true, refusal.Edited
	case n.edited != "":
		return true, nil
	case in.listed(by):
		return false, nil
	case exposed:
		return true, shown[0].Told() // whoever they are: this is what they have to know
	}
	return true, refusal.Unlisted
}

// way returns how the text of it came.
func (n note) way() ceremony.Intake {
	if n.channel == formChannel {
		return ceremony.ByForm
	}
	return ceremony.ByText
}

// places returns a function that gives each envelope in a note a place of its own. The
// engine takes one envelope from each place.
func (n note) places() func() ceremony.Ref {
	count := 0
	return func() ceremony.Ref {
		count++
		ref := ceremony.Ref{Channel: n.channel, TS: n.ts}
		if count > 1 {
			ref.TS += "/" + strconv.Itoa(count)
		}
		return ref
	}
}

// share hands an envelope to the engine. An envelope that shows a secret goes on record
// and is not used. It returns an error only when no receipt will tell the person. A
// receipt that gives another reason, such as that they have been counted, does not tell
// them that a share lies in the open.
func (in *inbox) share(
	ctx context.Context, by ceremony.Account, at ceremony.Ref, way ceremony.Intake, envelope []byte,
	shown []refusal.Exposure,
) error {
	id, err := in.engine.Share(ctx, ceremony.Envelope{By: by, Message: at, Way: way, Envelope: envelope})
	r, _ := ceremony.RefusalOf(err)
	if r == ceremony.NotEncrypted {
		in.reportLeak(ctx, by, []refusal.Exposure{refusal.ExposedEnvelope})
	}
	switch receipted := id != "" && err != nil && ordinary(err); {
	case receipted && (r == ceremony.PlainShare || r == ceremony.PlainPassword || r == ceremony.PrivateMaterial):
		return nil // the receipt says it
	case len(shown) > 0:
		return shown[0].Told() // whatever else is wrong: this is what they have to know
	case receipted:
		return nil // the receipt says it
	}
	return err
}

// download fetches a file that a person sent.
func (in *inbox) download(ctx context.Context, id string) ([]byte, error) {
	f, err := transport.Read(ctx, func() (*slack.File, error) {
		f, _, _, err := in.api.GetFileInfoContext(ctx, id, 0, 0)
		return f, err
	})
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		switch said.Err {
		case "file_not_found", "file_deleted":
			return nil, refusal.FileGone
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask Slack about file %s: %w: %w", id, refusal.FileUnread, err)
	case f.IsExternal:
		return nil, refusal.ForeignFile
	case !readable(f):
		return nil, refusal.OtherFile
	case f.Size > maxFile:
		return nil, refusal.TooLargeFile
	}
	from := f.URLPrivateDownload
	if from == "" {
		from = f.URLPrivate
	}
	content, err := transport.Read(ctx, func() ([]byte, error) {
		into := &bounded{most: maxFile}
		err := in.api.GetFileContext(ctx, from, into)
		return into.content.Bytes(), err
	})
	switch {
	case errors.Is(err, refusal.TooLargeFile):
		return nil, refusal.TooLargeFile
	case err != nil:
		return nil, fmt.Errorf("download file %s: %w: %w", id, refusal.FileUnread, err)
	}
	return content, nil
}

// readable reports whether a file may hold an envelope, by its name. A long text
// that Slack's client made a snippet of has a name that the client chose.
func readable(f *slack.File) bool {
	switch strings.ToLower(path.Ext(f.Name)) {
	case ".asc", ".gpg", ".pgp", ".txt":
		return true
	}
	return f.Mode == "snippet"
}

// bounded is a buffer that takes at most so many bytes, whatever size Slack said that the
// file has.
type bounded struct {
	most    int
	content bytes.Buffer
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.content.Len()+len(p) > b.most {
		return 0, refusal.TooLargeFile
	}
	return b.content.Write(p)
}
