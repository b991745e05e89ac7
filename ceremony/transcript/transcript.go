package transcript

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
)

// transcriptFormat is the first field of a transcript. Another form needs another value.
const transcriptFormat = "conclave-transcript1"

// maxTranscript is how many bytes a transcript may have to be read. A ceremony with ten
// holders makes some hundred kilobytes.
const maxTranscript = 64 << 20

// Transcript is the evidence of one ceremony in one file, signed by the bot's identity. It
// has everything that is needed to check what happened, offline and without the bot (P8).
// Nothing in it is secret.
//
// The bytes of [Transcript.Encode] are its only form. It is made of the journal alone, and
// so can be made again.
type Transcript struct {
	Format   string      `json:"format"`
	Ceremony ceremony.ID `json:"ceremony"`
	Head     string      `json:"head"` // hash of the last line
	// Journal is every line up to the signing, as it stands in the journal's file,
	// without its line feed.
	Journal []string `json:"journal"`
	// Certificates are the armored public keys of the identity and of everybody in the plan
	// who has one.
	Certificates map[ceremony.Fingerprint]string `json:"certificates"`
	// Signature is the identity's detached signature, binary and in standard base64, over
	// this file with an empty signature.
	Signature string `json:"signature"`
}

// Encode returns the file.
func (t Transcript) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the lines are shown as they are
	e.SetIndent("", "  ")
	if err := e.Encode(t); err != nil {
		return nil, fmt.Errorf("encode transcript: %w", err)
	}
	return b.Bytes(), nil
}

// Signed returns the bytes that the signature covers.
func (t Transcript) Signed() ([]byte, error) {
	t.Signature = ""
	return t.Encode()
}

// ReadTranscript reads a file. It refuses any other bytes than [Transcript.Encode] writes,
// and checks nothing else: see [VerifyTranscript].
func ReadTranscript(file []byte) (Transcript, error) {
	var t Transcript
	if len(file) > maxTranscript {
		return t, fmt.Errorf("it is larger than %d bytes", maxTranscript)
	}
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return Transcript{}, fmt.Errorf("it can't be read: %w", err)
	}
	if t.Format != transcriptFormat {
		return t, fmt.Errorf("its format is %q; this program knows %q", t.Format, transcriptFormat)
	}
	if again, err := t.Encode(); err != nil || !bytes.Equal(again, file) {
		return t, errors.New("it is not written as Conclave writes it: bytes were changed, added or taken away")
	}
	return t, nil
}

// File returns the transcript that an event of this ceremony's history has signed, byte for
// byte. ErrChain means that the journal is not the one that was signed.
func File(c rules.State, of event.TranscriptSigned) ([]byte, error) {
	t, err := rebuild(c, of)
	if err != nil {
		return nil, fmt.Errorf("rebuild transcript %d of %s: %w", of.Number, c.ID(), err)
	}
	file, err := t.Encode()
	if err != nil {
		return nil, err
	}
	if got := journal.HashLine(file); got != of.SHA256 {
		return nil, fmt.Errorf("rebuild transcript %d of %s: its hash is %s, and %s was signed: %w", of.Number, c.ID(),
			got, of.SHA256, ceremony.ErrChain)
	}
	return file, nil
}

func rebuild(c rules.State, of event.TranscriptSigned) (Transcript, error) {
	if of.Lines < 1 || of.Lines > len(c.History) {
		return Transcript{}, fmt.Errorf("it has %d lines of %d", of.Lines, len(c.History))
	}
	c.History = c.History[:of.Lines:of.Lines]
	t, err := Assemble(c, of.Certificates)
	t.Signature = of.Signature
	return t, err
}

// Assemble makes the transcript of the ceremony so far, without a signature. more holds the
// certificates that no earlier transcript has.
func Assemble(c rules.State, more map[ceremony.Fingerprint]string) (Transcript, error) {
	lines, err := lines(c)
	if err != nil {
		return Transcript{}, err
	}
	t := Transcript{
		Format: transcriptFormat, Ceremony: c.ID(), Head: c.History[len(c.History)-1].Hash,
		Journal: lines, Certificates: c.Certificates(),
	}
	for f, armored := range more {
		t.Certificates[f] = armored
	}
	return t, nil
}

// lines makes the lines of the ceremony's journal again from its entries.
func lines(c rules.State) ([]string, error) {
	lines := make([]string, 0, len(c.History))
	for _, e := range c.History {
		raw, err := journal.EncodeLine(c.ID(), e)
		if err != nil {
			return nil, err
		}
		if journal.HashLine(raw) != e.Hash {
			return nil, fmt.Errorf("line %d is not the one that was written: %w", e.Seq, ceremony.ErrChain)
		}
		lines = append(lines, string(raw))
	}
	return lines, nil
}

// IsTranscript reports whether a file looks like a transcript rather than a journal, by its
// first field.
func IsTranscript(file []byte) bool {
	beginning, _, _ := strings.Cut(string(file[:min(len(file), 64)]), ":")
	return strings.Contains(beginning, `"format"`)
}

// Story returns the ceremony that the transcript's journal tells.
func (t Transcript) Story() (rules.State, error) {
	var text bytes.Buffer
	for _, line := range t.Journal {
		text.WriteString(line + "\n")
	}
	chain, err := journal.ReadChain(&text)
	if err != nil {
		return rules.State{}, err
	}
	return rules.Replay(chain.Entries)
}
