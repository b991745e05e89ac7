package page

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
)

// Sizes of the picture, in units of its own.
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

// Lanes that are nobody's.
const (
	conclaveLane = "Conclave"
	vaultLane    = "Vault"
)

// picture is the ceremony over time: a lane for everybody who did something, one for
// Conclave, one for Vault.
type picture struct {
	Width, Height int
	Lanes         []lane
	Marks         []mark
	Strokes       []stroke // of shares on their way to Vault
	Bars          []bar    // while it was frozen
	Ticks         []tick
	End           int // where the ceremony ended, 0 when it has not
	Top, Bottom   int
	Left, Right   int
	Summary       string
}

type lane struct {
	Name string
	Y    int
}

// shape tells marks apart where there is no colour.
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

// moment is what of an event is drawn.
type moment struct {
	lane   string
	shape  shape
	words  string
	toward string // the lane that it reaches
}

// draw makes the picture. Its steps are not to scale: an hour in which nothing
// happens is wider than a minute, but not sixty times.
func draw(c rules.State) picture {
	type drawn struct {
		e event.Entry
		m moment
	}
	var all []drawn
	for _, e := range c.History {
		if m, ok := momentOf(c, e.Event); ok {
			all = append(all, drawn{e, m})
		}
	}
	used := map[string]bool{}
	for _, d := range all {
		used[d.m.lane], used[d.m.toward] = true, true
	}
	p := picture{Top: topMargin, Left: leftMargin}
	y := map[string]int{} // lane → its height
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
		p.Marks = append(p.Marks, mark{X: x, Y: y[d.m.lane], Shape: d.m.shape, Seq: d.e.Seq, Words: d.e.At.UTC().Format("15:04:05") + "  " + d.m.words})
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

// places are where moments stand.
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

// ticks say when, where there is room for it.
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

// laneNames are everybody who could do something, then Conclave, then Vault.
func laneNames(p ceremony.Plan) []string {
	var names []string
	for _, who := range participants(p) {
		if !slices.Contains(names, who.Name) {
			names = append(names, who.Name)
		}
	}
	return append(names, conclaveLane, vaultLane)
}

// momentOf is what of an event is drawn, and by whose lane.
func momentOf(c rules.State, e event.Event) (moment, bool) {
	of := func(p ceremony.Person, s shape, words string) (moment, bool) {
		name := clean(p.Name)
		return moment{lane: name, shape: s, words: name + " " + words}, true
	}
	shares := func(p ceremony.Person, words string) (moment, bool) {
		m, ok := of(p, said, words)
		m.toward = vaultLane
		return m, ok
	}
	at := func(lane string, s shape, words string) (moment, bool) {
		return moment{lane: lane, shape: s, words: words}, true
	}
	switch ev := e.(type) {
	case event.Proposed:
		return of(ev.Plan.Initiator, said, "proposed the plan")
	case event.Approved:
		return of(ev.By, good, "approved the plan")
	case event.Rejected:
		return of(ev.By, bad, "rejected the plan")
	case event.RollCalled:
		return at(conclaveLane, asked, "people were called to show that they can decrypt")
	case event.Present:
		return of(ev.By, good, "answered the roll call")
	case event.WitnessAsked:
		return at(conclaveLane, asked, "the witnesses were asked")
	case event.Proceeded:
		return of(ev.By, good, "let the step happen")
	case event.ExceptionNoted:
		return of(ev.By, bad, "noted an exception")
	case event.FreezeAsked:
		return of(ev.By, bad, "wanted the ceremony to stand still")
	case event.WitnessStated:
		if ev.Agrees {
			return of(ev.By, good, "agreed, as a witness")
		}
		return of(ev.By, bad, "did not agree, as a witness")
	case event.Noticed:
		return at(conclaveLane, bad, "something was noticed")
	case event.Acknowledged:
		return of(ev.By, good, "acknowledged it")
	case event.Started:
		return at(vaultLane, done, "an attempt began")
	case event.KeyAnnounced:
		return at(conclaveLane, asked, "people were asked for shares")
	case event.Declined:
		return of(ev.By, bad, "sent a message that was not used")
	case event.AnswerLost:
		return at(vaultLane, bad, "Vault's answer was lost")
	case event.Counted:
		return shares(ev.By, fmt.Sprintf("brought share %d of %d", ev.Progress, c.Plan.Needed(ev.Step)))
	case event.Entered:
		return shares(ev.By, "brought a share to the sealed nodes")
	case event.Proven:
		return of(ev.By, good, "proved that they can use their share")
	case event.RoundRefused:
		return at(vaultLane, bad, "Vault refused the shares of a round")
	case event.Rekeyed:
		if rules.Elsewhere(ev) {
			return at(vaultLane, bad, "others had carried the rekey through: the backup had the new shares")
		}
		return shares(ev.By, "brought the last share: Vault made the new ones")
	case event.TokenIssued:
		return shares(ev.By, "brought the last share: Vault made the token")
	case event.Verified:
		if ev.By != nil {
			return shares(*ev.By, "brought the last proof: the new key is in force")
		}
		return at(vaultLane, good, "the new key is in force")
	case event.Initialized:
		return at(vaultLane, good, "the cluster has its key")
	case event.Rotated:
		return at(vaultLane, good, "the encryption key was rotated")
	case event.RotationSet:
		return at(vaultLane, good, "the rotation policy was set")
	case event.BackupRead:
		return at(vaultLane, done, "the backup was read")
	case event.DeletionAsked:
		return of(ev.By, good, "agreed that the backup is deleted")
	case event.BackupDeleted:
		return at(vaultLane, good, "the backup is gone")
	case event.AccessorGiven:
		return of(ev.By, said, "named the token")
	case event.TokenRevoked:
		if ev.By != nil {
			return of(*ev.By, said, "said that the token is revoked")
		}
		return at(vaultLane, good, "the token is revoked")
	case event.TokenLeft:
		return at(conclaveLane, bad, "nobody is known to have revoked the token")
	case event.BackupLeft:
		return at(conclaveLane, bad, "nobody has had the backup deleted")
	case event.VerificationDropped:
		return of(ev.By, bad, "wanted the new shares to be proven anew")
	case event.ResetAsked:
		return of(ev.By, bad, "wanted the shares to be forgotten")
	case event.Frozen:
		return at(conclaveLane, bad, "the ceremony froze")
	case event.ResumeAsked:
		return of(ev.By, said, "wanted to go on")
	case event.Resumed:
		return at(conclaveLane, good, "the ceremony went on")
	case event.AttemptLost:
		return at(vaultLane, bad, "the attempt was lost")
	case event.RoundReset:
		return at(vaultLane, bad, "the round began anew")
	case event.Closing:
		if ev.By != nil {
			return of(*ev.By, bad, "ended the ceremony")
		}
		return at(conclaveLane, bad, "the ceremony was brought to its end")
	case event.Ended:
		s := bad
		if ev.Outcome == event.Completed {
			s = good
		}
		return at(conclaveLane, s, "ended: "+clean(string(ev.Outcome)))
	}
	return moment{}, false
}

// Reach is the height of all lanes together.
func (p picture) Reach() int { return p.Bottom - p.Top }

// TickY is where the times stand.
func (p picture) TickY() int { return p.Bottom + 14 }

// DayY is where the days stand.
func (p picture) DayY() int { return p.Bottom + 28 }

// NameX is where the names of the lanes end.
func (p picture) NameX() int { return p.Left - 12 }
