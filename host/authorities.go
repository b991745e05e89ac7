package host

import (
	"crypto/x509"
	"fmt"
	"os"
)

// ReadAuthorities reads the certificates of authorities from a PEM file. It refuses a file
// that is not [Trusted].
func ReadAuthorities(path Path) (*x509.CertPool, error) {
	if err := Trusted(path); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(string(path))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s has no certificate in PEM", path)
	}
	return pool, nil
}
