package bot

import (
	"cmp"
	"context"
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

// note is a message that a person wrote to the bot, or where the bot can read it.
type note struct {
	user    string
	channel string
	ts      string
	direct  bool
	edited  string             // when, in Slack's words; empty when it was not edited
	texts   []string           // what was typed, best reading first
	beside  []string           // what else stands in it: what was forwarded, and the names of files
	files   []attached         // with it
	carried []attached         // with a message that was forwarded
	passed  []string           // the texts of messages that were forwarded
	shown   []refusal.Exposure // what was typed shows in the open
	// besideShown is what the rest of it shows, without the files that came with it.
	besideShown []refusal.Exposure
}

// attached is a file that came with a message.
type attached struct {
	id      string
	content []byte // its beginning, when it is too large
	err     error  // why it is no envelope
	shown   []refusal.Exposure
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
		n.files = append(n.files, attached{id: f.ID})
	}
	for _, a := range m.Attachments {
		for _, f := range a.Files {
			n.carried = append(n.carried, attached{id: f.ID})
		}
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

// receive takes a note. When a receipt answers it, there is no other answer here. shown is
// what anything in it shows in the open.
//
// Life of a share, 2 of 7: is it from a person of our workspace, in a direct
// message, with something in it to open? Slack's mangling has been undone.
func (in *inbox) receive(
	ctx context.Context, by ceremony.Account, n note, shown []refusal.Exposure,
) (render.Message, error) {
	if done, err := in.turnAway(by, n, shown); done {
		return render.Message{}, err
	}
	shown = n.shown
	text := n.text()
	var faults []error
	place := n.places()
	offered := len(n.besideShown) > 0
	if offered {
		faults = append(faults, n.besideShown[0].Told())
	}
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
	for _, f := range n.files {
		switch {
		case len(f.shown) > 0 && (f.err != nil || !offerable(f.shown[0])):
			offered = true
			faults = append(faults, f.shown[0].Told())
		case f.err != nil:
			faults = append(faults, f.err)
		default:
			take(f.content, ceremony.ByFile, f.shown)
		}
	}
	if !offered && len(faults) == 0 {
		// Who forwards a message sends an empty text. What was forwarded is theirs to answer for.
		for _, text := range n.passed {
			if refusal.PGPBegin.MatchString(text) {
				take([]byte(text), n.way(), nil)
			}
		}
		for _, f := range n.carried {
			if f.err != nil {
				faults = append(faults, f.err)
				continue
			}
			take(f.content, ceremony.ByFile, nil)
		}
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
// told, if anything. shown is what anything in it shows in the open.
func (in *inbox) turnAway(by ceremony.Account, n note, shown []refusal.Exposure) (done bool, err error) {
	exposed, armored := len(shown) > 0, refusal.PGPBegin.MatchString(n.text())
	switch {
	case exposed && (!n.direct || n.edited != "") || len(n.shown) > 0 && !offerable(n.shown[0]):
		return true, shown[0].Told()
	case !n.direct && refusal.PGPMessage.MatchString(n.text()):
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
