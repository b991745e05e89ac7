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
// the app said, and returns Slack's word for why it cannot be shown, or "". It may be nil.
func (h *Hub) Launch(kind string, payload blockkit.Object, accepts bool,
	answer func(json.RawMessage) string) *Delivery {
	f := &Delivery{
		h: h, id: h.host.NewID(), kind: kind, payload: payload, accepts: accepts, sentAt: h.host.Now(),
		answer: answer, done: make(chan string, 1),
	}
	h.deliveries[f.id] = f
	f.timer = h.host.After(h.host.Timing.Ack, func() { f.timeOutLocked(h.host.Timing.Grace) })
	if !f.deliverLocked() {
		f.timer.Stop()
		f.settleLocked("dispatch_failed")
	}
	return f
}

// Wait returns when what was launched has ended: "" once it is acknowledged, or Slack's word for why it is not.
// It is called without the lock, and once.
func (f *Delivery) Wait() string { return <-f.done }

// Raise sends an event, again and again until it is acknowledged or given up.
func (h *Hub) Raise(payload blockkit.Object) {
	f := &Delivery{h: h, id: h.host.NewID(), kind: "events_api", payload: payload}
	h.deliveries[f.id] = f
	f.deliverLocked()
	f.waitLocked()
}

// Unacknowledged returns the number of deliveries that are neither acknowledged nor given up.
func (h *Hub) Unacknowledged() int {
	n := 0
	seen := map[*Delivery]bool{}
	for _, f := range h.deliveries {
		if !f.settled && !seen[f] {
			n++
		}
		seen[f] = true
	}
	return n
}

// timeOutLocked ends the delivery without an acknowledgement. While one can still come, it waits for the grace at most.
func (f *Delivery) timeOutLocked(grace time.Duration) {
	if grace <= 0 || f.lost || !slices.Contains(f.h.liveLocked(), f.over) {
		f.settleLocked("operation_timeout")
		return
	}
	const step = 100 * time.Millisecond
	f.timer = f.h.host.After(min(grace, step), func() { f.timeOutLocked(grace - step) })
}

// deliverLocked sends the envelope to one of the live sockets, chosen at random, and reports whether there was one.
func (f *Delivery) deliverLocked() bool {
	live := f.h.liveLocked()
	if len(live) == 0 {
		return false
	}
	s := live[f.h.host.Pick(len(live))]
	f.over, f.sentAt = s, f.h.host.Now()
	effect := f.h.host.Strike("socket.send")
	if effect.Again && f.kind == "events_api" {
		payload := maps.Clone(f.payload)
		payload["event_id"] = f.h.host.EventID()
		twin := &Delivery{h: f.h, id: f.h.host.NewID(), kind: f.kind, payload: payload}
		f.h.deliveries[twin.id] = twin
		twin.waitLocked()
		defer twin.sendLocked(s)
	}
	switch {
	case effect.DropBefore, effect.Lose:
		f.lost = true
	case effect.Delay > 0:
		f.h.host.After(effect.Delay, func() { f.sendLocked(s) })
	case effect.Duplicate:
		f.sendLocked(s)
		f.sendLocked(s)
	default:
		f.sendLocked(s)
	}
	s.sufferLocked(effect)
	return true
}

// sendLocked writes the envelope to a socket.
func (f *Delivery) sendLocked(s *socket) {
	f.deliveries++
	f.sentAt = f.h.host.Now()
	frame := blockkit.Object{"envelope_id": f.id, "payload": f.payload, "type": f.kind,
		"accepts_response_payload": f.accepts}
	if f.kind == "events_api" {
		frame["retry_attempt"], frame["retry_reason"] = f.attempt, ""
		if f.attempt > 0 {
			frame["retry_reason"] = "timeout"
		}
	}
	s.sendLocked(frame)
}

// waitLocked sends the event again when no acknowledgement comes, as often as Slack does.
func (f *Delivery) waitLocked() {
	pauses := f.h.host.Timing.Redelivery
	if f.attempt >= len(pauses) {
		f.timer = f.h.host.After(f.h.host.Timing.Ack, func() {
			f.settled = true
			f.h.host.Record(record.ToClient, []byte("event given up: "+f.id))
			f.h.host.Changed()
		})
		return
	}
	f.timer = f.h.host.After(pauses[f.attempt], func() {
		f.attempt++
		if f.h.host.FreshEnvelopes {
			f.id = f.h.host.NewID()
			f.h.deliveries[f.id] = f
		}
		f.deliverLocked()
		f.waitLocked()
		f.h.host.Changed()
	})
}

// arriveLocked ends the delivery with an acknowledgement.
func (f *Delivery) arriveLocked(payload json.RawMessage) {
	f.timer.Stop()
	if f.settled {
		return
	}
	refused := ""
	if f.answer != nil {
		refused = f.answer(payload)
	}
	f.settleLocked(refused)
}

func (f *Delivery) settleLocked(refused string) {
	if f.settled {
		return
	}
	f.settled = true
	if f.done != nil {
		f.done <- refused
	}
	f.h.host.Changed()
}
