package blockkit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// surface is where blocks are shown.
type surface int

const (
	InMessage surface = iota
	inModal
	inHome
)

// Checker reads blocks as Slack does and collects what Slack would refuse.
type Checker struct {
	Faults   []fault
	markdown int
}

// fault is one thing that Slack refuses, at a JSON pointer.
type fault struct{ Pointer, What string }

// Words returns the faults in the form of response_metadata.messages.
func (c *Checker) Words() []string {
	var all []string
	for _, f := range c.Faults {
		all = append(all, fmt.Sprintf("[ERROR] %s [json-pointer:%s]", f.What, f.Pointer))
	}
	return all
}

func (c *Checker) fault(at, format string, args ...any) {
	c.Faults = append(c.Faults, fault{at, fmt.Sprintf(format, args...)})
}

// check looks at one value.
type check func(c *Checker, at string, value any)

// property is one key of an object: what its value must be, and whether it must be there.
type property struct {
	check    check
	required bool
}

// shape holds the keys that an object may have. Any other key is a fault.
type shape map[string]property

func need(f check) property  { return property{f, true} }
func maybe(f check) property { return property{f, false} }

func (s shape) look(c *Checker, at string, o Object) {
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if _, there := o[key]; s[key].required && !there {
			c.fault(at, "missing required field: %s", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if key == "type" {
			continue
		}
		p, known := s[key]
		if !known {
			c.fault(at, "invalid additional property: %s", key)
			continue
		}
		p.check(c, at+"/"+key, o[key])
	}
}

func str(least, most int) check {
	return func(c *Checker, at string, value any) {
		s, ok := value.(string)
		switch n := utf8.RuneCountInString(s); {
		case !ok:
			c.fault(at, "must be a string")
		case n < least:
			c.fault(at, "must be more than %d characters", least-1)
		case n > most:
			c.fault(at, "must be less than %d characters", most+1)
		}
	}
}

func boolean(c *Checker, at string, value any) {
	if _, ok := value.(bool); !ok {
		c.fault(at, "must be a boolean")
	}
}

func number(least, most int) check {
	return func(c *Checker, at string, value any) {
		n, ok := value.(float64)
		switch {
		case !ok || n != float64(int(n)):
			c.fault(at, "must be a whole number")
		case int(n) < least || int(n) > most:
			c.fault(at, "must be between %d and %d", least, most)
		}
	}
}

func oneOf(words ...string) check {
	return func(c *Checker, at string, value any) {
		if s, _ := value.(string); !slices.Contains(words, s) {
			c.fault(at, "must be one of %v", words)
		}
	}
}

func anything(*Checker, string, any) {}

func items(least, most int, each check) check {
	return func(c *Checker, at string, value any) {
		l, ok := value.([]any)
		switch {
		case !ok:
			c.fault(at, "must be a list")
			return
		case len(l) < least:
			c.fault(at, "no fewer than %d items allowed", least)
		case len(l) > most:
			c.fault(at, "no more than %d items allowed", most)
		}
		for i, v := range l {
			each(c, at+"/"+strconv.Itoa(i), v)
		}
	}
}

// textObject checks a text object of one of the kinds, by default plain_text or mrkdwn.
func textObject(most int, kinds ...string) check {
	if len(kinds) == 0 {
		kinds = []string{"plain_text", "mrkdwn"}
	}
	return func(c *Checker, at string, value any) {
		o, ok := value.(Object)
		if !ok {
			c.fault(at, "must be a text object")
			return
		}
		kind := Text(o, "type")
		if !slices.Contains(kinds, kind) {
			c.fault(at+"/type", "unsupported type: %s", kind)
			return
		}
		s := shape{"text": need(str(1, most))}
		if kind == "plain_text" {
			s["emoji"] = maybe(boolean)
		} else {
			s["verbatim"] = maybe(boolean)
		}
		s.look(c, at, o)
	}
}

func plain(most int) check { return textObject(most, "plain_text") }

// typed checks an object by the shape of its type.
func typed(shapes func() map[string]shape, allowed ...string) check {
	return func(c *Checker, at string, value any) {
		o, ok := value.(Object)
		if !ok {
			c.fault(at, "must be an object")
			return
		}
		kind := Text(o, "type")
		s, known := shapes()[kind]
		if !known || !slices.Contains(allowed, kind) {
			c.fault(at+"/type", "unsupported type: %s", kind)
			return
		}
		s.look(c, at, o)
	}
}

func nested(s shape) check {
	return func(c *Checker, at string, value any) {
		o, ok := value.(Object)
		if !ok {
			c.fault(at, "must be an object")
			return
		}
		s.look(c, at, o)
	}
}

func confirm() check {
	return nested(shape{
		"title": need(plain(maxConfirmTitle)), "text": need(textObject(maxConfirmText)),
		"confirm": need(plain(maxConfirmButton)), "deny": need(plain(maxConfirmButton)),
		"style": maybe(oneOf("primary", "danger")),
	})
}

func option(text check) check {
	return nested(shape{"text": need(text), "value": need(str(1, maxOptionValue)),
		"description": maybe(plain(maxOptionHint)), "url": maybe(str(1, maxURL))})
}

// Interactive are the elements with an action_id.
var Interactive = map[string]bool{
	"button": true, "static_select": true, "multi_static_select": true, "users_select": true, "multi_users_select": true,
	"conversations_select": true, "channels_select": true, "checkboxes": true, "radio_buttons": true, "overflow": true,
	"datepicker": true, "timepicker": true, "plain_text_input": true, "number_input": true, "email_text_input": true,
	"url_text_input": true, "file_input": true,
}

// elements returns the shapes of the elements that this package knows. Others of Slack's are refused as unsupported.
func elements() map[string]shape {
	id := maybe(str(1, MaxID))
	focus := maybe(boolean)
	select_ := func(more shape) shape {
		s := shape{"action_id": id, "placeholder": maybe(plain(maxPlaceholder)), "confirm": maybe(confirm()),
			"focus_on_load": focus}
		maps.Copy(s, more)
		return s
	}
	input := func(more shape) shape {
		s := shape{
			"action_id": id, "placeholder": maybe(plain(maxPlaceholder)), "focus_on_load": focus,
			"initial_value": maybe(str(0, MaxTyping)),
			"dispatch_action_config": maybe(
				nested(shape{"trigger_actions_on": maybe(items(1, 2, oneOf("on_enter_pressed", "on_character_entered")))})),
		}
		maps.Copy(s, more)
		return s
	}
	choice := shape{
		"action_id": id, "options": need(items(1, maxChoices, option(textObject(maxOptionText)))),
		"confirm": maybe(confirm()), "focus_on_load": focus,
	}
	checkboxes, radio := maps.Clone(choice), maps.Clone(choice)
	checkboxes["initial_options"] = maybe(items(1, maxChoices, option(textObject(maxOptionText))))
	radio["initial_option"] = maybe(option(textObject(maxOptionText)))
	options := maybe(items(1, maxOptions, option(plain(maxOptionText))))
	groups := maybe(items(1, maxOptions,
		nested(shape{"label": need(plain(maxOptionText)),
			"options": need(items(1, maxOptions, option(plain(maxOptionText))))})))
	return map[string]shape{
		"button": {
			"text": need(plain(maxButtonText)), "action_id": id, "value": maybe(str(0, maxButtonValue)),
			"url": maybe(str(1, maxURL)), "style": maybe(oneOf("primary", "danger")), "confirm": maybe(confirm()),
			"accessibility_label": maybe(str(1, maxAccessibility)),
		},
		"static_select": select_(shape{"options": options, "option_groups": groups,
			"initial_option": maybe(option(plain(maxOptionText)))}),
		"multi_static_select": select_(shape{"options": options, "option_groups": groups,
			"initial_options":    maybe(items(1, maxOptions, option(plain(maxOptionText)))),
			"max_selected_items": maybe(number(1, maxOptions))}),
		"users_select": select_(shape{"initial_user": maybe(str(1, MaxID))}),
		"multi_users_select": select_(shape{"initial_users": maybe(items(1, maxOptions, str(1, MaxID))),
			"max_selected_items": maybe(number(1, maxOptions))}),
		"conversations_select": select_(shape{
			"initial_conversation": maybe(str(1, MaxID)), "default_to_current_conversation": maybe(boolean),
			"response_url_enabled": maybe(boolean), "filter": maybe(anything),
		}),
		"channels_select": select_(shape{"initial_channel": maybe(str(1, MaxID)), "response_url_enabled": maybe(boolean)}),
		"overflow": {"action_id": id, "options": need(items(1, 5, option(plain(maxOptionText)))),
			"confirm": maybe(confirm())},
		"checkboxes":    checkboxes,
		"radio_buttons": radio,
		"datepicker":    select_(shape{"initial_date": maybe(str(10, 10))}),
		"timepicker":    select_(shape{"initial_time": maybe(str(5, 5)), "timezone": maybe(str(1, MaxID))}),
		"plain_text_input": input(shape{
			"multiline": maybe(boolean), "min_length": maybe(number(0, MaxTyping)), "max_length": maybe(number(1, MaxTyping)),
		}),
		"number_input": input(shape{"is_decimal_allowed": need(boolean), "min_value": maybe(anything),
			"max_value": maybe(anything)}),
		"email_text_input": input(shape{}),
		"url_text_input":   input(shape{}),
		"file_input": {"action_id": id, "filetypes": maybe(items(1, 100, str(1, MaxID))),
			"max_files": maybe(number(1, 10))},
		"image": {"image_url": maybe(str(1, maxURL)), "slack_file": maybe(anything), "alt_text": need(str(1, maxAltText))},
	}
}

// shapes returns the shapes of the blocks that this package knows.
func shapes() map[string]shape {
	id := maybe(str(1, MaxID))
	accessory := typed(elements, "button", "static_select", "multi_static_select", "users_select", "multi_users_select",
		"conversations_select",
		"channels_select", "overflow", "checkboxes", "radio_buttons", "datepicker", "timepicker", "image")
	return map[string]shape{
		"section": {
			"block_id": id, "text": maybe(textObject(maxSectionText)),
			"fields": maybe(items(1, maxFields, textObject(maxFieldText))), "accessory": maybe(accessory),
			"expand": maybe(boolean),
		},
		"header":  {"block_id": id, "text": need(plain(maxHeader)), "level": maybe(number(1, 4))},
		"divider": {"block_id": id},
		"context": {"block_id": id, "elements": need(items(1, maxContextItems, contextItem))},
		"actions": {"block_id": id, "elements": need(items(1, maxActions,
			typed(elements, "button", "static_select", "multi_static_select", "users_select",
				"multi_users_select", "conversations_select", "channels_select", "overflow", "checkboxes", "radio_buttons",
				"datepicker", "timepicker")))},
		"image": {"block_id": id, "image_url": maybe(str(1, maxURL)), "slack_file": maybe(anything),
			"alt_text": need(str(1, maxAltText)), "title": maybe(plain(maxImageTitle))},
		"input": {
			"block_id": id, "label": need(plain(maxInputLabel)), "hint": maybe(plain(maxInputHint)), "optional": maybe(boolean),
			"dispatch_action": maybe(boolean),
			"element": need(typed(elements, "plain_text_input", "number_input", "email_text_input", "url_text_input",
				"file_input", "static_select",
				"multi_static_select", "users_select", "multi_users_select", "conversations_select", "channels_select",
				"checkboxes", "radio_buttons", "datepicker", "timepicker")),
		},
		"rich_text": {"block_id": id, "elements": need(items(0, 1000, richElement))},
		"markdown":  {"block_id": id, "text": need(str(1, maxMarkdown))},
	}
}

func contextItem(c *Checker, at string, value any) {
	if o, _ := value.(Object); Text(o, "type") == "image" {
		elements()["image"].look(c, at, o)
		return
	}
	textObject(maxContextText)(c, at, value)
}

func richElement(c *Checker, at string, value any) {
	border := maybe(number(0, 1))
	inline := need(items(0, 1000, richInline))
	typed(func() map[string]shape {
		return map[string]shape{
			"rich_text_section":      {"elements": inline},
			"rich_text_preformatted": {"elements": inline, "border": border, "language": maybe(str(1, MaxID))},
			"rich_text_quote":        {"elements": inline, "border": border},
			"rich_text_list": {
				"style": need(oneOf("bullet", "ordered")), "indent": maybe(number(0, 8)), "offset": maybe(number(0, 1000)),
				"border": border,
				"elements": need(items(1, 1000,
					typed(func() map[string]shape { return map[string]shape{"rich_text_section": {"elements": inline}} },
						"rich_text_section"))),
			},
		}
	}, "rich_text_section", "rich_text_preformatted", "rich_text_quote", "rich_text_list")(c, at, value)
}

func richInline(c *Checker, at string, value any) {
	style := maybe(nested(shape{
		"bold": maybe(boolean), "italic": maybe(boolean), "strike": maybe(boolean), "code": maybe(boolean),
		"underline": maybe(boolean), "highlight": maybe(boolean), "client_highlight": maybe(boolean),
		"unlink": maybe(boolean),
	}))
	word := need(str(1, MaxID))
	typed(func() map[string]shape {
		return map[string]shape{
			"text": {"text": need(str(1, MaxPostText)), "style": style},
			"link": {"url": need(str(1, maxURL)), "text": maybe(str(0, MaxPostText)), "unsafe": maybe(boolean),
				"style": style},
			"user":      {"user_id": word, "style": style},
			"usergroup": {"usergroup_id": word, "style": style},
			"channel":   {"channel_id": word, "style": style},
			"emoji":     {"name": word, "unicode": maybe(str(1, MaxID)), "url": maybe(str(1, maxURL)), "style": style},
			"broadcast": {"range": need(oneOf("here", "channel", "everyone")), "style": style},
			"date": {"timestamp": need(anything), "format": word, "url": maybe(str(1, maxURL)),
				"fallback": maybe(str(1, MaxPostText)), "style": style},
		}
	}, "text", "link", "user", "usergroup", "channel", "emoji", "broadcast", "date")(c, at, value)
}

func (c *Checker) Blocks(at string, value any, where surface) {
	most, allowed := maxMessageBlockCount, []string{"section", "header", "divider", "context", "actions", "image", "input",
		"rich_text", "markdown"}
	if where != InMessage {
		most, allowed = maxViewBlockCount, slices.DeleteFunc(allowed, func(s string) bool { return s == "markdown" })
	}
	items(0, most, typed(shapes, allowed...))(c, at, value)
	blocks, _ := value.([]any)
	blockIDs, loaded := map[string]bool{}, 0
	for i, b := range blocks {
		here := at + "/" + strconv.Itoa(i)
		if id := Text(b, "block_id"); id != "" {
			if blockIDs[id] {
				c.fault(here+"/block_id", "block_id must be unique: %s", id)
			}
			blockIDs[id] = true
		}
		c.pairs(here, b)
		loaded += c.actionIDs(here, b)
	}
	if loaded > 1 {
		c.fault(at, "only one element may have focus_on_load")
	}
	if c.markdown > maxMarkdown {
		c.fault(at, "markdown blocks must be less than %d characters together", maxMarkdown+1)
	}
}

// pairs checks the rules that bind two keys of a block together.
func (c *Checker) pairs(at string, block any) {
	o, _ := block.(Object)
	switch Text(o, "type") {
	case "section":
		if o["text"] == nil && o["fields"] == nil {
			c.fault(at, "missing required field: text or fields")
		}
	case "image":
		if (o["image_url"] == nil) == (o["slack_file"] == nil) {
			c.fault(at, "provide one of image_url and slack_file")
		}
	case "markdown":
		c.markdown += utf8.RuneCountInString(Text(o, "text"))
	}
	for _, e := range ElementsOf(o) {
		element, _ := e.(Object)
		switch Text(element, "type") {
		case "static_select", "multi_static_select":
			if (element["options"] == nil) == (element["option_groups"] == nil) {
				c.fault(at, "provide one of options and option_groups")
			}
		case "plain_text_input":
			least, hasLeast := element["min_length"].(float64)
			most, hasMost := element["max_length"].(float64)
			if hasLeast && hasMost && least > most {
				c.fault(at, "min_length must not be more than max_length")
			}
		}
	}
}

// actionIDs checks that the action_ids of a block differ, and returns the number of elements that want the focus.
func (c *Checker) actionIDs(at string, block any) int {
	o, _ := block.(Object)
	seen, focused := map[string]bool{}, 0
	for _, e := range ElementsOf(o) {
		element, _ := e.(Object)
		if id := Text(element, "action_id"); id != "" {
			if seen[id] {
				c.fault(at, "action_id must be unique: %s", id)
			}
			seen[id] = true
		}
		if element["focus_on_load"] == true {
			focused++
		}
	}
	return focused
}

// ElementsOf returns the elements of a block, under whichever key its type has them.
func ElementsOf(block Object) []any {
	var all []any
	for _, key := range []string{"element", "accessory"} {
		if e, there := block[key]; there {
			all = append(all, e)
		}
	}
	if Text(block, "type") == "actions" {
		all = append(all, List(block, "elements")...)
	}
	return all
}

// View checks a modal or a home tab.
func (c *Checker) View(at string, value any) {
	o, ok := value.(Object)
	if !ok {
		c.fault(at, "must be an object")
		return
	}
	where := inModal
	common := shape{
		"blocks": need(anything), "callback_id": maybe(str(0, MaxID)), "external_id": maybe(str(0, MaxID)),
		"private_metadata": maybe(str(0, maxPrivateMetadata)),
	}
	switch Text(o, "type") {
	case "modal":
		maps.Copy(common, shape{
			"title": need(plain(maxViewTitle)), "submit": maybe(plain(maxViewTitle)), "close": maybe(plain(maxViewTitle)),
			"clear_on_close": maybe(boolean), "notify_on_close": maybe(boolean), "submit_disabled": maybe(boolean),
		})
	case "home":
		where = inHome
	default:
		c.fault(at+"/type", "unsupported type: %s", Text(o, "type"))
		return
	}
	common.look(c, at, o)
	c.Blocks(at+"/blocks", o["blocks"], where)
	inputs := slices.ContainsFunc(List(o, "blocks"), func(b any) bool { return Text(b, "type") == "input" })
	if where == inModal && inputs && o["submit"] == nil {
		c.fault(at, "submit is required when a modal has input blocks")
	}
}
