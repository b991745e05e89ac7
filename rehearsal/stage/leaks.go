package stage

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Leak is a secret that was found where it must not be.
type Leak struct {
	Secret string // its name
	Form   string // "hex", "base64", …
	Where  string // a file below the stage's folder, "Slack", or something of the bot's process
}

func (l Leak) String() string { return fmt.Sprintf("%s, as %s, in %s", l.Secret, l.Form, l.Where) }

// Leaks looks for every secret that the stage knows: shares old and new, tokens, the identity's private key and its
// passphrase. It looks in everything that passed through Slack, in all files below the stage's folder except the bot's
// own secret files and requesters' one-time passwords, and in the arguments and the environment of the bot, if it runs.
// It looks for the secret as it is, in hex, in base64, and for each of them backwards. P1 holds if there are none.
func (s *Stage) Leaks() ([]Leak, error) {
	s.mu.Lock()
	secrets := maps.Clone(s.known)
	s.mu.Unlock()
	private, err := s.privateKey()
	if err != nil {
		return nil, err
	}
	secrets["the identity's private key"] = private
	var needles []needle
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		needles = append(needles, needlesOf(name, secrets[name])...)
	}
	if len(needles) == 0 {
		return nil, errors.New("look for leaks: nothing to look for")
	}

	look := newSearch(needles)
	leaks := look.in("Slack", s.Slack.Traffic())
	for _, file := range []string{"cmdline", "environ"} {
		// Only Linux shows them in files, and only while the bot runs.
		if content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.Pid(), file)); err == nil {
			leaks = append(leaks, look.in("the bot's "+file, content)...)
		}
	}
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == filepath.Join(s.dir, secretsFolder):
			return fs.SkipDir
		case !d.Type().IsRegular() || path == s.conclave || d.Name() == PasswordFile &&
			filepath.Dir(filepath.Dir(path)) == filepath.Join(s.dir, "people"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		where, err := filepath.Rel(s.dir, path)
		leaks = append(leaks, look.in(where, content)...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for leaks: %w", err)
	}
	return leaks, nil
}

// needle is one form of a secret to look for. Hex is in lower case.
type needle struct {
	secret, form string
	bytes        []byte
	fold         bool
}

// search looks for needles.
type search struct {
	needles      []needle
	asIs, folded *sieve // of the needles that are looked for as they are, and of those behind them
}

func newSearch(needles []needle) *search {
	s := &search{}
	var asIs, folded []needle
	for _, n := range needles {
		if n.fold {
			folded = append(folded, n)
		} else {
			asIs = append(asIs, n)
		}
	}
	s.needles = append(asIs, folded...)
	s.asIs, s.folded = newSieve(bytesOf(asIs)), newSieve(bytesOf(folded))
	return s
}

func bytesOf(needles []needle) [][]byte {
	all := make([][]byte, len(needles))
	for i, n := range needles {
		all[i] = n.bytes
	}
	return all
}

// in returns a leak for each needle in a text.
func (s *search) in(where string, hay []byte) []Leak {
	found := make([]bool, len(s.needles))
	s.asIs.find(hay, func(n, _ int) { found[n] = true })
	s.folded.find(bytes.ToLower(hay), func(n, _ int) { found[len(s.asIs.pieces)+n] = true })
	var leaks []Leak
	for i, n := range s.needles {
		if found[i] {
			leaks = append(leaks, Leak{Secret: n.secret, Form: n.form, Where: where})
		}
	}
	return leaks
}

// needlesOf returns all forms of a secret. A share is a text in hex or base64 that stands for bytes: both are secret.
func needlesOf(name, value string) []needle {
	var all []needle
	add := func(form string, b []byte, fold bool) {
		back := slices.Clone(b)
		slices.Reverse(back)
		all = append(all, needle{name, form, b, fold}, needle{name, form + " backwards", back, fold})
	}
	readings := map[string][]byte{"": []byte(value)} // what it stands for → bytes
	if raw, err := hex.DecodeString(value); err == nil && len(raw) >= 16 {
		readings["its bytes "] = raw
	} else if raw, err := base64.StdEncoding.DecodeString(value); err == nil && len(raw) >= 16 {
		readings["its bytes "] = raw
	}
	for of, raw := range readings {
		add(of+"raw", raw, false)
		add(of+"hex", []byte(hex.EncodeToString(raw)), true)
		// Inside a longer text, base64 has one of three forms.
		for shift := range 3 {
			text := shifted(raw, shift)
			add(of+"base64", []byte(text), false)
			add(of+"base64url", []byte(strings.NewReplacer("+", "-", "/", "_").Replace(text)), false)
		}
	}
	return all
}

// shifted returns the part of raw's base64 that does not depend on the bytes around it. before is the number of bytes
// before it.
func shifted(raw []byte, before int) string {
	text := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), raw...))
	// A character stands for 6 bits. Those that contain a bit of the neighbours are left out.
	first := (before*8 + 5) / 6
	last := (before + len(raw)) * 8 / 6
	return text[first:last]
}
