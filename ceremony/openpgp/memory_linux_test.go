package openpgp_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"conclave/ceremony/openpgp"
	"conclave/ceremony/secret"
	"conclave/needs"
)

// P1: what judges a secret leaves no copy of it, on a stack that is still in use or
// elsewhere. No garbage is collected here: what is found was written by the act alone.
func TestP1NoCopyOfASecretIsLeftByJudgingIt(t *testing.T) {
	if !needs.Unsignalled(t) {
		return
	}
	collects := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(collects)
	for name, act := range map[string]func(t *testing.T, s *stage, secret []byte, envelope []byte){
		"a commitment to a one-time password": func(_ *testing.T, _ *stage, secret, _ []byte) { openpgp.Commitment(secret) },
		"a commitment to a share": func(t *testing.T, _ *stage, plain, _ []byte) {
			if _, err := secret.NewSecret(plain).Tag("name", [32]byte{1}); err != nil {
				t.Error(err)
			}
		},
		"opening an envelope with a one-time password": func(t *testing.T, s *stage, secret, envelope []byte) {
			opened, _, err := s.key.Open(envelope, s.want)
			if err != nil {
				t.Error(err)
				return
			}
			_ = opened.Use(func(b []byte) error { copy(secret, b); return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newPasswordStage(t)
			s.want.PlanHash = strings.Repeat("4a", 32)
			envelope := s.sealed(t, password+s.key.Announced().Suffix(s.want.Ceremony, s.want.PlanHash))
			window := outside(t, 1<<20)
			for range 5 {
				secret := outside(t, len(password)) // random; what is in the envelope is known
				if strings.HasPrefix(name, "opening") {
					copy(secret, password)
				}
				before := places(t, secret, window)
				acted, searched, ended := make(chan bool), make(chan bool), make(chan bool)
				go func() { // its stack is there until it was searched
					defer close(ended)
					act(t, s, secret, envelope)
					close(acted)
					<-searched
				}()
				<-acted
				for at := range places(t, secret, window) {
					if !before[at] {
						t.Errorf("a copy is left at %#x", at)
					}
				}
				close(searched)
				<-ended
			}
		})
	}
}

// leave leaves a copy of a secret on the stack, as a hash does.
//
//go:noinline
func leave(secret []byte) byte {
	var block [4096]byte
	copy(block[len(block)/2:], secret)
	return block[int(secret[0])+len(block)/2]
}

// P1: the stack of what takes long may be made smaller while it runs, when garbage is collected. What stood in the larger
// one, or grows back from the smaller one, must be overwritten too.
func TestP1NoCopyIsLeftWhenAStackCouldShrink(t *testing.T) {
	if !needs.Unsignalled(t) {
		return
	}
	window := outside(t, 1<<20)
	for range 20 {
		hidden := outside(t, 32)
		before := places(t, hidden, window)
		acted, searched, ended := make(chan bool), make(chan bool), make(chan bool)
		go func() {
			defer close(ended)
			secret.OverStack(func() {
				runtime.GC()
				runtime.GC()
				leave(hidden)
			})
			close(acted)
			<-searched
		}()
		<-acted
		for at := range places(t, hidden, window) {
			if !before[at] {
				t.Errorf("a copy is left at %#x", at)
			}
		}
		close(searched)
		<-ended
	}
}

// outside is memory that Go does not manage.
func outside(t *testing.T, size int) []byte {
	t.Helper()
	area, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	rand.Read(area)
	t.Cleanup(func() { _ = syscall.Munmap(area) })
	return area
}

// places are where one of a secret's halves stands in the memory of this process. It is
// read through window.
func places(t *testing.T, secret, window []byte) map[uint64]bool {
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
	const most = 1 << 28 // more is the race detector's
	found, own := map[uint64]bool{}, uint64(uintptr(unsafe.Pointer(&window[0])))
	half := len(secret) / 2
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		from, to, _ := strings.Cut(fields[0], "-")
		start, startErr := strconv.ParseUint(from, 16, 64)
		end, endErr := strconv.ParseUint(to, 16, 64)
		if err := errors.Join(startErr, endErr); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(fields[1], "rw") || end-start > most {
			continue
		}
		for at := start; at < end; at += uint64(len(window) - len(secret)) {
			n, err := memory.ReadAt(window[:min(uint64(len(window)), end-at)], int64(at))
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EIO) {
				t.Fatal(err)
			}
			for _, piece := range [][]byte{secret[:half], secret[half:]} {
				for i := 0; ; i++ {
					next := bytes.Index(window[i:n], piece)
					if next < 0 {
						break
					}
					i += next
					if place := at + uint64(i); place < own || place >= own+uint64(len(window)) {
						found[place] = true
					}
				}
			}
		}
	}
	clear(window)
	if len(found) == 0 {
		t.Fatal("the search does not find the secret, which is there")
	}
	return found
}
