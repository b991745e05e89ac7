package stage

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"conclave/needs"
)

const planted = "7f3a9c1b5d2e8f604152637485960718293a4b5c6d7e8f90a1b2c3d4e5f6071899"

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// A search must find a secret in every form in which memory can hold it.
func TestRemainsAreFoundInEveryForm(t *testing.T) {
	raw, err := hex.DecodeString(planted)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{ // form → what lies in memory
		"as it is":          planted,
		"in capitals":       strings.ToUpper(planted),
		"backwards":         reversed(planted),
		"bytes":             string(raw),
		"bytes backwards":   reversed(string(raw)),
		"base64":            base64.StdEncoding.EncodeToString(raw),
		"base64 backwards":  reversed(base64.StdEncoding.EncodeToString(raw)),
		"base64 url":        base64.RawURLEncoding.EncodeToString(raw),
		"base64 in a text":  base64.StdEncoding.EncodeToString([]byte("conclave1 " + string(raw) + " ")),
		"first half":        planted[:33],
		"second half":       planted[33:],
		"half of its bytes": string(raw[16:]),
	}
	for form, text := range rows {
		memory := area{content: slices.Concat(make([]byte, 5000), []byte("x"+text+"x"), make([]byte, 9000))}
		if found := copiesIn(memory.written(), needlesOf("the share", planted)); len(found) == 0 {
			t.Errorf("%s: not found", form)
		}
	}
	other := area{content: bytes.Repeat([]byte("5d2e8f60"), 2000)}
	if found := copiesIn(other.written(), needlesOf("the share", planted)); len(found) > 0 {
		t.Errorf("found what is not there: %v", found)
	}
	twice := area{content: []byte(planted + " " + planted)}
	if found := copiesIn(twice.written(), needlesOf("the share", planted)); len(found) != 2 {
		t.Errorf("two copies are counted as %d", len(found))
	}
}

// Only memory that was never used is left out of the search.
func TestWrittenPagesAreSearched(t *testing.T) {
	const page = 4096
	content := make([]byte, 6*page+10)
	content[page+7], content[2*page] = 1, 2
	content[6*page+9] = 3
	parts := area{start: 1 << 20, content: content}.written()
	var at []int64
	for _, p := range parts {
		at = append(at, p.start-1<<20, int64(len(p.content)))
	}
	if want := []int64{page, 2 * page, 6 * page, 10}; !slices.Equal(at, want) {
		t.Errorf("parts at %v, want %v", at, want)
	}
}

// The memory of another process is really read: it contains the process's arguments.
func TestMemoryOfAnotherProcessIsRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows a process's memory as a file")
	}
	sleeper := exec.Command("sleep", "60")
	sleeper.Env = append(os.Environ(), "SHARE="+planted)
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
	}()
	memory, err := readMemory(sleeper.Process.Pid)
	if errors.Is(err, fs.ErrPermission) {
		needs.Lack(t, "the right to read it: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if found := copiesIn(memory, needlesOf("the share", planted)); len(found) == 0 {
		t.Error("the share in its environment is not found")
	}
}
