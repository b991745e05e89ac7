package host

import "golang.org/x/sys/unix"

// forbidTracing keeps debuggers from attaching.
func forbidTracing() { _ = unix.PtraceDenyAttach() }

// lockMemory does nothing: macOS can lock single pages only, and Go moves what it keeps.
func lockMemory() {}

// ForgoPrivileges does nothing: macOS has no such setting.
func ForgoPrivileges() {}

func hostProtections() []Protection {
	core := Protection{
		Name: "core dumps", key: "core_dumps", Holds: noCoreFile(), state: "off",
		Text: "a crash leaves no image of the memory",
	}
	if !core.Holds {
		core.state, core.Text = "on", "a crash may leave an image of the memory in a file"
		core.Advice = "start it after: ulimit -c 0"
	}
	return []Protection{core, {
		Name: "memory of this process", key: "memory", state: "not locked",
		Text:   "it is not locked, and an administrator can read it",
		Advice: "run the bot on Linux, where more can be done; macOS encrypts its swap",
	}}
}
