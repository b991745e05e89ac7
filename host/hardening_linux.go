package host

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"math"
	"os"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// forbidTracing keeps other processes of the same account from reading this one's memory,
// by ptrace or through /proc. It also keeps the kernel from piping a core dump to a
// program such as systemd-coredump, to which the limit on core files does not apply:
// core(5).
func forbidTracing() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// lockMemory keeps memory from being swapped out, each page once it is used. It locks
// nothing where a limit applies: the limit counts what Go has reserved and never uses, far
// over a gigabyte. A limit that is reached in the middle of a ceremony is a crash for want
// of memory.
func lockMemory() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) != nil {
		return
	}
	if limit.Cur < limit.Max {
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit)
	}
	if limit.Cur == math.MaxUint64 || mayLockMemory() {
		_ = unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
	}
}

// mayLockMemory reports whether this process may lock memory beyond the limit.
func mayLockMemory() bool {
	var sets [2]unix.CapUserData
	err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &sets[0])
	return err == nil && sets[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}

// ForgoPrivileges keeps this process and everything that it starts from ever gaining
// privileges, by a set-uid program for example. It is for commands that start nothing:
// gpg's agent would inherit it, and outlive the command that has started it.
//
// The kernel keeps the setting for each thread. Go can reach all threads only in a
// program without C, and Conclave is shipped so.
func ForgoPrivileges() {
	_, _, _ = syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
}

func hostProtections() []Protection {
	status := readStatus()
	return []Protection{coreDumps(), tracing(status), newPrivileges(status), swapping(status)}
}

func coreDumps() Protection {
	p := Protection{
		Name: "core dumps", key: "core_dumps", Holds: noCoreFile() && !dumpable(), state: "off",
		Text: "a crash leaves no image of the memory",
	}
	if !p.Holds {
		p.state, p.Text = "on", "a crash may leave an image of the memory in a file"
		p.Advice = "start it with LimitCORE=0 (systemd) or --ulimit core=0 (docker)"
	}
	return p
}

func dumpable() bool {
	is, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return err != nil || is != 0
}

func tracing(status map[string]string) Protection {
	p := Protection{
		Name: "memory of this process", key: "tracing", Holds: true, state: "forbidden",
		Text: "no other process of this account can read it",
	}
	if tracer := cmp.Or(status["TracerPid"], "unknown"); tracer != "0" {
		p.Holds, p.state, p.Text = false, "traced", "process "+tracer+" traces it, and can read everything"
		p.Advice = "find out what that is and who has started it"
	} else if dumpable() {
		p.Holds, p.state, p.Text = false, "allowed", "every process of this account can read it"
		p.Advice = "have nothing else run under the account; allow prctl where system calls are filtered"
	}
	return p
}

func newPrivileges(status map[string]string) Protection {
	p := Protection{
		Name: "new privileges", key: "new_privileges", Holds: status["NoNewPrivs"] == "1", state: "forbidden",
		Text: "this process can gain none",
	}
	if !p.Holds {
		p.state, p.Text = "allowed", "a program that is started from here could gain some, by set-uid"
		p.Advice = "start it with NoNewPrivileges=yes (systemd) or --security-opt no-new-privileges (docker);\n" +
			"a build with CGO_ENABLED=0 sees to it by itself"
	}
	return p
}

// swapping holds when no page of this process can get onto a disk: each is locked, or
// there is nowhere to swap it to.
func swapping(status map[string]string) Protection {
	p := Protection{Name: "swap", key: "memory", Holds: true}
	switch {
	case !strings.HasPrefix(cmp.Or(status["VmLck"], "0 kB"), "0 "):
		p.state, p.Text = "locked", "memory is locked and never swapped out"
	case swapForbidden():
		p.state, p.Text = "no swap for it", "memory is not locked, and the service may not swap"
	case !hostSwaps():
		p.state, p.Text = "no swap", "memory is not locked, and this host does not swap"
	default:
		p.Holds, p.state = false, "may be swapped"
		p.Text = "memory is not locked, and this host swaps: a share could be written to its disk"
		p.Advice = "start it with LimitMEMLOCK=infinity or MemorySwapMax=0 (systemd), with --memory and --memory-swap\n" +
			"of one size (docker), or encrypt the swap"
	}
	return p
}

// swapForbidden reports whether the control group of this process may not swap, in version
// 2 of control groups. There systemd's MemorySwapMax= and docker's --memory-swap take
// effect. The limits of outer groups are not looked at.
func swapForbidden() bool {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return false
	}
	_, group, _ := strings.Cut(string(groups), "0::")
	group, _, _ = strings.Cut(group, "\n")
	limit, err := os.ReadFile(path.Join("/sys/fs/cgroup", group, "memory.swap.max"))
	return err == nil && strings.TrimSpace(string(limit)) == "0"
}

// hostSwaps reports whether the host has swap. It returns true when that can't be found
// out.
func hostSwaps() bool {
	table, err := os.ReadFile("/proc/swaps")
	return err != nil || bytes.Count(table, []byte("\n")) > 1 // the first line is the heading
}

// readStatus returns the fields of /proc/PID/status of this process, or none when they
// can't be read.
func readStatus() map[string]string {
	fields := map[string]string{} // name → value
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", os.Getpid()))
	if err != nil {
		return fields
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}
