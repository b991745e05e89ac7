package bot

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"conclave/bot/render"
	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/rules"
	"conclave/ceremony/wording"
	"conclave/needs"
)

// shellUser is a person with a computer of their own: a gpg home and a folder.
type shellUser struct {
	t            *testing.T
	home, folder string
	fingerprint  string
	subkey       string
}

func newShellUser(t *testing.T, name string) *shellUser {
	t.Helper()
	needs.Programs(t, "gpg", "bash")
	home, err := os.MkdirTemp("", "g") // t.TempDir is too long for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	s := &shellUser{t: t, home: home, folder: t.TempDir()}
	t.Cleanup(func() {
		s.runs("gpgconf --kill all")
		_ = os.RemoveAll(home)
	})
	s.runs("gpg --batch -q --passphrase '' --quick-gen-key " + name + " ed25519 sign never")
	lines := strings.Split(s.runs("gpg --batch -q --with-colons --list-keys"), "\n")
	s.fingerprint = fingerprintAfter(lines, "pub:")
	s.runs("gpg --batch -q --passphrase '' --quick-add-key " + s.fingerprint + " cv25519 encr never")
	s.subkey = fingerprintAfter(strings.Split(s.runs("gpg --batch -q --with-colons --list-keys"), "\n"), "sub:")
	return s
}

func fingerprintAfter(lines []string, record string) string {
	for i, l := range lines {
		if strings.HasPrefix(l, record) {
			return strings.Split(lines[i+1], ":")[9]
		}
	}
	return ""
}

// runs has the person's shell run a command, and returns what it prints.
func (s *shellUser) runs(command string) string { return s.runsWith(command, nil) }

func (s *shellUser) runsWith(command string, input []byte) string {
	s.t.Helper()
	cmd := exec.Command("bash", "-c", "set -o pipefail\n"+command)
	cmd.Dir, cmd.Stdin = s.folder, bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "GNUPGHOME="+s.home, "LC_ALL=C")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	printed, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", command, err, complaints.String())
	}
	return string(printed)
}

// listingsOf are the blocks of a message that are there to be copied.
func listingsOf(m render.Message) []string {
	var all []string
	for _, b := range m.Blocks {
		if rich, ok := b.(*slack.RichTextBlock); ok {
			for _, e := range rich.Elements {
				all = append(all, e.(*slack.RichTextPreformatted).Elements[0].(*slack.RichTextSectionTextElement).Text)
			}
		}
	}
	return all
}

// TestWhatTheMessagesSayCanBePasted runs every command that a holder is given, in
// a real shell with a real gpg, as it is printed.
func TestWhatTheMessagesSayCanBePasted(t *testing.T) {
	us, carol := newShellUser(t, "conclave"), newShellUser(t, "carol")
	pinned := us.runs("gpg -q --armor --export")
	carol.runsWith("gpg -q --batch --import", []byte(pinned))
	carol.runs("gpg -q --batch --yes --quick-lsign-key " + us.fingerprint)
	us.runsWith("gpg -q --batch --import", []byte(carol.runs("gpg -q --armor --export")))
	carol.runsWith("gpg -q --batch -ea -r carol -o share.asc", []byte(hexShare))

	key := announced(ceremony.StepUpdate, nonce1)
	key.Identity, key.Subkey = ceremony.Fingerprint(strings.ToLower(us.fingerprint)), strings.ToLower(us.subkey)
	key.Certificate = pinned
	key.Announcement = us.runsWith("gpg -q --batch -sa", []byte("conclave-announce1\nwhat is agreed to\n"))
	c := started(t, rekeyPlan()).c
	c.Key = &key
	to := person("carol")
	to.Key = ceremony.Fingerprint(strings.ToLower(carol.fingerprint))

	steps := listingsOf(render.ShareRequest(c, to, key))
	if len(steps) != 4 {
		t.Fatalf("%d things to copy", len(steps))
	}
	carol.runs(steps[0])
	if agreed := carol.runs(steps[2]); !strings.Contains(agreed, "what is agreed to") {
		t.Errorf("gpg shows %q", agreed)
	}
	envelope := carol.runs(steps[3])
	opened := us.runsWith("gpg -q --batch --status-fd 1 -d", []byte(envelope))
	if want := key.Prefix(c.ID()) + hexShare; !strings.Contains(opened, want) {
		t.Errorf("in the envelope is not %q but\n%s", want, opened)
	}
	if !strings.Contains(opened, "VALIDSIG "+carol.fingerprint) {
		t.Errorf("the envelope is not signed by its holder:\n%s", opened)
	}

	ciphertext := us.runsWith("gpg -q --batch --trust-model always -e -r "+carol.fingerprint+" | base64 -w0",
		[]byte("a new share"))
	binary, err := base64.StdEncoding.DecodeString(ciphertext)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(binary)
	signed := ceremony.SignedParcel{
		Armor: us.runsWith("gpg -q --batch --enarmor | sed 's/ARMORED FILE/MESSAGE/'", binary),
		Line:  us.runsWith("gpg -q --batch -sa", []byte("conclave-delivery1 "+hex.EncodeToString(sum[:])+"\n")) + pinned,
	}
	steps = listingsOf(render.Delivery(c, rules.Message{To: &to}, ceremony.Parcel{Index: 1, Total: 5, Recipient: to.Key},
		signed))
	carol.runs(steps[1])
	if _, err := os.Stat(filepath.Join(carol.folder, wording.ShareFile(c, c.Seq()))); err != nil {
		t.Fatal(err)
	}
	said, counted := strings.Fields(carol.runs(steps[2])), strings.Fields(carol.runs(steps[3]))
	if said[len(said)-1] != counted[0] {
		t.Errorf("the signed line says %s, the file has %s", said[len(said)-1], counted[0])
	}
	if got := carol.runs(steps[4]); !strings.Contains(got, "it opens") {
		t.Errorf("the new share: %q", got)
	}
	token := listingsOf(render.Token(c, signed))
	if got := carol.runs(token[1]); got != "a new share" {
		t.Errorf("the token: %q", got)
	}
}

// TestWhatARequesterWithoutAKeyIsToldCanBePasted is the same for a one-time
// password, on a computer whose gpg knows Conclave's key from the message alone.
func TestWhatARequesterWithoutAKeyIsToldCanBePasted(t *testing.T) {
	us, alice := newShellUser(t, "conclave"), newShellUser(t, "alice")
	const password = "Kq7vXb2ZrT9mWc4YpL8nHd3JsG6f"
	if err := os.WriteFile(filepath.Join(alice.folder, "otp.txt"), []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	key := announced(ceremony.StepOTP, nonce1)
	key.Identity, key.Subkey = ceremony.Fingerprint(strings.ToLower(us.fingerprint)), strings.ToLower(us.subkey)
	key.Certificate = us.runs("gpg -q --armor --export")
	key.Announcement = us.runsWith("gpg -q --batch -sa", []byte("conclave-announce1\nwhat is agreed to\n"))
	s := approvedScenario(t, passwordPlan()).then(event.KeyAnnounced{Key: key})

	steps := listingsOf(render.ShareRequest(s.c, s.who("alice"), key))
	if len(steps) != 5 {
		t.Fatalf("%d things to copy", len(steps))
	}
	alice.runs(steps[0])
	if agreed := alice.runs(steps[2]); !strings.Contains(agreed, "what is agreed to") {
		t.Errorf("gpg shows %q", agreed)
	}
	if want := "conclave seal --otp otp.txt"; steps[3] != want {
		t.Errorf("with the program it is %q", steps[3])
	}
	opened := us.runsWith("gpg -q --batch -d", []byte(alice.runs(steps[4])))
	if want := key.Prefix(s.c.ID()) + password + key.Suffix(s.c.ID(), s.c.PlanHash); opened != want {
		t.Errorf("in the envelope is not %q but %q", want, opened)
	}
}
