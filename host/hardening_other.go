//go:build unix && !linux && !darwin

package host

// Core dumps are off; the rest has no counterpart that Conclave makes use of here.

func forbidTracing()   {}
func lockMemory()      {}
func ForgoPrivileges() {}

func hostProtections() []Protection {
	return []Protection{{
		Name: "memory of this process", key: "memory", state: "not protected",
		Text:   "other processes of this account can read it, and it may be swapped out",
		Advice: "run the bot on Linux",
	}}
}
