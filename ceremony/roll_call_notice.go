package ceremony

import "time"

// RollCallNotice is what a roll call says to one person.
type RollCallNotice struct {
	Plan   Plan
	Digest string // of this person's challenge, by [RollCallDigest]
	At     time.Time
}
