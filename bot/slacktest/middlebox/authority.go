package middlebox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// certify makes an authority, and a certificate of it for a host. authority is in PEM.
func certify(host string) (_ *tls.Config, authority []byte, err error) {
	sign := func(number int64, change func(*x509.Certificate), parent *x509.Certificate, with *ecdsa.PrivateKey) (
		*x509.Certificate, *ecdsa.PrivateKey, error,
	) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "A company's own authority"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true,
		}
		change(c)
		if parent == nil {
			parent, with = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, with)
		if err != nil {
			return nil, nil, err
		}
		c, err = x509.ParseCertificate(der)
		return c, key, err
	}
	root, rootKey, err := sign(1, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign }, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	leaf, key, err := sign(2, func(c *x509.Certificate) { c.DNSNames = []string{host} }, root, rootKey)
	if err != nil {
		return nil, nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), nil
}
