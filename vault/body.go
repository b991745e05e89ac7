package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"conclave/ceremony"
	"conclave/ceremony/secret"
)

// use spends a secret on a request. The request's body is the only copy that is made of
// the secret, and is wiped when send returns. An error of send is returned as it is.
// When send was not called the error is ErrNotSent.
func use(plain *secret.Secret, asBody func([]byte) ([]byte, error), send func(body []byte) error) error {
	err := plain.Use(func(plain []byte) error {
		body, err := asBody(plain)
		if err != nil {
			return fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
		}
		defer clear(body)
		return send(body)
	})
	if errors.Is(err, secret.ErrSecretSpent) {
		return fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	return err
}

// lead is white space before the request's JSON. It makes sure that crypto/tls
// puts the share into the second record of its Write: the buffer in which
// records are encrypted in place grows while the first is made, which has at
// most tcpMSSEstimate (1208) bytes, and each growth leaves a plain copy behind.
// It holds while headers are shorter than 1 KB; Vault's tokens have 95 bytes.
const lead = 1208

// wrap writes a request's JSON around a secret, into one slice that is never
// grown: encoding/json would take it as a string, and leave copies in buffers of
// its own.
func wrap(before string, secret []byte, after string) []byte {
	return slices.Concat(bytes.Repeat([]byte(" "), lead), []byte(before), secret, []byte(after))
}

// errNotShare refuses bytes that are not a share, and says nothing more of them.
var errNotShare = errors.New("the share is not a line of hexadecimal digits or base64")

// shareBody returns the body that brings a share to an attempt. A share needs no
// escaping; what would need it is refused.
func shareBody(share []byte, nonce string) ([]byte, error) {
	if !consistsOf(share, isShareRune) {
		return nil, errNotShare
	}
	quoted, err := json.Marshal(nonce)
	if err != nil {
		return nil, fmt.Errorf("quote nonce: %w", err)
	}
	return wrap(`{"key":"`, share, `","nonce":`+string(quoted)+`}`), nil
}

// unsealBody returns the body that brings a share to sys/unseal.
func unsealBody(share []byte) ([]byte, error) {
	if !consistsOf(share, isShareRune) {
		return nil, errNotShare
	}
	return wrap(`{"key":"`, share, `"}`), nil
}

// errNotPassword refuses bytes that are not a one-time password, and says nothing more
// of them.
var errNotPassword = errors.New("the one-time password is not a line of letters and digits")

// passwordBody returns the body that starts an attempt with a one-time password.
func passwordBody(password []byte) ([]byte, error) {
	if !consistsOf(password, isPasswordRune) {
		return nil, errNotPassword
	}
	return wrap(`{"otp":"`, password, `"}`), nil
}

// consistsOf reports whether text is not empty and has characters of the alphabet only.
func consistsOf(text []byte, alphabet func(rune) bool) bool {
	return len(text) > 0 && !bytes.ContainsFunc(text, func(r rune) bool { return !alphabet(r) })
}

// isShareRune reports whether a character occurs in hexadecimal digits or in
// standard base64.
func isShareRune(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '+' || r == '/' || r == '='
}

// isPasswordRune reports whether a character occurs in Vault's own one-time
// passwords.
func isPasswordRune(r rune) bool { return r != '+' && r != '/' && r != '=' && isShareRune(r) }
