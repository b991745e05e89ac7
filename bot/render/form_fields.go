package render

import (
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

const (
	FormCallback = "envelope" // the form's name, and that of its only input
	FormInput    = "armor"
	// MaxTyped is the most that an input takes; the longest envelope has less.
	// Source: docs.slack.dev "Plain-text input".
	MaxTyped = 3000
)

// formValue names the key that the form encrypts to, too: another one is announced
// when a round begins again.
func formValue(c rules.State) string { return wording.ButtonValue(c) + " " + c.Key.Subkey }
