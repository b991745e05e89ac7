package openpgp

import (
	"bytes"
	"compress/zlib"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
)

// manyMessages is a letter of small messages, one more than are looked at, each of which
// unpacks to a megabyte.
func manyMessages(t testing.TB) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(bytes.Repeat([]byte{0xcb, 0x01, 0x00}, 300_000)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	bomb, err := enarmor(messageBlock, append([]byte{0xa3, 2}, packed.Bytes()...)) // a compressed packet of indeterminate length
	if err != nil {
		t.Fatal(err)
	}
	letter := strings.Repeat(strings.ReplaceAll(bomb, "\n\n", "\n"), maxMessages+1)
	if len(letter) > maxLetter {
		t.Fatalf("the letter has %d bytes, and is refused for its size alone", len(letter))
	}
	return []byte(letter)
}

// It is not taken apart: its writer would decide how long the bot is busy. Taken apart,
// it would be refused for what is in it.
func TestLetterOfManyMessagesIsRefusedAtOnce(t *testing.T) {
	_, err := readLetter(manyMessages(t))
	if refusal, _ := ceremony.RefusalOf(err); refusal != ceremony.TooBig {
		t.Errorf("got %v", err)
	}
}

func BenchmarkLetterOfManyMessages(b *testing.B) {
	letter := manyMessages(b)
	for b.Loop() {
		_, _ = readLetter(letter) // how it is refused, a test says
	}
	if took := b.Elapsed() / time.Duration(b.N); took > 100*time.Millisecond {
		b.Errorf("it takes %v", took)
	}
}
