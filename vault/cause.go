package vault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
)

// Cause is why a node can't be asked, where the configuration is at fault.
type Cause int

// The causes.
const (
	NoCause          Cause = iota // the node is silent, or says why by itself
	UnknownAuthority              // no authority that is trusted vouches for its certificate
	OtherName                     // its certificate is for another name
	CertificateOver               // its certificate has expired, or is not valid yet
	PlainServer                   // it speaks http, and the address says https
	TLSServer                     // it speaks https, and the address says http
)

// CauseOf returns the cause of a node's error.
func CauseOf(err error) Cause {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return CertificateOver
		}
		return UnknownAuthority
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return OtherName
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return UnknownAuthority
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return PlainServer
	}
	// Go's server answers a plain request on its TLS port with 400. Vault knows no such answer to
	// the question for its seal.
	if f, ok := errors.AsType[*fault](err); ok && f.status == http.StatusBadRequest && f.node.base.Scheme == "http" {
		return TLSServer
	}
	return NoCause
}
