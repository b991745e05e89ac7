package engine

import (
	"context"
	"fmt"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/transcript"
)

// attest signs a transcript with the bot's identity, and records it.
func (a *actor) attest(ctx context.Context) (progress bool, err error) {
	signed, err := a.sign()
	if err != nil {
		return false, ownFault{fmt.Errorf("sign the transcript: %w", err)}
	}
	return a.advance(ctx, command.Attest{Signed: signed})
}

// sign makes the next transcript of the ceremony and signs it.
func (a *actor) sign() (event.TranscriptSigned, error) {
	s := event.TranscriptSigned{
		Number: len(a.c.Transcripts()) + 1, Lines: a.c.Seq(), Certificates: a.certificates(),
		Archives: a.e.config.archives(),
	}
	t, err := transcript.Assemble(a.c, s.Certificates)
	if err != nil {
		return s, err
	}
	text, err := t.Signed()
	if err != nil {
		return s, err
	}
	if s.Signature, err = a.e.config.OpenPGP.Attest(text); err != nil {
		return s, err
	}
	t.Signature = s.Signature
	file, err := t.Encode()
	if err != nil {
		return s, err
	}
	s.SHA256 = journal.HashLine(file)
	return s, nil
}

// certificates returns the public keys that the next transcript needs and no earlier one of
// this ceremony has. A person whom the configuration does not know any more has none; the
// check of the transcript reports that.
func (a *actor) certificates() map[ceremony.Fingerprint]string {
	known := a.c.Certificates()
	more := map[ceremony.Fingerprint]string{}
	for _, f := range a.c.Plan.Keys() {
		armored, err := a.e.config.OpenPGP.PublicKey(f)
		switch {
		case err != nil:
			a.log.Warn("the transcript lacks a certificate", "key", f.String(), "error", err)
		case known[f] != armored:
			more[f] = armored
		}
	}
	return more
}
