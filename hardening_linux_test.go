package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"conclave/needs"
)

// nobody is another account than the test's, which as root could read everything.
const nobody = 65534

// shipped builds the program as it is shipped, without C, and returns its path.
func shipped(t *testing.T) string {
	t.Helper()
	needs.Programs(t, "sh")
	path := filepath.Join(t.TempDir(), "conclave")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-trimpath", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// hostProcess is a bot in a process of its own.
type hostProcess struct {
	t   *testing.T
	cmd *exec.Cmd
	log string // the file that it writes to
}

// starts runs a command line of sh, in which $0 is the program and $1 its configuration.
// It returns when the bot has logged its protections. A test that runs as root runs the bot
// as nobody, unless asRoot is set.
func (w *workshop) starts(t *testing.T, program, script string, asRoot bool, env ...string) *hostProcess {
	t.Helper()
	h := &hostProcess{t: t, log: filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h.cmd = exec.Command("sh", "-c", script, program, w.path("conclave.yaml"))
	h.cmd.Stderr, h.cmd.Env = log, append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	if os.Getuid() == 0 && !asRoot {
		w.giveTo(t, nobody)
		h.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		for dir := filepath.Dir(program); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait()
	})
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(read(t, h.log), "msg=started") {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the bot does not start:\n%s", read(t, h.log))
		}
	}
	return h
}

// giveTo changes the owner of everything in the workshop.
func (w *workshop) giveTo(t *testing.T, uid int) {
	t.Helper()
	if err := filepath.WalkDir(w.dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, uid)
	}); err != nil {
		t.Fatal(err)
	}
}

// says returns the value of a field in the line that logs the bot's protections.
func (h *hostProcess) says(key string) string {
	h.t.Helper()
	line := regexp.MustCompile(`(?m)^.* msg=hardening .*$`).FindString(read(h.t, h.log))
	value := regexp.MustCompile(` ` + key + `=("[^"]*"|\S+)`).FindStringSubmatch(line)
	if value == nil {
		h.t.Fatalf("no %s in %q", key, line)
	}
	return strings.Trim(value[1], `"`)
}

// proc returns the content of a file of the bot's process below /proc.
func (h *hostProcess) proc(name string) string {
	h.t.Helper()
	return read(h.t, fmt.Sprintf("/proc/%d/%s", h.cmd.Process.Pid, name))
}

// status returns a field of the status of a task, or of the process when task is ".".
func (h *hostProcess) status(task, field string) string {
	h.t.Helper()
	for line := range strings.Lines(h.proc(filepath.Join(task, "status"))) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	h.t.Fatalf("no %s", field)
	return ""
}

// P1: what the bot says of its protection is what the kernel says of its process.
func TestP1ProcessKeepsItsMemoryToItself(t *testing.T) {
	program, identity := shipped(t), newIdentity(t)
	w := openWorkshop(t, identity)
	h := w.starts(t, program, `ulimit -c unlimited 2>/dev/null; ulimit -l 8192; exec "$0" run --config "$1"`, false, "GOTRACEBACK=none", "GODEBUG=clobberfree=1")

	if got := regexp.MustCompile(`(?m)^Max core file size +(\S+) +(\S+)`).FindStringSubmatch(h.proc("limits")); got == nil || got[1] != "0" || got[2] != "0" {
		t.Errorf("core files are limited to %q", got)
	}
	if got := h.says("core_dumps"); got != "off" {
		t.Errorf("core dumps: %s", got)
	}

	if got := h.says("tracing"); got != "forbidden" {
		t.Errorf("tracing: %s", got)
	}
	stranger := exec.Command("sleep", "60")
	stranger.SysProcAttr = h.cmd.SysProcAttr
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = stranger.Process.Kill()
		_ = stranger.Wait()
	}()
	reads := func(pid int) ([]byte, error) {
		cmd := exec.Command("cat", fmt.Sprintf("/proc/%d/maps", pid))
		cmd.SysProcAttr = h.cmd.SysProcAttr
		return cmd.CombinedOutput()
	}
	if out, err := reads(stranger.Process.Pid); err != nil {
		t.Fatalf("an account can't look into its own process, so that this proves nothing: %v\n%s", err, out)
	}
	if out, err := reads(h.cmd.Process.Pid); err == nil {
		t.Errorf("another process of the account sees the bot's memory:\n%.200s", out)
	}

	if got := h.says("new_privileges"); got != "forbidden" {
		t.Errorf("new privileges: %s", got)
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", h.cmd.Process.Pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		if got := h.status("task/"+filepath.Base(thread), "NoNewPrivs"); got != "1" {
			t.Errorf("thread %s may gain privileges: %s", filepath.Base(thread), got)
		}
	}

	// As little as it may lock here, it locks nothing, and lives.
	if got := h.status(".", "VmLck"); got != "0 kB" {
		t.Errorf("%s are locked under a limit of 8 MiB", got)
	}
	if got := h.says("memory"); got == "locked" {
		t.Errorf("memory: %s", got)
	}

	for _, printing := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT} {
		if err := h.cmd.Process.Signal(printing); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil || strings.Contains(read(t, h.log), "goroutine ") {
		t.Errorf("asked to quit, it prints\n%s%v", read(t, h.log), err)
	}
	if got := h.says("crash_trace"); got != "none" {
		t.Errorf("crash trace: %s", got)
	}
	if got := h.says("freed_memory"); got != "overwritten" {
		t.Errorf("freed memory: %s", got)
	}
	if line := read(t, h.log); !strings.HasPrefix(line[strings.Index(line, "level="):], "level=INFO msg=hardening") {
		t.Errorf("with everything in force, the log begins with\n%s", line)
	}
}

func TestMemoryIsLockedWhereThatIsAllowed(t *testing.T) {
	allowed := exec.Command("sh", "-c", "ulimit -l unlimited").Run() == nil
	w := openWorkshop(t, newIdentity(t))
	h := w.starts(t, shipped(t), `ulimit -l unlimited 2>/dev/null; exec "$0" run --config "$1"`, true)
	is := h.status(".", "VmLck") != "0 kB"
	if allowed && !is {
		t.Error("no memory is locked")
	}
	if says := h.says("memory") == "locked"; says != is {
		t.Errorf("memory is locked: %t, and the bot says %t", is, says)
	}
	// What is locked is what is used, and not all that Go has reserved.
	var resident int
	if _, err := fmt.Sscan(h.status(".", "VmRSS"), &resident); err != nil || resident > 200<<10 {
		t.Errorf("%d KiB are resident, %v", resident, err)
	}
}

// A protection that is not there is told by check, with what to do, and by the log
// as a warning.
func TestMissingProtectionIsTold(t *testing.T) {
	w := openWorkshop(t, newIdentity(t))
	program := shipped(t)
	h := w.starts(t, program, `exec "$0" run --config "$1"`, true, "GOTRACEBACK=all")
	if got := h.says("crash_trace"); got != "all" {
		t.Errorf("crash trace: %s", got)
	}
	line, err := bufio.NewReader(strings.NewReader(read(t, h.log))).ReadString('\n')
	if err != nil || !strings.Contains(line, "level=WARN msg=hardening") {
		t.Errorf("the log begins with %q, %v", line, err)
	}
	check := exec.Command(program, "check", "--local", "--config", w.path("conclave.yaml"))
	out, err := check.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"ok    core dumps                a crash leaves no image of the memory\n",
		"ok    memory of this process    no other process of this account can read it\n",
		"ok    new privileges            this process can gain none\n",
		"note  crash traces              a crash prints the arguments of the calls that led to it;\n" +
			"                                set GOTRACEBACK=none in the bot's environment\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
}
