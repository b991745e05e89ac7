package mark

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/host/regular"
)

// Memory is what the file of marks says.
type Memory struct {
	Written    time.Time
	Ceremonies int // how many the journal had
	// Open are the ceremonies that were not settled, each of them.
	Open []Mark
	// Settled are those that have changed last, the newest of all ceremonies among them,
	// oldest first.
	Settled []Mark
	// Accepted are marks that the journal does not come up to, which people know.
	Accepted []Mark
}

// Marks returns the marks of all ceremonies that the file names.
func (m Memory) Marks() []Mark { return slices.Concat(m.Open, m.Settled) }

// Forgot reports whether the file names every open ceremony, and not this one, which was
// proposed well before the file was written: it had been settled for long.
func (m Memory) Forgot(id ceremony.ID, proposed time.Time) bool {
	named := slices.ContainsFunc(m.Marks(), IsOf(id))
	return !named && proposed.Before(m.Written.Add(-clockSlack))
}

// clockSlack is for how long the clock is not trusted to order two events.
const clockSlack = time.Minute

const (
	// fileTag begins the file, and is what the key authenticates it for.
	fileTag = "conclave-marks1"
	macWord = "mac "
	// mostBytes is the size of the largest file that is read: thousands of marks.
	mostBytes = 1 << 20
)

// Encode returns the file: a line for each fact, and a last one that authenticates all others.
func (m Memory) Encode(key secret.MACKey) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nkey %s\nwritten %s\nceremonies %d\n", fileTag, key.Name(),
		m.Written.UTC().Format(time.RFC3339Nano), m.Ceremonies)
	for _, part := range m.parts() {
		for _, k := range *part.marks {
			b.WriteString(k.line(part.word) + "\n")
		}
	}
	return []byte(b.String() + macWord + key.Sum(fileTag, []byte(b.String())) + "\n")
}

type part struct {
	word  string
	marks *[]Mark
}

func (m *Memory) parts() []part {
	return []part{{"open", &m.Open}, {"settled", &m.Settled}, {"accepted", &m.Accepted}}
}

// Read reads the file of marks at path. The error wraps ErrNotOurs when the file was not
// written under the key, or was changed, and fs.ErrNotExist when there is none.
func Read(path string, key secret.MACKey) (Memory, error) {
	f, err := regular.Open(path, os.O_RDONLY, 0)
	if errors.Is(err, regular.ErrNotRegular) {
		return Memory{}, fmt.Errorf("%w: %w", ErrNotOurs, err)
	}
	if err != nil {
		return Memory{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return Memory{}, err
	}
	m, err := Decode(data, key)
	if err != nil {
		return Memory{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Decode reads what [Memory.Encode] has written. The error wraps ErrNotOurs for anything
// else.
func Decode(data []byte, key secret.MACKey) (Memory, error) {
	if len(data) > mostBytes {
		return Memory{}, fmt.Errorf("it is larger than any file of marks: %w", ErrNotOurs)
	}
	text := string(data)
	body, mac, ok := strings.Cut(text, "\n"+macWord)
	body += "\n"
	if !ok || !strings.HasPrefix(body, fileTag+"\nkey ") || !strings.HasSuffix(mac, "\n") {
		return Memory{}, fmt.Errorf("it is no file of marks: %w", ErrNotOurs)
	}
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	if name := strings.TrimPrefix(lines[1], "key "); name != key.Name() {
		return Memory{}, fmt.Errorf("it names the key %.20q, and this identity's is %s: %w", name, key.Name(), ErrNotOurs)
	}
	if !key.Proves(fileTag, []byte(body), strings.TrimSuffix(mac, "\n")) {
		return Memory{}, fmt.Errorf("it was changed: %w", ErrNotOurs)
	}
	m, err := decodeLines(lines[2:])
	if err != nil {
		return Memory{}, errors.Join(err, ErrNotOurs) // of another version of this program
	}
	return m, nil
}

// decodeLines reads the lines behind the name of the key.
func decodeLines(lines []string) (m Memory, err error) {
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		i := slices.IndexFunc(m.parts(), func(p part) bool { return p.word == word })
		switch {
		case i >= 0:
			k, err := parseMark(strings.Fields(rest))
			if err != nil {
				return m, err
			}
			at := m.parts()[i].marks
			*at = append(*at, k)
		case word == "written":
			m.Written, err = time.Parse(time.RFC3339Nano, rest)
		case word == "ceremonies":
			m.Ceremonies, err = strconv.Atoi(rest)
		default:
			err = fmt.Errorf("%.40q means nothing here", line)
		}
		if err != nil {
			return m, err
		}
	}
	return m, nil
}
