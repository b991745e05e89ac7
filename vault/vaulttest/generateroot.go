package vaulttest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/pgp"
)

// issue is the kind of token that an attempt makes. A node has one attempt at a time, of any kind.
type issue int

const (
	rootToken     issue = iota
	recoveryToken       // of a server in recovery mode
	drToken             // of a secondary of disaster recovery, for its promotion
)

// path returns the prefix of the endpoints of a kind.
func (kind issue) path() string {
	return [...]string{"sys/generate-root", "sys/generate-recovery-token",
		"sys/replication/dr/secondary/generate-operation-token"}[kind]
}

// rootAttempt is an attempt of a quorum to make a token. It lives in one node's memory and survives sealing and the
// loss of leadership.
type rootAttempt struct {
	kind        issue
	nonce       string
	otp         string
	pgpKey      string
	fingerprint string
	round
}

type rootStatus struct {
	Nonce            string `json:"nonce"`
	Started          bool   `json:"started"`
	Progress         int    `json:"progress"`
	Required         int    `json:"required"`
	Complete         bool   `json:"complete"`
	EncodedToken     string `json:"encoded_token"`
	EncodedRootToken string `json:"encoded_root_token"`
	PGPFingerprint   string `json:"pgp_fingerprint"`
	OTP              string `json:"otp"`
	OTPLength        int    `json:"otp_length"`
}

// attemptMethods returns the methods of the endpoint that starts, shows and cancels an attempt.
func attemptMethods(kind issue) methods {
	return methods{
		"GET":    func(n *Node, _ *call) (any, error) { return n.rootStatus("") },
		"PUT":    func(n *Node, c *call) (any, error) { return n.putRootAttempt(kind, c) },
		"DELETE": (*Node).deleteRootAttempt,
	}
}

// rootStatus returns the answer to reading and to starting an attempt. Only the answer to the start shows the pad, and
// only if Vault made it.
func (n *Node) rootStatus(otp string) (any, error) {
	if err := n.issuingLocked(); err != nil {
		return nil, err
	}
	status := rootStatus{Required: n.config.t, OTP: otp, OTPLength: n.cluster.options.Dialect.otpLength()}
	if attempt := n.root; attempt != nil {
		status.Nonce = attempt.nonce
		status.Started = true
		status.Progress = attempt.progress()
		status.PGPFingerprint = attempt.fingerprint
	}
	return status, nil
}

// issuingLocked returns a refusal unless the node is unsealed or in recovery mode.
func (n *Node) issuingLocked() error {
	switch {
	case !n.recovering:
		return n.readyLocked()
	case !n.cluster.disk.initialized:
		return refuse(http.StatusBadRequest, "server is not yet initialized")
	default:
		return nil
	}
}

type rootRequest struct {
	OTP    string `json:"otp"`
	PGPKey string `json:"pgp_key"`
}

// putRootAttempt starts an attempt. If a pad and a PGP key are given, the pad wins; if neither, Vault makes a pad.
func (n *Node) putRootAttempt(kind issue, c *call) (any, error) {
	var req rootRequest
	if err := c.decode(&req); err != nil && len(c.body) > 0 {
		return nil, err
	}
	shown, err := n.startRoot(kind, req)
	if err != nil {
		return nil, err
	}
	return n.rootStatus(shown)
}

// startRoot starts an attempt. It returns the pad to show, if Vault made one.
func (n *Node) startRoot(kind issue, req rootRequest) (shown string, err error) {
	attempt := &rootAttempt{kind: kind, nonce: newUUID(), otp: req.OTP}
	switch {
	case req.OTP != "":
		if len(req.OTP) != n.cluster.options.Dialect.otpLength() {
			return "", refuse(http.StatusBadRequest, "OTP string is wrong length")
		}
	case req.PGPKey != "":
		prints, err := pgp.Fingerprints([]string{req.PGPKey})
		if err != nil {
			return "", refuse(http.StatusBadRequest, "error parsing PGP key: %v", err)
		}
		attempt.pgpKey, attempt.fingerprint = req.PGPKey, prints[0]
	default:
		shown = operator.RandomText(n.cluster.options.Dialect.otpLength())
		attempt.otp = shown
	}
	if err := n.issuingLocked(); err != nil {
		return "", err
	}
	if n.recoveryToken != "" {
		return "", errRecovered
	}
	if n.root != nil {
		return "", refuse(http.StatusBadRequest, "root generation already in progress")
	}
	n.root = attempt
	return shown, nil
}

// deleteRootAttempt cancels the attempt. It asks for no nonce, so that every client can cancel every attempt.
func (n *Node) deleteRootAttempt(*call) (any, error) {
	if err := n.issuingLocked(); err != nil {
		return nil, err
	}
	n.root = nil
	return nil, nil
}

// updateOf returns a handler that takes a share, with any method. Every refusal is a 400 (vault/generate_root.go,
// GenerateRootUpdate).
func updateOf(kind issue) handler {
	return func(n *Node, c *call) (any, error) {
		share, nonce, err := c.submission()
		if err != nil {
			return nil, err
		}
		return n.takeRootShare(kind, c, share, nonce)
	}
}

func (n *Node) takeRootShare(kind issue, c *call, share []byte, nonce string) (*rootStatus, error) {
	if err := checkLength(share, "invalid key: "); err != nil {
		return nil, err
	}
	if err := n.issuingLocked(); err != nil {
		return nil, err
	}
	attempt := n.root
	switch {
	case n.recoveryToken != "":
		return nil, errRecovered
	case attempt == nil:
		return nil, refuse(http.StatusBadRequest, "no root generation in progress")
	case nonce != attempt.nonce:
		return nil, refuse(http.StatusBadRequest, "incorrect nonce supplied; nonce for this root generation operation is %q",
			attempt.nonce)
	case kind != attempt.kind:
		return nil, refuse(http.StatusBadRequest,
			"incorrect strategy supplied; a generate root operation of another type is already in progress")
	case attempt.has(share):
		return nil, errGiven(c, "generation")
	}
	attempt.add(share)
	status := &rootStatus{
		Nonce: nonce, Started: true, Progress: attempt.progress(), Required: n.config.t, PGPFingerprint: attempt.fingerprint,
	}
	if status.Progress < status.Required {
		return status, nil
	}
	encoded, err := n.mintFor(attempt)
	if err != nil {
		return nil, err
	}
	n.root = nil
	status.Complete = true
	status.EncodedToken = encoded
	if kind == rootToken {
		status.EncodedRootToken = encoded
	}
	return status, nil
}

// mintFor makes the token, if the shares are right, and encodes it for the requester. When the PGP key can't encrypt,
// Vault's handler panics after the token was made: the connection drops, the token exists without a holder, and the
// attempt waits for a new round.
func (n *Node) mintFor(attempt *rootAttempt) (string, error) {
	key, err := attempt.combine(n.config.t)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "failed to compute root key: %v", err)
	}
	if err := n.authenticate(key); err != nil {
		return "", refuse(http.StatusBadRequest, "root generation aborted: unable to authenticate: %v", err)
	}
	token := n.issueToken(attempt.kind)
	if attempt.otp != "" {
		return base64.RawStdEncoding.EncodeToString(xor([]byte(token), []byte(attempt.otp))), nil
	}
	messages, err := pgp.Encrypt([]string{token}, []string{attempt.pgpKey})
	if err != nil {
		return "", errHangUp
	}
	return base64.StdEncoding.EncodeToString(messages[0]), nil
}

func (n *Node) issueToken(kind issue) string {
	switch kind {
	case recoveryToken:
		n.recoveryToken = "hvr." + operator.RandomText(tokenLength)
		return n.recoveryToken
	case drToken:
		// It is good for operations of a secondary only. None of them is emulated, so that no cluster has to know the
		// token.
		return n.cluster.options.Dialect.newTokenID(true)
	default:
		return n.cluster.mintRoot().id
	}
}

// authenticate returns an error in Vault's words unless a key that was combined from shares is the one in force.
func (n *Node) authenticate(key []byte) error {
	if n.cluster.unsealsItself() {
		if err := n.cluster.disk.checkRecoveryKey(key); err != nil {
			return fmt.Errorf("recovery key verification failed: %w", err)
		}
		return nil
	}
	if err := checkKeySize(key); err != nil {
		return fmt.Errorf("invalid key: failed to setup unseal key: %w", err)
	}
	if err := n.cluster.disk.open(key, shamirSeal); err != nil {
		return fmt.Errorf("unable to retrieve stored keys: %w", err)
	}
	return nil
}

type decodeTokenRequest struct {
	EncodedToken string `json:"encoded_token"`
	OTP          string `json:"otp"`
}

// putDecodeToken removes the one-time pad from a token. It needs no token.
func (n *Node) putDecodeToken(c *call) (any, error) {
	var req decodeTokenRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	token, err := DecodeToken(req.EncodedToken, req.OTP)
	if err != nil {
		return nil, refuse(http.StatusInternalServerError, "%v", err)
	}
	return wrapped("", map[string]any{"token": token}), nil
}

func DecodeToken(encoded, otp string) (string, error) {
	token, err := base64.RawStdEncoding.DecodeString(encoded)
	switch {
	case err != nil:
		return "", errors.New("error decoding base64'd token: " + err.Error())
	case len(token) == 0:
		return "", errText("error xoring token: decoded first base64 value is nil or empty")
	case len(token) != len(otp):
		return "", errText("error xoring token: length of byte slices is not equivalent")
	}
	return string(xor(token, []byte(otp))), nil
}

// xor combines two texts of the same length.
func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range a {
		out[i] = a[i] ^ b[i]
	}
	return out
}
