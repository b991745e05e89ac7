package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/rules"
	"conclave/ceremony/secret"
)

// ReadJournal replays every ceremony of a journal directory and returns them newest first.
// It takes no lock, and reads beside the program that writes there, as far as that has
// come. Nothing may be decided by what it returns. It returns the ceremonies that it could
// read, and that the identity with this key has written or adopted, with the errors about
// the others, joined. With the zero key who has written them is not checked.
func ReadJournal(dir string, key secret.MACKey) ([]rules.State, error) {
	ids, err := listDir(dir)
	if err != nil {
		return nil, err
	}
	var all []rules.State
	var faults []error
	for _, id := range ids {
		c, err := readCeremony(FilePath(dir, id), key)
		if err != nil {
			faults = append(faults, fmt.Errorf("read %s: %w", id, err))
			continue
		}
		all = append(all, c)
	}
	slices.Reverse(all)
	return all, errors.Join(faults...)
}

// ReadCeremony is [ReadJournal] of one ceremony. The error wraps ErrUnknownCeremony when the
// directory has none with this id.
func ReadCeremony(dir string, id ceremony.ID, key secret.MACKey) (rules.State, error) {
	if filepath.Base(string(id)) != string(id) {
		return rules.State{}, ceremony.ErrUnknownCeremony
	}
	c, err := readCeremony(FilePath(dir, id), key)
	if errors.Is(err, fs.ErrNotExist) || err == nil && c.Seq() == 0 {
		err = ceremony.ErrUnknownCeremony
	}
	return c, err
}

// readCeremony replays the journal of one ceremony.
func readCeremony(path string, key secret.MACKey) (rules.State, error) {
	f, err := openLines(path, os.O_RDONLY)
	if err != nil {
		return rules.State{}, err
	}
	defer f.Close()
	chain, err := ReadChain(f)
	if err != nil {
		return rules.State{}, err
	}
	if key.Name() != "" && len(chain.Entries) > 0 {
		if err := chain.authenticate(key); err != nil {
			return rules.State{}, err
		}
	}
	c, err := rules.Replay(chain.Entries)
	if err != nil {
		return rules.State{}, fmt.Errorf("%w: %w", ceremony.ErrChain, err)
	}
	return c, nil
}
