package vault_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/needs"
	"conclave/vault"
	"conclave/vault/vaulttest"
)

// serveVariable makes the test binary a server: the canary must not be found in
// the memory of the Vault that it was sent to.
const serveVariable = "CONCLAVE_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	needs.Parallel(16) // a slow server is waited for
	os.Exit(m.Run())
}

// serve runs an emulator until its standard input ends, and prints where.
func serve() error {
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		return err
	}
	options := vaulttest.Options{Storage: "inmem"}
	if os.Getenv(serveVariable) == "https" {
		options.TLS = authority
	}
	cluster, err := vaulttest.New(options)
	if err != nil {
		return err
	}
	defer cluster.Close()
	cluster.Script(
		vaulttest.Fault{Route: "GET sys/rekey/init", Times: vaulttest.Always, Do: vaulttest.Refuse(400)},
		vaulttest.Fault{Route: "GET sys/generate-root/attempt", Times: vaulttest.Always, Do: vaulttest.Refuse(400)},
		vaulttest.Fault{Route: "PUT sys/rekey/update", Times: vaulttest.Always, Do: vaulttest.Refuse(200, "")},
		vaulttest.Fault{Route: "PUT sys/rekey/verify", Times: vaulttest.Always, Do: vaulttest.HangUp()},
		vaulttest.Fault{Route: "PUT sys/unseal", Times: vaulttest.Always, Do: vaulttest.Refuse(200, "")},
		vaulttest.Fault{Route: "PUT sys/generate-root/attempt", Times: vaulttest.Always, Do: vaulttest.Refuse(200, "")},
	)
	path := os.Getenv("CONCLAVE_TEST_CA")
	if err := os.WriteFile(path, authority.PEM, 0o600); err != nil {
		return err
	}
	fmt.Println(cluster.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// inAnotherProcess starts the server and returns how to reach it.
func inAnotherProcess(t *testing.T, scheme string) vault.Config {
	t.Helper()
	ca := writeFile(t, "ca.pem", "")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"="+scheme, "CONCLAVE_TEST_CA="+ca)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return vault.Config{Addresses: []string{strings.TrimSpace(addr)}, CAFile: ca}
}

// P1: when a share or a one-time password has been spent, the memory of this process holds no copy of
// the share, whether Vault has answered or not. The share that the test made
// is in a Secret, which is wiped.
//
// One copy in five shares is let pass: when a signal interrupts the goroutine,
// kernel and runtime keep its vector registers on a stack, and what copied the
// share last may be in them. That is out of a program's hands. On a busy machine
// the runtime sends many signals, so that the test runs in a process that is told
// to send none. A buffer that is not wiped leaves a copy of each share.
func TestP1NoCopyOfAShareStaysInMemory(t *testing.T) {
	if !needs.Unsignalled(t) {
		return
	}
	submitTo := func(step ceremony.Step) func(context.Context, *vault.Client, []string, *secret.Secret) error {
		return func(ctx context.Context, c *vault.Client, _ []string, secret *secret.Secret) error {
			_, err := c.Submit(ctx, ceremony.Submission{Operation: ceremony.Rekey, Step: step, Nonce: "n", Share: secret})
			return err
		}
	}
	ways := map[string]func(context.Context, *vault.Client, []string, *secret.Secret) error{
		"update": submitTo(ceremony.StepUpdate),
		"verify": submitTo(ceremony.StepVerify),
		"unseal": func(ctx context.Context, c *vault.Client, addresses []string, secret *secret.Secret) error {
			return c.Unseal(ctx, addresses, secret)[addresses[0]]
		},
		"one-time password": func(ctx context.Context, c *vault.Client, _ []string, secret *secret.Secret) error {
			_, err := c.Start(ctx, ceremony.Order{Operation: ceremony.GenerateRoot, OTP: secret})
			return err
		},
	}
	for _, scheme := range []string{"http", "https"} {
		for way, spend := range ways {
			t.Run(scheme+" "+way, func(t *testing.T) {
				config := inAnotherProcess(t, scheme)
				c := newClient(t, config)
				left := 0
				for range 5 {
					canary := newCanary(t)
					secret := canary.secret()
					if n := canary.copies(t); n < 1 {
						t.Fatal("the search does not find a share that is there")
					}
					wantError(t, spend(t.Context(), c, config.Addresses, secret), ceremony.ErrUncertain)
					left += canary.copies(t)
					canary.free()
				}
				t.Logf("%d copies of 5 shares are left", left)
				if left > 1 {
					t.Errorf("%d copies of 5 shares are left", left)
				}
			})
		}
	}
}

// canary is a share that this process can look for without holding it: its
// digits are kept under a mask, outside of Go's memory.
type canary struct {
	masked, mask, window []byte
}

const (
	canaryLength = 66
	windowLength = 1 << 20
	heapSpan     = 1 << 32 // Go's arenas lie side by side, in far less than this
)

func newCanary(t *testing.T) *canary {
	t.Helper()
	area, err := syscall.Mmap(
		-1, 0, 2*canaryLength+windowLength, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE,
	)
	if err != nil {
		t.Fatal(err)
	}
	c := &canary{area[:canaryLength], area[canaryLength : 2*canaryLength], area[2*canaryLength:]}
	var raw [canaryLength / 2]byte
	rand.Read(raw[:])
	hex.Encode(c.masked, raw[:])
	clear(raw[:])
	rand.Read(c.mask)
	for i := range c.masked {
		c.masked[i] ^= c.mask[i]
	}
	return c
}

func (c *canary) free() { _ = syscall.Munmap(c.masked[:cap(c.masked)]) }

// secret makes the one copy.
func (c *canary) secret() *secret.Secret {
	share := make([]byte, canaryLength)
	for i := range share {
		share[i] = c.masked[i] ^ c.mask[i]
	}
	return secret.NewSecret(share)
}

// copies counts how often the first half of the share stands in Go's memory:
// the heap, in which goroutines' stacks lie as well. The rest is left out since
// the race detector keeps terabytes there.
func (c *canary) copies(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	heap := uint64(uintptr(unsafe.Pointer(new([1 << 16]byte))))
	found := 0
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		from, to, _ := strings.Cut(fields[0], "-")
		start, err := strconv.ParseUint(from, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		end, err := strconv.ParseUint(to, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(fields[1], "rw") || max(start, heap)-min(start, heap) > heapSpan {
			continue
		}
		found += c.search(t, memory, int64(start), int64(end))
	}
	return found
}

func (c *canary) search(t *testing.T, memory *os.File, start, end int64) int {
	t.Helper()
	const half = canaryLength / 2
	found := 0
	for at := start; at < end; at += windowLength - half {
		window := c.window[:min(windowLength, end-at)]
		n, err := memory.ReadAt(window, at)
		if err != nil && n == 0 {
			if errors.Is(err, syscall.EIO) || errors.Is(err, io.EOF) {
				break // a guard page, or memory given back meanwhile
			}
			t.Fatal(err)
		}
		first := c.masked[0] ^ c.mask[0]
		for i := 0; i+half <= n; i++ {
			skip := bytes.IndexByte(window[i:n-half+1], first)
			if skip < 0 {
				break
			}
			if i += skip; c.matches(window[i : i+half]) {
				found++
			}
		}
	}
	clear(c.window)
	return found
}

func (c *canary) matches(b []byte) bool {
	for i := range b {
		if b[i]^c.mask[i] != c.masked[i] {
			return false
		}
	}
	return true
}
