package planning

import (
	"crypto/rand"

	"conclave/ceremony"
)

// idAlphabet has no letter or digit that is mistaken for another one when it is read
// aloud.
const idAlphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// NewID returns a ceremony's id: its cluster, its operation and four random characters.
func NewID(cluster string, op ceremony.Operation) ceremony.ID {
	var word [4]byte
	_, _ = rand.Read(word[:]) // crypto/rand never fails
	for i, b := range word {
		word[i] = idAlphabet[int(b)%len(idAlphabet)]
	}
	return ceremony.ID(cluster + "-" + string(op) + "-" + string(word[:]))
}
