package wording

import "time"

// Whenever is a moment that may never have been.
func Whenever(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return When(t)
}
