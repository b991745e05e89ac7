package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"conclave/ceremony"
)

// The form is the second way in: what is typed into it is in no message, so that
// nobody who reads messages sees it. It takes what a direct message takes, and goes
// the same way from there on.

const (
	formCallback = "envelope" // the form's name, and that of its only input
	formInput    = "armor"
	// formChannel stands for a channel in the places of what came by a form. No channel
	// of Slack's has such an id.
	formChannel = "form"
	// maxTyped is the most that an input takes; the longest envelope has less.
	// Source: docs.slack.dev "Plain-text input".
	maxTyped = 3000
	// triggerLife is how long Slack lets a form be opened after a click, less the way
	// there. Source: docs.slack.dev "Modals", trigger_id.
	triggerLife = 2500 * time.Millisecond
)

// trigger is the right to open one form, which Slack gives for a moment to whoever
// was clicked or commanded.
type trigger struct {
	id string
	at time.Time
}

// openForm shows somebody the form for what a ceremony wants of them. A key that is
// not empty is the one that the button was made for.
func (d *desk) openForm(ctx context.Context, by ceremony.Account, id ceremony.ID, key string, t trigger) (message, error) {
	c, to, err := d.wanted(id, by)
	switch {
	case err != nil:
		return message{}, err
	case key != "" && key != c.Key.Subkey:
		return message{}, oldButton
	case !mayCome(c.Plan, ceremony.ByForm):
		return message{}, ceremony.WayForbidden
	}
	ctx, cancel := context.WithDeadline(ctx, t.at.Add(triggerLife))
	defer cancel()
	if ctx.Err() != nil {
		return message{}, formLate
	}
	_, err = d.api.OpenViewContext(ctx, t.id, renderForm(c, to))
	if said, ok := errors.AsType[slack.SlackErrorResponse](err); ok && (said.Err == "expired_trigger_id" || said.Err == "exchanged_trigger_id") {
		return message{}, formLate
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return message{}, formLate
	case err != nil:
		return message{}, fmt.Errorf("open a form: %w", err)
	}
	return message{}, nil
}

// clickForm opens the form that a button stands for.
func (d *desk) clickForm(ctx context.Context, by ceremony.Account, value string, t trigger) (message, error) {
	if !d.listed(by) {
		return message{}, unlisted
	}
	words := strings.Fields(value)
	if len(words) != 3 {
		return message{}, oldButton
	}
	c, _, err := d.engine.Ceremony(ceremony.ID(words[0]))
	if err != nil || c.PlanHash != words[1] {
		return message{}, oldButton
	}
	return d.openForm(ctx, by, c.ID(), words[2], t)
}

// formValue names the key that the form encrypts to, too: another one is announced
// when a round begins again.
func formValue(c ceremony.Ceremony) string { return buttonValue(c) + " " + c.Key.Subkey }

// readSubmission makes a job of a form that was sent. What certainly is no envelope
// is said in the form, which stays open, and so is what certainly shows a secret;
// everything else is taken as a direct message is. What may be a digest that people
// were shown is looked at later: nothing is asked here.
func (d *desk) readSubmission(ev socketmode.Event, data slack.InteractionCallback) job {
	if data.View.CallbackID != formCallback {
		return job{}
	}
	var typed string
	if data.View.State != nil {
		typed = data.View.State.Values[formCallback][formInput].Value
	}
	say := func(reply any) any {
		if !ev.Request.AcceptsResponsePayload {
			return nil
		}
		return reply
	}
	shown, envelope := atSight(typed)
	if len(shown) == 0 && !envelope {
		return job{ack: say(formErrors(noEnvelope))}
	}
	n := note{user: data.User.ID, channel: formChannel, ts: data.View.ID, direct: true, texts: []string{typed}}
	who := claim{user: data.User.ID, teams: teams(data.User.TeamID, data.Team.ID)}
	look := func() []exposure { return n.shows(d.engine.IsDigest) }
	j := d.job(kindForm, who, look, d.writeTo(data.User.ID), func(ctx context.Context, by ceremony.Account, shown []exposure) (message, error) {
		return d.receive(ctx, by, n, shown)
	})
	j.full = say(formErrors(overloaded))
	if len(shown) > 0 {
		j.ack = say(formBecomes(renderFormWords(formRefused(shown[0]))))
	} else {
		j.ack = say(formBecomes(renderFormWords(formTaken())))
	}
	return j
}

// atSight says what a form certainly shows in the open and whether it may hold an
// envelope, or anything else that has to be looked at. What is longer than its input
// takes was sent past it, and is not looked at here.
func atSight(typed string) (shown []exposure, more bool) {
	if len(typed) > utf8.UTFMax*maxTyped {
		return nil, true
	}
	shown = exposures(typed, func(string) bool { return true })
	return shown, pgpBegin.MatchString(typed) || len(exposures(typed, nil)) > 0
}

// formTaken is what the form says when its envelope is on its way: what becomes of it
// is not known yet (P10).
func formTaken() (title string, w words) {
	return "Taken in", words{"It is being looked at.", "What becomes of it, I tell you in our direct messages."}
}

func formRefused(shown exposure) (title string, w words) {
	return "It was not used", explain(shown.told())
}

// formErrors keeps the form open, with words under its input.
func formErrors(why error) any {
	return object{"response_action": "errors", "errors": object{formCallback: explain(why).String()}}
}

// formBecomes puts another view in the form's place, in which nothing can be typed
// any more: one form is sent once.
func formBecomes(v slack.ModalViewRequest) any {
	return object{"response_action": "update", "view": v}
}
