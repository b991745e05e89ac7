package holder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/cli"
	"conclave/host"
	"conclave/host/durable"
)

// pins are the identities that a person trusts, in a file of theirs. The person has
// confirmed each by hand. No identity gets in because a message came from it.
//
// A pin has the clusters for which its identity has held ceremonies. An attacker who makes
// a key of their own asks for a share of a known cluster. A second Conclave has other
// clusters. So the two are told apart.
type pins struct {
	path string
	list []pin
	seen bool // a pin in words has got its fingerprint, and was not saved since
}

// pin is one identity that a person trusts.
type pin struct {
	Identity ceremony.Fingerprint `json:"identity,omitempty"`
	// Words stand for an identity that was typed in words, until a message by it has shown
	// its fingerprint. They are empty when there is a fingerprint.
	Words    string    `json:"words,omitempty"`
	Since    time.Time `json:"since"`
	Clusters []served  `json:"clusters,omitempty"`
}

// served is a cluster for which an identity has spoken.
type served struct {
	Name string `json:"name"`
	ID   string `json:"id,omitempty"` // Vault's own id; empty until a message has it
}

// shaped returns an error when the name or the id has the wrong form.
func (s served) shaped() error {
	switch {
	case !ceremony.IsName(s.Name):
		return fmt.Errorf("%q is no name of a cluster", s.Name)
	case s.ID != "" && !ceremony.IsNonce(s.ID):
		return fmt.Errorf("%q is no id of a cluster", s.ID)
	}
	return nil
}

// pinFormat is the format that a file of pins names.
const pinFormat = "conclave-pins1"

type pinFile struct {
	Format string `json:"format"`
	Pins   []pin  `json:"pins"`
}

// errNoConfigDir means that this account has no directory for its configuration.
var errNoConfigDir = errors.New("there is no place for pinned identities")

// loadPins reads the file of pins in the account's configuration directory. When there is
// no file there are no pins.
func loadPins() (*pins, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, cli.WithHint(fmt.Errorf("%w: %w", errNoConfigDir, err),
			"Say whom you believe by --identity FINGERPRINT.")
	}
	p := &pins{path: filepath.Join(dir, "conclave", "pins.json")}
	if err := p.read(); err != nil {
		return nil, cli.WithHint(fmt.Errorf("read the pinned identities: %w", err),
			"Nobody is believed until that file is right. Restore it; or move it away, "+
				"and pin again what you were given in person or on the phone.")
	}
	return p, nil
}

func (p *pins) read() error {
	data, err := host.ReadFile(host.Path(p.path), false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(p.path)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s has mode %04o, which lets other accounts decide whom you believe: "+
			"check what is in it, and chmod 600 %[1]s", p.path, info.Mode().Perm())
	}
	var file pinFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return fmt.Errorf("%s: %w", p.path, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: there is more in it than pins", p.path)
	}
	if file.Format != pinFormat {
		return fmt.Errorf("%s: its format is %q, and not %q", p.path, file.Format, pinFormat)
	}
	for i, read := range file.Pins {
		given, err := parseTyped(string(read.Identity) + read.Words)
		if err == nil && (given.digits == "") != (read.Identity == "") {
			err = errNotFingerprint
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
		file.Pins[i].Identity, file.Pins[i].Words = given.digits, given.words
		if slices.ContainsFunc(file.Pins[:i], given.names) {
			return fmt.Errorf("%s: %s is in it twice", p.path, given)
		}
		for _, of := range read.Clusters {
			if err := of.shaped(); err != nil {
				return fmt.Errorf("%s: %w", p.path, err)
			}
		}
	}
	p.list = file.Pins
	return nil
}

// save replaces the file. After a crash either the old file or the new one is there.
func (p *pins) save() error {
	if err := p.write(); err != nil {
		return fmt.Errorf("keep the pinned identities: %w", err)
	}
	return nil
}

func (p *pins) write() error {
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return err
	}
	data, err := json.MarshalIndent(pinFile{pinFormat, p.list}, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.Replace(p.path, append(data, '\n')); err != nil {
		return err
	}
	p.seen = false
	return nil
}

// find returns the pin of an identity, or nil. A pin in words gets its fingerprint.
func (p *pins) find(f ceremony.Fingerprint) *pin {
	known := p.typed(typed{digits: f})
	if known != nil && known.Identity == "" {
		known.Identity, known.Words, p.seen = f, "", true
	}
	return known
}

// typed returns the pin of an identity as it was typed, or nil.
func (p *pins) typed(given typed) *pin {
	if i := slices.IndexFunc(p.list, given.names); i >= 0 {
		return &p.list[i]
	}
	return nil
}

// add returns the pin of an identity. It makes one when there is none.
func (p *pins) add(f ceremony.Fingerprint, now time.Time) *pin {
	return p.addTyped(typed{digits: f}, now)
}

func (p *pins) addTyped(given typed, now time.Time) *pin {
	if given.digits != "" {
		p.find(given.digits)
	}
	if known := p.typed(given); known != nil {
		return known
	}
	p.list = append(p.list, pin{Identity: given.digits, Words: given.words, Since: now.UTC().Truncate(time.Second)})
	return &p.list[len(p.list)-1]
}

// remove removes the pin of an identity, and reports whether there was one.
func (p *pins) remove(given typed) bool {
	before := len(p.list)
	p.list = slices.DeleteFunc(p.list, given.names)
	return len(p.list) < before
}

// remember adds a cluster for which the identity has spoken, and reports whether the pin
// has changed.
func (p *pin) remember(of served) bool {
	if of.Name == "" {
		return false
	}
	for i, known := range p.Clusters {
		switch {
		case known.Name != of.Name || known.ID != "" && of.ID != "" && known.ID != of.ID:
			continue
		case known.ID == "" && of.ID != "":
			p.Clusters[i].ID = of.ID
			return true
		}
		return false
	}
	p.Clusters = append(p.Clusters, of)
	return true
}

// rival returns the pin of another identity than speaker that has spoken for a cluster
// until now, or nil.
//
// An equal name is enough: an identity can give any id as that of its cluster. Two clusters
// of one name are told apart by Vault's ids once the person has said that there are two, see
// [pins.give].
func (p *pins) rival(speaker ceremony.Fingerprint, of served) *pin {
	known := p.find(speaker)
	if known != nil && slices.ContainsFunc(known.Clusters, func(s served) bool { return s.Name == of.Name && s.may(of) }) {
		return nil
	}
	for i, other := range p.list {
		if other.Identity == speaker {
			continue
		}
		if slices.ContainsFunc(other.Clusters, func(s served) bool {
			return s.may(of) || s.Name == of.Name
		}) {
			return &p.list[i]
		}
	}
	return nil
}

// may reports whether two records may be of one cluster: by Vault's ids where both
// have one, by name otherwise.
func (s served) may(other served) bool {
	if s.ID != "" && other.ID != "" {
		return s.ID == other.ID
	}
	return s.Name != "" && s.Name == other.Name
}

// servedBy returns the cluster that a message is about. A delivery names it in the
// ceremony's id only.
func servedBy(c openpgp.Claim) served {
	if c.Cluster != "" {
		return served{c.Cluster, c.ClusterID}
	}
	cluster, _ := partsOf(c.Ceremony)
	return served{Name: cluster}
}

// partsOf returns the cluster and the operation of a ceremony's id, which is
// CLUSTER-OPERATION-WORD. Both are empty when the id has another form.
func partsOf(id ceremony.ID) (cluster string, operation ceremony.Operation) {
	last := strings.LastIndexByte(string(id), '-')
	if last < 0 {
		return "", ""
	}
	for _, op := range ceremony.Operations() {
		// An id may end with two of them: the longer one is meant.
		name, ok := strings.CutSuffix(string(id[:last]), "-"+string(op))
		if ok && name != "" && len(op) > len(operation) {
			cluster, operation = name, op
		}
	}
	return cluster, operation
}
