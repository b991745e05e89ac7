package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"conclave/bot/refusal"
	"conclave/bot/render"
	"conclave/bot/transport"
	"conclave/ceremony"
	"conclave/ceremony/wording"
)

const (
	// formChannel stands in the place of a channel's id for what came by a form. No
	// channel of Slack's has such an id.
	formChannel = "form"
	// triggerLife is how long after a click or a command a form can be opened: Slack's
	// three seconds, less the way there.
	// Source: docs.slack.dev "Modals", trigger_id.
	triggerLife = 2500 * time.Millisecond
)

// trigger is the right to open one form, which Slack gives with a click or a command for
// a moment.
type trigger struct {
	id string
	at time.Time
}

// openForm shows a person the form for what a ceremony wants of them. key is the subkey
// that the button was made for, or empty.
func (in *inbox) openForm(
	ctx context.Context, by ceremony.Account, id ceremony.ID, key string, t trigger,
) (render.Message, error) {
	c, _, err := in.wanted(id, by)
	switch {
	case err != nil:
		return render.Message{}, err
	case key != "" && key != c.Key.Subkey:
		return render.Message{}, refusal.OldButton
	case !wording.MayCome(c.Plan, ceremony.ByForm):
		return render.Message{}, ceremony.WayForbidden
	}
	ctx, cancel := context.WithDeadline(ctx, t.at.Add(triggerLife))
	defer cancel()
	if ctx.Err() != nil {
		return render.Message{}, refusal.FormLate
	}
	_, err = in.api.OpenViewContext(ctx, t.id, render.Form(c))
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		switch said.Err {
		case "expired_trigger_id", "exchanged_trigger_id":
			return render.Message{}, refusal.FormLate
		}
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return render.Message{}, refusal.FormLate
	case err != nil:
		return render.Message{}, fmt.Errorf("open a form: %w", err)
	}
	return render.Message{}, nil
}

// clickForm opens the form that a button stands for.
func (in *inbox) clickForm(ctx context.Context, by ceremony.Account, value string, t trigger) (render.Message, error) {
	if !in.listed(by) {
		return render.Message{}, refusal.Unlisted
	}
	words := strings.Fields(value)
	if len(words) != 3 {
		return render.Message{}, refusal.OldButton
	}
	c, _, err := in.engine.Ceremony(ceremony.ID(words[0]))
	if err != nil || c.PlanHash != words[1] {
		return render.Message{}, refusal.OldButton
	}
	return in.openForm(ctx, by, c.ID(), words[2], t)
}

// readSubmission returns the job for a form that was sent. When it certainly is no
// envelope the form says so and stays open; when it is a secret and nothing else another
// view says so in its place. Everything else is received as a direct message is. A word
// that may be a digest that people were shown is judged later: the engine is not asked here.
// It reports whether the form is closed, and so can't be sent again.
func (in *inbox) readSubmission(env transport.Envelope, data slack.InteractionCallback) (j transport.Job, closed bool) {
	if data.View.CallbackID != render.FormCallback {
		return transport.Job{}, false
	}
	var typed string
	if data.View.State != nil {
		typed = data.View.State.Values[render.FormCallback][render.FormInput].Value
	}
	say := func(reply any) any {
		if !env.Accepts {
			return nil
		}
		return reply
	}
	shown, more := atSight(typed)
	n := note{user: data.User.ID, channel: formChannel, ts: data.View.ID, direct: true, texts: []string{typed}}
	who := transport.Claim{User: data.User.ID, Teams: teams(data.User.TeamID, data.Team.ID)}
	search := func(ctx context.Context) ([]refusal.Exposure, bool) { return in.search(ctx, who, &n), false }
	do := func(ctx context.Context, by ceremony.Account, shown []refusal.Exposure) (render.Message, error) {
		return in.receive(ctx, by, n, shown)
	}
	j = in.job(transport.KindForm, who, search, in.writeTo(data.User.ID), do)
	j.Full = say(formErrors(refusal.Overloaded))
	switch {
	case len(shown) > 0:
		j.Ack = say(formBecomes(render.FormAnswer(formRefused(shown[0]))))
	case more:
		j.Ack = say(formBecomes(render.FormAnswer(formTaken())))
	default:
		// The form stays open. A share in groups may stand in it all the same.
		j.Ack, j.Do = say(formErrors(refusal.NoEnvelope)), j.Search
		return j, false
	}
	return j, true
}

// Lengths of what is judged before a form is acknowledged, in bytes: a text that is looked
// at as a whole, and a word in which an envelope or a secret may stand.
const (
	shortText = 160
	longWord  = 24
)

// atSight returns what a form certainly shows in the open, and reports whether it may
// hold an envelope or anything else that has to be judged. It searches a short text only,
// and for anything else in no longer one than the input takes: whatever is sent past the
// form, its acknowledgement waits for no more.
func atSight(typed string) (shown []refusal.Exposure, more bool) {
	if len(typed) <= shortText {
		shown = refusal.CertainExposures(typed, func(string) bool { return true })
	}
	run := 0
	for _, c := range []byte(typed[:min(len(typed), render.MaxTyped)]) {
		if run++; c <= ' ' {
			run = 0
		}
		if run >= longWord {
			return shown, true
		}
	}
	return shown, len(shown) > 0 || len(typed) > render.MaxTyped
}

// formTaken returns what the form says when its envelope was queued: what becomes of it is
// not known yet (P10).
func formTaken() (title string, w wording.Words) {
	return "Taken in", wording.Words{What: "It is being looked at.", Hint: "What becomes of it, I tell you in our direct messages."}
}

// formRefused returns what the form says when it shows a secret in the open.
func formRefused(shown refusal.Exposure) (title string, w wording.Words) {
	return "It was not used", explain(shown.Told())
}

// formErrors keeps the form open, with words under its input.
func formErrors(why error) any {
	return object{"response_action": "errors", "errors": object{render.FormCallback: explain(why).String()}}
}

// formBecomes puts another view in the form's place, in which nothing can be typed
// any more: one form is sent once.
func formBecomes(v slack.ModalViewRequest) any {
	return object{"response_action": "update", "view": v}
}
