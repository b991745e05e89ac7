package host

// On Windows, where only holders and auditors use Conclave, it does none of this.

func forbidCoreDumps() {}
func forbidTracing()   {}
func lockMemory()      {}
func forbidTraces()    {}

// ForgoPrivileges does nothing on Windows.
func ForgoPrivileges() {}

func hostProtections() []Protection {
	return []Protection{{
		Name: "memory of this process", key: "memory", state: "not protected",
		Text:   "other processes of this account can read it, and it may be swapped out or dumped",
		Advice: "run the bot on Linux",
	}}
}
