package transcript

import (
	"fmt"
	"os"

	"conclave/ceremony"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
)

// AuditJournal checks the newest signed transcript of the ceremony whose journal is the file
// at path. The transcript is made again from the journal. audit is nil when none was signed
// yet. owed reports whether the ceremony has ended and has lines that are in no signed
// transcript.
func AuditJournal(path string, identity ceremony.Fingerprint,
	s ceremony.Signatures) (audit *Audit, owed bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	chain, err := journal.ReadChain(f)
	if err != nil {
		return nil, false, err
	}
	c, err := rules.Replay(chain.Entries)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ceremony.ErrChain, err)
	}
	signed := c.Transcripts()
	if len(signed) == 0 {
		return nil, c.OwesTranscript(), nil
	}
	file, err := File(c, signed[len(signed)-1])
	if err != nil {
		return nil, false, err
	}
	a := VerifyTranscript(file, identity, s)
	return &a, c.OwesTranscript(), nil
}
