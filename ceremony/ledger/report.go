package ledger

import (
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// KeyReport is what people are told of a cluster's keys.
type KeyReport struct {
	Key     ceremony.KeyStatus
	Policy  *ceremony.RotationPolicy // nil when the bot's token may not read it
	Backup  bool                     // Vault keeps a backup of new shares
	Unread  bool                     // whether it does is not known: the bot may not ask
	Rekeyed time.Time                // when a ceremony last replaced the shares; zero if none did
	Others  time.Time                // when a rekey ended that others have done, or may have; zero if before Rekeyed
	Rotated time.Time                // when a ceremony last rotated; zero if none did
}

// Exposure is a share that counts as known to others.
type Exposure struct {
	Person ceremony.Person // who has shown it, or their own private key
	Kind   ceremony.Finding
	At     time.Time
	Of     ceremony.ID // the alarm
}

// Exposures returns the shares of a cluster that count as exposed, the newest first, and
// one of each person and kind. A share counts from when it was seen in the open until a
// ceremony has replaced the shares. Where a private key was seen, the new shares have to
// be for another key.
func Exposures(ceremonies []rules.State, cluster string) []Exposure {
	var exposed []Exposure
	for _, c := range ceremonies {
		if c.Plan.Cluster != cluster {
			continue
		}
		for _, entry := range c.Findings() {
			n := entry.Event.(event.Noticed)
			if !n.Kind.Exposure() || n.By == nil || n.Operation == "" {
				continue
			}
			x := Exposure{Person: *n.By, Kind: n.Kind, At: entry.At, Of: c.ID()}
			if !slices.ContainsFunc(ceremonies, func(s rules.State) bool {
				return s.Plan.Cluster == cluster && x.endedBy(s)
			}) {
				exposed = append(exposed, x)
			}
		}
	}
	slices.SortStableFunc(exposed, func(a, b Exposure) int { return b.At.Compare(a.At) })
	var newest []Exposure
	for _, x := range exposed {
		if !slices.ContainsFunc(newest, func(y Exposure) bool {
			return x.Person.Account == y.Person.Account && x.Kind == y.Kind
		}) {
			newest = append(newest, x)
		}
	}
	return newest
}

// endedBy reports whether a ceremony has replaced the share that was exposed. New shares
// that were made earlier may be the exposed ones. When shares were made past Conclave,
// nobody knows.
func (x Exposure) endedBy(c rules.State) bool {
	made := c.Last(func(e event.Event) bool { return rules.Is[event.Rekeyed](e) || rules.Is[event.Initialized](e) })
	switch {
	case c.Outcome != event.Completed, made == 0, c.Verified != nil && c.Verified.Unconfirmed,
		c.MadeElsewhere(), !c.History[made-1].At.After(x.At):
		return false
	case x.Kind == ceremony.ExposedKey:
		return !slices.ContainsFunc(c.Plan.Receivers, func(p ceremony.Person) bool {
			return p.Account == x.Person.Account && p.Key == x.Person.Key
		})
	}
	return true
}
