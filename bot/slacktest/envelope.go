package slacktest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/manifest"
	"conclave/bot/slacktest/record"
)

// flight is an envelope on its way to the app, until it is acknowledged or given up.
type flight struct {
	w       *Workspace
	id      string
	kind    string // events_api, slash_commands, interactive
	payload object
	accepts bool // the acknowledgement may carry a payload

	attempt    int
	deliveries int
	acks       int
	over       *socket // the last delivery went
	lost       bool    // by a fault, so that no acknowledgement will come
	sentAt     time.Time
	timer      *time.Timer
	settled    bool
	// answer makes of the acknowledgement what the person sees. Nil for events.
	answer func(payload json.RawMessage) outcome
	done   chan outcome
}

// outcome is how a delivery that a person waits for ended: an answer, or Slack's word for why there is none.
type outcome struct {
	err        string
	submission Submission
}

// launchLocked sends something that a person did. It is tried once: Slack repeats only events.
func (w *Workspace) launchLocked(kind string, payload object, accepts bool, answer func(json.RawMessage) outcome) *flight {
	f := &flight{
		w: w, id: w.envelopeIDLocked(), kind: kind, payload: payload, accepts: accepts, sentAt: w.cfg.Now(),
		answer: answer, done: make(chan outcome, 1),
	}
	w.hub.flights[f.id] = f
	f.timer = w.after(w.cfg.Timing.Ack, func() { f.timeOutLocked(w.cfg.Timing.Grace) })
	if !f.deliverLocked() {
		f.timer.Stop()
		f.settleLocked(outcome{err: "dispatch_failed"})
	}
	return f
}

// timeOutLocked tells the person that the app has not acknowledged. While an acknowledgement can still come it waits, but not longer
// than the grace.
func (f *flight) timeOutLocked(grace time.Duration) {
	if grace <= 0 || f.lost || !slices.Contains(f.w.liveLocked(), f.over) {
		f.settleLocked(outcome{err: "operation_timeout"})
		return
	}
	const step = 100 * time.Millisecond
	f.timer = f.w.after(min(grace, step), func() { f.timeOutLocked(grace - step) })
}

func (w *Workspace) envelopeIDLocked() string {
	var id strings.Builder
	for i, group := range []int{8, 4, 4, 4, 12} {
		if i > 0 {
			id.WriteByte('-')
		}
		for range group {
			id.WriteByte("0123456789abcdef"[w.random.IntN(16)])
		}
	}
	return id.String()
}

// raiseLocked sends an event to the app, if the app subscribes to it, has the scope for it, and is in the channel.
func (w *Workspace) raiseLocked(name string, ch *Channel, event object) {
	if !slices.Contains(w.cfg.Events, name) || !w.mayHearLocked(name) {
		return
	}
	if left := strings.HasSuffix(name, "_left"); ch != nil && !left && !ch.hasLocked(w.bot) {
		return
	}
	if event["event_ts"] == nil {
		event["event_ts"] = w.tsLocked()
	}
	f := &flight{
		w: w, id: w.envelopeIDLocked(), kind: "events_api", payload: object{
			"token": "verification", "team_id": w.TeamID(), "api_app_id": w.AppID(), "event": event, "type": "event_callback",
			"event_id": w.idLocked("Ev"), "event_time": w.cfg.Now().Unix(), "is_ext_shared_channel": ch != nil && ch.extShared,
			"event_context": "4-" + w.idLocked("ctx"),
			"authorizations": []object{{
				"enterprise_id": nil, "team_id": w.TeamID(), "user_id": w.bot.id, "is_bot": true, "is_enterprise_install": false,
			}},
		},
	}
	w.hub.flights[f.id] = f
	f.deliverLocked()
	f.waitLocked()
}

// raiseMessageLocked sends a message event under the name that fits the channel, and app_mention when the app is mentioned.
func (w *Workspace) raiseMessageLocked(ch *Channel, event object) {
	w.raiseLocked("message."+string(ch.kind), ch, event)
	if ch.kind != directMessage && event["subtype"] == nil && strings.Contains(blockkit.Text(event, "text"), "<@"+w.bot.id+">") {
		mention := object{"type": "app_mention"}
		for _, key := range []string{"user", "text", "ts", "team", "blocks", "channel", "thread_ts", "event_ts"} {
			if v, there := event[key]; there {
				mention[key] = v
			}
		}
		w.raiseLocked("app_mention", ch, mention)
	}
}

func (w *Workspace) mayHearLocked(name string) bool {
	needed := manifest.ScopesOfEvent(name)
	return len(needed) == 0 || slices.ContainsFunc(needed, w.hasScopeLocked)
}

// deliverLocked puts the envelope on one of the sockets, any of them, and reports whether there was one.
func (f *flight) deliverLocked() bool {
	w := f.w
	live := w.liveLocked()
	if len(live) == 0 {
		return false
	}
	s := live[w.random.IntN(len(live))]
	f.over, f.sentAt = s, w.cfg.Now()
	effect := w.strikeLocked("socket.send")
	if effect.again && f.kind == "events_api" {
		payload := maps.Clone(f.payload)
		payload["event_id"] = w.idLocked("Ev")
		twin := &flight{w: w, id: w.envelopeIDLocked(), kind: f.kind, payload: payload}
		w.hub.flights[twin.id] = twin
		twin.waitLocked()
		defer twin.sendLocked(s)
	}
	switch {
	case effect.dropBefore, effect.lose:
		f.lost = true
	case effect.delay > 0:
		w.after(effect.delay, func() { f.sendLocked(s) })
	case effect.duplicate:
		f.sendLocked(s)
		f.sendLocked(s)
	default:
		f.sendLocked(s)
	}
	s.sufferLocked(effect)
	return true
}

// sendLocked writes the envelope to a socket.
func (f *flight) sendLocked(s *socket) {
	f.deliveries++
	f.sentAt = f.w.cfg.Now()
	frame := object{"envelope_id": f.id, "payload": f.payload, "type": f.kind, "accepts_response_payload": f.accepts}
	if f.kind == "events_api" {
		frame["retry_attempt"], frame["retry_reason"] = f.attempt, ""
		if f.attempt > 0 {
			frame["retry_reason"] = "timeout"
		}
	}
	s.sendLocked(frame)
}

// waitLocked sends the event again when no acknowledgement comes, as often as Slack does.
func (f *flight) waitLocked() {
	pauses := f.w.cfg.Timing.Redelivery
	if f.attempt >= len(pauses) {
		f.timer = f.w.after(f.w.cfg.Timing.Ack, func() {
			f.settled = true
			f.w.recordLocked(record.ToClient, "socket", []byte("event given up: "+f.id))
			f.w.changeLocked()
		})
		return
	}
	f.timer = f.w.after(pauses[f.attempt], func() {
		f.attempt++
		if f.w.cfg.FreshEnvelopes {
			f.id = f.w.envelopeIDLocked()
			f.w.hub.flights[f.id] = f
		}
		f.deliverLocked()
		f.waitLocked()
		f.w.changeLocked()
	})
}

// arriveLocked ends the flight with an acknowledgement.
func (f *flight) arriveLocked(payload json.RawMessage) {
	f.timer.Stop()
	if f.settled {
		return
	}
	var o outcome
	if f.answer != nil {
		o = f.answer(payload)
	}
	f.settleLocked(o)
}

func (f *flight) settleLocked(o outcome) {
	if f.settled {
		return
	}
	f.settled = true
	if f.done != nil {
		f.done <- o
	}
	f.w.changeLocked()
}

// Unacknowledged is the number of events that the app has neither acknowledged nor Slack given up.
func (w *Workspace) Unacknowledged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	seen := map[*flight]bool{}
	for _, f := range w.hub.flights {
		if !f.settled && !seen[f] {
			n++
		}
		seen[f] = true
	}
	return n
}
