package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// keysFolder returns the folder for the unseal keys of a server that was given on the command line. It is among the
// secrets, which the search for leaks leaves out.
func (h *rehearsal) keysFolder() string {
	return filepath.Join(h.stage.Dir(), "secrets", "unseal-keys")
}

// keepKeys writes down the unseal keys of a server that was given on the command line, each kind in a file of its own,
// before they are needed: people's PGP keys are gone when this program ends, and without the unseal keys the server
// could never be opened again.
func (h *rehearsal) keepKeys(ctx context.Context) error {
	if h.emulator != nil {
		return nil
	}
	keys := map[string][]string{} // file → the keys in it
	for _, p := range h.stage.People() {
		files, err := filepath.Glob(filepath.Join(h.stage.Dir(), "people", p.Name, "*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			name := filepath.Base(file)
			key, err := p.Keys.Open(ctx, name)
			if err != nil {
				return fmt.Errorf("open %s's %s: %w", p.Name, name, err)
			}
			keys[name] = append(keys[name], key)
		}
	}
	if err := os.MkdirAll(h.keysFolder(), 0o700); err != nil {
		return fmt.Errorf("keep the unseal keys: %w", err)
	}
	for name, lines := range keys {
		if err := os.WriteFile(filepath.Join(h.keysFolder(), name), []byte(strings.Join(lines, "\n")+"\n"),
			0o600); err != nil {
			return fmt.Errorf("keep the unseal keys: %w", err)
		}
	}
	return nil
}
