package host

import (
	"runtime"
	"runtime/debug"
	"time"
)

// CollectGarbage has what libraries have copied of a share (a message decompressed,
// a request encrypted) given back, as soon as nobody needs it any more: what this
// program copies itself is overwritten where it is used.
//
// The first collection empties what the standard library keeps for reuse, the
// second frees that, and whole pages go back to the operating system, which hands
// out none before it is cleared. Under GODEBUG=clobberfree=1 what shares a page with
// something in use is overwritten as well: see freedMemory.
func CollectGarbage() {
	collect()
	time.AfterFunc(restful, collect)
}

// restful is after how long whatever has had a share in hand is at rest: a goroutine of
// net/http may hold the request that it has written a moment longer than its caller.
const restful = time.Second

func collect() {
	runtime.GC()
	debug.FreeOSMemory() // begins with a collection
}
