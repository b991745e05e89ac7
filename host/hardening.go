package host

import (
	"cmp"
	"log/slog"
	"os"
	"slices"
	"strings"
)

// Protection is one way to keep what is in this process's memory there (P1), and
// whether it is in force. It is read back from the operating system and not
// remembered from the attempt: what was asked for is not yet what is so.
type Protection struct {
	Name   string // as check prints it: "core dumps"
	key    string // as the log has it: "core_dumps"
	Holds  bool
	state  string // for the log, a word or two
	Text   string // for people, a sentence without its full stop
	Advice string // what to do; empty when it holds
}

// Harden does what every command profits from, since most of them have a secret in
// their hands at some time. It fails nowhere: a container that forbids one of
// these things has usually arranged for it in another way, and a bot that does not
// start on the day on which Vault is sealed protects nobody. What came of it is
// told by [Protections], in the first line of the log and by "conclave check".
func Harden() {
	forbidCoreDumps()
	forbidTracing()
	lockMemory()
	forbidTraces()
}

// Protections are those in force now.
func Protections() []Protection { return append(hostProtections(), freedMemory(), crashTrace()) }

// freedMemory tells whether what is not needed any more is overwritten when the
// garbage collector comes by, which it does after each share. Secrets are overwritten
// where they are used; this is for the copies of libraries. Go reads it from the
// environment before the program runs, and from nowhere else.
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

// crashTrace tells what a crash of the program prints. A trace has the arguments of
// each call, and an array among them is printed word by word. Go takes its default
// from the environment before the program runs, and lets it be raised only; when
// it is its own runtime that is broken, it prints everything whatever was set.
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

// LogProtections writes them in one line, a warning when one is missing.
func LogProtections(log *slog.Logger, all []Protection) {
	say, fields := log.Info, []any(nil)
	for _, p := range all {
		fields = append(fields, p.key, p.state)
		if !p.Holds {
			say = log.Warn
		}
	}
	say("hardening", fields...)
}
