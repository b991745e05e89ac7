package socketmode

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/record"
)

// Delivery is an envelope on its way to the app, until it is acknowledged or given up.
type Delivery struct {
	h       *Hub
	id      string
	kind    string // events_api, slash_commands, interactive
	payload blockkit.Object
	accepts bool // the acknowledgement may carry a payload

	attempt    int
	deliveries int
	acks       int
	over       *socket // the last delivery went
	lost       bool    // by a fault, so that no acknowledgement will come
	sentAt     time.Time
	timer      *time.Timer
	settled    bool
	// answer shows the person what the acknowledgement carries. It is nil for events.
	answer func(payload json.RawMessage) string
	done   chan string
}

// Launch sends something that a person did. It is tried once: Slack repeats only events. If accepts is set, the
// acknowledgement may carry a payload. answer is called with that payload and the lock held. It shows the person what
// the app said, and returns Slack's error if it cannot be shown, or "". It may be nil.
func (h *Hub) Launch(kind string, payload blockkit.Object, accepts bool,
	answer func(json.RawMessage) string) *Delivery {
	d := &Delivery{
		h: h, id: h.host.NewID(), kind: kind, payload: payload, accepts: accepts, sentAt: h.host.Now(),
		answer: answer, done: make(chan string, 1),
	}
	h.deliveries[d.id] = d
	d.timer = h.host.After(h.host.Timing.Ack, func() { d.timeOutLocked(h.host.Timing.Grace) })
	if !d.deliverLocked() {
		d.timer.Stop()
		d.settleLocked("dispatch_failed")
	}
	return d
}

// Wait waits for the end of a launched delivery. It returns "" if the app has acknowledged it, and Slack's error
// otherwise. It is called without the lock, and once.
func (d *Delivery) Wait() string { return <-d.done }

// Raise sends an event, again and again until it is acknowledged or given up.
func (h *Hub) Raise(payload blockkit.Object) {
	d := &Delivery{h: h, id: h.host.NewID(), kind: "events_api", payload: payload}
	h.deliveries[d.id] = d
	d.deliverLocked()
	d.waitLocked()
}

// Unacknowledged returns the number of deliveries that are neither acknowledged nor given up.
func (h *Hub) Unacknowledged() int {
	n := 0
	seen := map[*Delivery]bool{}
	for _, d := range h.deliveries {
		if !d.settled && !seen[d] {
			n++
		}
		seen[d] = true
	}
	return n
}

// timeOutLocked ends the delivery without an acknowledgement. While one can still come, it waits for the grace at most.
func (d *Delivery) timeOutLocked(grace time.Duration) {
	if grace <= 0 || d.lost || !slices.Contains(d.h.liveLocked(), d.over) {
		d.settleLocked("operation_timeout")
		return
	}
	const step = 100 * time.Millisecond
	d.timer = d.h.host.After(min(grace, step), func() { d.timeOutLocked(grace - step) })
}

// deliverLocked sends the envelope to one of the live sockets, chosen at random, and reports whether there was one.
func (d *Delivery) deliverLocked() bool {
	live := d.h.liveLocked()
	if len(live) == 0 {
		return false
	}
	s := live[d.h.host.Pick(len(live))]
	d.over, d.sentAt = s, d.h.host.Now()
	effect := d.h.host.Strike("socket.send")
	if effect.Again && d.kind == "events_api" {
		payload := maps.Clone(d.payload)
		payload["event_id"] = d.h.host.EventID()
		twin := &Delivery{h: d.h, id: d.h.host.NewID(), kind: d.kind, payload: payload}
		d.h.deliveries[twin.id] = twin
		twin.waitLocked()
		defer twin.sendLocked(s)
	}
	switch {
	case effect.DropBefore, effect.Lose:
		d.lost = true
	case effect.Delay > 0:
		d.h.host.After(effect.Delay, func() { d.sendLocked(s) })
	case effect.Duplicate:
		d.sendLocked(s)
		d.sendLocked(s)
	default:
		d.sendLocked(s)
	}
	s.sufferLocked(effect)
	return true
}

// sendLocked writes the envelope to a socket.
func (d *Delivery) sendLocked(s *socket) {
	d.deliveries++
	d.sentAt = d.h.host.Now()
	frame := blockkit.Object{"envelope_id": d.id, "payload": d.payload, "type": d.kind,
		"accepts_response_payload": d.accepts}
	if d.kind == "events_api" {
		frame["retry_attempt"], frame["retry_reason"] = d.attempt, ""
		if d.attempt > 0 {
			frame["retry_reason"] = "timeout"
		}
	}
	s.sendLocked(frame)
}

// waitLocked sends the event again when no acknowledgement comes, as often as Slack does.
func (d *Delivery) waitLocked() {
	pauses := d.h.host.Timing.Redelivery
	if d.attempt >= len(pauses) {
		d.timer = d.h.host.After(d.h.host.Timing.Ack, func() {
			d.settled = true
			d.h.host.Record(record.ToClient, []byte("event given up: "+d.id))
			d.h.host.Changed()
		})
		return
	}
	d.timer = d.h.host.After(pauses[d.attempt], func() {
		d.attempt++
		if d.h.host.FreshEnvelopes {
			d.id = d.h.host.NewID()
			d.h.deliveries[d.id] = d
		}
		d.deliverLocked()
		d.waitLocked()
		d.h.host.Changed()
	})
}

// arriveLocked ends the delivery with an acknowledgement.
func (d *Delivery) arriveLocked(payload json.RawMessage) {
	d.timer.Stop()
	if d.settled {
		return
	}
	refused := ""
	if d.answer != nil {
		refused = d.answer(payload)
	}
	d.settleLocked(refused)
}

func (d *Delivery) settleLocked(refused string) {
	if d.settled {
		return
	}
	d.settled = true
	if d.done != nil {
		d.done <- refused
	}
	d.h.host.Changed()
}
