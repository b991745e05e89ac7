package auditor

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"conclave/archive"
	"conclave/archive/archivetest"
	"conclave/cli"
)

func TestAuditorChecksATimeStampOffline(t *testing.T) {
	authority := archivetest.NewAuthority(t)
	server := authority.Issue(t, archivetest.ForStamps())
	transcript := []byte("a transcript")
	digest := sha256.Sum256(transcript)
	query, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s := stamped{file: filepath.Join(t.TempDir(), "transcript.tsr"), ca: authority.File}
	if err := os.WriteFile(s.file, server.Stamp(t, query), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.verify(&out, transcript, time.Now()); err != nil {
		t.Fatal(err)
	}
	if want := "the transcript was there at " + time.Now().UTC().Format("2006-01-02"); !strings.Contains(out.String(), want) {
		t.Errorf("it says %q, want %q", &out, want)
	}
	if err := s.verify(&out, []byte("another transcript"), time.Now()); !errors.Is(err, archive.ErrOtherDigest) {
		t.Errorf("of another transcript: %v", err)
	}
	stranger := stamped{file: s.file, ca: archivetest.NewAuthority(t).File}
	if err := stranger.verify(&out, transcript, time.Now()); !errors.Is(err, archive.ErrUntrusted) {
		t.Errorf("by another authority: %v", err)
	}
	if err := s.verify(&out, transcript, time.Now().AddDate(-1, 0, 0)); !errors.Is(err, archive.ErrWrongTime) {
		t.Errorf("from the future: %v", err)
	}
}

func TestTimeStampNeedsWhoVouchesForIt(t *testing.T) {
	for name, err := range map[string]error{
		"no authority":    stamped{file: "x.tsr"}.usage(1, false),
		"no time stamp":   stamped{ca: "ca.pem"}.usage(1, false),
		"two transcripts": stamped{file: "x.tsr", ca: "ca.pem"}.usage(2, false),
		"as JSON":         stamped{file: "x.tsr", ca: "ca.pem"}.usage(1, true),
	} {
		if _, is := errors.AsType[cli.UsageError](err); !is {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (stamped{}).usage(2, true); err != nil {
		t.Errorf("without a time stamp: %v", err)
	}
}
