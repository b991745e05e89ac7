package host

import (
	"cmp"
	"log/slog"
	"os"
	"slices"
	"strings"
)

// Protection is one way to keep secrets within this process's memory (P1). Whether it
// holds is read back from the operating system, not remembered from the attempt: what was
// asked for is not always granted.
type Protection struct {
	Name   string // as check prints it: "core dumps"
	key    string // as the log has it: "core_dumps"
	Holds  bool
	state  string // for the log, in a word or two
	Text   string // for people, a sentence without its full stop
	Advice string // what to do; empty when it holds
}

// Harden protects the memory of this process as far as the operating system lets it. It
// is called by every command, since most of them handle a secret. It never fails: a
// container that forbids one of these things has usually arranged for it in another way,
// and a bot that does not start on the day on which Vault is sealed protects nobody.
// [Protections] returns what came of it, for the first line of the log and for conclave
// check.
func Harden() {
	forbidCoreDumps()
	forbidTracing()
	lockMemory()
	forbidTraces()
}

// Protections returns every protection of this operating system, and whether it holds
// now.
func Protections() []Protection { return append(hostProtections(), freedMemory(), crashTrace()) }

// freedMemory reports whether the garbage collector overwrites what it frees. It runs
// after each share. Secrets are overwritten where they are used; this is for the copies
// that libraries make. Go reads the setting from the environment before the program runs,
// and from nowhere else.
func freedMemory() Protection {
	p := Protection{Name: "freed memory", key: "freed_memory"}
	if p.Holds = slices.Contains(strings.Split(os.Getenv("GODEBUG"), ","), "clobberfree=1"); p.Holds {
		p.state, p.Text = "overwritten", "it is overwritten"
		return p
	}
	p.state, p.Text = "kept", "what libraries leave behind stays until its place is used again"
	p.Advice = "set GODEBUG=clobberfree=1 in the bot's environment"
	return p
}

// crashTrace reports whether a crash prints no trace. A trace has the arguments of each
// call, and prints an array among them word by word. Go takes the setting from the
// environment before the program runs, and lets the program only raise it. When Go's own
// runtime is broken it prints everything, whatever was set.
func crashTrace() Protection {
	p := Protection{Name: "crash traces", key: "crash_trace", state: cmp.Or(os.Getenv("GOTRACEBACK"), "single")}
	if p.Holds = p.state == "none"; p.Holds {
		p.Text = "a crash prints its reason, and no arguments of calls"
		return p
	}
	p.Text = "a crash prints the arguments of the calls that led to it"
	p.Advice = "set GOTRACEBACK=none in the bot's environment"
	return p
}

// LogProtections logs the protections in one line, as a warning when one does not hold.
func LogProtections(log *slog.Logger, all []Protection) {
	write, fields := log.Info, []any(nil)
	for _, p := range all {
		fields = append(fields, p.key, p.state)
		if !p.Holds {
			write = log.Warn
		}
	}
	write("hardening", fields...)
}
