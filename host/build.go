package host

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// Version returns the build as the Go toolchain has written it into the program: a tag, or
// the commit, marked when the checkout had changes.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	switch {
	case !ok:
		return "unknown"
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	if revision := Revision(); revision != "" {
		return revision
	}
	return "devel"
}

// Revision returns the commit that the program was built from, marked when the checkout
// had changes. It returns "" when the toolchain has not written it down.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	if set["vcs.revision"] != "" && set["vcs.modified"] == "true" {
		return set["vcs.revision"] + "+changes"
	}
	return set["vcs.revision"]
}

// ProgramHash returns the SHA-256 of the running program's file in hexadecimal digits, or
// "" when it can't be read. The file is read once.
var ProgramHash = sync.OnceValue(func() string {
	path, err := os.Executable()
	if runtime.GOOS == "linux" {
		path, err = "/proc/self/exe", nil // the very file, even when another one was put in its place
	}
	if err != nil {
		return ""
	}
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
})
