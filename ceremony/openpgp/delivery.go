package openpgp

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"conclave/ceremony"
	"conclave/ceremony/paste"
)

// deliveryTag is the first word of a delivery line.
const deliveryTag = "conclave-delivery1"

// SignDelivery armors what Vault has encrypted, and signs the line
//
//	conclave-delivery1 CEREMONY KIND INDEX/TOTAL RECIPIENT SHA256
//
// that says what it is. The hash is that of the binary message. Vault signs nothing: without
// the line a holder could not tell a new share from a forged one. The identity's certificate
// follows the line, so that the pinned fingerprint alone is needed to check it.
//
// A message that the recipient's key can't open is an error (P7).
func (o *OpenPGP) SignDelivery(p ceremony.Parcel) (ceremony.SignedParcel, error) {
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

func (o *OpenPGP) checkRecipient(ciphertext []byte, recipient ceremony.Fingerprint) error {
	c, ok := o.holders[recipient]
	if !ok {
		return fmt.Errorf("key %s: %w", recipient, ErrUnknownKey)
	}
	entity, err := c.parse()
	if err != nil {
		return err
	}
	id, err := onlyRecipient(ciphertext)
	if err != nil {
		return err
	}
	if keyByID(entity, id) == nil {
		return ErrWrongRecipient
	}
	return nil
}

// onlyRecipient returns the id of the one key that opens what Vault has encrypted. Vault
// makes a message of two packets (RFC 9580, section 10.3): a session key, and what that
// encrypts. Another key, a password, or anything in the open beside them is an error.
func onlyRecipient(ciphertext []byte) (id uint64, err error) {
	defer recoverParsing(&err, ErrNotCiphertext)
	all, err := packetsOf(ciphertext)
	if err != nil {
		return 0, err
	}
	const sessionKey, encrypted, encryptedAEAD = 1, 18, 20
	if len(all) < 2 || all[0].Tag != sessionKey {
		return 0, ErrNotCiphertext
	}
	if len(all) > 2 || all[1].Tag != encrypted && all[1].Tag != encryptedAEAD {
		if all[1].Tag == sessionKey {
			return 0, ErrWrongRecipient
		}
		return 0, ErrNotCiphertext
	}
	p, err := all[0].Parse()
	key, ok := p.(*packet.EncryptedKey)
	if err != nil || !ok || len(all[1].Contents) == 0 {
		return 0, ErrNotCiphertext
	}
	return key.KeyId, nil
}

// packetsOf returns all packets of a message.
func packetsOf(message []byte) (all []*packet.OpaquePacket, err error) {
	packets := packet.NewOpaqueReader(bytes.NewReader(message))
	for {
		p, err := packets.Next()
		switch {
		case err == io.EOF: // and nothing that wraps it: a packet has begun then
			return all, nil
		case err != nil:
			return nil, ErrNotCiphertext
		}
		all = append(all, p)
	}
}

// VerifyCiphertext makes sure that a delivered message, in standard base64, is encrypted to
// one key alone, and that the key belongs to the certificate with this fingerprint. Without a
// certificate it checks only that there is one key. Only the receiver knows what is inside.
func VerifyCiphertext(ciphertext, certificateArmor string, to ceremony.Fingerprint) error {
	if err := verifyCiphertext(ciphertext, certificateArmor, to); err != nil {
		return fmt.Errorf("verify what was encrypted to %s: %w", to, err)
	}
	return nil
}

func verifyCiphertext(ciphertext, certificateArmor string, to ceremony.Fingerprint) error {
	message, err := base64.StdEncoding.Strict().DecodeString(ciphertext)
	if err != nil {
		return ErrNotCiphertext
	}
	id, err := onlyRecipient(message)
	if err != nil || certificateArmor == "" {
		return err
	}
	certificate, err := readAudited(certificateArmor, to)
	if err != nil {
		return err
	}
	entity, err := parseEntity(certificate)
	if err != nil {
		return err
	}
	if keyByID(entity, id) == nil {
		return ErrWrongRecipient
	}
	return nil
}

func deliveryLine(p ceremony.Parcel, ciphertext []byte) string {
	sum := sha256.Sum256(ciphertext)
	return fmt.Sprintf("%s %s %s %d/%d %s %s\n",
		deliveryTag, p.Ceremony, p.Kind, p.Index, p.Total, p.Recipient, hex.EncodeToString(sum[:]))
}

// Delivery is what the bot has handed over, with what it says of it.
type Delivery struct {
	ceremony.Parcel
	Armor string // the ciphertext, to be kept or decrypted
}

// CheckDeliveries is for a recipient. It finds the delivery lines in a pasted text, and makes
// sure that the bot with the pinned fingerprint has signed them and that the armored message
// which each of them names is there. The bot's certificate must be in the text; other things
// may be. It returns the deliveries in the order of their lines.
func CheckDeliveries(text []byte, pinned ceremony.Fingerprint) ([]Delivery, error) {
	deliveries, err := checkDeliveries(text, pinned)
	if err != nil {
		return nil, fmt.Errorf("check delivery: %w", err)
	}
	return deliveries, nil
}

func checkDeliveries(text []byte, pinned ceremony.Fingerprint) ([]Delivery, error) {
	blocks, _ := unarmor(paste.Text(text))
	signed, err := signedAmong(blocks, deliveryTag+" ", ErrNoDelivery)
	if err != nil {
		return nil, err
	}
	identity, err := pinnedEntity(blocks, pinned)
	if err != nil {
		return nil, err
	}
	var deliveries []Delivery
	for _, m := range signed {
		line, err := readSigned(m, identity, time.Now())
		if err != nil {
			return nil, err
		}
		d, err := takeDelivery(line, blocks)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(deliveries, d) {
			deliveries = append(deliveries, d)
		}
	}
	return deliveries, nil
}

// takeDelivery returns the delivery that a line names, with its message among blocks.
func takeDelivery(line string, blocks []block) (Delivery, error) {
	p, sum, err := parseDelivery(line)
	if err != nil {
		return Delivery{}, err
	}
	ciphertexts := encryptedAmong(blocks)
	for _, ciphertext := range ciphertexts {
		got := sha256.Sum256(ciphertext)
		if !bytes.Equal(sum, got[:]) {
			continue
		}
		armored, err := enarmor(messageBlock, ciphertext)
		if err != nil {
			return Delivery{}, err
		}
		p.Ciphertext = base64.StdEncoding.EncodeToString(ciphertext)
		return Delivery{p, armored}, nil
	}
	if len(ciphertexts) > 0 {
		return Delivery{}, ErrDeliveryAltered
	}
	for _, b := range blocks {
		if b.kind == messageBlock && b.err != nil {
			return Delivery{}, fmt.Errorf("%w: %w", ErrNotCiphertext, b.err)
		}
	}
	return Delivery{}, ErrNotCiphertext
}

// Armored returns the content of a file as text that can be joined with that of other files.
// A PGP message without armor, binary or as Vault prints it, is armored. Any other text is
// returned as it was before a computer saved it in another encoding.
func Armored(file []byte) ([]byte, error) {
	bare := [][]byte{file}
	if !isBinary(file) {
		text := paste.Text(file)
		blocks, _ := unarmor(text)
		if bare = bareAmong(text); len(blocks) > 0 || len(bare) == 0 {
			return []byte(text), nil
		}
	}
	var all strings.Builder
	for _, message := range bare {
		armored, err := enarmor(messageBlock, message)
		if err != nil {
			return nil, err
		}
		all.WriteString(armored)
	}
	return []byte(all.String()), nil
}

// encryptedAmong returns the messages that are encrypted.
func encryptedAmong(blocks []block) [][]byte {
	var found [][]byte
	for _, b := range blocks {
		if b.kind == messageBlock && b.err == nil && isEncrypted(b.data) {
			found = append(found, b.data)
		}
	}
	return found
}

func parseDelivery(text string) (p ceremony.Parcel, sum []byte, err error) {
	words := strings.Fields(text)
	if len(words) != 6 || words[0] != deliveryTag {
		return p, nil, ErrNoDelivery
	}
	p.Ceremony, p.Kind = ceremony.ID(words[1]), words[2]
	if !p.Ceremony.Valid() || !ceremony.IsName(p.Kind) || !ceremony.IsHash(words[5]) {
		return p, nil, ErrNoDelivery
	}
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
