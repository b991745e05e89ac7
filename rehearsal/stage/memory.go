package stage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// ErrNoMemory means that the memory of another process can't be read. Only Linux shows it as a file. The bot forbids
// that for all users but root.
var ErrNoMemory = errors.New("the bot's memory can't be read")

// Remains looks for secrets that the stage knows, by their names, in the memory of the running bot, from outside, as
// root on its host could: as they are, in hex, in base64, and each of them backwards. It returns one leak for each
// copy, or half of one.
//
// The bot must hold its Slack token, so that is looked for as well: a search that
// does not find it proves nothing, and is an error.
func (s *Stage) Remains(names ...string) ([]Leak, error) {
	memory, err := readMemory(s.Pid())
	if err != nil {
		return nil, fmt.Errorf("look for remains: %w", err)
	}
	if len(copiesIn(memory, needlesOf("the bot's Slack token", s.Slack.BotToken()))) == 0 {
		return nil, errors.New("look for remains: the search does not find the bot's Slack token, which is there")
	}
	var needles []needle
	for _, name := range names {
		s.mu.Lock()
		value, ok := s.known[name]
		s.mu.Unlock()
		if !ok {
			return nil, fmt.Errorf("look for remains: nobody knows %s", name)
		}
		needles = append(needles, needlesOf(name, value)...)
	}
	return copiesIn(memory, needles), nil
}

// copiesIn returns a leak for each place with at least one of a needle's two halves: the other half may have been
// overwritten by chance.
func copiesIn(memory []area, needles []needle) []Leak {
	needles = spelled(needles)
	var halves [][]byte // two of each needle
	for _, n := range needles {
		half := len(n.bytes) / 2
		halves = append(halves, n.bytes[:half], n.bytes[half:])
	}
	look := newSieve(halves)
	var found []Leak
	for _, area := range memory {
		whole := map[[2]int]bool{} // needle and place of its first half
		look.find(area.content, func(piece, at int) {
			n := piece / 2
			if piece%2 == 0 {
				whole[[2]int{n, at}] = true
			} else if at -= len(halves[piece-1]); whole[[2]int{n, at}] {
				return
			}
			found = append(found, Leak{Secret: needles[n].secret, Form: needles[n].form,
				Where: fmt.Sprintf("memory at %#x, %s", area.start+int64(at), area.name)})
		})
	}
	return found
}

// spelled returns the needles to look for byte by byte: hex in both cases, and each text once.
func spelled(all []needle) []needle {
	for _, n := range all {
		if n.fold {
			upper := n
			upper.bytes = bytes.ToUpper(n.bytes)
			all = append(all, upper)
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(n needle) bool {
		again := seen[string(n.bytes)]
		seen[string(n.bytes)] = true
		return again
	})
}

// area is a writable part of a process's memory that has been written to.
type area struct {
	name    string // what lies there, as the kernel knows it
	start   int64
	content []byte
}

// readMemory copies everything that a process can write to, heap and stacks included. It leaves out what was never
// used: most of what Go reserves.
func readMemory(pid int) ([]area, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoMemory, err)
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: %w", ErrNoMemory, err)
	}
	if err != nil {
		return nil, err
	}
	defer memory.Close()
	var areas []area
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		if !strings.HasPrefix(fields[1], "rw") {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, err := strconv.ParseInt(from, 16, 64)
		if err != nil {
			return nil, err
		}
		end, err := strconv.ParseInt(to, 16, 64)
		if err != nil {
			return nil, err
		}
		whole := area{name: "the heap or a stack", start: start, content: make([]byte, end-start)}
		if len(fields) > 5 {
			whole.name = fields[5]
		}
		n, err := memory.ReadAt(whole.content, start)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EIO) { // a guard page, or given back meanwhile
			return nil, fmt.Errorf("read %s: %w", whole.name, err)
		}
		whole.content = whole.content[:n]
		areas = append(areas, whole.written()...)
	}
	return areas, nil
}

// written returns the parts of an area that are not zero, in whole pages.
func (a area) written() []area {
	const page = 4096
	var parts []area
	from := 0
	part := func(to int) {
		if from < to {
			parts = append(parts, area{name: a.name, start: a.start + int64(from), content: a.content[from:to]})
		}
	}
	for at := 0; at < len(a.content); at += page {
		end := min(at+page, len(a.content))
		if bytes.Count(a.content[at:end], []byte{0}) == end-at {
			part(at)
			from = end
		}
	}
	part(len(a.content))
	return parts
}
