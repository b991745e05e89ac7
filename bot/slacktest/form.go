package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/record"
)

// Trouble is the text that Slack writes into a form when the app's answer did not come, came too late, or cannot be
// used.
const Trouble = "We had some trouble connecting. Try again?"

// Submission is the outcome of sending a form.
type Submission struct {
	Errors  map[string]string // block id → what the app wrote under that input
	Trouble string            // [Trouble], or empty
	Closed  bool              // the form is gone
}

// Form returns the form in front of the person, if there is one.
func (p *Person) Form() (View, bool) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if len(p.modals) == 0 {
		return View{}, false
	}
	return p.modals[len(p.modals)-1].View, true
}

// Home returns the app's home tab as the person sees it.
func (p *Person) Home() (View, bool) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if p.home == nil {
		return View{}, false
	}
	return p.home.View, true
}

// Opens opens a tab of the app: "home" or "messages". Slack tells the app with app_home_opened.
func (p *Person) Opens(tab string) error {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if err := p.mayActLocked(nil); err != nil {
		return err
	}
	if tab == "home" && p.w.cfg.HomeTab == TabOff || tab == "messages" && p.w.cfg.MessagesTab == TabOff {
		return fmt.Errorf("the app has no %s tab: %w", tab, ErrNotAllowed)
	}
	event := object{"type": "app_home_opened", "user": p.id, "channel": p.w.directLocked(p).id, "tab": tab}
	if tab == "home" && p.home != nil {
		event["view"] = p.home.describeLocked(p.w, object{})
	}
	p.w.raiseLocked("app_home_opened", nil, event)
	p.w.changeLocked()
	return nil
}

// Submits fills a form in and sends it. The keys of values are action_id or block_id. The value for a menu is the
// option's value; several choices are joined by commas. What Slack's client would not send is refused with
// [ErrNotAllowed]: an empty input that is required, a length out of bounds.
func (p *Person) Submits(v View, values map[string]string) (Submission, error) {
	return p.submits(v, values, true)
}

// Forces is Submits without the checks of Slack's client, for tests of the app's own checks.
func (p *Person) Forces(v View, values map[string]string) (Submission, error) {
	return p.submits(v, values, false)
}

func (p *Person) submits(shown View, values map[string]string, checked bool) (Submission, error) {
	w := p.w
	w.mu.Lock()
	v, err := p.inFrontLocked(shown)
	var state object
	if err == nil {
		state, err = p.stateLocked(v, values, checked)
	}
	if err != nil {
		w.mu.Unlock()
		return Submission{}, fmt.Errorf("submit %s: %w", shown.CallbackID, err)
	}
	w.recordLocked(record.ByPerson, p.name+" submits", blockkit.Encode(state))
	payload := w.interactionLocked(p, "view_submission")
	payload["view"], payload["response_urls"] = v.describeLocked(w, state), []any{}
	var said Submission
	d := w.hub.Launch("interactive", payload, true, func(ack json.RawMessage) string {
		said = w.respondToFormLocked(p, v, ack)
		return ""
	})
	w.mu.Unlock()
	if d.Wait() != "" {
		return Submission{Trouble: Trouble}, nil
	}
	return said, nil
}

func (p *Person) inFrontLocked(shown View) (*view, error) {
	if err := p.mayActLocked(nil); err != nil {
		return nil, err
	}
	if n := len(p.modals); n > 0 && p.modals[n-1].ID == shown.ID {
		return p.modals[n-1], nil
	}
	return nil, ErrNotThere
}

// stateLocked returns view.state.values: every input of the form. The value of an input that was not touched is null.
func (p *Person) stateLocked(v *view, values map[string]string, checked bool) (object, error) {
	state := object{}
	for _, b := range v.Blocks {
		block, _ := b.(object)
		if blockkit.Text(block, "type") != "input" {
			continue
		}
		element, _ := block["element"].(object)
		blockID, actionID := blockkit.Text(block, "block_id"), blockkit.Text(element, "action_id")
		value, given := values[actionID]
		if !given {
			value, given = values[blockID]
		}
		if !given {
			value = blockkit.Text(element, "initial_value")
		}
		if blockkit.Text(element, "type") == "plain_text_input" {
			value = p.types(value)
		}
		if checked {
			if err := blockkit.Accepts(block, value); err != nil {
				return nil, fmt.Errorf("%w: %w", err, ErrNotAllowed)
			}
		}
		if blockkit.Text(element, "type") == "file_input" {
			state[blockID] = object{actionID: p.attachLocked(value)}
			continue
		}
		filled, err := blockkit.Fill(element, value)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, ErrNotThere)
		}
		filled["type"] = element["type"]
		state[blockID] = object{actionID: filled}
	}
	return state, nil
}

// attachLocked hands the app the files with these ids, which the person has uploaded before. It returns the state of
// the file input.
func (p *Person) attachLocked(ids string) object {
	files := []object{}
	for id := range strings.SplitSeq(ids, ",") {
		if f := p.w.fileLocked(id); f != nil && f.owner == p {
			f.givenToApp = true
			files = append(files, f.describeLocked())
		}
	}
	return object{"type": "file_input", "files": files}
}

// Attaches uploads a file for a form's file input and returns the id to put there. The file is shared in no channel.
func (p *Person) Attaches(name string, content []byte) string {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.recordLocked(record.ByPerson, p.name+" attaches "+name, content)
	return p.w.uploadLocked(p, Upload{Name: name, Content: content}).ID
}

// respondToFormLocked does what the response_action in the acknowledgement of a form says.
func (w *Workspace) respondToFormLocked(p *Person, v *view, ack json.RawMessage) Submission {
	var action struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(ack) > 0 && string(ack) != `""` && json.Unmarshal(ack, &action) != nil {
		w.violateLocked(record.RuleAckPayload, "socket", "not an answer to a form")
		return Submission{Trouble: Trouble}
	}
	switch action.Action {
	case "":
		p.closeLocked(v)
		return Submission{Closed: true}
	case "clear":
		w.forgetLocked(p.modals...)
		p.modals = nil
		return Submission{Closed: true}
	case "errors":
		for id := range action.Errors {
			if !v.hasInput(id) {
				w.violateLocked(record.RuleAckPayload, "socket", "error for %q, which is no input of the form", id)
				return Submission{Trouble: Trouble}
			}
		}
		if len(action.Errors) == 0 {
			w.violateLocked(record.RuleAckPayload, "socket", "errors without one")
			return Submission{Trouble: Trouble}
		}
		return Submission{Errors: action.Errors}
	case "update", "push":
		next, err := w.readViewLocked("socket", string(action.View))
		if err != nil || action.Action == "push" && len(p.modals) >= blockkit.MaxViewStack {
			return Submission{Trouble: Trouble}
		}
		if action.Action == "push" {
			w.showLocked(p, next, true)
		} else {
			v.becomeLocked(w, next)
		}
		return Submission{}
	default:
		w.violateLocked(record.RuleAckPayload, "socket", "response_action %q", action.Action)
		return Submission{Trouble: Trouble}
	}
}

func (v *view) hasInput(blockID string) bool {
	return slices.ContainsFunc(v.Blocks, func(b any) bool {
		return blockkit.Text(b, "type") == "input" && blockkit.Text(b, "block_id") == blockID
	})
}

func (p *Person) closeLocked(v *view) {
	p.modals = slices.DeleteFunc(p.modals, func(o *view) bool { return o == v })
	p.w.forgetLocked(v)
}

// Closes dismisses the form in front. The app is told with view_closed only if the form asked for it (notify_on_close).
func (p *Person) Closes(shown View) error {
	w := p.w
	w.mu.Lock()
	v, err := p.inFrontLocked(shown)
	if err != nil {
		w.mu.Unlock()
		return fmt.Errorf("close %s: %w", shown.CallbackID, err)
	}
	p.closeLocked(v)
	w.changeLocked()
	if v.raw["notify_on_close"] != true {
		w.mu.Unlock()
		return nil
	}
	payload := w.interactionLocked(p, "view_closed")
	delete(payload, "trigger_id")
	payload["view"], payload["is_cleared"] = v.describeLocked(w, object{}), false
	d := w.hub.Launch("interactive", payload, false, nil)
	w.mu.Unlock()
	d.Wait()
	return nil
}

// ClicksIn presses a button in a form or in the home tab.
func (p *Person) ClicksIn(shown View, actionID string) (Reply, error) {
	w := p.w
	w.mu.Lock()
	at := slices.IndexFunc(w.views, func(v *view) bool { return v.ID == shown.ID && v.person == p })
	if at < 0 {
		w.mu.Unlock()
		return Reply{}, fmt.Errorf("click %s: %w", actionID, ErrNotThere)
	}
	v := w.views[at]
	action, err := p.actionLocked(nil, shown.Blocks, actionID, "")
	if err != nil {
		w.mu.Unlock()
		return Reply{}, fmt.Errorf("click %s: %w", actionID, err)
	}
	payload := w.interactionLocked(p, "block_actions")
	payload["container"] = object{"type": "view", "view_id": v.ID}
	payload["view"] = v.describeLocked(w, object{})
	payload["actions"] = []object{action}
	d := w.hub.Launch("interactive", payload, false, nil)
	w.mu.Unlock()
	return w.reply(d, nil), nil
}
