// Package handover keeps the private halves of ceremony keys in memory while one engine takes
// another's place. A reload of the configuration then voids no request that holders have.
package handover

import (
	"sync"

	"conclave/ceremony"
)

// Keys are the ceremony keys that an engine leaves to the next one. Its methods may be called
// from several goroutines, and on a nil Keys, which keeps nothing.
type Keys struct {
	mu   sync.Mutex
	open bool
	kept map[ceremony.ID]ceremony.Key
}

// Open has the keys kept that are laid down from now on.
func (k *Keys) Open() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open, k.kept = true, map[ceremony.ID]ceremony.Key{}
}

// Close destroys the keys that nobody has taken, and each one that is laid down later.
func (k *Keys) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.kept {
		key.Destroy()
	}
	k.open, k.kept = false, nil
}

// Lay takes over a ceremony's key, which the caller must not use any more. Unless an engine
// follows it is destroyed.
func (k *Keys) Lay(id ceremony.ID, key ceremony.Key) {
	if k != nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.open {
			k.kept[id] = key
			return
		}
	}
	key.Destroy()
}

// Take returns the key of a ceremony that was announced so, or nil. The caller destroys it.
func (k *Keys) Take(id ceremony.ID, announced ceremony.Announced) ceremony.Key {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	key := k.kept[id]
	if key == nil || key.Announced().Subkey != announced.Subkey {
		return nil
	}
	delete(k.kept, id)
	return key
}
