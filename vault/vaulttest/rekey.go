package vaulttest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"

	"conclave/vault/vaulttest/pgp"
	"conclave/vault/vaulttest/shamir"
)

// keyKind is one of the two keys of a cluster that a rekey can replace. Each kind has endpoints, an attempt and a
// backup of its own, independent of the other's.
type keyKind int

const (
	barrierKey  keyKind = iota // sys/rekey
	recoveryKey                // sys/rekey-recovery-key
	keyKinds
)

// either returns the first text for the barrier's key and the second for the recovery key, where Vault's words differ.
func (k keyKind) either(barrier, recovery string) string {
	if k == recoveryKey {
		return recovery
	}
	return barrier
}

// rekeys are the attempts of an active node, nil where none is in progress.
type rekeys [keyKinds]*rekeyAttempt

// rekeyHandler serves one request about one kind of rekey.
type rekeyHandler func(*Node, keyKind, *call) (any, error)

// rekeyMethods returns a handler for the endpoints that start, show and cancel. A missing recovery key is refused
// before a wrong method.
func rekeyMethods(kind keyKind, m map[string]rekeyHandler) handler {
	return func(n *Node, c *call) (any, error) {
		if err := n.standbyLocked(); err != nil {
			return nil, err
		}
		if kind == recoveryKey && !n.cluster.unsealsItself() {
			return nil, refuse(http.StatusBadRequest, "recovery rekeying not supported")
		}
		handle, ok := m[c.method]
		if !ok {
			return nil, errMethod
		}
		return handle(n, kind, c)
	}
}

// rekeyAttempt is a rekey, from its start until its new key is in force. It lives in the active node's memory and is
// lost with sealing, restart or leadership.
type rekeyAttempt struct {
	nonce        string
	config       sealConfig
	pgpKeys      []string
	fingerprints []string // nil without PGP keys
	backup       bool
	verify       bool
	created      time.Time
	round

	// The rest is for verification. A nonce doesn't mean that it has begun: cancelling the verification of an earlier
	// stage sets one as well.
	verifyNonce string
	newKey      []byte // nil until the old shares were right
	verifying   round
}

// nonceDeadline is the age from which a rekey can be cancelled without its nonce (since 1.18.11, 1.19.6, 1.20.0).
const nonceDeadline = 10 * time.Minute

type rekeyStatus struct {
	Nonce                string   `json:"nonce"`
	Started              bool     `json:"started"`
	T                    int      `json:"t"`
	N                    int      `json:"n"`
	Progress             int      `json:"progress"`
	Required             int      `json:"required"`
	PGPFingerprints      []string `json:"pgp_fingerprints"`
	Backup               bool     `json:"backup"`
	VerificationRequired bool     `json:"verification_required"`
	VerificationNonce    string   `json:"verification_nonce,omitempty"`
}

func (n *Node) getRekey(kind keyKind, _ *call) (any, error) {
	status := rekeyStatus{Required: n.config.t}
	if attempt := n.rekeys[kind]; attempt != nil {
		status.Nonce = attempt.nonce
		status.Started = true
		status.T, status.N = attempt.config.t, attempt.config.n
		status.Progress = attempt.progress()
		status.PGPFingerprints = attempt.fingerprints
		status.Backup = attempt.backup && len(attempt.pgpKeys) > 0
		status.VerificationRequired = attempt.verify
		status.VerificationNonce = attempt.verifyNonce
	}
	return status, nil
}

type rekeyRequest struct {
	SecretShares        int      `json:"secret_shares"`
	SecretThreshold     int      `json:"secret_threshold"`
	PGPKeys             []string `json:"pgp_keys"`
	Backup              bool     `json:"backup"`
	RequireVerification bool     `json:"require_verification"`
}

// putRekey starts a rekey. A request with a wrong seal configuration gets a 500, although trying again won't help
// (vault/rekey.go, BarrierRekeyInit and RecoveryRekeyInit).
func (n *Node) putRekey(kind keyKind, c *call) (any, error) {
	var req rekeyRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	config := sealConfig{n: req.SecretShares, t: req.SecretThreshold}
	switch {
	case req.Backup && len(req.PGPKeys) == 0:
		return nil, refuse(http.StatusBadRequest,
			"cannot request a backup of the new keys without providing PGP keys for encryption")
	case len(req.PGPKeys) > 0 && len(req.PGPKeys) != config.n:
		return nil, refuse(http.StatusBadRequest, "incorrect number of PGP keys for rekey")
	case config.t > config.n:
		return nil, refuse(http.StatusBadRequest, "provided threshold greater than the total shares")
	}
	if kind == barrierKey && n.cluster.unsealsItself() {
		// Only the root key is renewed, whatever is asked for. It has no shares.
		config = sealConfig{n: 1, t: 1}
		switch {
		case len(req.PGPKeys) > 0:
			return nil, refuse(http.StatusBadRequest, "PGP key encryption not supported when using stored keys")
		case req.RequireVerification:
			return nil, refuse(http.StatusBadRequest,
				"requiring verification not supported when rekeying the barrier key with recovery keys")
		}
	}
	if err := config.validate(req.PGPKeys); err != nil {
		return nil, refuse(http.StatusInternalServerError, "invalid %s configuration: %v",
			kind.either("rekey seal", "recovery"), err)
	}
	if n.rekeys[kind] != nil {
		return nil, refuse(http.StatusBadRequest, "rekey already in progress")
	}
	attempt, err := n.cluster.newRekey(config, req)
	if err != nil {
		return nil, refuse(http.StatusInternalServerError, "%v", err)
	}
	n.rekeys[kind] = attempt
	return n.getRekey(kind, c)
}

func (c *Cluster) newRekey(config sealConfig, req rekeyRequest) (*rekeyAttempt, error) {
	attempt := &rekeyAttempt{
		nonce:   newUUID(),
		config:  config,
		pgpKeys: req.PGPKeys,
		backup:  req.Backup,
		verify:  req.RequireVerification,
		created: c.options.Now(),
	}
	if len(req.PGPKeys) == 0 {
		return attempt, nil
	}
	var err error
	attempt.fingerprints, err = pgp.Fingerprints(req.PGPKeys)
	return attempt, err
}

// deleteRekey cancels the whole rekey, its verification included. Without a body it fails whatever the rekey's age.
func (n *Node) deleteRekey(kind keyKind, c *call) (any, error) {
	if n.cluster.options.Dialect == OpenBao {
		return n.deleteRotation(kind, c)
	}
	var req struct {
		Nonce string `json:"nonce"`
	}
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	attempt := n.rekeys[kind]
	if attempt != nil && attempt.nonce != req.Nonce && n.cluster.options.Now().Sub(attempt.created) < nonceDeadline {
		return nil, refuse(http.StatusBadRequest, "invalid request")
	}
	n.rekeys[kind] = nil
	return nil, nil
}

type rekeyDone struct {
	Nonce                string   `json:"nonce"`
	Complete             bool     `json:"complete"`
	Keys                 []string `json:"keys"`
	KeysBase64           []string `json:"keys_base64"`
	PGPFingerprints      []string `json:"pgp_fingerprints"`
	Backup               bool     `json:"backup"`
	VerificationRequired bool     `json:"verification_required"`
	VerificationNonce    string   `json:"verification_nonce,omitempty"`
}

// rekeyUpdate takes a share of the old key, with any method (vault/rekey.go, BarrierRekeyUpdate).
func (n *Node) rekeyUpdate(c *call) (any, error) {
	if err := n.standbyLocked(); err != nil {
		return nil, err
	}
	return n.takeOldShare(barrierKey, c)
}

// recoveryUpdate is rekeyUpdate for the recovery key (vault/rekey.go, RecoveryRekeyUpdate). It refuses a missing
// recovery key later than the endpoints beside it do.
func (n *Node) recoveryUpdate(c *call) (any, error) {
	if err := n.standbyLocked(); err != nil {
		return nil, err
	}
	if n.cluster.unsealsItself() {
		return n.takeOldShare(recoveryKey, c)
	}
	if _, _, err := c.submission(); err != nil {
		return nil, err
	}
	return nil, refuse(http.StatusInternalServerError, "failed to fetch existing recovery config: recovery not supported")
}

func (n *Node) takeOldShare(kind keyKind, c *call) (any, error) {
	share, nonce, err := c.submission()
	if err != nil {
		return nil, err
	}
	if err := checkLength(share, ""); err != nil {
		return nil, err
	}
	attempt := n.rekeys[kind]
	switch {
	case attempt == nil:
		return nil, refuse(http.StatusBadRequest, "no %s rekey in progress", kind.either("barrier", "recovery"))
	case attempt.newKey != nil:
		return nil, refuse(http.StatusBadRequest,
			"rekey operation already finished; verification must be performed; nonce for the verification operation is %q",
			attempt.verifyNonce)
	case nonce != attempt.nonce:
		return nil, refuse(http.StatusBadRequest, "incorrect nonce supplied; nonce for this rekey operation is %q",
			attempt.nonce)
	case attempt.has(share):
		return nil, errGiven(c, kind.either("generation", "rekey"))
	}
	attempt.add(share)
	if attempt.progress() < n.config.t {
		return n.getRekey(kind, c)
	}
	if err := n.checkOldKey(kind, attempt); err != nil {
		return nil, err
	}
	done, err := n.handOut(kind, attempt)
	if err != nil {
		return nil, refuse(http.StatusInternalServerError, "failed to encrypt shares: %v", err)
	}
	return done, nil
}

// checkOldKey tries the shares of a full round. A wrong quorum of unseal keys gets a 500, which tempts clients to
// repeat the last share in the next round.
func (n *Node) checkOldKey(kind keyKind, attempt *rekeyAttempt) error {
	key, err := attempt.combine(n.config.t)
	if err != nil {
		return refuse(http.StatusInternalServerError, "failed to compute %s key: %v", kind.either("root", "recovery"), err)
	}
	if n.cluster.unsealsItself() {
		if err := n.cluster.disk.checkRecoveryKey(key); err != nil {
			return refuse(http.StatusBadRequest, "recovery key verification failed: %v", err)
		}
		return nil
	}
	if err := checkKeySize(key); err != nil {
		return refuse(http.StatusInternalServerError, "failed to setup unseal key: %v", err)
	}
	if err := n.cluster.disk.open(key, ""); err != nil {
		return refuse(http.StatusInternalServerError, "failed to read root key: %v", err)
	}
	return nil
}

// handOut makes the new shares and, without verification, puts them in force at once. Only here does it show if a PGP
// key can't encrypt. The rekey then stays, with its nonce and without progress.
func (n *Node) handOut(kind keyKind, attempt *rekeyAttempt) (rekeyDone, error) {
	if kind == barrierKey && n.cluster.unsealsItself() {
		n.rekeys[kind] = nil
		return rekeyDone{Nonce: attempt.nonce, Complete: true, Keys: []string{}, KeysBase64: []string{}}, nil
	}
	key, shares, err := n.cluster.makeShares(attempt.config, attempt.pgpKeys)
	if err != nil {
		return rekeyDone{}, err
	}
	if attempt.backup && len(attempt.pgpKeys) > 0 {
		n.cluster.disk.backups[kind] = newBackup(attempt, shares)
	}
	done := rekeyDone{
		Nonce:                attempt.nonce,
		Complete:             true,
		PGPFingerprints:      attempt.fingerprints,
		Backup:               attempt.backup,
		VerificationRequired: attempt.verify,
	}
	done.Keys, done.KeysBase64 = encodeShares(shares)
	if attempt.verify {
		attempt.newKey, attempt.verifyNonce = key, newUUID()
		done.VerificationNonce = attempt.verifyNonce
		return done, nil
	}
	n.commit(kind, attempt.config, key)
	return done, nil
}

// commit puts a new key in force. Standbys show the old numbers until they restart or lead.
func (n *Node) commit(kind keyKind, config sealConfig, key []byte) {
	n.cluster.disk.key, n.cluster.disk.config = key, config
	n.config = config
	n.rekeys[kind] = nil
}

// newBackup sorts the encrypted shares by the key that they are encrypted to.
func newBackup(attempt *rekeyAttempt, messages [][]byte) *backup {
	b := &backup{nonce: attempt.nonce, keys: map[string][][]byte{}} // fingerprint → messages
	for i, fingerprint := range attempt.fingerprints {
		b.keys[fingerprint] = append(b.keys[fingerprint], bytes.Clone(messages[i]))
	}
	return b
}

// getBackup returns the encrypted shares of the last rekey of a kind that asked for a backup, whether or not that rekey
// ever came into force.
func (n *Node) getBackup(kind keyKind) (any, error) {
	b := n.cluster.disk.backups[kind]
	if b == nil {
		return nil, refuse(http.StatusBadRequest, "no backed-up keys found")
	}
	keys := map[string][]string{}       // fingerprint → hex
	keysBase64 := map[string][]string{} // fingerprint → base64
	for fingerprint, messages := range b.keys {
		keys[fingerprint], keysBase64[fingerprint] = encodeShares(messages)
	}
	return doubled(map[string]any{"nonce": b.nonce, "keys": keys, "keys_base64": keysBase64}), nil
}

// backupMethods returns a handler for the backup of one kind.
func backupMethods(kind keyKind) methods {
	return methods{
		"GET": func(n *Node, _ *call) (any, error) { return n.getBackup(kind) },
		"DELETE": func(n *Node, _ *call) (any, error) {
			n.cluster.disk.backups[kind] = nil
			return nil, nil
		},
	}
}

// round collects the shares of one attempt until there are enough of them.
type round struct {
	shares [][]byte
}

func (r *round) progress() int { return len(r.shares) }

func (r *round) has(share []byte) bool {
	return slices.ContainsFunc(r.shares, func(s []byte) bool { return bytes.Equal(s, share) })
}

func (r *round) add(share []byte) { r.shares = append(r.shares, share) }

// combine returns the key that the shares give, and empties the round in any case: Vault forgets the right shares of a
// wrong quorum too, and can't tell which were wrong.
func (r *round) combine(threshold int) ([]byte, error) {
	shares := r.shares
	r.shares = nil
	if threshold == 1 {
		return shares[0], nil
	}
	return shamir.Combine(shares)
}

// newKey makes a key and its shares. A key that isn't shared is itself the only share if n is 1, and has none if n is
// 0.
func newKey(n, threshold int) (key []byte, shares [][]byte, err error) {
	key = make([]byte, 32)
	rand.Read(key)
	switch n {
	case 0:
		return key, nil, nil
	case 1:
		return key, [][]byte{key}, nil
	}
	shares, err = shamir.Split(key, n, threshold)
	return key, shares, err
}

// newUUID makes a version 4 UUID, the form of Vault's nonces.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
