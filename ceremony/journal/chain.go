package journal

import (
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
// fields, so that a chain can be checked without knowing these. MACKey and MAC come last,
// so that a line from before there were codes has the bytes that it always had.
type line struct {
	Seq      int             `json:"seq"`
	Prev     string          `json:"prev"`
	At       time.Time       `json:"at"`
	Ceremony ceremony.ID     `json:"ceremony"`
	Type     string          `json:"type"`
	Event    json.RawMessage `json:"event"`
	MACKey   string          `json:"mac_key,omitempty"`
	MAC      string          `json:"mac,omitempty"`
}

// EncodeLine returns an entry as it stands in the journal, without its line feed.
func EncodeLine(id ceremony.ID, e event.Entry) ([]byte, error) {
	fields, err := json.Marshal(e.Event)
	if err != nil {
		return nil, fmt.Errorf("encode %q: %w", event.TypeOf(e.Event), err)
	}
	raw, err := json.Marshal(line{
		Seq: e.Seq, Prev: e.Prev, At: e.At, Ceremony: id, Type: event.TypeOf(e.Event), Event: fields,
		MACKey: e.MACKey, MAC: e.MAC,
	})
	if err != nil {
		return nil, fmt.Errorf("encode %q: %w", event.TypeOf(e.Event), err)
	}
	return raw, nil
}

// chain is a ceremony's journal as it was read.
type chain struct {
	lines
	ceremony ceremony.ID
	Entries  []event.Entry
}

// ReadChain reads every line and checks that it continues the one before. A line that does
// not is an error that wraps ErrChain. Who has written the lines is not checked.
func ReadChain(r io.Reader) (chain, error) {
	read, err := readLines(r)
	if err != nil {
		return chain{lines: read}, err
	}
	return link(read)
}

// link checks that each line continues the one before.
func link(read lines) (chain, error) {
	c := chain{lines: read}
	prev, coded := "", false
	for i, raw := range read.lines {
		seq := i + 1
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
		case coded && l.MAC == "":
			return c, fmt.Errorf("line %d: it has no authentication code, and line %d has one: %w",
				seq, seq-1, ceremony.ErrChain)
		}
		c.ceremony = l.Ceremony
		prev, coded = HashLine(raw), l.MAC != ""
		c.Entries = append(c.Entries, event.Entry{
			Seq: l.Seq, Prev: l.Prev, At: l.At, Hash: prev, Event: ev, MACKey: l.MACKey, MAC: l.MAC,
		})
	}
	return c, nil
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
	if (l.MACKey == "") != (l.MAC == "") {
		return l, nil, errors.New("it has an authentication code without the key's name, or the name alone")
	}
	return l, ev, nil
}

// HashLine returns the SHA-256 of a line without its line feed, in lower-case hexadecimal
// digits.
func HashLine(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
