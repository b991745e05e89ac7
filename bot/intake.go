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

	"conclave/ceremony"
)

// maxFile is the largest file that is read. An envelope has a tenth of it.
const maxFile = 64 << 10

// note is what somebody wrote to the bot, or in front of it.
type note struct {
	user    string
	channel string
	ts      string
	direct  bool
	edited  string   // when, in Slack's words; empty: as it was sent
	texts   []string // what was typed, best reading first
	files   []string // file ids
}

// readings are what a person typed, best first: one where they do not differ.
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

// key tells one note from another, whatever event it came in.
func (n note) key() string {
	if n.edited != "" {
		return "edit of " + n.channel + "/" + n.ts + " at " + n.edited
	}
	return n.channel + "/" + n.ts
}

// noteOf reads a message event, but for its texts, which are as long as somebody made
// them: see [readings]. Everything that is not a person's own new words
// is left out: our own posts come back as events too, and so do their edits.
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

// text is the reading of what was typed that has the most in it to work with.
func (n note) text() string {
	for _, t := range n.texts {
		if pgpBegin.MatchString(t) {
			return t
		}
	}
	if len(n.texts) == 0 {
		return ""
	}
	return n.texts[0]
}

// shows is what stands in the open in any reading of it.
func (n note) shows(harmless func(string) bool) []exposure {
	return exposures(strings.Join(n.texts, "\n\n"), harmless)
}

// receive takes what somebody wrote. A message that is answered by a receipt
// gets no other answer here. shown is what stands in the open in its texts.
//
// Life of a share, 2 of 7: is it from a person of our workspace, in a direct
// message, with something in it to open? Slack's mangling has been undone.
func (d *desk) receive(ctx context.Context, by ceremony.Account, n note, shown []exposure) (message, error) {
	text := n.text()
	exposed := len(shown) > 0
	armored := pgpBegin.MatchString(text)
	switch {
	case exposed && (!n.direct || n.edited != "" || !shown[0].offerable()):
		return message{}, shown[0].told()
	case !n.direct && armored:
		return message{}, notDirect
	case !n.direct:
		return message{}, nil
	case n.edited != "" && armored:
		return message{}, edited
	case n.edited != "":
		return message{}, nil
	}
	switch {
	case d.listed(by):
	case exposed:
		return message{}, shown[0].told() // whoever they are: this is what they have to know
	default:
		return message{}, unlisted
	}

	var faults []error
	place := n.places()
	offered := false
	var said message
	take := func(content []byte, way ceremony.Way, shown []exposure) {
		offered = true
		words, heard, err := d.speak(ctx, by, content)
		switch {
		case heard && len(shown) > 0:
			err = shown[0].told() // whatever they have signed beside it: this is what they have to know
		case heard && err == nil:
			said = words
		case !heard:
			err = d.offer(ctx, by, place(), way, content, shown)
		}
		faults = append(faults, err)
	}
	if exposed || armored {
		take([]byte(text), n.way(), shown)
	}
	for _, id := range n.files {
		content, err := d.download(ctx, id)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		shown := exposures(string(content), d.engine.IsDigest)
		d.raise(ctx, by, shown)
		if len(shown) > 0 && !shown[0].offerable() {
			offered = true
			faults = append(faults, shown[0].told())
			continue
		}
		take(content, ceremony.ByFile, shown)
	}
	faults = slices.DeleteFunc(faults, func(err error) bool { return err == nil })
	switch {
	case len(faults) > 0:
		// The first fault is told; each of the others has its line in the log.
		for _, err := range faults[1:] {
			d.log.Info("refused", "kind", string(kindMessage), "user", n.user, "error", err)
		}
		return message{}, faults[0]
	case offered:
		return said, nil
	case pgpBlock.MatchString(text):
		return message{}, splitMessage
	case n.channel == formChannel:
		return message{}, noEnvelope // the form has promised an answer
	case !d.helped.free(n.user):
		return message{}, nil
	}
	return renderDirectHelp(), nil
}

// way is how the text of it came.
func (n note) way() ceremony.Way {
	if n.channel == formChannel {
		return ceremony.ByForm
	}
	return ceremony.ByText
}

// places gives each thing in a message a place of its own: the engine looks at
// one place once.
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

// offer hands an envelope to the engine, with what it shows in the open: that goes
// on record, and is not used. It answers an error only when nobody else will tell
// the person: of a receipt that gives another reason, such as that they have been
// counted, nobody learns that a share lies in the open.
func (d *desk) offer(ctx context.Context, by ceremony.Account, at ceremony.Ref, way ceremony.Way, envelope []byte, shown []exposure) error {
	id, err := d.engine.Offer(ctx, ceremony.Offer{By: by, Message: at, Way: way, Envelope: envelope})
	r, _ := ceremony.RefusalOf(err)
	if r == ceremony.NotEncrypted {
		d.raise(ctx, by, []exposure{exposedEnvelope})
	}
	switch receipted := id != "" && err != nil && ordinary(err); {
	case receipted && (r == ceremony.PlainShare || r == ceremony.PlainPassword || r == ceremony.PrivateMaterial):
		return nil // the receipt says it
	case len(shown) > 0:
		return shown[0].told() // whatever else is wrong: this is what they have to know
	case receipted:
		return nil // the receipt says it
	}
	return err
}

// download fetches a file that somebody sent.
func (d *desk) download(ctx context.Context, id string) ([]byte, error) {
	f, err := read(ctx, func() (*slack.File, error) {
		f, _, _, err := d.api.GetFileInfoContext(ctx, id, 0, 0)
		return f, err
	})
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		switch said.Err {
		case "file_not_found", "file_deleted":
			return nil, fileGone
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask Slack about file %s: %w: %w", id, fileUnread, err)
	case f.IsExternal:
		return nil, foreignFile
	case !readable(f):
		return nil, otherFile
	case f.Size > maxFile:
		return nil, tooLargeFile
	}
	from := f.URLPrivateDownload
	if from == "" {
		from = f.URLPrivate
	}
	content, err := read(ctx, func() ([]byte, error) {
		into := &bounded{most: maxFile}
		err := d.api.GetFileContext(ctx, from, into)
		return into.content.Bytes(), err
	})
	switch {
	case errors.Is(err, tooLargeFile):
		return nil, tooLargeFile
	case err != nil:
		return nil, fmt.Errorf("download file %s: %w: %w", id, fileUnread, err)
	}
	return content, nil
}

// readable says whether a file may hold an envelope, by its name. A long text
// that Slack's client made a snippet of has a name that the client chose.
func readable(f *slack.File) bool {
	switch strings.ToLower(path.Ext(f.Name)) {
	case ".asc", ".gpg", ".pgp", ".txt":
		return true
	}
	return f.Mode == "snippet"
}

// bounded is a buffer that takes so much and no more, whatever size Slack said
// that the file has.
type bounded struct {
	most    int
	content bytes.Buffer
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.content.Len()+len(p) > b.most {
		return 0, tooLargeFile
	}
	return b.content.Write(p)
}
