package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// line is an event on disk. Seq, Prev, Ceremony and Type are outside of the event's own
// fields, so that a chain can be checked without knowing these.
type line struct {
	Seq      int             `json:"seq"`
	Prev     string          `json:"prev"`
	At       time.Time       `json:"at"`
	Ceremony ceremony.ID     `json:"ceremony"`
	Type     string          `json:"type"`
	Event    json.RawMessage `json:"event"`
}

// EncodeLine returns an entry as it stands in the journal, without its line feed.
func EncodeLine(id ceremony.ID, e event.Entry) ([]byte, error) {
	fields, err := json.Marshal(e.Event)
	if err != nil {
		return nil, fmt.Errorf("encode %q: %w", event.TypeOf(e.Event), err)
	}
	raw, err := json.Marshal(line{
		Seq: e.Seq, Prev: e.Prev, At: e.At, Ceremony: id, Type: event.TypeOf(e.Event), Event: fields,
	})
	if err != nil {
		return nil, fmt.Errorf("encode %q: %w", event.TypeOf(e.Event), err)
	}
	return raw, nil
}

// chain is a ceremony's journal as it was read.
type chain struct {
	ceremony ceremony.ID
	Entries  []event.Entry
	size     int64 // in bytes, up to and with the last whole line
	torn     bool  // something without a line feed follows
}

// ReadChain reads every line and checks that it continues the one before. A line that does
// not is an error that wraps ErrChain.
func ReadChain(r io.Reader) (chain, error) {
	var c chain
	in := bufio.NewReader(r)
	prev := ""
	for seq := 1; ; seq++ {
		raw, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			c.torn = len(raw) > 0
			return c, nil
		}
		if err != nil {
			return c, err
		}
		c.size += int64(len(raw))
		raw = raw[:len(raw)-1]
		l, ev, err := DecodeLine(raw)
		if err != nil {
			return c, fmt.Errorf("line %d: %w: %w", seq, ceremony.ErrChain, err)
		}
		switch {
		case l.Seq != seq:
			return c, fmt.Errorf("line %d: it says that it is line %d: %w", seq, l.Seq, ceremony.ErrChain)
		case l.Prev != prev:
			return c, fmt.Errorf("line %d: it does not follow line %d, which was changed: %w",
				seq, seq-1, ceremony.ErrChain)
		case seq > 1 && l.Ceremony != c.ceremony:
			return c, fmt.Errorf("line %d: it belongs to %s: %w", seq, l.Ceremony, ceremony.ErrChain)
		}
		c.ceremony = l.Ceremony
		prev = HashLine(raw)
		c.Entries = append(c.Entries, event.Entry{Seq: l.Seq, Prev: l.Prev, At: l.At, Hash: prev, Event: ev})
	}
}

// DecodeLine reads a line. It returns an error for a line that says the same in other bytes
// than this program writes: the line has been touched.
func DecodeLine(raw []byte) (line, event.Event, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, nil, err
	}
	ev, err := event.DecodeEvent(l.Type, l.Event)
	if err != nil {
		return l, nil, err
	}
	if again, err := json.Marshal(ev); err != nil || !bytes.Equal(again, l.Event) {
		return l, nil, errors.New("its event was not written by this program")
	}
	if again, err := json.Marshal(l); err != nil || !bytes.Equal(again, raw) {
		return l, nil, errors.New("it was not written by this program")
	}
	return l, ev, nil
}

// HashLine returns the SHA-256 of a line without its line feed, in lower-case hexadecimal
// digits.
func HashLine(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
