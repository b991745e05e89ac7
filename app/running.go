package app

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"conclave/config"
	"conclave/host"
	"conclave/host/durable"
)

// The running bot and the commands beside it find each other in the journal's folder, where
// nobody else may write: no other process is looked for, and no signal can go to a wrong one.
const (
	runningName = ".running" // what the bot says of itself
	requestName = ".reload"  // asks the bot to reload; the bot takes the file away
)

// Running is what a bot says of itself.
type Running struct {
	Process       int       `json:"process"`
	Version       string    `json:"version"`
	Configuration string    `json:"configuration"` // the file's path
	Read          time.Time `json:"read"`          // when it was read last
	// Files are the files that a reload reads: path → SHA-256 of what was read, in
	// hexadecimal digits.
	Files  map[string]string `json:"files"`
	Answer *Answer           `json:"answer,omitempty"` // to the last request for a reload
}

// Answer is what became of a reload.
type Answer struct {
	Request string    `json:"request"` // the request that it is about; "" after SIGHUP
	At      time.Time `json:"at"`
	Done    bool      `json:"done"`    // false: nothing was changed
	Changed []string  `json:"changed"` // YAML paths and files
	Fault   string    `json:"fault"`   // why nothing was changed
}

// ReadRunning returns what the bot with this journal said of itself last. The error is
// [fs.ErrNotExist] after one that has stopped.
func ReadRunning(journal host.Path) (Running, error) {
	var r Running
	data, err := os.ReadFile(filepath.Join(string(journal), runningName))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return r, err
}

// write leaves in the journal's folder what the bot says of itself.
func (r Running) write(journal host.Path) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(string(journal), runningName), append(data, '\n'))
}

// Due returns the files that are not as they were read.
func (r Running) Due() []string {
	var changed []string
	for _, path := range slices.Sorted(maps.Keys(r.Files)) {
		if hashOf(path) != r.Files[path] {
			changed = append(changed, path)
		}
	}
	return changed
}

// running returns what a bot with this configuration says of itself.
func running(c *config.Config) Running {
	r := Running{
		Process: os.Getpid(), Version: host.Version(), Configuration: c.File(), Read: time.Now().UTC(),
		Files: map[string]string{},
	}
	for _, path := range c.Files() {
		r.Files[string(path)] = hashOf(string(path))
	}
	r.Files[c.File()] = c.Hash() // what was read, whatever is there by now
	return r
}

// hashOf returns the SHA-256 of a file in hexadecimal digits, or "" when it can't be read.
func hashOf(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// RequestReload asks the bot with this journal to reload. request names the request in the
// answer. The error is [fs.ErrExist] while another request waits. The bot can read it when
// root has written it.
func RequestReload(journal host.Path, request string) error {
	f, err := os.CreateTemp(string(journal), requestName+"-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(request)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Link(f.Name(), filepath.Join(string(journal), requestName)) // replaces nothing
	}
	return errors.Join(err, os.Remove(f.Name()))
}

// Requested reports whether a request waits.
func Requested(journal host.Path) bool {
	_, err := os.Lstat(filepath.Join(string(journal), requestName))
	return err == nil
}

// WithdrawRequest takes a request back. It reports whether the bot had not taken it.
func WithdrawRequest(journal host.Path) bool {
	return os.Remove(filepath.Join(string(journal), requestName)) == nil
}

// takeRequest returns the request that waits. asked reports whether there is one. That of
// another account, such as root, may not be readable, and is taken all the same.
func takeRequest(journal host.Path) (request string, asked bool) {
	path := filepath.Join(string(journal), requestName)
	data, err := host.ReadFile(host.Path(path), false)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	return string(data), os.Remove(path) == nil
}
