package render

import (
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

const (
	FormCallback = "envelope" // the form's name, and the name of its only input's block
	FormInput    = "armor"
	// MaxTyped is the number of characters that an input takes. The longest envelope has
	// fewer.
	// Source: docs.slack.dev "Plain-text input".
	MaxTyped = 3000
)

// formValue is the value of a button that opens the form. It names the key that the form
// encrypts to: another one is announced when a round begins again.
func formValue(c rules.State) string { return wording.ButtonValue(c) + " " + c.Key.Subkey }
