package openpgp

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/ceremony"
)

// deliveryTag is the first word of a delivery line.
const deliveryTag = "conclave-delivery1"

// SignDelivery armors what Vault has encrypted, and signs a line
//
//	conclave-delivery1 CEREMONY KIND INDEX/TOTAL RECIPIENT SHA256
//
// that says what it is; the hash is that of the binary message. Vault signs
// nothing: without the line a holder could not tell a new share from a forged
// one. The identity's certificate follows the line, so that it can be checked
// with nothing but the pinned fingerprint.
//
// A message that the recipient's key can't open is an error (P7).
func (o *Opener) SignDelivery(p ceremony.Parcel) (ceremony.SignedParcel, error) {
	ciphertext, err := base64.StdEncoding.DecodeString(p.Ciphertext)
	if err != nil {
		return ceremony.SignedParcel{}, fmt.Errorf("sign delivery: %w", ErrNotCiphertext)
	}
	if err := o.checkRecipient(ciphertext, p.Recipient); err != nil {
		return ceremony.SignedParcel{}, fmt.Errorf("sign delivery: %w", err)
	}
	armor, err := enarmor(messageBlock, ciphertext)
	if err != nil {
		return ceremony.SignedParcel{}, fmt.Errorf("sign delivery: %w", err)
	}
	line, err := o.identity.sign(deliveryLine(p, ciphertext), time.Now())
	if err != nil {
		return ceremony.SignedParcel{}, fmt.Errorf("sign delivery: %w", err)
	}
	return ceremony.SignedParcel{Armor: armor, Line: line + o.identity.public}, nil
}

func (o *Opener) checkRecipient(ciphertext []byte, recipient ceremony.Fingerprint) error {
	c, ok := o.holders[recipient]
	if !ok {
		return fmt.Errorf("key %s: %w", recipient, ErrUnknownKey)
	}
	entity, err := c.parse()
	if err != nil {
		return err
	}
	var l letter
	if err := l.add(ciphertext); err != nil || len(l.messages) != 1 || l.messages[0].err != nil {
		return ErrNotCiphertext
	}
	to := l.messages[0].recipients
	if slices.Contains(to, entity.PrimaryKey.KeyId) {
		return nil
	}
	for _, s := range entity.Subkeys {
		if slices.Contains(to, s.PublicKey.KeyId) {
			return nil
		}
	}
	return ErrWrongRecipient
}

func deliveryLine(p ceremony.Parcel, ciphertext []byte) string {
	sum := sha256.Sum256(ciphertext)
	return fmt.Sprintf("%s %s %s %d/%d %s %s\n", deliveryTag, p.Ceremony, p.Kind, p.Index, p.Total, p.Recipient, hex.EncodeToString(sum[:]))
}

// CheckDelivery is for a recipient: it makes sure that armor is what the bot with
// the pinned fingerprint says in line that it is. Either may be a paste with other
// things in it, the bot's certificate among them.
func CheckDelivery(line, armor []byte, pinned ceremony.Fingerprint) (ceremony.Parcel, error) {
	p, err := checkDelivery(line, armor, pinned)
	if err != nil {
		return ceremony.Parcel{}, fmt.Errorf("check delivery: %w", err)
	}
	return p, nil
}

func checkDelivery(line, armor []byte, pinned ceremony.Fingerprint) (ceremony.Parcel, error) {
	lines, _ := unarmor(normalise(line))
	parcels, _ := unarmor(normalise(armor))
	identity, err := pinnedEntity(slices.Concat(lines, parcels), pinned)
	if err != nil {
		return ceremony.Parcel{}, err
	}
	ciphertext := armor
	if !isBinary(armor) {
		if ciphertext, err = encryptedAmong(parcels); err != nil {
			return ceremony.Parcel{}, err
		}
	}
	signed, err := signedAmong(lines, deliveryTag+" ", ErrNoDelivery)
	if err != nil {
		return ceremony.Parcel{}, err
	}
	text, err := readSigned(signed, identity, time.Now())
	if err != nil {
		return ceremony.Parcel{}, err
	}
	p, sum, err := parseDelivery(text)
	if err != nil {
		return ceremony.Parcel{}, err
	}
	got := sha256.Sum256(ciphertext)
	if !bytes.Equal(sum, got[:]) {
		return ceremony.Parcel{}, ErrDeliveryAltered
	}
	p.Ciphertext = base64.StdEncoding.EncodeToString(ciphertext)
	return p, nil
}

// encryptedAmong finds the first message that is encrypted.
func encryptedAmong(blocks []block) ([]byte, error) {
	err := ErrNotCiphertext
	for _, b := range blocks {
		switch {
		case b.kind != messageBlock:
		case b.err != nil:
			err = fmt.Errorf("%w: %w", ErrNotCiphertext, b.err)
		default:
			var l letter
			if l.add(b.data) == nil && len(l.messages) == 1 && l.messages[0].err == nil {
				return b.data, nil
			}
		}
	}
	return nil, err
}

func parseDelivery(text string) (p ceremony.Parcel, sum []byte, err error) {
	words := strings.Fields(text)
	if len(words) != 6 || words[0] != deliveryTag {
		return p, nil, ErrNoDelivery
	}
	p.Ceremony, p.Kind = ceremony.ID(words[1]), words[2]
	index, total, _ := strings.Cut(words[3], "/")
	if p.Index, err = strconv.Atoi(index); err != nil {
		return p, nil, ErrNoDelivery
	}
	if p.Total, err = strconv.Atoi(total); err != nil {
		return p, nil, ErrNoDelivery
	}
	if p.Recipient, err = ceremony.ParseFingerprint(words[4]); err != nil {
		return p, nil, ErrNoDelivery
	}
	if sum, err = hex.DecodeString(words[5]); err != nil {
		return p, nil, ErrNoDelivery
	}
	return p, sum, nil
}
