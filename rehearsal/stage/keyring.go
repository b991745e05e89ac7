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

// Keyring is the means by which a person handles PGP: software inside this process ([Software]), or the real gpg
// ([GPG]). It reads what a message asks for from the message as it was shown.
type Keyring interface {
	// Certificate returns the person's public key, armored.
	Certificate() string
	// Pin makes an identity the one that is trusted. printed is the output of "conclave identity": the certificate with
	// words around it.
	Pin(ctx context.Context, printed string, identity ceremony.Fingerprint) error
	// Keep puts a binary message that is encrypted to the person into a file.
	Keep(file string, message []byte) error
	// Answer does what a request for a share or a one-time password says, and returns the envelope.
	Answer(ctx context.Context, ask Note) (string, error)
	// Present does what a roll call says, and returns the text to send.
	Present(ctx context.Context, call Note) (string, error)
	// Sign signs the statement that a message asks for, as its instruction says, and returns the text to send.
	Sign(ctx context.Context, ask Note) (string, error)
	// Receive does what the message with a new share says: it checks the share and keeps it in NewShareFile.
	Receive(ctx context.Context, delivery Note) error
	// Token does what the message with an encrypted token says, and returns the token.
	Token(ctx context.Context, message Note) (string, error)
	// Adopt puts the new share in place of the old one.
	Adopt(of ceremony.ID) error
	// Open decrypts a file.
	Open(ctx context.Context, file string) (string, error)
	// Close ends what the keyring has started.
	Close() error
}

// ShareFile is the file of a holder's share. The request names it.
const ShareFile = "share.asc"

// NewShareFile returns the file of the share that a ceremony brought. The delivery names it.
func NewShareFile(of ceremony.ID) string { return string(of) + "-" + ShareFile }

// errUntrusted means that a part of a message is not signed by the identity that the person has pinned. A person stops
// there.
var errUntrusted = errors.New("not by the pinned identity")

// drawer is a person's folder of encrypted files.
type drawer struct {
	dir string

	signing sync.Mutex
	signed  time.Time // when the person has signed last
}

// waitToSign returns in a second in which the person has signed nothing yet. No person is quicker, and two messages
// signed in one second count as a message that was sent twice.
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

var fingerprint = regexp.MustCompile(`^[0-9A-F]{4}(\s+[0-9A-F]{4}){9}$`)

// samePrint reports whether a listing is a fingerprint, and whether it is the given one.
func samePrint(listing string, f ceremony.Fingerprint) (is, same bool) {
	if !fingerprint.MatchString(listing) {
		return false, false
	}
	shown, err := ceremony.ParseFingerprint(strings.Join(strings.Fields(listing), ""))
	return true, err == nil && shown == f
}

// encryptTo encrypts to a certificate, as a holder does who got a share on paper.
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
