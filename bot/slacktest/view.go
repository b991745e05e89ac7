package slacktest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/record"
)

// View is a form (modal) in front of a person, or their home tab, at one moment.
type View struct {
	ID              string `json:"id"`
	Type            string `json:"type"` // "modal" or "home"
	CallbackID      string `json:"callback_id,omitempty"`
	ExternalID      string `json:"external_id,omitempty"`
	PrivateMetadata string `json:"private_metadata,omitempty"`
	Hash            string `json:"hash"`
	Title           string `json:"title,omitempty"`
	Submit          string `json:"submit,omitempty"` // the word on the submit button, empty when there is none
	Close           string `json:"close,omitempty"`
	Blocks          []any  `json:"blocks"`
}

type view struct {
	View
	raw    object // what the app sent
	person *Person
	root   *view // the first form of the stack
	below  *view // the form under this one
}

func (v *view) describeLocked(w *Workspace, values object) object {
	o := object{
		"id": v.ID, "team_id": w.TeamID(), "type": v.Type, "callback_id": v.CallbackID, "external_id": v.ExternalID,
		"private_metadata": v.PrivateMetadata, "hash": v.Hash, "blocks": v.Blocks, "state": object{"values": values},
		"clear_on_close": v.raw["clear_on_close"] == true, "notify_on_close": v.raw["notify_on_close"] == true,
		"root_view_id": v.root.ID, "previous_view_id": nil, "app_id": w.AppID(), "app_installed_team_id": w.TeamID(),
		"bot_id": w.BotID(), "title": v.raw["title"], "submit": v.raw["submit"], "close": v.raw["close"],
	}
	if v.below != nil {
		o["previous_view_id"] = v.below.ID
	}
	return o
}

// readViewLocked reads and checks a view as an app sends it.
func (w *Workspace) readViewLocked(where, raw string) (*view, error) {
	var o object
	if err := json.Unmarshal([]byte(raw), &o); err != nil || o == nil {
		w.violateLocked(record.RuleBlockKit, where, "view is not a JSON object")
		return nil, refuseArguments("[ERROR] must be a valid JSON object [json-pointer:/view]")
	}
	if len(raw) > blockkit.MaxView {
		w.violateLocked(record.RuleBlockKit, where, "view of %d bytes", len(raw))
		return nil, refuse("view_too_large")
	}
	check := &blockkit.Checker{}
	check.View("/view", o)
	if len(check.Faults) > 0 {
		w.violateLocked(record.RuleBlockKit, where, "%s", strings.Join(check.Words(), "; "))
		return nil, refuseArguments(check.Words()...)
	}
	v := &view{raw: o}
	v.fillLocked(w)
	return v, nil
}

// fillLocked sets the fields of the view from what the app sent. Blocks without an id get one.
func (v *view) fillLocked(w *Workspace) {
	v.Type, v.CallbackID, v.ExternalID = blockkit.Text(v.raw, "type"), blockkit.Text(v.raw,
		"callback_id"), blockkit.Text(v.raw, "external_id")
	v.PrivateMetadata = blockkit.Text(v.raw, "private_metadata")
	v.Title, v.Submit, v.Close = blockkit.Text(v.raw, "title", "text"), blockkit.Text(v.raw, "submit",
		"text"), blockkit.Text(v.raw, "close", "text")
	v.Blocks = blockkit.List(v.raw, "blocks")
	w.nameBlocksLocked(v.Blocks)
	v.Hash = formatTS(w.cfg.Now()) + strconv.Itoa(len(w.views)) + "." + w.idLocked("h")
}

func (w *Workspace) externalIDTakenLocked(v *view) bool {
	return v.ExternalID != "" && slices.ContainsFunc(w.views, func(o *view) bool { return o.ExternalID == v.ExternalID })
}

// showLocked puts a form in front of a person, on top of the others or in their place.
func (w *Workspace) showLocked(p *Person, v *view, onTop bool) {
	v.ID, v.person, v.root = w.idLocked("V"), p, v
	if !onTop {
		w.forgetLocked(p.modals...)
		p.modals = nil
	}
	if n := len(p.modals); n > 0 {
		v.below, v.root = p.modals[n-1], p.modals[0]
	}
	p.modals = append(p.modals, v)
	w.views = append(w.views, v)
}

func (w *Workspace) forgetLocked(gone ...*view) {
	w.views = slices.DeleteFunc(w.views, func(v *view) bool { return slices.Contains(gone, v) })
}

// becomeLocked replaces the content of a view. Its id stays.
func (v *view) becomeLocked(w *Workspace, next *view) {
	v.raw = next.raw
	v.fillLocked(w)
}

func viewsOpen(c *call) (object, error) { return c.openView(false) }
func viewsPush(c *call) (object, error) { return c.openView(true) }

func (c *call) openView(onTop bool) (object, error) {
	v, err := c.readViewLocked(c.method, c.args["view"])
	if err != nil {
		return nil, err
	}
	if v.Type != "modal" {
		return nil, refuseArguments("[ERROR] must be a modal [json-pointer:/view/type]")
	}
	if c.externalIDTakenLocked(v) {
		return nil, refuse("duplicate_external_id")
	}
	p, err := c.exchangeLocked()
	if err != nil {
		return nil, err
	}
	if onTop && len(p.modals) >= blockkit.MaxViewStack {
		return nil, refuse("push_limit_reached")
	}
	c.showLocked(p, v, onTop)
	return object{"view": v.describeLocked(c.Workspace, object{})}, nil
}

func viewsUpdate(c *call) (object, error) {
	next, err := c.readViewLocked(c.method, c.args["view"])
	if err != nil {
		return nil, err
	}
	id, external := c.args["view_id"], c.args["external_id"]
	if id == "" && external == "" {
		return nil, refuseArguments("[ERROR] view_id or external_id is needed")
	}
	at := slices.IndexFunc(c.views,
		func(v *view) bool { return id != "" && v.ID == id || external != "" && v.ExternalID == external })
	if at < 0 {
		return nil, refuse("not_found")
	}
	v := c.views[at]
	switch hash := c.args["hash"]; {
	case hash != "" && hash != v.Hash:
		return nil, refuse("hash_conflict")
	case next.ExternalID != v.ExternalID && c.externalIDTakenLocked(next):
		return nil, refuse("duplicate_external_id")
	}
	v.becomeLocked(c.Workspace, next)
	return object{"view": v.describeLocked(c.Workspace, object{})}, nil
}

func viewsPublish(c *call) (object, error) {
	v, err := c.readViewLocked(c.method, c.args["view"])
	if err != nil {
		return nil, err
	}
	p := c.personByIDLocked(c.args["user_id"])
	switch {
	case v.Type != "home":
		return nil, refuseArguments("[ERROR] must be a home view [json-pointer:/view/type]")
	case c.cfg.HomeTab == TabOff:
		return nil, refuse("not_enabled")
	case p == nil:
		return nil, refuseArguments("invalid `user_id`")
	}
	if p.home == nil {
		v.ID, v.person, v.root = c.idLocked("V"), p, v
		p.home = v
		c.views = append(c.views, v)
		return object{"view": v.describeLocked(c.Workspace, object{})}, nil
	}
	if hash := c.args["hash"]; hash != "" && hash != p.home.Hash {
		return nil, refuse("hash_conflict")
	}
	p.home.becomeLocked(c.Workspace, v)
	return object{"view": p.home.describeLocked(c.Workspace, object{})}, nil
}
