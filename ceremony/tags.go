package ceremony

import (
	"crypto/sha256"
	"fmt"
)

// tags are the HMACs of the shares that Vault has counted in a round. They name
// a duplicate without keeping a share.
type tags struct {
	key   [sha256.Size]byte
	round string
	seen  map[[sha256.Size]byte]Account // share → whose it was
}

// resetTags forgets the shares of a round that is over.
func (o *owner) resetTags() {
	round := fmt.Sprintf("%s/%s/%d", o.c.Attempt.Nonce, o.c.Round.Nonce, o.c.Round.Number)
	if o.tags.round != round {
		o.tags.round = round
		o.tags.seen = map[[sha256.Size]byte]Account{}
	}
}
