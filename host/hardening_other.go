//go:build unix && !linux && !darwin

package host

// Core dumps are off; the rest has no counterpart that Conclave makes use of here.

func forbidTracing()   {}
func lockMemory()      {}
func forgoPrivileges() {}

func hostProtections() []protection {
	return []protection{{
		name: "memory of this process", key: "memory", state: "not protected",
		text:   "other processes of this account can read it, and it may be swapped out",
		advice: "run the bot on Linux",
	}}
}
