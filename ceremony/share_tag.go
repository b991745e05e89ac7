package ceremony

import "conclave/ceremony/secret"

// TagMatch is what was known of an opened share when it was used.
type TagMatch struct {
	secret.ShareTag
	// Known means that it was proven to be a share of the key in force.
	Known bool `json:"known,omitempty"`
	// Whose is who had brought it before, when that was another person than now. It counts
	// as what it is: a right share.
	Whose *Person `json:"whose,omitempty"`
	// Insisted is why it was refused before its holder signed it again.
	Insisted Refusal `json:"insisted,omitempty"`
}

// Verdict is what a ledger says of a share.
type Verdict struct {
	Known  bool    // it is a share of the key in force
	Whose  *Person // who brought it before, when that was another person than now
	Reason Refusal // why it is most likely the wrong one; empty when nothing says so
	See    ID      // the ceremony that shows the reason
}
