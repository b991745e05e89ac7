package engine_test

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"conclave/ceremony/openpgp"
	"conclave/ceremony/transcript"
)

// forger changes a transcript as an attacker would who knows the format well: the chain and
// the head fit afterwards.
type forger struct {
	t *testing.T
	transcript.Transcript
}

func forge(t *testing.T, file []byte) *forger {
	t.Helper()
	made, err := transcript.ReadTranscript(file)
	if err != nil {
		t.Fatal(err)
	}
	return &forger{t, made}
}

// find returns the index of the nth line of a type, counted from 0.
func (f *forger) find(kind string, nth int) int {
	f.t.Helper()
	for i, line := range f.Journal {
		if strings.Contains(line, `"type":"`+kind+`"`) {
			if nth == 0 {
				return i
			}
			nth--
		}
	}
	f.t.Fatalf("no such %s", kind)
	return 0
}

// edit changes a line's text.
func (f *forger) edit(i int, old, changed string) {
	f.t.Helper()
	if !strings.Contains(f.Journal[i], old) {
		f.t.Fatalf("line %d has no %q: %s", i+1, old, f.Journal[i])
	}
	f.Journal[i] = strings.Replace(f.Journal[i], old, changed, 1)
}

// field returns the JSON text of one field of a line.
func (f *forger) field(i int, name string) string {
	f.t.Helper()
	found := regexp.MustCompile(`"` + name + `":("(?:[^"\\]|\\.)*")`).FindStringSubmatch(f.Journal[i])
	if found == nil {
		f.t.Fatalf("line %d has no %q", i+1, name)
	}
	return found[1]
}

// person returns the JSON text of a person in the plan.
func (f *forger) person(name string) string {
	f.t.Helper()
	plan := pinnedPlan(f.t, f.Journal[0])
	for _, p := range slices.Concat(plan.Approvers, plan.Holders) {
		if p.Name == name {
			text, err := json.Marshal(p)
			if err != nil {
				f.t.Fatal(err)
			}
			return string(text)
		}
	}
	f.t.Fatalf("nobody is called %s", name)
	return ""
}

var head = regexp.MustCompile(`^\{"seq":\d+,"prev":"[0-9a-f]*"`)

// rechain makes every line follow the one before it.
func (f *forger) rechain() {
	prev := ""
	for i, line := range f.Journal {
		f.Journal[i] = head.ReplaceAllString(line, fmt.Sprintf(`{"seq":%d,"prev":"%s"`, i+1, prev))
		sum := sha256.Sum256([]byte(f.Journal[i]))
		prev = hex.EncodeToString(sum[:])
	}
	f.Head = prev
}

// sign signs the whole with an identity.
func (f *forger) sign(with *openpgp.Identity) {
	f.t.Helper()
	f.Signature = ""
	text := f.file()
	signature, err := openpgp.New(with, nil).Attest(text)
	if err != nil {
		f.t.Fatal(err)
	}
	f.Signature = signature
}

func (f *forger) file() []byte {
	f.t.Helper()
	file, err := f.Encode()
	if err != nil {
		f.t.Fatal(err)
	}
	return file
}

// evidenceOf returns the evidence that a forger makes of a signed text: its signature, and a
// hash that is stopped before the first byte.
func evidenceOf(t *testing.T, signed string) (signature, digest string) {
	t.Helper()
	block, err := armor.Decode(strings.NewReader(signed))
	if err != nil {
		t.Fatal(err)
	}
	packets := packet.NewReader(block.Body)
	var content []byte
	for {
		p, err := packets.Next()
		if err != nil {
			t.Fatal(err)
		}
		switch p := p.(type) {
		case *packet.Compressed:
			err = packets.Push(p.Body)
		case *packet.LiteralData:
			content, err = io.ReadAll(p.Body)
		case *packet.Signature:
			h := p.Hash.New()
			state, _ := h.(encoding.BinaryMarshaler).MarshalBinary()
			const name, count = 4, 8
			var raw bytes.Buffer
			if err := p.Serialize(&raw); err != nil {
				t.Fatal(err)
			}
			return base64.StdEncoding.EncodeToString(raw.Bytes()),
				fmt.Sprintf("%x:0:%x", state[name:len(state)-h.BlockSize()-count], content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
