package stage

import "bytes"

// sieve finds many pieces in one pass.
type sieve struct {
	pieces [][]byte
	starts [1 << 16]bool     // the first two bytes of a piece → there is one
	which  map[[2]byte][]int // the same → which ones
}

// newSieve makes a sieve. Each piece has at least two bytes.
func newSieve(pieces [][]byte) *sieve {
	s := &sieve{pieces: pieces, which: map[[2]byte][]int{}}
	for n, piece := range pieces {
		first := [2]byte(piece)
		s.starts[int(first[0])<<8|int(first[1])] = true
		s.which[first] = append(s.which[first], n)
	}
	return s
}

// find calls found for every place of a piece, in the order of places. It goes over every byte of a process. No other
// goroutine changes them, so that the race detector would only make it slow.
//
//go:norace
func (s *sieve) find(hay []byte, found func(piece, at int)) {
	for at := 0; at+1 < len(hay); at++ {
		if !s.starts[int(hay[at])<<8|int(hay[at+1])] {
			continue
		}
		for _, n := range s.which[[2]byte(hay[at:])] {
			if bytes.HasPrefix(hay[at:], s.pieces[n]) {
				found(n, at)
			}
		}
	}
}
