package index

import (
	"encoding/binary"
	"slices"
	"strconv"
	"sync"
)

// digestLength is how many hexadecimal digits a SHA-256 has.
const digestLength = 64

// DigestSet holds every digest that people were shown, eight bytes of each. Of a million
// digests and a share, that is as good as the whole. It has a lock of its own, so that a
// reader never waits for a disk.
type DigestSet struct {
	mu   sync.RWMutex
	past []uint64            // in rising order, once Sort was called
	live map[uint64]struct{} // that were added since
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
	if _, ok = s.live[digest]; !ok {
		_, ok = slices.BinarySearch(s.past, digest)
	}
	return ok
}

// Add adds digests.
func (s *DigestSet) Add(words ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == nil {
		s.live = map[uint64]struct{}{}
	}
	for _, word := range words {
		if digest, ok := shorten(word); ok {
			s.live[digest] = struct{}{}
		}
	}
}

// AddPast adds the digests of a record. They are found once Sort was called.
func (s *DigestSet) AddPast(packed []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; len(packed) >= 8; packed = packed[8:] {
		s.past = append(s.past, binary.BigEndian.Uint64(packed))
	}
}

// Sort brings what AddPast has added into order.
func (s *DigestSet) Sort() {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.past)
	s.past = slices.Clone(slices.Compact(s.past)) // without the room for more
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
