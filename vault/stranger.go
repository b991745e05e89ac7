package vault

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// What answers at the address of Vault and is not Vault: a proxy, a load balancer, a login page, or
// a port that speaks another protocol. It is told as what it is. None of its words is repeated:
// an answer may have in it what was sent.

// Errors about what answered.
var (
	errWebPage  = errors.New("a web page came in place of Vault's answer: a proxy, a load balancer or a login page stands in between, or the address is another service's")
	errNotVault = errors.New("what answered is not Vault: a proxy or a load balancer stands in between, or the address is another service's")
	errNoTLS    = errors.New("the server speaks no TLS at this port: is it another port, or one with http://?")
	errTLS      = errors.New("the server wants TLS at this port: write https:// in the address")
)

// isWebPage reports whether a body is HTML or XML, which Vault never sends.
func isWebPage(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff"))), []byte("<"))
}

// strangerOf returns what has sent an answer that is no JSON.
func strangerOf(words []string) error {
	text := strings.Join(words, "\n")
	switch {
	case isWebPage([]byte(text)):
		return errWebPage
	// Source: net/http, server.go, what a server with TLS answers to a request without.
	case strings.Contains(text, "Client sent an HTTP request to an HTTPS server"):
		return errTLS
	}
	return errNotVault
}

// untrusted returns the error of a handshake in words for people.
func untrusted(err error, name string) error {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return errNoTLS
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("the server's certificate is by an authority that is not trusted here: is ca_file the right one? (%w)", err)
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		has := "other names"
		if c := wrong.Certificate; c != nil && len(c.DNSNames) > 0 {
			has = strings.Join(c.DNSNames, ", ")
		}
		return fmt.Errorf("the server's certificate is for %s and not for %s: write one of its names, or server_name (%w)", has, name, err)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Errorf("the server's certificate has expired or is not valid yet, by this computer's clock (%w)", err)
	}
	return err
}
