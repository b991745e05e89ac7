package openpgp

import (
	"bytes"
	"compress/zlib"
	"runtime"
	"strings"
	"testing"

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
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = readLetter([]byte(letter))
	runtime.ReadMemStats(&after)
	if refusal, _ := ceremony.RefusalOf(err); refusal != ceremony.TooBig {
		t.Errorf("got %v", err)
	}
	// Taken apart, each of its messages makes a megabyte.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 500_000 {
		t.Errorf("%d bytes made %d bytes of garbage", len(letter), grown)
	}
}
