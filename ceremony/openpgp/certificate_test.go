package openpgp_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"

	vaultpgp "github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	pgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/google/go-cmp/cmp"
)

func algorithm(a packet.PublicKeyAlgorithm, c packet.Curve) func(*packet.Config) {
	return func(config *packet.Config) { config.Algorithm, config.Curve = a, c }
}

func rsa(bits int) func(*packet.Config) {
	return func(config *packet.Config) { config.Algorithm, config.RSABits = packet.PubKeyAlgoRSA, bits }
}

func version6(config *packet.Config) {
	config.V6Keys, config.Algorithm = true, packet.PubKeyAlgoEd25519
}

func TestKeyThatVaultCanKeepIsRead(t *testing.T) {
	for name, option := range map[string]func(*packet.Config){
		"Ed25519":  algorithm(packet.PubKeyAlgoEdDSA, packet.Curve25519),
		"P-256":    algorithm(packet.PubKeyAlgoECDSA, packet.CurveNistP256),
		"P-521":    algorithm(packet.PubKeyAlgoECDSA, packet.CurveNistP521),
		"RSA-2048": rsa(2048),
	} {
		t.Run(name, func(t *testing.T) {
			e := newHolder(t, "Ada", start, option)
			for _, data := range [][]byte{public(t, e), dearmor(t, public(t, e))} {
				c := must(openpgp.ReadCertificate(data))(t)
				if got, want := string(c.Fingerprint()), strings.ToLower(hexOf(e.PrimaryKey.Fingerprint)); got != want {
					t.Errorf("fingerprint %s, want %s", got, want)
				}
				if diff := cmp.Diff([]string{"Ada <Ada@example.invalid>"}, c.UserIDs()); diff != "" {
					t.Error(diff)
				}
				if err := c.CheckUntil(start, start.Add(4*time.Hour)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestKeyIsRefusedInItsOwnWords(t *testing.T) {
	private := func(e *pgp.Entity) []byte {
		var b bytes.Buffer
		if err := e.SerializePrivate(&b, at(start)); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	ada, bob := newHolder(t, "Ada", start), newHolder(t, "Bob", start)
	signOnly := newHolder(t, "Cleo", start)
	signOnly.Subkeys = nil
	revoked := newHolder(t, "Dan", start)
	if err := revoked.Revoke(packet.KeyCompromised, "", at(start)); err != nil {
		t.Fatal(err)
	}
	noSubkey := newHolder(t, "Eve", start)
	if err := noSubkey.Subkeys[0].Revoke(packet.KeySuperseded, "", at(start)); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":             {nil, openpgp.ErrNoKey},
		"talk":                {[]byte("hello"), openpgp.ErrNoKey},
		"a message":           {newStage(t).craft(t, craft{}), openpgp.ErrNoKey},
		"cut":                 {public(t, ada)[:300], openpgp.ErrNoKey},
		"secret key":          {enarmor(t, "PGP PRIVATE KEY BLOCK", private(ada)), openpgp.ErrSecretKey},
		"secret key, binary":  {private(ada), openpgp.ErrSecretKey},
		"secret in disguise":  {enarmor(t, "PGP PUBLIC KEY BLOCK", private(ada)), openpgp.ErrSecretKey},
		"public and secret":   {append(public(t, ada), enarmor(t, "PGP PRIVATE KEY BLOCK", private(ada))...), openpgp.ErrSecretKey},
		"two blocks":          {append(public(t, ada), public(t, bob)...), openpgp.ErrSeveralKeys},
		"two keys in a block": {enarmor(t, "PGP PUBLIC KEY BLOCK", append(dearmor(t, public(t, ada)), dearmor(t, public(t, bob))...)), openpgp.ErrSeveralKeys},
		"two keys, binary":    {append(dearmor(t, public(t, ada)), dearmor(t, public(t, bob))...), openpgp.ErrSeveralKeys},
		"version 6":           {public(t, newHolder(t, "Ada", start, version6)), openpgp.ErrKeyVersion},
		"RFC 9580 algorithm":  {public(t, newHolder(t, "Ada", start, algorithm(packet.PubKeyAlgoEd25519, ""))), openpgp.ErrKeyAlgorithm},
		"brainpool":           {public(t, newHolder(t, "Ada", start, algorithm(packet.PubKeyAlgoECDSA, packet.CurveBrainpoolP256))), openpgp.ErrKeyAlgorithm},
		"secp256k1":           {public(t, newHolder(t, "Ada", start, algorithm(packet.PubKeyAlgoECDSA, packet.CurveSecP256k1))), openpgp.ErrKeyAlgorithm},
		"RSA-1024":            {public(t, newHolder(t, "Ada", start, rsa(1024))), openpgp.ErrKeyTooShort},
		"no encryption":       {public(t, signOnly), openpgp.ErrCannotEncrypt},
		"revoked":             {public(t, revoked), openpgp.ErrKeyRevoked},
		"subkey revoked":      {public(t, noSubkey), openpgp.ErrKeyRevoked},
	} {
		c, err := openpgp.ReadCertificate(tt.data)
		if c != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func TestKeyThatEndsInTheWindowIsRefused(t *testing.T) {
	retired := newHolder(t, "Rita", start)
	if err := retired.Revoke(packet.KeyRetired, "", at(start.Add(-time.Hour))); err != nil {
		t.Fatal(err)
	}
	shortSubkey := newHolder(t, "Sue", start)
	shortSubkey.Subkeys = nil
	config := &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519,
		Time: func() time.Time { return start.Add(-time.Hour) }, KeyLifetimeSecs: 2 * 3600,
	}
	if err := shortSubkey.AddEncryptionSubkey(config); err != nil {
		t.Fatal(err)
	}
	certifyOnly := newHolder(t, "Cleo", start)
	for _, id := range certifyOnly.Identities {
		id.SelfCertifications[0].Packet.FlagSign = false
		if err := id.ReSign(at(start.Add(-time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		key  *pgp.Entity
		now  time.Duration
		want error
	}{
		"nothing that signs":     {certifyOnly, 0, openpgp.ErrCannotSign},
		"good":                   {newHolder(t, "Ada", start, lifetime(48*time.Hour)), 0, nil},
		"expires in the window":  {newHolder(t, "Ada", start, lifetime(25*time.Hour)), 0, openpgp.ErrKeyExpires},
		"expired":                {newHolder(t, "Ada", start, lifetime(25*time.Hour)), 2 * time.Hour, openpgp.ErrKeyExpired},
		"retired":                {retired, 0, openpgp.ErrKeyRevoked},
		"subkey about to expire": {shortSubkey, 0, openpgp.ErrKeyExpires},
		"subkey expired":         {shortSubkey, 2 * time.Hour, openpgp.ErrKeyExpired},
	} {
		c, err := openpgp.ReadCertificate(public(t, tt.key))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		now := start.Add(tt.now)
		if err := c.CheckUntil(now, now.Add(4*time.Hour)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
		bot := openpgp.New(must(openpgp.Generate("conclave", start))(t), []*openpgp.Certificate{c})
		err = bot.CheckKey(c.Fingerprint(), now, now.Add(4*time.Hour))
		if tt.want != nil && (!errors.Is(err, ceremony.HolderKeyInvalid) || !errors.Is(err, tt.want)) {
			t.Errorf("%s: CheckKey answers %v", name, err)
		}
	}
}

func TestUnknownKeyIsSaidToBeUnknown(t *testing.T) {
	s := newStage(t)
	const nobody = "0123456789012345678901234567890123456789"
	if _, err := s.bot.Certificate(nobody); !errors.Is(err, openpgp.ErrUnknownKey) {
		t.Errorf("got %v", err)
	}
	err := s.bot.CheckKey(nobody, start, start)
	if !errors.Is(err, openpgp.ErrUnknownKey) || !errors.Is(err, ceremony.HolderKeyInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestCertificateForVaultHoldsWhatVaultNeedsAndNoMore(t *testing.T) {
	e := newHolder(t, "Ada", start)
	earlier := at(start.Add(-12 * time.Hour))
	if err := e.AddUserId("Ada Old", "", "old@example.invalid", earlier); err != nil {
		t.Fatal(err)
	}
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519, Time: earlier.Time}
	if err := e.AddSigningSubkey(config); err != nil {
		t.Fatal(err)
	}
	friend := newHolder(t, "Friend", start)
	for name := range e.Identities {
		if err := e.SignIdentity(name, friend, earlier); err != nil {
			t.Fatal(err)
		}
	}
	full := public(t, e)
	c := must(openpgp.ReadCertificate(full))(t)
	bot := openpgp.New(must(openpgp.Generate("conclave", start))(t), []*openpgp.Certificate{c})
	minimal := must(bot.Certificate(c.Fingerprint()))(t)
	t.Logf("%d bytes became %d", len(dearmor(t, full)), len(minimal))

	var kinds []string
	packets := packet.NewReader(bytes.NewReader(minimal))
	for {
		p, err := packets.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch p := p.(type) {
		case *packet.PublicKey:
			kinds = append(kinds, map[bool]string{false: "key", true: "subkey"}[p.IsSubkey])
		case *packet.UserId:
			kinds = append(kinds, "uid")
		case *packet.Signature:
			kinds = append(kinds, "signature")
		default:
			t.Errorf("a %T", p)
		}
	}
	if want := []string{"key", "uid", "signature", "subkey", "signature"}; !slices.Equal(kinds, want) {
		t.Errorf("it holds %v, want %v", kinds, want)
	}
	// What Vault encrypts to it, the holder opens.
	if got := decrypt(t, e, asVault(t, minimal, share)); got != share {
		t.Error("the holder read something else")
	}
}

// asVault encrypts as Vault's helper/pgpkeys does.
func asVault(t testing.TB, certificate []byte, plain string) []byte {
	t.Helper()
	e := must(vaultpgp.ReadEntity(packet.NewReader(bytes.NewReader(certificate))))(t)
	var b bytes.Buffer
	w := must(vaultpgp.Encrypt(&b, []*vaultpgp.Entity{e}, nil, nil, nil))(t)
	io.WriteString(w, plain)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decrypt(t testing.TB, e *pgp.Entity, message []byte) string {
	t.Helper()
	md := must(pgp.ReadMessage(bytes.NewReader(message), pgp.EntityList{e}, nil, nil))(t)
	return string(must(io.ReadAll(md.UnverifiedBody))(t))
}

func TestCertificateMayBeUsedByManyAtOnce(t *testing.T) {
	s := newStage(t)
	envelope := s.craft(t, craft{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			k, err := s.bot.NewKey(notice(s.identity.Fingerprint(), s.now))
			if err != nil {
				t.Error(err)
				return
			}
			k.Fits(envelope)
			if err := s.bot.CheckKey(s.want.Signer, s.now, s.now.Add(time.Hour)); err != nil {
				t.Error(err)
			}
			secret, _, err := s.key.Open(envelope, s.want)
			if err != nil {
				t.Error(err)
				return
			}
			secret.Wipe()
			k.Destroy()
		})
	}
	all.Wait()
}
