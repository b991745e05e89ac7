package engine

import (
	"context"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
)

// attest has the identity sign what happened.
func (o *actor) attest(ctx context.Context) bool {
	signed, err := o.sign()
	if err != nil {
		o.log.Error("the transcript could not be signed", "error", err)
		return false
	}
	return o.record(ctx, rules.Attest{Signed: signed}) == nil
}

func (o *actor) sign() (event.TranscriptSigned, error) {
	s := event.TranscriptSigned{
		Number: len(o.c.Transcripts()) + 1, Lines: o.c.Seq(), Certificates: o.certificates(),
		Archives: o.e.config.archives(),
	}
	t, err := transcript.Assemble(o.c, s.Certificates)
	if err != nil {
		return s, err
	}
	text, err := t.Signed()
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
	s.SHA256 = journal.HashLine(file)
	return s, nil
}

// certificates are the public keys that the transcript needs and that no earlier one
// of this ceremony has. Somebody whom the configuration does not know any more has
// none, which whoever checks the transcript is told.
func (o *actor) certificates() map[ceremony.Fingerprint]string {
	snapshot := o.c.Certificates()
	more := map[ceremony.Fingerprint]string{}
	for _, f := range o.c.Plan.Keys() {
		armored, err := o.e.config.Opener.PublicKey(f)
		switch {
		case err != nil:
			o.log.Warn("the transcript lacks a certificate", "key", f.String(), "error", err)
		case snapshot[f] != armored:
			more[f] = armored
		}
	}
	return more
}
