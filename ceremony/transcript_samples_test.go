package ceremony_test

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

var update = flag.Bool("update", false, "write the kept transcripts anew")

const samplesDir = "testdata/transcript"

// samples are transcripts that an earlier run has made, with the fingerprint of the
// identity that has signed them.
func samples(t testing.TB) (files map[string][]byte, identity ceremony.Fingerprint) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(samplesDir, "*.json"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("%d transcripts are kept: %v", len(paths), err)
	}
	files = map[string][]byte{}
	for _, path := range paths {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	pinned, err := os.ReadFile(filepath.Join(samplesDir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	identity, err = ceremony.ParseFingerprint(strings.TrimSpace(string(pinned)))
	if err != nil {
		t.Fatal(err)
	}
	return files, identity
}

// An auditor checks what was signed years ago with the program of today.
func TestP8TranscriptsOfTheFirstFormatStillHold(t *testing.T) {
	if *update {
		e := perform(t)
		for name, file := range map[string][]byte{
			"completed.json": e.first, "rejected.json": e.rejected, "identity": []byte(e.tr.identity.Fingerprint().String() + "\n"),
		} {
			if err := os.WriteFile(filepath.Join(samplesDir, name), file, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, identity := samples(t)
	for name, file := range files {
		for _, fault := range ceremony.VerifyTranscript(file, identity, openpgp.Signatures{}).Faults() {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// FuzzTranscript: of all files only those that the identity has signed hold, and
// whatever can be read is written again in the same bytes.
func FuzzTranscript(f *testing.F) {
	files, identity := samples(f)
	for _, file := range files {
		f.Add(file)
		f.Add(file[:len(file)/2])
		f.Add(bytes.Replace(file, []byte(`"seq":2,`), []byte(`"seq":3,`), 1))
	}
	f.Add([]byte(`{"format":"conclave-transcript1","journal":["{}"],"certificates":{"x":"y"}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		signed := slices.ContainsFunc(slices.Collect(maps.Values(files)), func(s []byte) bool { return bytes.Equal(s, file) })
		if a := ceremony.VerifyTranscript(file, identity, openpgp.Signatures{}); a.Passed() != signed {
			t.Errorf("holds: %t, was signed: %t: %q", a.Passed(), signed, a.Faults())
		}
		made, err := ceremony.ReadTranscript(file)
		if err != nil {
			return
		}
		if again, err := made.Encode(); err != nil || !bytes.Equal(again, file) {
			t.Errorf("it is written again in other bytes: %v", err)
		}
		if _, err := made.Story(); err == nil && !ceremony.IsTranscript(file) {
			t.Error("it tells a story, and is taken for a journal")
		}
	})
}
