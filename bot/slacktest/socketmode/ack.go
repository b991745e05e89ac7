package socketmode

import (
	"encoding/json"
	"slices"
	"time"

	"conclave/bot/slacktest/record"
)

// maxAck is the size in bytes from which Slack silently drops what comes back through a socket.
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
	f := h.deliveries[ack.EnvelopeID]
	if f == nil {
		h.host.Violate(record.RuleAckUnknown, "envelope %s", ack.EnvelopeID)
		return
	}
	f.acks++
	switch took := h.host.Now().Sub(f.sentAt); {
	case f.acks > f.deliveries:
		h.host.Violate(record.RuleAckTwice, "envelope %s (%s)", ack.EnvelopeID, f.kind)
		return
	case took > h.host.Timing.Ack+h.host.Timing.Grace:
		h.host.Violate(record.RuleAckLate, "envelope %s (%s) after %v", ack.EnvelopeID, f.kind, took.Round(time.Millisecond))
	}
	if len(ack.Payload) > 0 && !slices.Contains([]string{"null", "{}", `""`}, string(ack.Payload)) && !f.accepts {
		h.host.Violate(record.RuleAckPayload, "envelope %s (%s) takes no payload", ack.EnvelopeID, f.kind)
		ack.Payload = nil
	}
	f.arriveLocked(ack.Payload)
}

// loseAckLocked notes that an acknowledgement is lost.
func (h *Hub) loseAckLocked(frame []byte) {
	var ack struct {
		EnvelopeID string `json:"envelope_id"`
	}
	_ = json.Unmarshal(frame, &ack) // a frame that is no acknowledgement names no envelope
	if f := h.deliveries[ack.EnvelopeID]; f != nil {
		f.lost = true
	}
}
