package rules

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
)

// Transcripts returns the signings of the ceremony's transcripts, oldest first.
func (c State) Transcripts() []event.TranscriptSigned { return all[event.TranscriptSigned](c) }

// Certificates returns the certificates of the transcripts so far, the newest of each key.
func (c State) Certificates() map[ceremony.Fingerprint]string {
	known := map[ceremony.Fingerprint]string{}
	for _, s := range c.Transcripts() {
		for f, armored := range s.Certificates {
			known[f] = armored
		}
	}
	return known
}

// transcriptPatience is how long the signing of a transcript waits for what belongs into
// it: that messages were delivered, and what a witness says.
const transcriptPatience = 24 * time.Hour

// changesTranscript reports whether an event changes what a transcript says of a ceremony
// that has ended.
func changesTranscript(e event.Event) bool {
	switch e.(type) {
	case event.Ended, event.TokenRevoked, event.TokenLeft, event.BackupDeleted, event.BackupLeft,
		event.WitnessStated, event.WitnessLeft, event.ExceptionNoted:
		return true
	}
	return false
}

// OwesTranscript reports whether the ceremony has ended, and something of it is in no
// signed transcript yet.
func (c State) OwesTranscript() bool {
	return c.Ended() && c.Last(changesTranscript) > c.Last(Is[event.TranscriptSigned])
}

// TranscriptDue reports whether the transcript is to be signed now. It waits for what
// belongs into it, but not for ever.
func (c State) TranscriptDue(now time.Time) bool {
	if !c.OwesTranscript() {
		return false
	}
	since := c.History[c.Last(changesTranscript)-1].At
	return c.notificationsSent() && !c.awaitsWitness() || !now.Before(since.Add(transcriptPatience))
}

// notificationsSent reports whether every message that a transcript records has been
// delivered or given up.
func (c State) notificationsSent() bool {
	return !slices.ContainsFunc(c.Due(), func(m Message) bool { return m.Kind != TranscriptMessage })
}

// attested judges the signing of a transcript.
func (c State) attested(cmd command.Attest, now time.Time) ([]event.Event, error) {
	if !c.TranscriptDue(now) {
		return nil, c.wrongPhase()
	}
	return one(cmd.Signed)
}

// allowsTranscript returns an error unless this is the transcript to be signed next.
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
