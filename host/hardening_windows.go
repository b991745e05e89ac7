package host

// Nothing of this has a counterpart that Conclave makes use of on Windows, which is
// for holders and auditors.

func forbidCoreDumps() {}
func forbidTracing()   {}
func lockMemory()      {}
func forbidTraces()    {}
func ForgoPrivileges() {}

func hostProtections() []Protection {
	return []Protection{{
		Name: "memory of this process", key: "memory", state: "not protected",
		Text:   "other processes of this account can read it, and it may be swapped out or dumped",
		Advice: "run the bot on Linux",
	}}
}
