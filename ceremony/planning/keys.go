package planning

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
)

// CheckKeys returns an error unless, until the window closes, Vault can encrypt to every key
// that it is given, and every holder's signature is accepted. check reports whether a key can
// be used from one time to another.
func CheckKeys(plan ceremony.Plan, check func(f ceremony.Fingerprint, from, to time.Time) error) error {
	var faults []error
	checked := map[ceremony.Fingerprint]bool{}
	good := 0
	people := slices.Concat(plan.Holders, plan.Receivers)
	if plan.Operation == ceremony.ReadBackup {
		people = nil // the backup is encrypted already
	}
	if plan.Requester != nil && plan.OTP == "" {
		people = append(people, *plan.Requester)
	}
	for _, p := range people {
		if checked[p.Key] {
			continue
		}
		checked[p.Key] = true
		if err := check(p.Key, plan.Proposed, plan.Closes); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", p.Name, err))
			continue
		}
		good++
	}
	if plan.Operation == ceremony.Unseal && good >= plan.Threshold {
		return nil // an expired key must not keep a cluster sealed while enough others are good
	}
	return errors.Join(faults...)
}
