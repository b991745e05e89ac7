package main

import "golang.org/x/sys/unix"

// forbidTracing keeps debuggers from attaching.
func forbidTracing() { _ = unix.PtraceDenyAttach() }

// lockMemory has no counterpart: macOS can lock single pages, and Go moves what it
// keeps.
func lockMemory() {}

// forgoPrivileges has no counterpart.
func forgoPrivileges() {}

func hostProtections() []protection {
	core := protection{name: "core dumps", key: "core_dumps", holds: noCoreFile(), state: "off", text: "a crash leaves no image of the memory"}
	if !core.holds {
		core.state, core.text, core.advice = "on", "a crash may leave an image of the memory in a file", "start it after: ulimit -c 0"
	}
	return []protection{core, {
		name: "memory of this process", key: "memory", state: "not locked",
		text:   "it is not locked, and an administrator can read it",
		advice: "run the bot on Linux, where more can be done; macOS encrypts its swap",
	}}
}
