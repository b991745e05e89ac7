package vaulttest

import (
	"crypto/subtle"
	"net/http"
)

type verifyStatus struct {
	Nonce    string `json:"nonce"`
	Started  bool   `json:"started"`
	T        int    `json:"t"`
	N        int    `json:"n"`
	Progress int    `json:"progress"`
}

func (n *Node) getVerify(kind keyKind, _ *call) (any, error) {
	attempt := n.rekeys[kind]
	if attempt == nil {
		return nil, refuse(http.StatusBadRequest, "no rekey configuration found")
	}
	return verifyStatus{
		Nonce:    attempt.verifyNonce,
		Started:  attempt.newKey != nil,
		T:        attempt.config.t,
		N:        attempt.config.n,
		Progress: attempt.verifying.progress(),
	}, nil
}

// deleteVerify starts the verification again under another nonce; the rekey stays. It does so even while there is
// nothing to verify yet.
func (n *Node) deleteVerify(kind keyKind, c *call) (any, error) {
	if attempt := n.rekeys[kind]; attempt != nil {
		attempt.verifying = round{}
		attempt.verifyNonce = newUUID()
	}
	return n.getVerify(kind, c)
}

type verifyDone struct {
	Nonce    string `json:"nonce"`
	Complete bool   `json:"complete"`
}

// putVerify takes a share of the new key. A full round puts that key in force. If it fails, the round and its nonce are
// dropped, and the client has to read the new nonce before it sends the next share (vault/rekey.go, RekeyVerify).
func (n *Node) putVerify(kind keyKind, c *call) (any, error) {
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
		return nil, refuse(http.StatusBadRequest, "no rekey in progress")
	case attempt.newKey == nil:
		return nil, refuse(http.StatusBadRequest, "no rekey verification in progress")
	case nonce != attempt.verifyNonce:
		return nil, refuse(http.StatusBadRequest, "incorrect nonce supplied; nonce for this verify operation is %q",
			attempt.verifyNonce)
	case attempt.verifying.has(share):
		return nil, errGiven(c, "verify")
	}
	attempt.verifying.add(share)
	if attempt.verifying.progress() < attempt.config.t {
		return n.getVerify(kind, c)
	}
	key, err := attempt.verifying.combine(attempt.config.t)
	if err != nil {
		attempt.verifyNonce = newUUID()
		return nil, refuse(http.StatusInternalServerError, "failed to compute key for verification: %v", err)
	}
	if subtle.ConstantTimeCompare(key, attempt.newKey) != 1 {
		attempt.verifyNonce = newUUID()
		return nil, refuse(http.StatusBadRequest, "rekey verification failed; incorrect key shares supplied")
	}
	n.commit(kind, attempt.config, attempt.newKey)
	return verifyDone{Nonce: attempt.verifyNonce, Complete: true}, nil
}
