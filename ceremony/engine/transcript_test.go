package engine_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/transcript"
)

// fakeSignatures checks what ceremonytest.FakeOpenPGP signs. Package openpgp has the real ones.
type fakeSignatures struct{}

func (fakeSignatures) VerifyCertificate(certificate string, f ceremony.Fingerprint) error {
	if certificate != "public key "+string(f)+"\n" {
		return errors.New("it is another key")
	}
	return nil
}

func (s fakeSignatures) VerifyDetached(certificate string, by ceremony.Fingerprint, text []byte,
	signature string) error {
	sum := sha256.Sum256(append([]byte(by), text...))
	if signature != base64.StdEncoding.EncodeToString(sum[:]) {
		return ceremony.BadSignature
	}
	return s.VerifyCertificate(certificate, by)
}

func (fakeSignatures) VerifyAnnouncement(a ceremony.Announced, by ceremony.Fingerprint,
	_ time.Time) (ceremony.Announcement, error) {
	return ceremony.Announcement{}, errors.New("the fakes announce nothing")
}

func (fakeSignatures) VerifyRollCall(ceremony.Challenge, string, ceremony.Fingerprint,
	time.Time) (ceremony.Called, error) {
	return ceremony.Called{}, errors.New("the fakes call nobody")
}

func (fakeSignatures) VerifySignedWord(string, ceremony.Fingerprint, string, time.Time,
	time.Time) (string, time.Time, error) {
	return "", time.Time{}, ceremony.BadSignature
}

func (fakeSignatures) VerifyEvidence(string, ceremony.Fingerprint, ceremony.Evidence,
	ceremony.Expected) (string, time.Time, error) {
	return "", time.Time{}, ceremony.BadSignature
}

func (fakeSignatures) VerifyCiphertext(string, string, ceremony.Fingerprint) error {
	return ceremony.BadMessage
}

// transcriptOf returns the newest transcript of a ceremony.
func transcriptOf(t *testing.T, c rules.State) []byte {
	t.Helper()
	signed := c.Transcripts()
	if len(signed) == 0 {
		t.Fatalf("no transcript was signed; the last event is %q", event.TypeOf(c.History[c.Seq()-1].Event))
	}
	file, err := transcript.File(c, signed[len(signed)-1])
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// faultsOf returns the faults of one check.
func faultsOf(a transcript.Audit, name string) []string {
	for _, c := range a.Checks {
		if c.Name == name {
			return c.Faults
		}
	}
	return []string{"it was not looked at"}
}

func TestP8EveryEndedCeremonyIsSignedOnceEverybodyIsTold(t *testing.T) {
	for _, op := range ceremony.Operations() {
		t.Run(string(op), func(t *testing.T) {
			playFor(t, op, func(t *testing.T, s *stage) {
				id := s.begin(op)
				s.finish(id)
				s.settle(time.Minute)
				c := s.now(id)
				file := transcriptOf(t, c)
				if c.OwesTranscript() {
					t.Error("a transcript is still owed")
				}
				if again := transcriptOf(t, c); !bytes.Equal(file, again) {
					t.Error("the same transcript has other bytes when it is made again")
				}
				a := transcript.VerifyTranscript(file, c.Plan.Identity, fakeSignatures{})
				for _, name := range []string{
					"form", "signature", "identity", "chain", "story", "times", "certificates", "deliveries",
					"transcripts",
				} {
					if faults := faultsOf(a, name); name != "transcripts" && name != "deliveries" && faults != nil {
						t.Errorf("%s: %q", name, faults)
					}
				}
				posted := 0
				for _, e := range c.History {
					if p, ok := e.Event.(event.Posted); ok && len(p.Key) > 11 && p.Key[:11] == "transcript/" {
						posted++
					}
				}
				if posted != len(c.Transcripts()) {
					t.Errorf("%d transcripts, %d posted", len(c.Transcripts()), posted)
				}
			})
		})
	}
}
