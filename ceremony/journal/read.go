package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/rules"
)

// ReadJournal replays every ceremony of a journal directory and returns them newest first.
// It takes no lock, and reads beside the program that writes there, as far as that has
// come. Nothing may be decided by what it returns. It returns the ceremonies that it could
// read with the errors about the others, joined.
func ReadJournal(dir string) ([]rules.State, error) {
	ids, err := listDir(dir)
	if err != nil {
		return nil, err
	}
	var all []rules.State
	var faults []error
	for _, id := range ids {
		c, err := readCeremony(filepath.Join(dir, string(id)+journalSuffix))
		if err != nil {
			faults = append(faults, fmt.Errorf("read %s: %w", id, err))
			continue
		}
		all = append(all, c)
	}
	slices.Reverse(all)
	return all, errors.Join(faults...)
}

// readCeremony replays the journal of one ceremony.
func readCeremony(path string) (rules.State, error) {
	f, err := openLines(path, os.O_RDONLY)
	if err != nil {
		return rules.State{}, err
	}
	defer f.Close()
	chain, err := ReadChain(f)
	if err != nil {
		return rules.State{}, err
	}
	c, err := rules.Replay(chain.Entries)
	if err != nil {
		return rules.State{}, fmt.Errorf("%w: %w", ceremony.ErrChain, err)
	}
	return c, nil
}
