package terminal

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"conclave/ceremony"
	"conclave/ceremony/ceremonytest"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
)

// requested returns a ceremony that asks a person for their share, the person, and a key of
// the ceremony.
func requested() (rules.State, ceremony.Person, ceremony.Announced) {
	const armor = "-----BEGIN PGP MESSAGE-----\n\nowE=\n-----END PGP MESSAGE-----\n"
	to := ceremony.Person{Name: "alice", Key: ceremonytest.Fingerprint("a")}
	plan := ceremony.Plan{Ceremony: "prod-rekey-k7m2", Operation: ceremony.Rekey, Cluster: "prod", Identity: ceremonytest.Fingerprint("b"), Holders: []ceremony.Person{to}}
	c := rules.State{Plan: plan, PlanHash: plan.Hash(), History: []event.Entry{{Seq: 1, Event: event.RollCalled{
		Certificate: armor, Challenges: []ceremony.Challenge{{For: to, Ciphertext: armor, Notice: armor}},
	}}}}
	return c, to, ceremony.Announced{
		Identity: ceremonytest.Fingerprint("b"), Subkey: string(ceremonytest.Fingerprint("c")), Step: ceremony.StepUpdate, Nonce: "0a6e2a5c-8f47", Certificate: armor, Announcement: armor,
	}
}

// The request that is taken home from a terminal is made of the same journal as what Slack
// shows.
func TestRequestWithACommandInItIsShownToNobody(t *testing.T) {
	c, to, key := requested()
	by := &plainSigner{}
	shown := func(text string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if text := shown(requestText(c, to, key, by)); strings.Contains(text, "gpg -qd") || !strings.Contains(by.text, "gpg -qd SHARE-FILE |") || !strings.Contains(by.text, ") > envelope.asc\n") {
		t.Fatalf("what is to be run is not signed, or shown beside it:\n%s\n%s", text, by.text)
	}
	if text := shown(rollCallText(c, to, c.Called().Challenges[0], by)); strings.Contains(text, "gpg -qd") || !strings.Contains(by.text, ") > present.asc\n") {
		t.Fatalf("what is to be run is not signed, or shown beside it:\n%s\n%s", text, by.text)
	}
	for _, bad := range []string{"0;touch pwned;", "$(touch pwned)", "';touch pwned;'", "owE=\nCONCLAVE\ntouch pwned", "owE=\nCONCLAVE\nA: ;touch pwned"} {
		for what, text := range map[string]func() (string, error){
			"a holder's key": func() (string, error) {
				to := to
				to.Key = ceremony.Fingerprint(bad)
				return requestText(c, to, key, by)
			},
			"an id": func() (string, error) {
				c := c
				c.Plan.Ceremony = ceremony.ID(bad)
				return requestText(c, to, key, by)
			},
			"a subkey":      func() (string, error) { k := key; k.Subkey = bad; return requestText(c, to, k, by) },
			"a nonce":       func() (string, error) { k := key; k.Nonce = bad; return requestText(c, to, k, by) },
			"a certificate": func() (string, error) { k := key; k.Certificate = bad; return requestText(c, to, k, by) },
			"a notice":      func() (string, error) { k := key; k.Announcement = bad; return requestText(c, to, k, by) },
			"who is called": func() (string, error) {
				to := to
				to.Key = ceremony.Fingerprint(bad)
				return rollCallText(c, to, c.Called().Challenges[0], by)
			},
			"a challenge": func() (string, error) {
				return rollCallText(c, to, ceremony.Challenge{Ciphertext: bad, Notice: c.Called().Challenges[0].Notice}, by)
			},
		} {
			if got := shown(text()); !strings.Contains(got, "PASTE NOTHING") || strings.Contains(got, "gpg") {
				t.Errorf("%s of %q:\n%s", what, bad, got)
			}
		}
	}
}

// plainSigner signs nothing, and keeps what it was given.
type plainSigner struct{ text string }

func (*plainSigner) SignDelivery(ceremony.Parcel) (ceremony.SignedParcel, error) {
	return ceremony.SignedParcel{}, nil
}

func (s *plainSigner) SignInstruction(i ceremony.Instruction) (ceremony.SignedInstruction, error) {
	s.text = i.Text
	return ceremony.SignedInstruction{Message: "-----BEGIN PGP MESSAGE-----\n\nowE=\n-----END PGP MESSAGE-----\n"}, nil
}

// Where files are kept is up to people, and names of folders have spaces in them.
func TestFilesInCommandsAreQuoted(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "it's $(touch pwned) & mine.asc")
	quoted, ok := strings.CutPrefix(wording.ProveCommand(file).String(), "conclave seal --encrypted ")
	quoted, ended := strings.CutSuffix(quoted, " MESSAGE")
	if !ok || !ended {
		t.Fatal(wording.ProveCommand(file))
	}
	said, err := exec.Command("sh", "-c", "printf %s "+quoted).Output()
	if err != nil || string(said) != file {
		t.Errorf("the shell reads %q: %v", said, err)
	}
	for _, odd := range []string{"", "-rf", "a\nb", "a\x1b[201~b"} {
		for _, p := range []wording.Pasted{wording.ProveCommand(odd), wording.TryCommand(odd), wording.DecodeCommand(odd)} {
			if p.Made() {
				t.Errorf("%q is pasted as %s", odd, p)
			}
		}
	}
}
