package engine_test

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/transcript"
)

var update = flag.Bool("update", false, "write the kept transcripts anew")

// An auditor checks what was signed years ago with the program of today.
func TestP8TranscriptsOfTheFirstFormatStillHold(t *testing.T) {
	if *update {
		e := perform(t)
		for name, file := range map[string][]byte{
			"completed.json": e.first, "rejected.json": e.rejected,
			"identity": []byte(e.cast.identity.Fingerprint().String() + "\n"),
		} {
			if err := os.WriteFile(filepath.Join(ceremonytest.SamplesDir, name), file, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, identity := ceremonytest.Samples(t)
	for name, file := range files {
		for _, fault := range transcript.VerifyTranscript(file, identity, openpgp.Signatures{}).Faults() {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// FuzzTranscript makes sure that only files that the identity has signed pass the check, and
// that each file that can be read is written again in the same bytes.
func FuzzTranscript(f *testing.F) {
	files, identity := ceremonytest.Samples(f)
	for _, file := range files {
		f.Add(file)
		f.Add(file[:len(file)/2])
		f.Add(bytes.Replace(file, []byte(`"seq":2,`), []byte(`"seq":3,`), 1))
	}
	f.Add([]byte(`{"format":"conclave-transcript1","journal":["{}"],"certificates":{"x":"y"}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		signed := slices.ContainsFunc(slices.Collect(maps.Values(files)), func(s []byte) bool {
			return bytes.Equal(s, file)
		})
		if a := transcript.VerifyTranscript(file, identity, openpgp.Signatures{}); a.Passed() != signed {
			t.Errorf("holds: %t, was signed: %t: %q", a.Passed(), signed, a.Faults())
		}
		made, err := transcript.ReadTranscript(file)
		if err != nil {
			return
		}
		if again, err := made.Encode(); err != nil || !bytes.Equal(again, file) {
			t.Errorf("it is written again in other bytes: %v", err)
		}
		if _, err := made.Story(); err == nil && !transcript.IsTranscript(file) {
			t.Error("it tells a story, and is taken for a journal")
		}
	})
}
