package archivetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority vouches for servers.
type Authority struct {
	File string // PEM file with its certificate
	Pool *x509.CertPool

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes one that is valid for ten years, from two years ago.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Authority of a test"},
		NotBefore:             time.Now().AddDate(-2, 0, 0),
		NotAfter:              time.Now().AddDate(8, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{key: key, Pool: x509.NewCertPool(), File: filepath.Join(t.TempDir(), "authority.pem")}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.Pool.AddCert(a.certificate)
	write(t, a.File, "CERTIFICATE", der)
	return a
}

// Issued is a certificate with its key, as PEM files and as values.
type Issued struct {
	CertificateFile, KeyFile string
	Certificate              *x509.Certificate
	Key                      *ecdsa.PrivateKey
}

// Issue makes a certificate of what the template says, valid from an hour ago until
// tomorrow when it says nothing of it.
func (a *Authority) Issue(t testing.TB, template x509.Certificate) Issued {
	t.Helper()
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 1)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	i := Issued{Key: newKey(t)}
	der, err := x509.CreateCertificate(rand.Reader, &template, a.certificate, &i.Key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if i.Certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	i.CertificateFile, i.KeyFile = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	write(t, i.CertificateFile, "CERTIFICATE", der)
	write(t, i.KeyFile, "PRIVATE KEY", secret)
	return i
}

// ForStamps is the template of a certificate for time stamps and nothing else.
func ForStamps() x509.Certificate {
	return x509.Certificate{
		Subject:         pkix.Name{CommonName: "Time-stamping server of a test"},
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{StampUsage(true)},
	}
}

// StampUsage is the extension that makes a certificate one for time stamps.
func StampUsage(critical bool) pkix.Extension {
	value, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		panic(err) // a constant
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: critical, Value: value}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t testing.TB, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
