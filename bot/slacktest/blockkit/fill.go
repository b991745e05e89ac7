package blockkit

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Accepts returns an error if Slack's client would not send a form with this value in an input block.
func Accepts(block Object, value string) error {
	element, _ := block["element"].(Object)
	id := Text(block, "block_id")
	n := utf8.RuneCountInString(value)
	if n == 0 {
		if block["optional"] != true {
			return fmt.Errorf("input %s is empty", id)
		}
		return nil
	}
	if least, ok := element["min_length"].(float64); ok && n < int(least) {
		return fmt.Errorf("input %s takes no fewer than %d characters", id, int(least))
	}
	most := float64(MaxTyping)
	if m, ok := element["max_length"].(float64); ok {
		most = m
	}
	if Text(element, "type") == "plain_text_input" && n > int(most) {
		return fmt.Errorf("input %s takes no more than %d characters", id, int(most))
	}
	return nil
}

// Fill returns what an element reports for a value, under the key of its type. It fails for an option that is not
// there.
func Fill(element Object, value string) (Object, error) {
	var none any
	given := func(v any) any {
		if value == "" {
			return none
		}
		return v
	}
	switch kind := Text(element, "type"); kind {
	case "static_select", "radio_buttons", "overflow":
		if value == "" {
			return Object{"selected_option": nil}, nil
		}
		chosen, err := choose(element, value)
		return Object{"selected_option": chosen}, err
	case "multi_static_select", "checkboxes":
		chosen := []Object{}
		for one := range strings.SplitSeq(value, ",") {
			if one == "" {
				continue
			}
			o, err := choose(element, one)
			if err != nil {
				return nil, err
			}
			chosen = append(chosen, o)
		}
		return Object{"selected_options": chosen}, nil
	case "users_select":
		return Object{"selected_user": given(value)}, nil
	case "multi_users_select":
		return Object{"selected_users": slices.DeleteFunc(strings.Split(value, ","), func(s string) bool { return s == "" })},
			nil
	case "conversations_select":
		return Object{"selected_conversation": given(value)}, nil
	case "channels_select":
		return Object{"selected_channel": given(value)}, nil
	case "datepicker":
		return Object{"selected_date": given(value)}, nil
	case "timepicker":
		return Object{"selected_time": given(value)}, nil
	default:
		return Object{"value": given(value)}, nil
	}
}

func choose(element Object, value string) (Object, error) {
	options := slices.Clone(List(element, "options"))
	for _, group := range List(element, "option_groups") {
		options = append(options, List(group, "options")...)
	}
	for _, o := range options {
		if Text(o, "value") == value {
			option, _ := o.(Object)
			return Object{"text": option["text"], "value": value}, nil
		}
	}
	return nil, fmt.Errorf("option %q", value)
}
