package transcript

import (
	"fmt"
	"os"

	"conclave/ceremony"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
)

// AuditJournal checks the newest transcript that was signed of the ceremony whose
// journal lies in a file: it is made again from the journal. Owed says that the
// ceremony has ended, and that something of it is in no signed transcript; of one of
// which none was signed yet there is no audit.
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
