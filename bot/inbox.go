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

	"conclave/bot/command"
	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/bot/transport"
	"conclave/ceremony"
)

// inbox takes the envelopes, finds out whose they are, and has the work done.
type inbox struct {
	*Bot
	engine Engine
	work   context.Context // outlives the intake: what was acknowledged is finished
	// answering ends a moment after the intake: then no answer waits for its turn any more.
	answering context.Context
}

// answer sends a message to the person who asked, where only they read it.
type answer func(ctx context.Context, m render.Message)

// act does what an envelope asks for, and returns what the sender is told. shown is what
// the envelope shows in the open.
type act func(ctx context.Context, by ceremony.Account, shown []refusal.Exposure) (render.Message, error)

// look searches what an envelope brings for secrets, and returns what it shows in the open.
// It reports done when nothing else is to be done.
type look func(ctx context.Context) (shown []refusal.Exposure, done bool)

// take queues an envelope and returns what the acknowledgement says. The work is done
// elsewhere and can't delay the acknowledgement. Nothing on the way there asks the
// engine, or takes longer for a longer text: one socket is read for everybody.
//
// Life of a share, 1 of 7: the envelope arrives, is deduplicated and queued, and
// acknowledged at once.
func (in *inbox) take(ev socketmode.Event) (reply any, ack bool) {
	keys, j := in.read(ev)
	if j.Do == nil {
		return j.Ack, true
	}
	if j.Kind == transport.KindNotice {
		// At once: it must not wait behind the account that it is about.
		j.Do(in.work)
		return nil, true
	}
	if in.dedup.Any(keys) {
		in.health.Note(func(h *transport.Health) { h.Duplicates++ })
		return nil, true
	}
	if in.queue.Put(in.work, j) {
		in.dedup.Add(keys)
		return j.Ack, true
	}
	in.health.Note(func(h *transport.Health) { h.TurnedAway++ })
	in.log.Warn("queue full", "kind", string(j.Kind), "person", j.Person)
	if rest, ok := j.Rest(); ok && !in.queue.Put(in.work, rest) {
		in.notSearched(j.Person, "too much is waiting")
	}
	// A message is not acknowledged: Slack delivers it again, in seconds and then in
	// minutes.
	return j.Full, j.Kind != transport.KindMessage
}

// read returns the job that an envelope asks for, and the keys under which it is
// remembered. A job without Do has nothing to do.
func (in *inbox) read(ev socketmode.Event) (keys []string, j transport.Job) {
	defer func() {
		if p := recover(); p != nil {
			in.panicked(p)
			keys, j = nil, transport.Job{}
		}
	}()
	keys = []string{"envelope " + ev.Request.EnvelopeID}
	switch data := ev.Data.(type) {
	case slack.SlashCommand:
		return known(keys, "trigger", data.TriggerID), in.readCommand(ev, data)
	case slack.InteractionCallback:
		return in.readInteraction(known(keys, "trigger", data.TriggerID), ev, data)
	case slackevents.EventsAPIEvent:
		if outer, ok := data.Data.(*slackevents.EventsAPICallbackEvent); ok {
			keys = known(keys, "event", outer.EventID)
		}
		return in.readEvent(keys, data)
	}
	return keys, transport.Job{}
}

func (in *inbox) readCommand(ev socketmode.Event, data slack.SlashCommand) transport.Job {
	who := transport.Claim{User: data.UserID, Teams: teams(data.TeamID)}
	k, t := transport.KindCommand, trigger{data.TriggerID, time.Now()}
	if command.WantsForm(data.Text) {
		k = transport.KindOpening
	}
	search := in.searchText(who, len(data.Text), func() []refusal.Exposure {
		return command.TypedShows(data.Text, in.engine.IsDigest)
	})
	do := func(ctx context.Context, by ceremony.Account, _ []refusal.Exposure) (render.Message, error) {
		cmd, fault := command.ParseCommand(data.Text, in.engine.IsDigest)
		switch {
		case command.Shows(fault):
			return render.Message{}, fault // whoever they are: this is what they have to know
		case !in.listed(by):
			return render.Message{}, refusal.Unlisted
		case fault != nil:
			return render.Message{}, fault
		}
		return in.execute(ctx, by, cmd, t)
	}
	j := in.job(k, who, search, in.replyTo(data.ResponseURL, data.UserID), do)
	if ev.Request.AcceptsResponsePayload {
		j.Full = object{"response_type": slack.ResponseTypeEphemeral, "text": explain(refusal.Overloaded).String()}
	}
	return j
}

func (in *inbox) readInteraction(
	keys []string, ev socketmode.Event, data slack.InteractionCallback,
) ([]string, transport.Job) {
	who := transport.Claim{User: data.User.ID, Teams: teams(data.User.TeamID, data.Team.ID)}
	switch {
	case data.Type == slack.InteractionTypeViewSubmission:
		j, closed := in.readSubmission(ev, data)
		if closed {
			keys = known(keys, "form", data.View.ID)
		}
		return keys, j
	case data.Type != slack.InteractionTypeBlockActions || len(data.ActionCallback.BlockActions) == 0:
		return keys, transport.Job{}
	}
	action, t := data.ActionCallback.BlockActions[0], trigger{data.TriggerID, time.Now()}
	if action == nil {
		return keys, transport.Job{}
	}
	kind := transport.KindClick
	do := func(ctx context.Context, by ceremony.Account, _ []refusal.Exposure) (render.Message, error) {
		return in.click(ctx, by, data)
	}
	if action.ActionID == string(command.VerbForm) {
		kind = transport.KindOpening
		do = func(ctx context.Context, by ceremony.Account, _ []refusal.Exposure) (render.Message, error) {
			return in.clickForm(ctx, by, action.Value, t)
		}
	}
	return keys, in.job(kind, who, nil, in.replyTo(data.ResponseURL, data.User.ID), do)
}

func (in *inbox) readEvent(keys []string, ev slackevents.EventsAPIEvent) ([]string, transport.Job) {
	switch inner := ev.InnerEvent.Data.(type) {
	case *slackevents.MessageEvent:
		if inner.ChannelType != slackevents.ChannelTypeIM {
			in.health.Note(func(h *transport.Health) { h.LastChannelMessage = time.Now() })
		}
		n, ok := noteOf(inner)
		if !ok {
			return keys, transport.Job{}
		}
		who := transport.Claim{
			User: n.user, Teams: teams(ev.TeamID, inner.UserTeam, inner.SourceTeam), Shared: ev.IsExtSharedChannel,
		}
		search := func(ctx context.Context) ([]refusal.Exposure, bool) {
			n.texts, n.beside = readings(inner.Message), besides(inner.Message)
			shown := in.search(ctx, who, &n)
			return shown, !n.direct && len(shown) == 0 && !refusal.PGPMessage.MatchString(n.text())
		}
		do := func(ctx context.Context, by ceremony.Account, shown []refusal.Exposure) (render.Message, error) {
			return in.receive(ctx, by, n, shown)
		}
		return known(keys, "message", n.key()), in.job(transport.KindMessage, who, search, in.writeTo(n.user), do)
	case *slackevents.UserChangeEvent:
		id := inner.User.ID
		forget := func(context.Context) { in.accounts.Forget(id) }
		return keys, transport.Job{Kind: transport.KindNotice, Person: id, Do: forget}
	}
	return keys, transport.Job{}
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

// job returns a job that finds out who it is, calls do, and replies with its message or
// the words of its error.
//
// search, which may be nil, returns what the envelope shows in the open. It is reported
// whoever the sender is. It is called when the job runs: it takes longer for a longer text,
// and nobody else's acknowledgement may wait for that. A panic in a job ends that job and
// nothing else.
func (in *inbox) job(k transport.Kind, who transport.Claim, search look, reply answer, do act) transport.Job {
	j := transport.Job{Kind: k, Person: who.User, Do: in.doing(k, who, search, reply, do)}
	if search != nil {
		j.Search = in.doing(k, who, search, reply, warnOnly)
	}
	return j
}

// warnOnly tells the sender what an envelope shows in the open, and does nothing of what it
// asks for.
func warnOnly(_ context.Context, _ ceremony.Account, shown []refusal.Exposure) (render.Message, error) {
	if len(shown) > 0 {
		return render.Message{}, shown[0].Told()
	}
	return render.Message{}, nil
}

func (in *inbox) doing(
	k transport.Kind, who transport.Claim, search look, reply answer, do act,
) func(ctx context.Context) {
	return func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, actTimeout)
		defer cancel()
		said, err := in.attempt(ctx, who, search, do)
		if err != nil {
			said = in.complain(k, who, err)
			if k == transport.KindMessage && stranger(err) && !in.helped.Free(who.User) {
				return // they were told a moment ago; our posts are few and others wait for them
			}
		}
		if said.Blocks != nil {
			reply(ctx, said)
		}
	}
}

// stranger reports whether an error turns an account away, whatever it has sent.
func stranger(err error) bool {
	d, _ := errors.AsType[refusal.Denial](err)
	switch d {
	case refusal.Deactivated, refusal.Machine, refusal.Guest, refusal.Invited,
		refusal.Outsider, refusal.Unlisted, refusal.UnknownUser, refusal.SharedChannel:
		return true
	}
	return false
}

// errPanic means that a job has panicked, which is a defect of this program.
var errPanic = errors.New("panic")

// attempt finds out who has sent an envelope, reports what it shows, and calls do.
func (in *inbox) attempt(
	ctx context.Context, who transport.Claim, search look, do act,
) (said render.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			in.panicked(p)
			said, err = render.Message{}, errPanic
		}
	}()
	var shown []refusal.Exposure
	if search != nil {
		var done bool
		if shown, done = search(ctx); done {
			return render.Message{}, nil
		}
	}
	by, err := in.accounts.Account(ctx, who)
	if err != nil {
		in.reportLeak(ctx, who.Claimed(in.config.Team), shown)
		if len(shown) > 0 && stranger(err) {
			err = shown[0].Told() // before who they are, this is what they have to know
		}
		return render.Message{}, err
	}
	in.reportLeak(ctx, by, shown)
	return do(ctx, by, shown)
}

// panicked logs where a panic happened.
func (in *inbox) panicked(p any) {
	// The value may quote what was sent; where it happened is enough.
	in.log.Error("panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
}

// complain logs an error for the operator, and returns its words for the person. An error
// that is not part of the rules gets a reference, which stands in both.
func (in *inbox) complain(k transport.Kind, who transport.Claim, err error) render.Message {
	if ordinary(err) {
		in.log.Info("refused", "kind", string(k), "user", who.User, "error", err)
		return render.SayWords(explain(err), "")
	}
	reference := newReference()
	in.log.Error("failed", "kind", string(k), "user", who.User, "reference", reference, "error", err)
	return render.SayWords(explain(err), reference)
}

// replyTo answers a command or a click, so that only the person sees it. When Slack does
// not take the answer, it goes into their direct messages.
func (in *inbox) replyTo(responseURL, user string) answer {
	return func(ctx context.Context, m render.Message) {
		for _, part := range m.Parts() {
			options := append(part.Options(), slack.MsgOptionResponseURL(responseURL, slack.ResponseTypeEphemeral))
			if _, _, err := in.api.PostMessageContext(ctx, "", options...); err != nil {
				in.log.Warn("answer not delivered, writing directly", "user", user, "error", withoutURL(err))
				in.writeTo(user)(ctx, part)
			}
		}
	}
}

// withoutURL takes a response URL out of an error. A person who reads it in the log could
// post as the bot.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// writeTo answers in the direct messages with a person. The answer waits for its turn by
// itself, so that nothing that the person has sent waits behind what they are told of
// earlier things. Only when many answers wait, the next job does.
func (in *inbox) writeTo(user string) answer {
	return func(ctx context.Context, m render.Message) {
		write := func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, actTimeout)
			defer cancel()
			defer context.AfterFunc(in.answering, cancel)()
			if err := in.notifier.tell(ctx, user, m); err != nil {
				in.log.Warn("answer not delivered", "user", user, "error", err)
			}
		}
		if !in.answers.Put(in.work, transport.Job{Kind: transport.KindAnswer, Person: user, Do: write}) {
			write(ctx)
		}
	}
}
