package bot

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"conclave/ceremony"
)

// desk takes what comes in, decides whose it is, and has it done.
type desk struct {
	*Bot
	engine Engine
	acts   context.Context // outlives the intake: what was acknowledged is finished
}

// answer tells the person who asked. It goes where only they read it.
type answer func(ctx context.Context, m message)

// take queues an envelope and answers what the acknowledgement says. The work is
// done elsewhere and can't hold the acknowledgement up. Nothing on the way there asks
// the engine, or takes longer for a longer text: one socket is read for everybody.
//
// Life of a share, 1 of 7: the envelope arrives, is deduplicated and queued, and
// acknowledged at once.
func (d *desk) take(ev socketmode.Event) (reply any, ack bool) {
	keys, j := d.read(ev)
	if j.do == nil {
		return j.ack, true
	}
	if j.kind == kindNotice {
		// At once: it must not wait behind the account that it is about.
		j.do(d.acts)
		return nil, true
	}
	if d.seen.any(keys) {
		d.health.note(func(h *Health) { h.Duplicates++ })
		return nil, true
	}
	if d.lanes.put(d.acts, j) {
		d.seen.add(keys)
		return j.ack, true
	}
	d.health.note(func(h *Health) { h.TurnedAway++ })
	d.log.Warn("queue full", "kind", string(j.kind), "person", j.person)
	// A message is not acknowledged: Slack delivers it again, in seconds and then in
	// minutes.
	return j.full, j.kind != kindMessage
}

// read makes a job of an envelope, and the keys under which it is known. A job
// without do is of no interest.
func (d *desk) read(ev socketmode.Event) (keys []string, j job) {
	defer func() {
		if p := recover(); p != nil {
			d.panicked(p)
			keys, j = nil, job{}
		}
	}()
	keys = []string{"envelope " + ev.Request.EnvelopeID}
	switch data := ev.Data.(type) {
	case slack.SlashCommand:
		return known(keys, "trigger", data.TriggerID), d.readCommand(ev, data)
	case slack.InteractionCallback:
		return d.readInteraction(known(keys, "trigger", data.TriggerID), ev, data)
	case slackevents.EventsAPIEvent:
		if outer, ok := data.Data.(*slackevents.EventsAPICallbackEvent); ok {
			keys = known(keys, "event", outer.EventID)
		}
		return d.readEvent(keys, data)
	}
	return keys, job{}
}

func (d *desk) readCommand(ev socketmode.Event, data slack.SlashCommand) job {
	who := claim{user: data.UserID, teams: teams(data.TeamID)}
	k, t := kindCommand, trigger{data.TriggerID, time.Now()}
	if wantsForm(data.Text) {
		k = kindOpening
	}
	look := func() []exposure { return typedShows(data.Text, d.engine.IsDigest) }
	j := d.job(k, who, look, d.replyTo(data.ResponseURL, data.UserID), func(ctx context.Context, by ceremony.Account, _ []exposure) (message, error) {
		cmd, fault := parseCommand(data.Text, d.engine.IsDigest)
		switch {
		case shows(fault):
			return message{}, fault // whoever they are: this is what they have to know
		case !d.listed(by):
			return message{}, unlisted
		case fault != nil:
			return message{}, fault
		}
		return d.obey(ctx, by, cmd, t)
	})
	if ev.Request.AcceptsResponsePayload {
		j.full = object{"response_type": slack.ResponseTypeEphemeral, "text": explain(overloaded).String()}
	}
	return j
}

func (d *desk) readInteraction(keys []string, ev socketmode.Event, data slack.InteractionCallback) ([]string, job) {
	who := claim{user: data.User.ID, teams: teams(data.User.TeamID, data.Team.ID)}
	switch {
	case data.Type == slack.InteractionTypeViewSubmission:
		return known(keys, "form", data.View.ID), d.readSubmission(ev, data)
	case data.Type != slack.InteractionTypeBlockActions || len(data.ActionCallback.BlockActions) == 0:
		return keys, job{}
	}
	action, t := data.ActionCallback.BlockActions[0], trigger{data.TriggerID, time.Now()}
	if action == nil {
		return keys, job{}
	}
	if action.ActionID == string(verbForm) {
		return keys, d.job(kindOpening, who, nil, d.replyTo(data.ResponseURL, data.User.ID), func(ctx context.Context, by ceremony.Account, _ []exposure) (message, error) {
			return d.clickForm(ctx, by, action.Value, t)
		})
	}
	return keys, d.job(kindClick, who, nil, d.replyTo(data.ResponseURL, data.User.ID), func(ctx context.Context, by ceremony.Account, _ []exposure) (message, error) {
		return d.click(ctx, by, data)
	})
}

func (d *desk) readEvent(keys []string, ev slackevents.EventsAPIEvent) ([]string, job) {
	switch inner := ev.InnerEvent.Data.(type) {
	case *slackevents.MessageEvent:
		n, ok := noteOf(inner)
		if !ok {
			return keys, job{}
		}
		who := claim{user: n.user, teams: teams(ev.TeamID, inner.UserTeam, inner.SourceTeam), shared: ev.IsExtSharedChannel}
		look := func() []exposure {
			n.texts = readings(inner.Message)
			return n.shows(d.engine.IsDigest)
		}
		return known(keys, "message", n.key()), d.job(kindMessage, who, look, d.writeTo(n.user), func(ctx context.Context, by ceremony.Account, shown []exposure) (message, error) {
			return d.receive(ctx, by, n, shown)
		})
	case *slackevents.UserChangeEvent:
		id := inner.User.ID
		return keys, job{kind: kindNotice, person: id, do: func(context.Context) { d.registry.forget(id) }}
	}
	return keys, job{}
}

func known(keys []string, kind, id string) []string {
	if id == "" {
		return keys
	}
	return append(keys, kind+" "+id)
}

func teams(all ...string) []string {
	return slices.DeleteFunc(all, func(t string) bool { return t == "" })
}

// job wraps what is to be done: who is it, do it, tell them. look finds what it shows in
// the open; people hear of that whoever sent it, and look may be nil. It is called when
// the job is done: how long it takes is up to whoever wrote the text, and nobody else's
// acknowledgement may wait for it. A panic of one job ends that job and nothing else.
func (d *desk) job(k kind, who claim, look func() []exposure, reply answer, do func(ctx context.Context, by ceremony.Account, shown []exposure) (message, error)) job {
	return job{kind: k, person: who.user, do: func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, actTimeout)
		defer cancel()
		said, err := d.attempt(ctx, who, look, do)
		if err != nil {
			said = d.complain(k, who, err)
			if k == kindMessage && stranger(err) && !d.helped.free(who.user) {
				return // they were told a moment ago; our posts are few and others wait for them
			}
		}
		if said.blocks != nil {
			reply(ctx, said)
		}
	}}
}

// stranger says whether somebody was turned away for who they are.
func stranger(err error) bool {
	d, _ := errors.AsType[denial](err)
	switch d {
	case deactivated, machine, guest, invited, outsider, unlisted, unknownUser, sharedChannel:
		return true
	}
	return false
}

// errPanic is a defect of this program that was caught.
var errPanic = errors.New("panic")

func (d *desk) attempt(ctx context.Context, who claim, look func() []exposure, do func(context.Context, ceremony.Account, []exposure) (message, error)) (said message, err error) {
	defer func() {
		if p := recover(); p != nil {
			d.panicked(p)
			said, err = message{}, errPanic
		}
	}()
	var shown []exposure
	if look != nil {
		shown = look()
	}
	by, err := d.registry.account(ctx, who)
	if err != nil {
		d.raise(ctx, who.claimed(d.config.Team), shown)
		if len(shown) > 0 && stranger(err) {
			err = shown[0].told() // before who they are, this is what they have to know
		}
		return message{}, err
	}
	d.raise(ctx, by, shown)
	return do(ctx, by, shown)
}

func (d *desk) panicked(p any) {
	// The value may quote what was sent; where it happened is enough.
	d.log.Error("panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
}

// complain writes the operator's line about an error and makes the person's
// words. What is not part of the rules gets a reference that joins the two.
func (d *desk) complain(k kind, who claim, err error) message {
	if ordinary(err) {
		d.log.Info("refused", "kind", string(k), "user", who.user, "error", err)
		return sayWords(explain(err), "")
	}
	reference := newReference()
	d.log.Error("failed", "kind", string(k), "user", who.user, "reference", reference, "error", err)
	return sayWords(explain(err), reference)
}

// replyTo answers a command or a click, so that only the person sees it. When
// Slack does not take that, the answer goes into their direct messages.
func (d *desk) replyTo(responseURL, user string) answer {
	return func(ctx context.Context, m message) {
		options := append(m.options(), slack.MsgOptionResponseURL(responseURL, slack.ResponseTypeEphemeral))
		if _, _, err := d.api.PostMessageContext(ctx, "", options...); err != nil {
			d.log.Warn("answer not delivered, writing directly", "user", user, "error", withoutURL(err))
			d.writeTo(user)(ctx, m)
		}
	}
}

// withoutURL takes a response URL out of an error: whoever has it can speak as the
// bot.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// writeTo answers in the direct messages with somebody.
func (d *desk) writeTo(user string) answer {
	return func(ctx context.Context, m message) {
		room, err := d.rooms.with(ctx, user)
		if err == nil {
			err = d.courier.posts.wait(ctx, room)
		}
		if err == nil {
			_, _, err = d.api.PostMessageContext(ctx, room, m.options()...)
		}
		if err != nil {
			d.log.Warn("answer not delivered", "user", user, "error", err)
		}
	}
}
