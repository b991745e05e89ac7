package ceremony

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// transcriptPatience is how long the signing of a transcript waits for what belongs
// into it: that everybody has been told, and what a witness says.
const transcriptPatience = 24 * time.Hour

// weighty says whether an event changes what a transcript says of the ceremony once
// it has ended.
func weighty(e Event) bool {
	switch e.(type) {
	case Ended, TokenRevoked, TokenLeft, BackupDeleted, BackupLeft, WitnessStated, WitnessLeft, ExceptionNoted:
		return true
	}
	return false
}

// OwesTranscript says whether the ceremony has ended, and something of it is in no
// signed transcript yet.
func (c Ceremony) OwesTranscript() bool {
	return c.Ended() && c.last(weighty) > c.last(is[TranscriptSigned])
}

// TranscriptDue says whether the transcript is to be signed now: it waits for what
// belongs into it, but not for ever.
func (c Ceremony) TranscriptDue(now time.Time) bool {
	if !c.OwesTranscript() {
		return false
	}
	since := c.History[c.last(weighty)-1].At
	return c.saidAll() && !c.awaitsWitness() || !now.Before(since.Add(transcriptPatience))
}

// saidAll says whether everybody has been told everything that a transcript is to
// show that they were told.
func (c Ceremony) saidAll() bool {
	for _, m := range c.Due() {
		if m.Kind != TranscriptMessage {
			return false
		}
	}
	return true
}

// attested judges the signing of a transcript.
func (c Ceremony) attested(cmd Attest, now time.Time) ([]Event, error) {
	if !c.TranscriptDue(now) {
		return nil, c.notNow()
	}
	return one(cmd.Signed)
}

// allowsTranscript holds a signing to what was there to be signed.
func (c Ceremony) allowsTranscript(s TranscriptSigned) error {
	switch {
	case !c.OwesTranscript():
		return errors.New("there is nothing new to sign")
	case s.Number != len(c.Transcripts())+1:
		return fmt.Errorf("it is number %d", len(c.Transcripts())+1)
	case s.Lines != c.Seq():
		return fmt.Errorf("%d lines stand before it", c.Seq())
	}
	return nil
}

// attest has the identity sign what happened.
func (o *owner) attest(ctx context.Context) bool {
	signed, err := o.sign()
	if err != nil {
		o.log.Error("the transcript could not be signed", "error", err)
		return false
	}
	return o.record(ctx, Attest{Signed: signed}) == nil
}

func (o *owner) sign() (TranscriptSigned, error) {
	s := TranscriptSigned{
		Number: len(o.c.Transcripts()) + 1, Lines: o.c.Seq(), Certificates: o.certificates(),
		Archives: o.e.config.archives(),
	}
	t, err := o.c.transcript(s.Certificates)
	if err != nil {
		return s, err
	}
	text, err := t.signed()
	if err != nil {
		return s, err
	}
	if s.Signature, err = o.e.config.Opener.Attest(text); err != nil {
		return s, err
	}
	t.Signature = s.Signature
	file, err := t.Encode()
	if err != nil {
		return s, err
	}
	s.SHA256 = hashLine(file)
	return s, nil
}

// certificates are the public keys that the transcript needs and that no earlier one
// of this ceremony has. Somebody whom the configuration does not know any more has
// none, which whoever checks the transcript is told.
func (o *owner) certificates() map[Fingerprint]string {
	known := o.c.certificates()
	more := map[Fingerprint]string{}
	for _, f := range o.c.Plan.keys() {
		armored, err := o.e.config.Opener.PublicKey(f)
		switch {
		case err != nil:
			o.log.Warn("the transcript lacks a certificate", "key", f.String(), "error", err)
		case known[f] != armored:
			more[f] = armored
		}
	}
	return more
}
