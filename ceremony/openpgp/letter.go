package openpgp

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/paste"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// maxLetter is the size in bytes of the largest letter that is read. The largest envelope
// that can be genuine, encrypted to an RSA-4096 key and signed by one, has 2 kB. The rest is
// for text around it.
const maxLetter = 16 << 10

// maxMessages is the largest number of PGP messages in a letter. An envelope comes alone, or
// with the bot's own request around it. Each further message costs time, and its sender
// would decide how much.
const maxMessages = 8

// letter is a text that a person has sent, taken apart but not decrypted.
type letter struct {
	messages []message
	leak     bool // one of the messages is signed and not encrypted
}

// message is one PGP message of a letter.
type message struct {
	data       []byte
	err        error    // a Refusal, when it can't be taken apart
	recipients []uint64 // ids of the keys it is encrypted to, 0 for hidden ones
	password   bool     // a password opens it as well
}

// readLetter takes a letter apart. The error is a Refusal.
func readLetter(text []byte) (letter, error) {
	switch {
	case len(text) > maxLetter:
		return letter{}, ceremony.TooBig
	case isBinary(text):
		var l letter
		return l, l.add(text)
	}
	plain := paste.Text(text)
	if err := exposed(plain); errors.Is(err, ceremony.PrivateMaterial) {
		return letter{}, err
	}
	blocks, around := unarmor(plain)
	if len(blocks) > maxMessages {
		return letter{}, ceremony.TooBig
	}
	var l letter
	cut := false
	for _, b := range blocks {
		cut = cut || b.err != nil
		switch {
		case b.kind == clearsignedBlock:
			l.leak = true
		case b.kind != messageBlock:
		case b.err != nil:
			l.messages = append(l.messages, message{err: b.err})
		default:
			if err := l.add(b.data); err != nil {
				return letter{}, err
			}
		}
	}
	switch {
	// Armor that has lost its first line looks like a share in the open.
	case !cut && exposed(around) != nil:
		return letter{}, ceremony.PlainShare
	case len(l.messages) == 0 && !l.leak:
		return letter{}, ceremony.NoArmor
	}
	return l, nil
}

const clearsignedBlock = "PGP SIGNED MESSAGE"

// add adds a message by its outer packets. The error is a Refusal of the whole letter.
func (l *letter) add(data []byte) (err error) {
	m := message{data: data}
	defer recoverParsing(&err, ceremony.BadMessage)
	packets := packet.NewReader(bytes.NewReader(data))
	for {
		p, err := packets.Next()
		if err != nil {
			m.err = ceremony.BadMessage
			l.messages = append(l.messages, m)
			return nil
		}
		switch p := p.(type) {
		case *packet.EncryptedKey:
			m.recipients = append(m.recipients, p.KeyId)
		case *packet.SymmetricKeyEncrypted:
			m.password = true
		case *packet.SymmetricallyEncrypted, *packet.AEADEncrypted:
			l.messages = append(l.messages, m)
			return nil
		case *packet.Compressed, *packet.OnePassSignature, *packet.Signature, *packet.LiteralData:
			// The bot's own announcement, sent back with the envelope, is no leak.
			if text, ok := readOpen(data); ok && !isOurs(text) {
				l.leak = true
			}
			return nil
		case *packet.PrivateKey:
			return ceremony.PrivateMaterial
		case *packet.PublicKey:
			return nil
		}
	}
}

// readOpen returns the beginning of a message that is not encrypted.
func readOpen(data []byte) (beginning string, ok bool) {
	// strict sets a limit: without it, looking for the text could unpack gigabytes.
	md, err := pgp.ReadMessage(bytes.NewReader(data), pgp.EntityList{}, nil, strict(time.Now()))
	if err != nil {
		return "", false
	}
	var text [64]byte
	n, err := io.ReadFull(md.UnverifiedBody, text[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", false
	}
	return string(text[:n]), true
}

// isOurs reports whether a text begins as those that the bot signs.
func isOurs(text string) bool {
	return strings.HasPrefix(text, announcementTag+"\n") || strings.HasPrefix(text, rollCallTag+"\n") ||
		strings.HasPrefix(text, instructionTag+"\n") || strings.HasPrefix(text, deliveryTag+" ")
}

// messageTo returns the message to the key with this id, or else one that hides its
// recipient.
func (l letter) messageTo(id uint64) (message, bool) {
	for _, wanted := range [...]uint64{id, 0} {
		for _, m := range l.messages {
			if m.err == nil && slices.Contains(m.recipients, wanted) {
				return m, true
			}
		}
	}
	return message{}, false
}

// refusal returns why the letter has no message to the key.
func (l letter) refusal() ceremony.Refusal {
	if len(l.messages) == 0 {
		return ceremony.NoArmor
	}
	m := l.messages[0]
	if refusal, ok := ceremony.RefusalOf(m.err); ok {
		return refusal
	}
	if len(m.recipients) == 0 && m.password {
		return ceremony.PasswordSealed
	}
	return ceremony.OtherKey
}
