package archive

import (
	"bytes"
	"crypto"
	"crypto/sha1" // names a certificate in time stamps of servers from before RFC 5816
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// maxStamp is the size in bytes of the largest time-stamp response that is read. One
// with four certificates in it has about 6 KiB.
const maxStamp = 32 << 10

// skew is how far the clock of a time-stamping server may be from the one here.
const skew = 5 * time.Minute

// Object identifiers of RFC 3161, RFC 5035 and RFC 5280.
var (
	oidTSTInfo              = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidSigningCertificate   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidSigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidExtKeyUsage          = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// Stamp is a time stamp that was verified.
type Stamp struct {
	Time      time.Time     // when the document existed
	Accuracy  time.Duration // by which Time may be wrong; 0 when the stamp does not say
	Authority string        // the subject of the signer's certificate
	Serial    *big.Int      // the number of the time stamp

	nonce *big.Int
}

// String returns the stamp in a line for people.
func (s Stamp) String() string {
	return fmt.Sprintf("%s by %s, number %x", s.Time.UTC().Format("2006-01-02 15:04:05 MST"), s.Authority, s.Serial)
}

// VerifyStamp verifies a time-stamp response (RFC 3161, section 2.4.2) offline. It must be
// about digest, an SHA-256, and be signed. The signer's certificate must be for time stamps
// alone and be the one that the signature names, and one of the authorities must vouch for
// it at the time that the stamp gives. A time later than now is refused. Revocation is not
// checked.
//
// The library checks the signature and reads the rest. This package checks what else RFC
// 3161 asks of a requester (sections 2.2 and 2.3).
func VerifyStamp(response []byte, digest [sha256.Size]byte, authorities *x509.CertPool, now time.Time) (Stamp, error) {
	if len(response) > maxStamp {
		return Stamp{}, fmt.Errorf("%w: it has more than %d bytes", ErrNoTimeStamp, maxStamp)
	}
	said, err := timestamp.ParseResponse(response)
	if err != nil {
		return Stamp{}, fmt.Errorf("%w: %w", ErrNoTimeStamp, err)
	}
	if said.HashAlgorithm != crypto.SHA256 || !bytes.Equal(said.HashedMessage, digest[:]) {
		return Stamp{}, ErrOtherDigest
	}
	signer, err := verifySigner(said.RawToken, authorities, said.Time)
	if err != nil {
		return Stamp{}, fmt.Errorf("%w: %w", ErrUntrusted, err)
	}
	if said.Time.After(now.Add(skew)) {
		return Stamp{}, fmt.Errorf("%w: %s is not over yet", ErrWrongTime, said.Time.UTC().Format(time.RFC3339))
	}
	return Stamp{
		Time:      said.Time,
		Accuracy:  said.Accuracy,
		Authority: signer.Subject.String(),
		Serial:    said.SerialNumber,
		nonce:     said.Nonce,
	}, nil
}

// verifySigner returns the certificate of a token's signer, and refuses one that may not
// sign time stamps.
func verifySigner(token []byte, authorities *x509.CertPool, at time.Time) (*x509.Certificate, error) {
	signed, err := pkcs7.Parse(token)
	if err != nil {
		return nil, err
	}
	signer := signed.GetOnlySigner()
	if signer == nil {
		return nil, fmt.Errorf("it has %d signatures and %d certificates", len(signed.Signers), len(signed.Certificates))
	}
	if !acceptable(signed.Signers[0].DigestAlgorithm.Algorithm) {
		return nil, fmt.Errorf("it is signed with the digest algorithm %s", signed.Signers[0].DigestAlgorithm.Algorithm)
	}
	intermediates := x509.NewCertPool()
	for _, c := range signed.Certificates {
		intermediates.AddCert(c)
	}
	if err := signed.VerifyWithOpts(x509.VerifyOptions{
		Roots:         authorities,
		Intermediates: intermediates,
		CurrentTime:   at,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	}); err != nil {
		return nil, err
	}
	var content asn1.ObjectIdentifier
	if err := signed.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &content); err != nil {
		return nil, fmt.Errorf("read what is signed: %w", err)
	}
	if !content.Equal(oidTSTInfo) {
		return nil, fmt.Errorf("what is signed is %s and no time stamp", content)
	}
	if err := stampsOnly(signer); err != nil {
		return nil, err
	}
	return signer, namesSigner(signed, signer)
}

// acceptable reports whether a digest algorithm resists collisions. The library would
// accept SHA-1.
func acceptable(algorithm asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc([]asn1.ObjectIdentifier{
		pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmSHA384, pkcs7.OIDDigestAlgorithmSHA512,
	}, algorithm.Equal)
}

// stampsOnly makes sure that a certificate is for time stamps alone, and says so in a
// critical extension (RFC 3161, section 2.3). Otherwise every web server with a certificate
// of an authority could make time stamps.
func stampsOnly(c *x509.Certificate) error {
	if len(c.UnknownExtKeyUsage) > 0 || !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) {
		return fmt.Errorf("the certificate of %s is not for time stamps alone", c.Subject)
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidExtKeyUsage) && e.Critical {
			return nil
		}
	}
	return fmt.Errorf("the certificate of %s does not mark its purpose as critical", c.Subject)
}

// namesSigner makes sure that the signed attributes name the signer's certificate, so that
// another one for the same key can't take its place (RFC 5816, section 2.2.1).
func namesSigner(signed *pkcs7.PKCS7, signer *x509.Certificate) error {
	var v2 struct {
		Certs []struct {
			Algorithm pkix.AlgorithmIdentifier `asn1:"optional"` // SHA-256 when it is not there
			Hash      []byte
			Issuer    asn1.RawValue `asn1:"optional"`
		}
		Policies asn1.RawValue `asn1:"optional"`
	}
	if signed.UnmarshalSignedAttribute(oidSigningCertificateV2, &v2) == nil && len(v2.Certs) > 0 {
		return same(v2.Certs[0].Hash, fingerprint(v2.Certs[0].Algorithm.Algorithm, signer.Raw))
	}
	var v1 struct {
		Certs []struct {
			Hash   []byte
			Issuer asn1.RawValue `asn1:"optional"`
		}
		Policies asn1.RawValue `asn1:"optional"`
	}
	if err := signed.UnmarshalSignedAttribute(oidSigningCertificate, &v1); err != nil || len(v1.Certs) == 0 {
		return fmt.Errorf("what is signed does not name the signer's certificate")
	}
	sum := sha1.Sum(signer.Raw)
	return same(v1.Certs[0].Hash, sum[:])
}

// same returns an error when two hashes of a certificate differ.
func same(named, is []byte) error {
	if !bytes.Equal(named, is) {
		return fmt.Errorf("what is signed names another certificate than the signer's")
	}
	return nil
}

// fingerprint returns the hash of a certificate, or nil for an unknown algorithm.
func fingerprint(algorithm asn1.ObjectIdentifier, certificate []byte) []byte {
	switch {
	case len(algorithm) == 0 || algorithm.Equal(pkcs7.OIDDigestAlgorithmSHA256):
		sum := sha256.Sum256(certificate)
		return sum[:]
	case algorithm.Equal(pkcs7.OIDDigestAlgorithmSHA384):
		sum := sha512.Sum384(certificate)
		return sum[:]
	case algorithm.Equal(pkcs7.OIDDigestAlgorithmSHA512):
		sum := sha512.Sum512(certificate)
		return sum[:]
	}
	return nil
}
