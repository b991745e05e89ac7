package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"conclave/ceremony"
)

// Keyring is how a person handles PGP: with software inside this process
// ([Software]), or with the real gpg ([GPG]). What a message asks for is read from
// the message as it was shown.
type Keyring interface {
	// Certificate is the person's public key, armored.
	Certificate() string
	// Pin makes an identity the one that is trusted. Printed is what "conclave
	// identity" has printed, the certificate with words around it.
	Pin(ctx context.Context, printed string, identity ceremony.Fingerprint) error
	// Keep puts a binary message that is encrypted to the person into a file.
	Keep(file string, message []byte) error
	// Answer does what a request for a share, or for a one-time password, says and
	// answers the envelope.
	Answer(ctx context.Context, ask Note) (string, error)
	// Present does what a roll call says and answers what is to be sent.
	Present(ctx context.Context, call Note) (string, error)
	// Sign signs the word that a message asks for, by the command in it, and answers
	// what is to be sent.
	Sign(ctx context.Context, ask Note) (string, error)
	// Receive does what the message with a new share says: it is checked, and kept
	// in NewShareFile.
	Receive(ctx context.Context, delivery Note) error
	// Token does what the message with an encrypted token says and answers the
	// token.
	Token(ctx context.Context, message Note) (string, error)
	// Adopt puts the new share in the place of the old one.
	Adopt(of ceremony.ID) error
	// Open decrypts a file.
	Open(ctx context.Context, file string) (string, error)
	// Close ends what the keyring has started.
	Close() error
}

// ShareFile is where a holder keeps their share, in the words of the request.
const ShareFile = "share.asc"

// NewShareFile is where a holder keeps the share that a ceremony brought, in the
// words of the delivery.
func NewShareFile(of ceremony.ID) string { return string(of) + "-" + ShareFile }

// ErrUntrusted means that a person would not have gone on: something in a message
// is not by the identity that they have pinned.
var ErrUntrusted = errors.New("not by the pinned identity")

// drawer is a person's folder of encrypted files.
type drawer struct {
	dir string

	signing sync.Mutex
	signed  time.Time // when the person has signed last
}

// waitToSign returns in a second in which the person has signed nothing yet. Nobody is
// quicker, and two messages of one second count as one that was sent again.
func (d *drawer) waitToSign(ctx context.Context) error {
	d.signing.Lock()
	defer d.signing.Unlock()
	next := time.NewTimer(time.Until(d.signed.Truncate(time.Second).Add(time.Second)))
	defer next.Stop()
	select {
	case <-next.C:
		d.signed = time.Now()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *drawer) Keep(file string, message []byte) error {
	text, err := enarmor(message)
	if err != nil {
		return fmt.Errorf("keep %s: %w", file, err)
	}
	return writeFile(d.dir, file, text)
}

func (d *drawer) Adopt(of ceremony.ID) error {
	return os.Rename(filepath.Join(d.dir, NewShareFile(of)), filepath.Join(d.dir, ShareFile))
}

func writeFile(dir, file, text string) error {
	return os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600)
}

var (
	hereDocument = regexp.MustCompile(`(?s)^(.*) <<'(\w+)'\n(.*)\n(\w+)$`)
	wordToSign   = regexp.MustCompile(`^echo '(conclave-word1 [^']*)' \| gpg -sa -u ([0-9A-F]{40})$`)
	fingerprint  = regexp.MustCompile(`^[0-9A-F]{4}(\s+[0-9A-F]{4}){9}$`)
)

// pasted finds the listing that hands a text to a command, and answers the text.
func pasted(n Note, command string) (string, error) {
	for _, l := range n.Listings() {
		if m := hereDocument.FindStringSubmatch(l); m != nil && m[1] == command && m[2] == m[4] {
			return m[3], nil
		}
	}
	return "", fmt.Errorf("the message has nothing for %q", command)
}

// toSign finds the listing that signs a word, and answers the word and whose key is
// to sign it.
func toSign(n Note) (listing, word string, key ceremony.Fingerprint, err error) {
	for _, l := range n.Listings() {
		if m := wordToSign.FindStringSubmatch(l); m != nil {
			key, err := ceremony.ParseFingerprint(m[2])
			return l, m[1], key, err
		}
	}
	return "", "", "", errors.New("the message has nothing to sign")
}

// samePrint reports whether a listing is a fingerprint, and whether it is this one.
func samePrint(listing string, f ceremony.Fingerprint) (is, same bool) {
	if !fingerprint.MatchString(listing) {
		return false, false
	}
	shown, err := ceremony.ParseFingerprint(strings.Join(strings.Fields(listing), ""))
	return true, err == nil && shown == f
}

// encryptTo encrypts to a certificate, as a holder does who was given a share on
// paper.
func encryptTo(certificate string, content []byte) ([]byte, error) {
	keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(certificate))
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	var message bytes.Buffer
	w, err := openpgp.Encrypt(&message, keys, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return message.Bytes(), nil
}

func enarmor(message []byte) (string, error) {
	var text strings.Builder
	w, err := armor.Encode(&text, "PGP MESSAGE", nil)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(message); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return text.String() + "\n", nil
}

func dearmor(text string) ([]byte, error) {
	block, err := armor.Decode(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(block.Body)
}
