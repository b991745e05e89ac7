package host

import (
	"runtime"
	"runtime/debug"
	"time"
)

// CollectGarbage frees the copies that libraries have made of a share, such as a
// decompressed message or an encrypted request, and frees them once more a second later.
// What this program copies itself is overwritten where it is used.
//
// The first collection empties what the standard library keeps for reuse, and the second
// frees that. Whole pages go back to the operating system, which clears a page before it
// hands it out. Under GODEBUG=clobberfree=1 what shares a page with something in use is
// overwritten as well: see freedMemory.
func CollectGarbage() {
	collect()
	time.AfterFunc(settling, collect)
}

// settling is the time after which no goroutine refers to a share any more. A goroutine of
// net/http may refer to the request that it has written for longer than its caller does.
const settling = time.Second

func collect() {
	runtime.GC()
	debug.FreeOSMemory() // begins with a collection
}
