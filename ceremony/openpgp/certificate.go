package openpgp

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/paste"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Certificate is a holder's public key, of a kind that Vault can keep. Vault stores it in its
// seal configuration and reads it again when it starts: a key that a later version refuses
// would stop it from starting.
//
// It may be used by several goroutines.
type Certificate struct {
	fingerprint ceremony.Fingerprint
	userIDs     []string
	public      []byte // binary, without signatures of other people
	forVault    []byte // binary, see minimise
}

// ReadCertificate reads a file with one public key, armored or binary. It checks what does
// not change: the kind of the key and its own signatures. [Certificate.CheckUntil] checks
// whether the key is valid at a time.
func ReadCertificate(data []byte) (*Certificate, error) {
	binary, err := certificateBytes(data)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	entity, err := parseEntity(binary)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if hasSecret(entity) {
		return nil, fmt.Errorf("read key: %w", ErrSecretKey)
	}
	c := &Certificate{fingerprint: fingerprintOf(entity.PrimaryKey)}
	if err := c.take(entity); err != nil {
		return nil, fmt.Errorf("key %s: %w", c.fingerprint, err)
	}
	return c, nil
}

// certificateBytes returns the only key block of a file.
func certificateBytes(data []byte) ([]byte, error) {
	if isBinary(data) {
		return data, nil
	}
	blocks, _ := unarmor(paste.Text(data))
	var found *block
	for i, b := range blocks {
		switch {
		case b.kind == secretKeyBlock:
			return nil, ErrSecretKey
		case b.kind != certificateBlock:
		case found != nil:
			return nil, ErrSeveralKeys
		default:
			found = &blocks[i]
		}
	}
	if found == nil {
		return nil, ErrNoKey
	}
	if found.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, found.err)
	}
	return found.data, nil
}

func hasSecret(entity *pgp.Entity) bool {
	return entity.PrivateKey != nil ||
		slices.ContainsFunc(entity.Subkeys, func(s pgp.Subkey) bool { return s.PrivateKey != nil })
}

func (c *Certificate) take(entity *pgp.Entity) error {
	if err := checkKind(entity.PrimaryKey); err != nil {
		return err
	}
	for name, id := range entity.Identities {
		id.OtherCertifications = nil
		c.userIDs = append(c.userIDs, name)
	}
	slices.Sort(c.userIDs)
	var err error
	if c.public, err = publicBytes(entity); err != nil {
		return err
	}
	minimal, err := minimise(entity)
	if err != nil {
		return err
	}
	c.forVault, err = publicBytes(minimal)
	return err
}

// publicBytes returns a key's public parts, each time as the same bytes. go-crypto keeps user
// ids in a map, and would write them in the map's order.
func publicBytes(entity *pgp.Entity) ([]byte, error) {
	var public bytes.Buffer
	head := *entity
	head.Identities, head.Subkeys = nil, nil
	if err := head.Serialize(&public); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(entity.Identities)) {
		if err := entity.Identities[name].Serialize(&public); err != nil {
			return nil, fmt.Errorf("write key: %w", err)
		}
	}
	for _, s := range entity.Subkeys {
		if err := s.Serialize(&public, false); err != nil {
			return nil, fmt.Errorf("write key: %w", err)
		}
	}
	return public.Bytes(), nil
}

// minimise returns as much of a key as Vault needs: the primary key, its newest valid user
// id, and the keys that can be encrypted to, each with the one signature that makes it valid.
// It checks no time: Vault goes by its own clock.
func minimise(entity *pgp.Entity) (*pgp.Entity, error) {
	config := strict(time.Time{})
	var always time.Time
	if entity.Revoked(always) {
		return nil, ErrKeyRevoked
	}
	selfSignature, id := entity.PrimaryIdentity(always, config)
	if id == nil {
		return nil, ErrWeakSelfSig
	}
	minimal := &pgp.Entity{
		PrimaryKey: entity.PrimaryKey,
		Identities: map[string]*pgp.Identity{id.Name: {
			Name: id.Name, UserId: id.UserId,
			SelfCertifications: []*packet.VerifiableSignature{packet.NewVerifiableSig(selfSignature)},
		}},
	}
	why := ErrCannotEncrypt
	for _, s := range entity.Subkeys {
		binding, err := s.LatestValidBindingSignature(always, config)
		switch {
		case err != nil:
			why = ErrWeakSelfSig
		case !encrypts(binding):
		case s.Revoked(binding, always):
			why = ErrKeyRevoked
		default:
			if err := checkKind(s.PublicKey); err != nil {
				why = err
				continue
			}
			minimal.Subkeys = append(minimal.Subkeys, pgp.Subkey{
				PublicKey: s.PublicKey,
				Bindings:  []*packet.VerifiableSignature{packet.NewVerifiableSig(binding)},
			})
		}
	}
	if len(minimal.Subkeys) == 0 && !(encrypts(selfSignature) && entity.PrimaryKey.PubKeyAlgo.CanEncrypt()) {
		return nil, why
	}
	return minimal, nil
}

func encrypts(binding *packet.Signature) bool {
	return binding.FlagsValid && (binding.FlagEncryptCommunications || binding.FlagEncryptStorage)
}

// checkKind refuses a kind of key that some Vault can't encrypt to or read again.
func checkKind(key *packet.PublicKey) error {
	if key.Version != 4 {
		return ErrKeyVersion
	}
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSAEncryptOnly, packet.PubKeyAlgoRSASignOnly:
		if bits, err := key.BitLength(); err != nil || bits < minRSABits {
			return ErrKeyTooShort
		}
		return nil
	case packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoECDSA, packet.PubKeyAlgoECDH:
		curve, err := key.Curve()
		switch {
		case err != nil:
		case curve == packet.Curve25519,
			curve == packet.CurveNistP256, curve == packet.CurveNistP384, curve == packet.CurveNistP521:
			return nil
		}
	}
	return ErrKeyAlgorithm
}

// Fingerprint returns the fingerprint of the primary key.
func (c *Certificate) Fingerprint() ceremony.Fingerprint { return c.fingerprint }

// UserIDs returns the names on the key, sorted. Nothing vouches for them.
func (c *Certificate) UserIDs() []string { return slices.Clone(c.userIDs) }

// parse returns an entity that belongs to the caller.
func (c *Certificate) parse() (*pgp.Entity, error) { return parseEntity(c.public) }

// CheckUntil makes sure that Vault can encrypt to the key, and that its owner's signatures
// count, now and until the given time. Vault itself accepts a key that has expired, is
// revoked or only signs, and fails when the last share comes: a rekey then starts over, and
// generate-root leaves a root token behind that nobody holds.
func (c *Certificate) CheckUntil(now, until time.Time) error {
	if err := c.checkAt(now); err != nil {
		return err
	}
	err := c.checkAt(until)
	if errors.Is(err, ErrKeyExpired) {
		return ErrKeyExpires
	}
	return err
}

func (c *Certificate) checkAt(t time.Time) error {
	entity, err := c.parse()
	if err != nil {
		return err
	}
	// There is no tolerance here: Vault fails on a key from the future as it does on an expired one.
	return madeAhead(entity, t, c.checkParts(entity, t))
}

func (c *Certificate) checkParts(entity *pgp.Entity, t time.Time) error {
	config := strict(t)
	_, err := entity.VerifyPrimaryKey(t, config)
	switch {
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return ErrKeyRevoked
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return ErrKeyExpired
	case err != nil:
		return ErrWeakSelfSig
	}
	if _, ok := entity.EncryptionKey(t, config); !ok {
		return whyNot(entity, t, config, encrypts, ErrCannotEncrypt)
	}
	if err := checkSigner(entity, t, config); err != nil {
		return err
	}
	return tryAsVault(c.forVault, t)
}

func checkSigner(entity *pgp.Entity, t time.Time, config *packet.Config) error {
	signs := func(binding *packet.Signature) bool { return binding.FlagsValid && binding.FlagSign }
	signer, ok := entity.SigningKey(t, config)
	if !ok {
		return whyNot(entity, t, config, signs, ErrCannotSign)
	}
	// A subkey that signs must have signed that it belongs to the primary key.
	if cross := signer.SelfSignature.EmbeddedSignature; cross != nil && config.RejectHashAlgorithm(cross.Hash) {
		return ErrWeakSelfSig
	}
	return nil
}

// whyNot looks for a subkey of the wanted kind, and returns the reason why it can't be used.
// It returns otherwise when there is none.
func whyNot(
	entity *pgp.Entity, t time.Time, config *packet.Config, does func(*packet.Signature) bool, otherwise error,
) error {
	for _, s := range entity.Subkeys {
		binding, err := s.LatestValidBindingSignature(t, config)
		if err != nil || !does(binding) {
			continue
		}
		_, err = s.Verify(t, config)
		switch {
		case errors.Is(err, pgperrors.ErrKeyRevoked):
			return ErrKeyRevoked
		case errors.Is(err, pgperrors.ErrKeyExpired):
			return ErrKeyExpired
		}
	}
	return otherwise
}

// signsAt makes sure that the key or subkey with this id may sign at a time. It parses the
// key anew: an entity that was asked about an earlier time remembers that later revocations
// are not valid.
func (c *Certificate) signsAt(id uint64, t time.Time) error {
	entity, err := c.parse()
	if err != nil {
		return err
	}
	if _, ok := entity.SigningKeyById(t, id, strict(t)); !ok {
		return ErrCannotSign
	}
	return nil
}
