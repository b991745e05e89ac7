package ceremony

import (
	"encoding/hex"
	"fmt"
	"slices"
)

// Proposal is what a person wants to have done.
type Proposal struct {
	Operation Operation
	Cluster   string
	Reason    string // shown to everybody; one line of at most 300 characters
	By        Account
	Options   map[string]string // what the operation takes besides, by name
}

// CheckOptions returns an error that wraps WrongOption for an option that the operation does
// not take.
func (p Proposal) CheckOptions() error {
	for name := range p.Options {
		if !slices.Contains(p.Operation.Options(), name) {
			return fmt.Errorf("%s has no option %q: %w", p.Operation, name, WrongOption)
		}
	}
	if otp, given := p.Options["otp"]; given {
		if sum, err := hex.DecodeString(otp); err != nil || len(sum) != 32 {
			return fmt.Errorf("otp is not a commitment, 64 hexadecimal digits: %w", WrongOption)
		}
	}
	return nil
}
