package index

import (
	"encoding/binary"
	"strconv"
	"sync"
)

// digestLength is how many hexadecimal digits a SHA-256 has.
const digestLength = 64

// DigestSet holds every digest that people were shown, eight bytes of each. Of a million
// digests and a share, that is as good as the whole. It has a lock of its own, so that a
// reader never waits for a disk.
type DigestSet struct {
	mu  sync.RWMutex
	all map[uint64]struct{}
}

// Has reports whether a word is a digest that people were shown, in lower-case hexadecimal
// digits. Its cost does not grow with what has happened so far.
func (s *DigestSet) Has(word string) bool {
	digest, ok := shorten(word)
	if !ok {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok = s.all[digest]
	return ok
}

// Add adds digests.
func (s *DigestSet) Add(words ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, word := range words {
		if digest, ok := shorten(word); ok {
			s.addLocked(digest)
		}
	}
}

// add adds the digests of a record.
func (s *DigestSet) add(packed []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; len(packed) >= 8; packed = packed[8:] {
		s.addLocked(binary.BigEndian.Uint64(packed))
	}
}

func (s *DigestSet) addLocked(digest uint64) {
	if s.all == nil {
		s.all = map[uint64]struct{}{}
	}
	s.all[digest] = struct{}{}
}

// shorten returns the first eight bytes of a SHA-256 in lower-case hexadecimal digits. It
// reports whether the word is one.
func shorten(word string) (digest uint64, ok bool) {
	if len(word) != digestLength {
		return 0, false
	}
	for _, c := range []byte(word) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return 0, false
		}
	}
	digest, err := strconv.ParseUint(word[:16], 16, 64)
	return digest, err == nil
}
