package secret

// usedStack is more than decrypting an envelope, or hashing a share, takes of a goroutine's
// stack, in bytes.
const usedStack = 32 << 10

// OverStack calls f and overwrites the stack that f has used. A hash copies its last block
// there when it is finished, and the copy stays until other calls happen to take its place
// (P1). OverStack first makes the stack large enough, so that f's calls lie in the part
// that is overwritten.
func OverStack(f func()) {
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
