package socketmode

import (
	"encoding/json"
	"slices"
	"time"

	"conclave/bot/slacktest/record"
)

// maxAck is the size in bytes from which Slack silently drops a frame that comes back through a socket.
const maxAck = 20480

// acknowledgeLocked reads a frame from the client as an acknowledgement. It counts from any socket of the app: whether
// Slack wants the same socket is not documented.
func (h *Hub) acknowledgeLocked(frame []byte) {
	if len(frame) >= maxAck {
		h.host.Violate(record.RuleAckSize, "%d bytes", len(frame))
		return
	}
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if json.Unmarshal(frame, &ack) != nil || ack.EnvelopeID == "" {
		h.host.Violate(record.RuleFrame, "not an acknowledgement: %d bytes", len(frame))
		return
	}
	d := h.deliveries[ack.EnvelopeID]
	if d == nil {
		h.host.Violate(record.RuleAckUnknown, "envelope %s", ack.EnvelopeID)
		return
	}
	d.acks++
	switch took := h.host.Now().Sub(d.sentAt); {
	case d.acks > d.deliveries:
		h.host.Violate(record.RuleAckTwice, "envelope %s (%s)", ack.EnvelopeID, d.kind)
		return
	case took > h.host.Timing.Ack+h.host.Timing.Grace:
		h.host.Violate(record.RuleAckLate, "envelope %s (%s) after %v", ack.EnvelopeID, d.kind, took.Round(time.Millisecond))
	}
	if len(ack.Payload) > 0 && !slices.Contains([]string{"null", "{}", `""`}, string(ack.Payload)) && !d.accepts {
		h.host.Violate(record.RuleAckPayload, "envelope %s (%s) takes no payload", ack.EnvelopeID, d.kind)
		ack.Payload = nil
	}
	d.arriveLocked(ack.Payload)
}

// loseAckLocked notes that an acknowledgement is lost.
func (h *Hub) loseAckLocked(frame []byte) {
	var ack struct {
		EnvelopeID string `json:"envelope_id"`
	}
	_ = json.Unmarshal(frame, &ack) // a frame that is no acknowledgement names no envelope
	if d := h.deliveries[ack.EnvelopeID]; d != nil {
		d.lost = true
	}
}
