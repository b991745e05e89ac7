package ledger

import (
	"cmp"
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
	Person ceremony.Person  `json:"person"` // who has shown it, or their own private key
	Kind   ceremony.Finding `json:"kind"`
	At     time.Time        `json:"at"`
	Of     ceremony.ID      `json:"of"` // the alarm
}

// Replacement is a set of new shares that is in force.
type Replacement struct {
	Made      time.Time         `json:"made"`
	Receivers []ceremony.Person `json:"receivers"`
}

// Shown is what ceremonies of one cluster show about exposed shares.
type Shown struct {
	Exposed  []Exposure    `json:"exposed,omitempty"`
	Replaced []Replacement `json:"replaced,omitempty"`
}

// ShownBy returns what one ceremony shows. New shares that were made past Conclave, or of
// which nobody could confirm that they are in force, replace nothing.
func ShownBy(c rules.State) Shown {
	var s Shown
	for _, entry := range c.Findings() {
		if n := entry.Event.(event.Noticed); n.Kind.Exposure() && n.By != nil && n.Operation != "" {
			s.Exposed = append(s.Exposed, Exposure{Person: *n.By, Kind: n.Kind, At: entry.At, Of: c.ID()})
		}
	}
	made := c.Last(func(e event.Event) bool { return rules.Is[event.Rekeyed](e) || rules.Is[event.Initialized](e) })
	if c.Outcome == event.Completed && made > 0 && (c.Verified == nil || !c.Verified.Unconfirmed) &&
		!c.MadeElsewhere() {
		s.Replaced = append(s.Replaced, Replacement{Made: c.History[made-1].At, Receivers: c.Plan.Receivers})
	}
	return s
}

// Add adds what another ceremony of the cluster shows. What changes no answer of
// [Shown.Open] any more is left out, so that s does not grow with the ceremonies.
func (s *Shown) Add(other Shown) {
	for _, x := range other.Exposed {
		s.Exposed = slices.DeleteFunc(s.Exposed, func(y Exposure) bool { return x.covers(y) })
		if !slices.ContainsFunc(s.Exposed, func(y Exposure) bool { return y.covers(x) }) {
			s.Exposed = append(s.Exposed, x)
		}
	}
	for _, r := range other.Replaced {
		s.Replaced = slices.DeleteFunc(s.Replaced, func(q Replacement) bool { return r.covers(q) })
		if !slices.ContainsFunc(s.Replaced, func(q Replacement) bool { return q.covers(r) }) {
			s.Replaced = append(s.Replaced, r)
		}
	}
}

// covers reports whether the other exposure ends whenever this one does, and is not newer.
func (x Exposure) covers(other Exposure) bool {
	return x.Kind == other.Kind && x.Person.Account == other.Person.Account && x.Person.Key == other.Person.Key &&
		!other.At.After(x.At)
}

// covers reports whether this replacement ends every exposure that the other one ends.
func (r Replacement) covers(other Replacement) bool {
	return !other.Made.After(r.Made) && !slices.ContainsFunc(r.Receivers, func(p ceremony.Person) bool {
		return !other.givesTo(p)
	})
}

// givesTo reports whether a person gets a new share, encrypted to the same key.
func (r Replacement) givesTo(p ceremony.Person) bool {
	return slices.ContainsFunc(r.Receivers, func(q ceremony.Person) bool {
		return q.Account == p.Account && q.Key == p.Key
	})
}

// Exposures returns the shares of a cluster that count as exposed, as [Shown.Open] does.
func Exposures(ceremonies []rules.State, cluster string) []Exposure {
	var all Shown
	for _, c := range ceremonies {
		if c.Plan.Cluster == cluster {
			all.Add(ShownBy(c))
		}
	}
	return all.Open()
}

// Open returns the shares that count as exposed, the newest first, and one of each person
// and kind. A share counts from when it was seen in the open until a ceremony has replaced
// the shares. Where a private key was seen, the new shares have to be for another key.
func (s Shown) Open() []Exposure {
	var exposed []Exposure
	for _, x := range s.Exposed {
		if !slices.ContainsFunc(s.Replaced, x.endedBy) {
			exposed = append(exposed, x)
		}
	}
	slices.SortStableFunc(exposed, func(a, b Exposure) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Of, b.Of))
	})
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

// endedBy reports whether new shares have replaced the one that was exposed. New shares that
// were made earlier may be the exposed ones.
func (x Exposure) endedBy(r Replacement) bool {
	return r.Made.After(x.At) && (x.Kind != ceremony.ExposedKey || !r.givesTo(x.Person))
}
