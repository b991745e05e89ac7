package secret

// usedStack is more than decrypting an envelope, or hashing a share, takes of a goroutine's
// stack, in bytes.
const usedStack = 32 << 10

// heldStack is so much that a collection of garbage does not make the stack smaller while it
// is held: it does that when less than a quarter is used (Go's runtime/stack.go), and leaves
// behind what stood in the old one.
const heldStack = 64 << 10

// OverStack calls f and overwrites the stack that f has used. A hash copies its last block
// there when it is finished, and the copy stays until other calls happen to take its place
// (P1). OverStack first makes the stack large enough, so that f's calls lie in the part
// that is overwritten, and keeps it that large.
func OverStack(f func()) {
	var held [heldStack]byte
	clearHeld(&held)
	defer clearHeld(&held) // it is in use until then
	overwrite()
	defer overwrite()
	f()
}

//go:noinline
func overwrite() {
	var used [usedStack]byte
	clearAll(&used)
}

//go:noinline
func clearAll(b *[usedStack]byte) { clear(b[:]) }

//go:noinline
func clearHeld(b *[heldStack]byte) { clear(b[:]) }
