package rules

import (
	"time"

	"conclave/ceremony"
)

// KeyReport is what people are told of a cluster's keys.
type KeyReport struct {
	Key     ceremony.KeyStatus
	Policy  *ceremony.RotationPolicy // nil when the bot's token may not read it
	Backup  bool                     // Vault keeps a backup of new shares
	Unread  bool                     // whether it does is not known: the bot's token may not ask
	Rekeyed time.Time                // when a ceremony last replaced the shares; zero if none did
	Rotated time.Time                // when a ceremony last rotated; zero if none did
}
