//go:build unix && !linux && !darwin

package host

// On these systems Conclave turns core dumps off, and does none of the rest.

func forbidTracing() {}
func lockMemory()    {}

// ForgoPrivileges does nothing on these systems.
func ForgoPrivileges() {}

func hostProtections() []Protection {
	return []Protection{{
		Name: "memory of this process", key: "memory", state: "not protected",
		Text:   "other processes of this account can read it, and it may be swapped out",
		Advice: "run the bot on Linux",
	}}
}
