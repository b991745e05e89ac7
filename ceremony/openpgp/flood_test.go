package openpgp

import (
	"bytes"
	"compress/zlib"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
)

// A letter of many small messages, each of which unpacks to a megabyte, is not
// taken apart: its writer would decide how long the bot is busy.
func TestLetterOfManyMessagesIsRefusedAtOnce(t *testing.T) {
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
	began := time.Now()
	_, err = readLetter([]byte(letter))
	if refusal, _ := ceremony.RefusalOf(err); refusal != ceremony.TooBig {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}
