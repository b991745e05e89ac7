package journal

import (
	"errors"
	"fmt"
	"os"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/secret"
)

// linePurpose is what the code of a line is made for. It must change with what is coded.
const linePurpose = "conclave journal line 1"

// errNoKey is returned for a key without a name: a journal without a key must not exist.
var errNoKey = errors.New("a journal needs the identity's key")

// seal completes an entry by its code and its hash, and returns its line. The code is of the
// line as it would stand there without the field "mac"; the hash is of the whole line.
func seal(id ceremony.ID, e *event.Entry, key secret.MACKey) ([]byte, error) {
	e.MACKey, e.MAC = key.Name(), ""
	bare, err := EncodeLine(id, *e)
	if err != nil {
		return nil, err
	}
	e.MAC = key.Sum(linePurpose, bare)
	raw, err := EncodeLine(id, *e)
	if err != nil {
		return nil, err
	}
	e.Hash = HashLine(raw)
	return raw, nil
}

// authenticate returns nil when the identity has written the lines, or has taken over those
// before its own. Each line names the hash of the one before, so that a code stands for all
// lines before it, too. The error wraps ErrNotAdopted when the last line was written without a
// code or under another key, and ErrChain when the lines are neither the identity's nor
// anybody else's work.
func (c chain) authenticate(key secret.MACKey) error {
	if key.Name() == "" {
		return errNoKey
	}
	last := c.Entries[len(c.Entries)-1]
	switch last.MACKey {
	case key.Name():
	case "":
		return fmt.Errorf("no line has an authentication code: %w", ceremony.ErrNotAdopted)
	default:
		return fmt.Errorf("its last line is authenticated by key %s, and the identity's is %s: %w",
			last.MACKey, key.Name(), ceremony.ErrNotAdopted)
	}
	for i := len(c.Entries) - 1; i >= 0; i-- {
		e := c.Entries[i]
		if e.MACKey != key.Name() {
			if _, adopted := c.Entries[i+1].Event.(event.Adopted); adopted {
				return nil
			}
			return fmt.Errorf("line %d is the identity's, and line %d before it is not: %w", e.Seq+1, e.Seq, ceremony.ErrChain)
		}
		if !c.proves(e, key) {
			return fmt.Errorf("line %d: its authentication code was not made by the identity, whose key it names: %w",
				e.Seq, ceremony.ErrChain)
		}
	}
	return nil
}

// proves reports whether the identity has written a line.
func (c chain) proves(e event.Entry, key secret.MACKey) bool {
	bare := e
	bare.MAC = ""
	text, err := EncodeLine(c.ceremony, bare)
	return err == nil && e.MACKey == key.Name() && key.Proves(linePurpose, text, e.MAC)
}

// Authentic returns nil when the identity with this key has written the journal of one
// ceremony, or has adopted it. The error wraps ErrNotAdopted or ErrChain.
func Authentic(path string, key secret.MACKey) error {
	f, err := openLines(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	c, err := ReadChain(f)
	if err != nil {
		return err
	}
	if len(c.Entries) == 0 {
		return fmt.Errorf("no whole line: %w", ceremony.ErrChain)
	}
	return c.authenticate(key)
}
