package ceremony

import "time"

// RollCallNotice is what a roll call says to one person.
type RollCallNotice struct {
	Plan   Plan
	Digest string // of the response to this person's challenge: its SHA-256 in lower-case hexadecimal digits
	At     time.Time
}
