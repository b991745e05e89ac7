package ceremony

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata"
)

// Quiet are hours of each day in which nothing begins. The zero value is none.
type Quiet struct {
	From, To Clock
	Zone     string // an IANA name such as Europe/Berlin
}

// Clock is a time of day in minutes since midnight.
type Clock int

// day is how many minutes the clocks show before they begin anew.
const day Clock = 24 * 60

func clockOf(t time.Time) Clock { return Clock(t.Hour()*60 + t.Minute()) }

// String returns HH:MM.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }

// ParseQuiet reads "22:00-06:00 Europe/Berlin". From and to may not be the same.
func ParseQuiet(s string) (Quiet, error) {
	hours, zone, ok := strings.Cut(s, " ")
	from, to, dash := strings.Cut(hours, "-")
	if !ok || !dash {
		return Quiet{}, fmt.Errorf("%q is not like 22:00-06:00 Europe/Berlin", s)
	}
	q := Quiet{Zone: strings.TrimSpace(zone)}
	begins, err := time.Parse("15:04", from)
	if err != nil {
		return Quiet{}, fmt.Errorf("%q is not a time of day like 22:00", from)
	}
	ends, err := time.Parse("15:04", to)
	if err != nil {
		return Quiet{}, fmt.Errorf("%q is not a time of day like 06:00", to)
	}
	q.From, q.To = clockOf(begins), clockOf(ends)
	if q.From == q.To {
		return Quiet{}, fmt.Errorf("%q begins when it ends", s)
	}
	if _, err := time.LoadLocation(q.Zone); err != nil || q.Zone == "" || q.Zone == "Local" {
		return Quiet{}, fmt.Errorf("%q is not a time zone like Europe/Berlin", q.Zone)
	}
	return q, nil
}

// String returns what [ParseQuiet] reads.
func (q Quiet) String() string { return fmt.Sprintf("%s-%s %s", q.From, q.To, q.Zone) }

// MarshalText returns what [ParseQuiet] reads.
func (q Quiet) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText reads what [Quiet.MarshalText] writes.
func (q *Quiet) UnmarshalText(text []byte) (err error) {
	*q, err = ParseQuiet(string(text))
	return err
}

// nextAllowed returns t, or the moment the quiet hours that contain t end: the first after
// t at which the clocks of q.Zone show no quiet hour. An hour that the clocks pass twice is
// quiet both times. One that they leave out never is.
func (q Quiet) nextAllowed(t time.Time) time.Time {
	zone, err := time.LoadLocation(q.Zone)
	if err != nil {
		return t // ParseQuiet has made sure of it
	}
	local := t.In(zone)
	if !q.covers(clockOf(local)) {
		return t
	}
	for q.covers(clockOf(local)) {
		left := time.Duration((q.To-clockOf(local)+day)%day) * time.Minute
		end := local.Add(left - time.Duration(local.Second())*time.Second - time.Duration(local.Nanosecond()))
		if _, change := local.ZoneBounds(); !change.IsZero() && change.Before(end) {
			end = change // the clocks are changed before, and show another time then
		}
		local = end
	}
	return local.UTC()
}

// covers reports whether the hours are quiet when the clocks show now.
func (q Quiet) covers(now Clock) bool {
	if q.From < q.To {
		return q.From <= now && now < q.To
	}
	return q.From <= now || now < q.To
}

// Changing reports whether the clocks of the zone are changed within an hour of t.
func (q Quiet) Changing(t time.Time) bool {
	zone, err := time.LoadLocation(q.Zone)
	if err != nil {
		return false // ParseQuiet has made sure of it
	}
	_, before := t.In(zone).Add(-time.Hour).ZoneBounds()
	return !before.IsZero() && !before.After(t.Add(time.Hour))
}

// Span is a duration that a journal shows as people write it: 30m0s.
type Span time.Duration

// String returns what time.Duration's does.
func (s Span) String() string { return time.Duration(s).String() }

// MarshalText returns 30m0s.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads 30m0s.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = Span(d)
	return err
}
