package ceremony

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// transcriptFormat is the first field of a transcript. A change of its form needs
// another one.
const transcriptFormat = "conclave-transcript1"

// maxTranscript is how large a transcript may be that somebody wants checked. A
// ceremony with ten holders makes some hundred kilobytes.
const maxTranscript = 64 << 20

// Transcript is the evidence of one ceremony in one file, signed by the bot's
// identity: whatever it takes to check what happened, offline and without the bot
// (P8). Nothing in it is secret.
//
// It has one form: [Transcript.Encode]'s bytes, of which none can be changed. It is
// made of the journal alone, and so can be made again.
type Transcript struct {
	Format   string `json:"format"`
	Ceremony ID     `json:"ceremony"`
	Head     string `json:"head"` // hash of the last line
	// Journal is every line up to the signing, as it stands in the journal's file,
	// without its line feed.
	Journal []string `json:"journal"`
	// Certificates are armored public keys: of the identity, and of everybody in the
	// plan who has one.
	Certificates map[Fingerprint]string `json:"certificates"`
	// Signature is a detached signature by the identity, binary and in standard
	// base64, over this very file with the signature empty.
	Signature string `json:"signature"`
}

// File is something that people take away.
type File struct {
	Name    string
	Type    string // media type
	Content []byte
}

// TranscriptName is what the file with a ceremony's transcript is called; ext is
// json for machines, html for people.
func TranscriptName(id ID, number int, ext string) string {
	return fmt.Sprintf("%s-transcript-%d.%s", id, number, ext)
}

// Encode is the file.
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

// signed is what the signature covers.
func (t Transcript) signed() ([]byte, error) {
	t.Signature = ""
	return t.Encode()
}

// ReadTranscript reads a file and insists on the very bytes that [Transcript.Encode]
// writes. It checks nothing else: see [VerifyTranscript].
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

// Transcript is the file that a [TranscriptSigned] of this ceremony's history stands
// for, byte for byte.
func (c Ceremony) Transcript(of TranscriptSigned) ([]byte, error) {
	t, err := c.rebuild(of)
	if err != nil {
		return nil, fmt.Errorf("rebuild transcript %d of %s: %w", of.Number, c.ID(), err)
	}
	file, err := t.Encode()
	if err != nil {
		return nil, err
	}
	if got := hashLine(file); got != of.SHA256 {
		return nil, fmt.Errorf("rebuild transcript %d of %s: its hash is %s, and %s was signed: %w", of.Number, c.ID(), got, of.SHA256, ErrChain)
	}
	return file, nil
}

// Transcripts are those that were signed, oldest first.
func (c Ceremony) Transcripts() []TranscriptSigned {
	var signed []TranscriptSigned
	for _, e := range c.History {
		if s, ok := e.Event.(TranscriptSigned); ok {
			signed = append(signed, s)
		}
	}
	return signed
}

func (c Ceremony) rebuild(of TranscriptSigned) (Transcript, error) {
	if of.Lines < 1 || of.Lines > len(c.History) {
		return Transcript{}, fmt.Errorf("it has %d lines of %d", of.Lines, len(c.History))
	}
	c.History = c.History[:of.Lines:of.Lines]
	t, err := c.transcript(of.Certificates)
	t.Signature = of.Signature
	return t, err
}

// transcript is the ceremony so far, not yet signed. The certificates are those that
// have not stood in an earlier one.
func (c Ceremony) transcript(more map[Fingerprint]string) (Transcript, error) {
	lines, err := c.lines()
	if err != nil {
		return Transcript{}, err
	}
	t := Transcript{
		Format: transcriptFormat, Ceremony: c.ID(), Head: c.History[len(c.History)-1].Hash,
		Journal: lines, Certificates: c.certificates(),
	}
	for f, armored := range more {
		t.Certificates[f] = armored
	}
	return t, nil
}

// certificates are those of the transcripts so far, the newest of each key.
func (c Ceremony) certificates() map[Fingerprint]string {
	known := map[Fingerprint]string{}
	for _, s := range c.Transcripts() {
		for f, armored := range s.Certificates {
			known[f] = armored
		}
	}
	return known
}

// lines are the ceremony's journal, made of its entries again.
func (c Ceremony) lines() ([]string, error) {
	lines := make([]string, 0, len(c.History))
	for _, e := range c.History {
		raw, err := encodeLine(c.ID(), e)
		if err != nil {
			return nil, err
		}
		if hashLine(raw) != e.Hash {
			return nil, fmt.Errorf("line %d is not the one that was written: %w", e.Seq, ErrChain)
		}
		lines = append(lines, string(raw))
	}
	return lines, nil
}

// keys are the fingerprints whose certificates belong into the transcript, sorted.
func (p Plan) keys() []Fingerprint {
	all := []Fingerprint{p.Identity}
	for _, who := range p.everybody() {
		if who.Key != "" {
			all = append(all, who.Key)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// everybody is who has a part in the ceremony, each once for each key.
func (p Plan) everybody() []Person {
	all := slices.Concat([]Person{p.Initiator}, p.Approvers, p.Holders, p.Receivers, p.Witnesses, p.Owners, p.Initiators)
	if p.Requester != nil {
		all = append(all, *p.Requester)
	}
	return unique(all)
}

// HasPart says whether somebody is named in the plan.
func (p Plan) HasPart(who Account) bool {
	_, named := find(p.everybody(), who)
	return named
}

func unique(people []Person) []Person {
	var once []Person
	for _, p := range people {
		if !slices.Contains(once, p) {
			once = append(once, p)
		}
	}
	return once
}

// IsTranscript says whether a file looks like a transcript rather than a journal. A
// journal's lines are objects of one line each.
func IsTranscript(file []byte) bool {
	beginning, _, _ := strings.Cut(string(file[:min(len(file), 64)]), ":")
	return strings.Contains(beginning, `"format"`)
}

// Story is the ceremony that the transcript tells.
func (t Transcript) Story() (Ceremony, error) {
	var text bytes.Buffer
	for _, line := range t.Journal {
		text.WriteString(line + "\n")
	}
	chain, err := readChain(&text)
	if err != nil {
		return Ceremony{}, err
	}
	return Replay(chain.entries)
}
