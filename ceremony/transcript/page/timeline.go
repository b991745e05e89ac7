package page

import (
	"math"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Sizes of the picture, in its own units.
const (
	pictureWidth = 1000
	laneHeight   = 30
	leftMargin   = 150
	rightMargin  = 26
	topMargin    = 18
	tickHeight   = 40
	leastStep    = 13
	tickRoom     = 52
)

// The lanes that belong to no person.
const (
	conclaveLane = "Conclave"
	vaultLane    = "Vault"
)

// picture is the ceremony over time, with a lane for each person who did something, one for
// Conclave and one for Vault.
type picture struct {
	Width, Height int
	Lanes         []lane
	Marks         []mark
	Strokes       []stroke // shares on their way to Vault
	Bars          []bar    // the times when the ceremony was frozen
	Ticks         []tick
	End           int // where the ceremony ended; 0 when it has not
	Top, Bottom   int
	Left, Right   int
	Summary       string
}

type lane struct {
	Name string
	Y    int
}

// shape tells marks apart without colour.
type shape string

const (
	said  shape = "said"  // a person has said something
	good  shape = "good"  // somebody agreed, or something came about
	bad   shape = "bad"   // something was refused, lost, or stopped
	asked shape = "asked" // people are asked for shares
	done  shape = "done"  // Vault has done something
)

type mark struct {
	X, Y  int
	Shape shape
	Seq   int
	Words string
}

type stroke struct{ X, From, To int }

type bar struct{ X, Width int }

type tick struct {
	X     int
	Label string
	Day   string
}

// draw makes the picture. Time is not to scale: an hour in which nothing happens is wider
// than a minute, but not sixty times.
func draw(c rules.State) picture {
	type drawn struct {
		e event.Entry
		m moment
	}
	var all []drawn
	for _, e := range c.History {
		if m, ok := momentOf(c, e); ok {
			all = append(all, drawn{e, m})
		}
	}
	used := map[string]bool{}
	for _, d := range all {
		used[d.m.lane], used[d.m.toward] = true, true
	}
	p := picture{Top: topMargin, Left: leftMargin}
	y := map[string]int{} // lane → its y
	for _, name := range laneNames(c.Plan) {
		if used[name] {
			y[name] = topMargin + laneHeight/2 + len(p.Lanes)*laneHeight
			p.Lanes = append(p.Lanes, lane{name, y[name]})
		}
	}
	p.Bottom = topMargin + len(p.Lanes)*laneHeight
	p.Height = p.Bottom + tickHeight

	times := make([]time.Time, len(all))
	for i, d := range all {
		times[i] = d.e.At
	}
	xs := places(times)
	p.Right = pictureWidth - rightMargin
	if n := len(xs); n > 0 {
		p.Right = max(p.Right, xs[n-1]+leastStep)
	}
	p.Width = p.Right + rightMargin

	var words []string
	frozen := -1
	thaw := func(x int) {
		if frozen >= 0 {
			p.Bars = append(p.Bars, bar{frozen, x - frozen})
			frozen = -1
		}
	}
	for i, d := range all {
		x := xs[i]
		p.Marks = append(p.Marks, mark{
			X: x, Y: y[d.m.lane], Shape: d.m.shape, Seq: d.e.Seq,
			Words: d.e.At.UTC().Format("15:04:05") + "  " + d.m.words,
		})
		words = append(words, d.e.At.UTC().Format("15:04 ")+d.m.words)
		if d.m.toward != "" {
			p.Strokes = append(p.Strokes, stroke{x, y[d.m.lane], y[d.m.toward]})
			p.Marks = append(p.Marks, mark{X: x, Y: y[d.m.toward], Shape: done, Seq: d.e.Seq, Words: d.m.words})
		}
		switch d.e.Event.(type) {
		case event.Frozen:
			if frozen < 0 {
				frozen = x
			}
		case event.Resumed, event.Closing:
			thaw(x)
		case event.Ended:
			thaw(x)
			p.End = x
		}
	}
	p.Ticks = ticks(times, xs)
	p.Summary = strings.Join(words, "; ")
	return p
}

// places returns the x of each moment. The distances grow with the logarithm of time.
func places(times []time.Time) []int {
	if len(times) == 0 {
		return nil
	}
	weights := make([]float64, len(times))
	total := 0.0
	for i := 1; i < len(times); i++ {
		gap := max(0, times[i].Sub(times[i-1]).Seconds())
		weights[i] = 1 + math.Log10(1+gap/10)
		total += weights[i]
	}
	room := float64(pictureWidth - leftMargin - rightMargin - 2*leastStep)
	unit := max(leastStep, room/max(total, 1))
	unit = min(unit, 60)
	xs := make([]int, len(times))
	at := float64(leftMargin + leastStep)
	for i, w := range weights {
		at += w * unit
		xs[i] = int(at)
	}
	return xs
}

// ticks returns the labels of the time axis, where there is room for them.
func ticks(times []time.Time, xs []int) []tick {
	var all []tick
	last, day := -tickRoom, ""
	for i, at := range times {
		label := at.UTC().Format("15:04")
		if xs[i]-last < tickRoom || len(all) > 0 && all[len(all)-1].Label == label && day == at.UTC().Format("2 Jan") {
			continue
		}
		t := tick{X: xs[i], Label: label}
		if d := at.UTC().Format("2 Jan"); d != day {
			t.Day, day = d, d
		}
		all = append(all, t)
		last = xs[i]
	}
	return all
}

// laneNames returns the names of everybody in the plan, then Conclave and Vault.
func laneNames(p ceremony.Plan) []string {
	var names []string
	for _, who := range participants(p) {
		if !slices.Contains(names, who.Name) {
			names = append(names, who.Name)
		}
	}
	return append(names, conclaveLane, vaultLane)
}

// Reach returns the height of all lanes together.
func (p picture) Reach() int { return p.Bottom - p.Top }

// TickY returns the y of the times.
func (p picture) TickY() int { return p.Bottom + 14 }

// DayY returns the y of the days.
func (p picture) DayY() int { return p.Bottom + 28 }

// NameX returns the x at which the names of the lanes end.
func (p picture) NameX() int { return p.Left - 12 }
