package rules

import (
	"errors"
	"fmt"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
)

// Transcripts are those that were signed, oldest first.
func (c State) Transcripts() []event.TranscriptSigned {
	var signed []event.TranscriptSigned
	for _, e := range c.History {
		if s, ok := e.Event.(event.TranscriptSigned); ok {
			signed = append(signed, s)
		}
	}
	return signed
}

// Certificates are those of the transcripts so far, the newest of each key.
func (c State) Certificates() map[ceremony.Fingerprint]string {
	known := map[ceremony.Fingerprint]string{}
	for _, s := range c.Transcripts() {
		for f, armored := range s.Certificates {
			known[f] = armored
		}
	}
	return known
}

// transcriptPatience is how long the signing of a transcript waits for what belongs
// into it: that everybody has been told, and what a witness says.
const transcriptPatience = 24 * time.Hour

// weighty reports whether an event changes what a transcript says of the ceremony once
// it has ended.
func weighty(e event.Event) bool {
	switch e.(type) {
	case event.Ended, event.TokenRevoked, event.TokenLeft, event.BackupDeleted, event.BackupLeft, event.WitnessStated, event.WitnessLeft, event.ExceptionNoted:
		return true
	}
	return false
}

// OwesTranscript reports whether the ceremony has ended, and something of it is in no
// signed transcript yet.
func (c State) OwesTranscript() bool {
	return c.Ended() && c.Last(weighty) > c.Last(Is[event.TranscriptSigned])
}

// TranscriptDue reports whether the transcript is to be signed now: it waits for what
// belongs into it, but not for ever.
func (c State) TranscriptDue(now time.Time) bool {
	if !c.OwesTranscript() {
		return false
	}
	since := c.History[c.Last(weighty)-1].At
	return c.saidAll() && !c.awaitsWitness() || !now.Before(since.Add(transcriptPatience))
}

// saidAll reports whether everybody has been told everything that a transcript is to
// show that they were told.
func (c State) saidAll() bool {
	for _, m := range c.Due() {
		if m.Kind != TranscriptMessage {
			return false
		}
	}
	return true
}

// attested judges the signing of a transcript.
func (c State) attested(cmd Attest, now time.Time) ([]event.Event, error) {
	if !c.TranscriptDue(now) {
		return nil, c.wrongPhase()
	}
	return one(cmd.Signed)
}

// allowsTranscript holds a signing to what was there to be signed.
func (c State) allowsTranscript(s event.TranscriptSigned) error {
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
