package ceremony

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// ReadJournal replays every ceremony of a journal directory, newest first, without
// its lock: beside the program that writes there, as far as that has come. Nothing
// may be decided upon what it answers.
func ReadJournal(dir string) ([]Ceremony, error) {
	ids, err := listDir(dir)
	if err != nil {
		return nil, err
	}
	var all []Ceremony
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

func readCeremony(path string) (Ceremony, error) {
	f, err := os.Open(path)
	if err != nil {
		return Ceremony{}, err
	}
	defer f.Close()
	chain, err := readChain(f)
	if err != nil {
		return Ceremony{}, err
	}
	c, err := Replay(chain.entries)
	if err != nil {
		return Ceremony{}, fmt.Errorf("%w: %w", ErrChain, err)
	}
	return c, nil
}
