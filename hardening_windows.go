package main

// Nothing of this has a counterpart that Conclave makes use of on Windows, which is
// for holders and auditors.

func forbidCoreDumps() {}
func forbidTracing()   {}
func lockMemory()      {}
func forbidTraces()    {}
func forgoPrivileges() {}

func hostProtections() []protection {
	return []protection{{
		name: "memory of this process", key: "memory", state: "not protected",
		text:   "other processes of this account can read it, and it may be swapped out or dumped",
		advice: "run the bot on Linux",
	}}
}
