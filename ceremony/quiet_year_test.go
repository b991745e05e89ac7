package ceremony_test

import (
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/needs"
)

// years are the zones in which quiet hours are tried, each for a whole year, and how often the zone's clocks are
// changed in it.
var years = []struct {
	zone    string
	year    int
	changes int
}{
	{"Pacific/Pago_Pago", 2026, 0},
	{"America/New_York", 2026, 2},
	{"America/St_Johns", 2026, 2}, // half an hour beside its neighbours
	{"America/Havana", 2026, 2},   // at midnight
	{"America/Santiago", 2026, 2}, // at midnight, and in the south
	{"UTC", 2026, 0},
	{"Antarctica/Troll", 2026, 2}, // by two hours
	{"Europe/Berlin", 2026, 2},
	{"Africa/Cairo", 2026, 2},   // at midnight
	{"Asia/Tehran", 2022, 2},    // at midnight, half an hour beside its neighbours
	{"Asia/Kathmandu", 2026, 0}, // three quarters of an hour
	{"Australia/Adelaide", 2026, 2},
	{"Australia/Lord_Howe", 2026, 2}, // by half an hour
	{"Pacific/Chatham", 2026, 2},     // three quarters of an hour, at a quarter to three
	{"Pacific/Apia", 2011, 3},        // the last one by a whole day
	{"Pacific/Kiritimati", 2026, 0},
}

// yearOf are the minutes of a year and of two days behind it.
type yearOf struct {
	zone    *time.Location
	first   time.Time
	shown   []int // minute → minutes since midnight on a clock on the wall
	changes []int // the minutes at which the clocks are changed
}

const year = 365 * 24 * 60

func newYear(t *testing.T, name string, in int) yearOf {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	y := yearOf{zone: zone, first: time.Date(in, 1, 1, 0, 0, 0, 0, time.UTC), shown: make([]int, year+2*24*60)}
	last := 0
	for m := range y.shown {
		wall := y.first.Add(time.Duration(m) * time.Minute).In(zone)
		_, offset := wall.Zone()
		if m > 0 && m < year && offset != last {
			y.changes = append(y.changes, m)
		}
		y.shown[m], last = wall.Hour()*60+wall.Minute(), offset
	}
	return y
}

// near reports whether m is within so many minutes of a change, the last one excepted.
func (y yearOf) near(m, minutes int) bool {
	for _, c := range y.changes {
		if c-minutes <= m && m < c+minutes {
			return true
		}
	}
	return false
}

// Quiet hours are held to clocks on the wall: each minute of six hours around each change, and every five hours
// otherwise.
func TestQuietHoursOfAWholeYear(t *testing.T) {
	tried := 0
	for _, row := range years {
		y := newYear(t, row.zone, row.year)
		if len(y.changes) != row.changes {
			t.Errorf("the clocks of %s are changed %d times in %d, and not %d times", row.zone, len(y.changes), row.year,
				row.changes)
		}
		for i, hours := range []string{
			"22:00-06:00", "23:30-00:30", "00:00-00:01", "23:59-00:00", "01:30-02:30", "02:10-02:50", "00:30-23:30",
		} {
			if i%needs.Step(3) == 0 {
				tried += y.try(t, hours)
			}
		}
	}
	t.Logf("%d moments in %d zones", tried, len(years))
	if tried < 200_000/needs.Step(3) {
		t.Errorf("only %d moments", tried)
	}
}

func (y yearOf) try(t *testing.T, hours string) (tried int) {
	q, err := ceremony.ParseQuiet(hours + " " + y.zone.String())
	if err != nil {
		t.Fatal(err)
	}
	plan, from, to := ceremony.Plan{Quiet: &q}, int(q.From), int(q.To)
	begins := len(y.shown) // the first minute from m on that is not quiet
	for m := len(y.shown) - 1; m >= 0; m-- {
		now := y.shown[m]
		if quiet := from <= now && now < to || from > to && (from <= now || now < to); !quiet {
			begins = m
		}
		if m >= year || m%307 != 0 && !y.near(m, 3*60) {
			continue
		}
		tried++
		at := y.first.Add(time.Duration(m) * time.Minute)
		want := y.first.Add(time.Duration(begins) * time.Minute)
		if m%2 == 1 { // within a minute
			if at = at.Add(59*time.Second + time.Millisecond); begins == m {
				want = at
			}
		}
		if got := plan.Begins(at); !got.Equal(want) {
			t.Errorf("%s at %s: begins %s, want %s", q, at.In(y.zone), got.In(y.zone), want.In(y.zone))
			return tried
		}
	}
	return tried
}

func TestChangeOfClocksIsSeenFromAnHourAway(t *testing.T) {
	for _, row := range years {
		y := newYear(t, row.zone, row.year)
		q := ceremony.Quiet{From: 60, To: 120, Zone: row.zone}
		for m := 0; m < year; m++ {
			if !y.near(m, 3*60) && m%997 != 0 {
				continue
			}
			at := y.first.Add(time.Duration(m) * time.Minute)
			if got, want := q.Changing(at), y.near(m, 60); got != want && !(m < 60 || m > year-60) {
				t.Fatalf("%s at %s: %v, want %v", row.zone, at.In(y.zone), got, want)
			}
		}
	}
}
