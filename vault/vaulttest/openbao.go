package vaulttest

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"conclave/vault/vaulttest/record"
	"conclave/vault/vaulttest/shamir"
)

// rotateRoutes are OpenBao's rekey: sys/rotate/root for the key that unseals, sys/rotate/recovery for the recovery key.
// They need a token, ask for no nonce to cancel, and answer every refusal with a 400 (vault/logical_system_rotate.go,
// vault/rotate.go).
func rotateRoutes() routes {
	all := routes{
		"sys/rotate/keyring": {handle: authorized(methods{"PUT": (*Node).putRotate})},
		"sys/rotate/keyring/config": {handle: authorized(methods{"GET": (*Node).getRotateConfig,
			"PUT": (*Node).putRotateConfig})},
		"sys/rotate/root": {handle: authorized(methods{"PUT": (*Node).putRotateRoot})},
	}
	for kind, path := range map[keyKind]string{barrierKey: "sys/rotate/root/", recoveryKey: "sys/rotate/recovery/"} {
		of := func(handle rekeyHandler) handler {
			return func(n *Node, c *call) (any, error) { return handle(n, kind, c) }
		}
		all[path+"init"] = endpoint{handle: authorized(methods{
			"GET": of((*Node).getRotation), "PUT": of((*Node).putRotation), "DELETE": of((*Node).deleteRotation)})}
		all[path+"update"] = endpoint{handle: authorized(methods{"PUT": of((*Node).putRotationShare)})}
		all[path+"verify"] = endpoint{handle: authorized(methods{
			"GET": of((*Node).getRotationVerify), "PUT": of((*Node).putRotationVerify),
			"DELETE": of((*Node).deleteRotationVerify)})}
		all[path+"backup"] = endpoint{handle: authorized(backupMethods(kind))}
	}
	return all
}

// putRotateRoot renews the root key without any share. Before OpenBao 2.5.2 that made every share worthless.
func (n *Node) putRotateRoot(*call) (any, error) { return nil, nil }

// badRequest refuses in OpenBao's words. It formats the reason with a verb for errors only, as OpenBao does, so that
// its text is Go's complaint about the verb.
func badRequest(words string, reason error) error {
	return refuse(http.StatusBadRequest, "%s: %%!w(*errors.errorString=&{%s})", words, reason)
}

// getRotation shows a rotation, with fewer fields while none is in progress. The field required is the seal's threshold
// here.
func (n *Node) getRotation(kind keyKind, _ *call) (any, error) {
	if kind == recoveryKey && !n.cluster.unsealsItself() {
		return nil, badRequest("unable to look up config", errText("recovery config not supported"))
	}
	data := map[string]any{"namespace": "root", "started": false, "t": 0, "n": 0, "seal_threshold": n.config.t}
	if attempt := n.rekeys[kind]; attempt != nil {
		data["nonce"] = attempt.nonce
		data["started"] = true
		data["t"], data["n"] = attempt.config.t, attempt.config.n
		data["progress"] = attempt.progress()
		data["verification_required"] = attempt.verify
		data["verification_nonce"] = attempt.verifyNonce
		if len(attempt.pgpKeys) > 0 {
			data["pgp_fingerprints"] = attempt.fingerprints
			data["backup"] = attempt.backup
		}
	}
	return wrapped("system", data), nil
}

// putRotation starts a rotation. A request for a backup without PGP keys is ignored, not refused. If there are no
// recovery shares yet, the first ones are handed out at once.
func (n *Node) putRotation(kind keyKind, c *call) (any, error) {
	var req rekeyRequest
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	config := sealConfig{n: req.SecretShares, t: req.SecretThreshold}
	of := kind.either("rotate seal", "recovery")
	switch {
	case n.rekeys[kind] != nil:
		return nil, refuse(http.StatusBadRequest, "rotation already in progress")
	case kind == recoveryKey && !n.cluster.unsealsItself():
		return nil, refuse(http.StatusBadRequest, "recovery keys not supported")
	case kind == barrierKey && n.cluster.unsealsItself():
		config = sealConfig{n: 1, t: 1}
		switch {
		case len(req.PGPKeys) > 0:
			return nil, refuse(http.StatusBadRequest, "PGP key encryption not supported when using stored keys")
		case req.Backup:
			return nil, refuse(http.StatusBadRequest, "key backup not supported when using stored keys")
		case req.RequireVerification:
			return nil, refuse(http.StatusBadRequest,
				"requiring verification not supported when rotating the barrier key with recovery keys")
		}
	}
	if err := config.validate(req.PGPKeys); err != nil {
		return nil, badRequest("invalid "+of+" configuration", err)
	}
	attempt, err := n.cluster.newRekey(config, req)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	n.rekeys[kind] = attempt
	if kind == recoveryKey && n.config.n == 0 {
		return n.handOutRotated(kind, attempt)
	}
	return n.getRotation(kind, c)
}

// deleteRotation cancels a rotation. It asks for no nonce, so that every client with the right can cancel every
// rotation.
func (n *Node) deleteRotation(kind keyKind, _ *call) (any, error) {
	n.rekeys[kind] = nil
	return nil, nil
}

// rotationShare reads a share of any length, since OpenBao doesn't check it.
func (c *call) rotationShare() (share []byte, nonce string, err error) {
	var s submission
	if err := c.decodeOptional(&s); err != nil {
		return nil, "", err
	}
	switch {
	case s.Key == "":
		return nil, "", refuse(http.StatusBadRequest, "missing required field 'key'")
	case s.Nonce == "":
		return nil, "", refuse(http.StatusBadRequest, "missing required field 'nonce'")
	}
	if share, err = decodeShare(s.Key); err != nil {
		return nil, "", err
	}
	if len(share) < shamir.MinShare || len(share) > shamir.MaxShare {
		c.breach = fmt.Sprintf("sent %d bytes for a share", len(share))
	}
	return share, s.Nonce, nil
}

func (n *Node) putRotationShare(kind keyKind, c *call) (any, error) {
	share, nonce, err := c.rotationShare()
	if err != nil {
		return nil, err
	}
	attempt := n.rekeys[kind]
	switch {
	case attempt == nil:
		return nil, refuse(http.StatusBadRequest, "no rotation in progress")
	case attempt.newKey != nil:
		return nil, refuse(http.StatusBadRequest,
			"rotation already finished; verification must be performed; nonce for the verification operation is %q",
			attempt.verifyNonce)
	case nonce != attempt.nonce:
		return nil, refuse(http.StatusBadRequest, "incorrect nonce supplied; nonce for rotation is %q", attempt.nonce)
	case attempt.has(share):
		c.breach = record.SentTwice
		return nil, refuse(http.StatusBadRequest, "given key has already been provided during this rotation")
	}
	attempt.add(share)
	if attempt.progress() < n.config.t {
		return n.getRotation(kind, c)
	}
	key, err := attempt.combine(n.config.t)
	if err != nil {
		return nil, badRequest("failed to compute key", err)
	}
	if n.cluster.unsealsItself() {
		if err := n.cluster.disk.checkRecoveryKey(key); err != nil {
			return nil, badRequest("recovery key verification failed", err)
		}
	} else if err := checkKeySize(key); err != nil {
		return nil, badRequest("failed to setup unseal key", err)
	} else if err := n.cluster.disk.open(key, ""); err != nil {
		return nil, badRequest("failed to read root key", err)
	}
	return n.handOutRotated(kind, attempt)
}

func (n *Node) handOutRotated(kind keyKind, attempt *rekeyAttempt) (any, error) {
	done, err := n.handOut(kind, attempt)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "failed to encrypt shares: %v", err)
	}
	return wrapped("system", map[string]any{
		"namespace":             "root",
		"complete":              true,
		"nonce":                 done.Nonce,
		"backup":                done.Backup,
		"pgp_fingerprints":      done.PGPFingerprints,
		"verification_required": done.VerificationRequired,
		"verification_nonce":    done.VerificationNonce,
		"keys":                  done.Keys,
		"keys_base64":           done.KeysBase64,
	}), nil
}

func (n *Node) getRotationVerify(kind keyKind, _ *call) (any, error) {
	attempt := n.rekeys[kind]
	if attempt == nil {
		return nil, refuse(http.StatusBadRequest, "no rotation configuration found")
	}
	return wrapped("system", map[string]any{
		"namespace": "root",
		"started":   attempt.newKey != nil,
		"nonce":     attempt.verifyNonce,
		"t":         attempt.config.t,
		"n":         attempt.config.n,
		"progress":  attempt.verifying.progress(),
	}), nil
}

// deleteRotationVerify starts the verification again under another nonce.
func (n *Node) deleteRotationVerify(kind keyKind, c *call) (any, error) {
	if attempt := n.rekeys[kind]; attempt != nil {
		attempt.verifying = round{}
		attempt.verifyNonce = newUUID()
	}
	return n.getRotationVerify(kind, c)
}

// putRotationVerify takes a share of the new key. It compares the share with those of the old key only, so that a share
// sent twice counts twice and spoils the round.
func (n *Node) putRotationVerify(kind keyKind, c *call) (any, error) {
	share, nonce, err := c.rotationShare()
	if err != nil {
		return nil, err
	}
	attempt := n.rekeys[kind]
	switch {
	case attempt == nil:
		return nil, refuse(http.StatusBadRequest, "no rotation in progress")
	case attempt.newKey == nil:
		return nil, refuse(http.StatusBadRequest, "no rotation verification in progress")
	case nonce != attempt.verifyNonce:
		return nil, refuse(http.StatusBadRequest, "incorrect nonce supplied; nonce for this verify operation is %q",
			attempt.verifyNonce)
	case attempt.verifying.has(share):
		c.breach = record.SentTwice
	}
	attempt.verifying.add(share)
	if attempt.verifying.progress() < attempt.config.t {
		return n.getRotationVerify(kind, c)
	}
	key, err := attempt.verifying.combine(attempt.config.t)
	if err != nil {
		attempt.verifyNonce = newUUID()
		return nil, badRequest("failed to compute key for verification", err)
	}
	if subtle.ConstantTimeCompare(key, attempt.newKey) != 1 {
		attempt.verifyNonce = newUUID()
		return nil, refuse(http.StatusBadRequest, "rotation verification failed; incorrect key shares supplied")
	}
	n.commit(kind, attempt.config, attempt.newKey)
	return wrapped("system", map[string]any{"namespace": "root", "complete": true, "nonce": attempt.verifyNonce}), nil
}

// rootTokenRoutes returns the endpoints of OpenBao's generate-root, which need a token with a right to them
// (vault/logical_system_generate_root.go).
func rootTokenRoutes() routes {
	return routes{
		"sys/generate-root-token/attempt": {handle: authorized(methods{
			"GET":    func(n *Node, _ *call) (any, error) { return n.rootTokenStatus("") },
			"PUT":    (*Node).putRootTokenAttempt,
			"DELETE": (*Node).deleteRootAttempt,
		})},
		"sys/generate-root-token/update": {handle: authorized(methods{"PUT": (*Node).putRootTokenShare})},
	}
}

func (n *Node) rootTokenStatus(otp string) (any, error) {
	data := map[string]any{
		"started": false, "complete": false, "progress": 0, "required": n.config.t,
		"otp": otp, "otp_length": n.cluster.options.Dialect.otpLength(),
	}
	if attempt := n.root; attempt != nil {
		data["nonce"] = attempt.nonce
		data["started"] = true
		data["progress"] = attempt.progress()
		data["pgp_fingerprint"] = attempt.fingerprint
	}
	return wrapped("system", data), nil
}

func (n *Node) putRootTokenAttempt(c *call) (any, error) {
	var req rootRequest
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	shown, err := n.startRoot(rootToken, req)
	if err != nil {
		return nil, err
	}
	return n.rootTokenStatus(shown)
}

// putRootTokenShare answers 500 to every wrong share or nonce, although nothing was done.
func (n *Node) putRootTokenShare(c *call) (any, error) {
	var s submission
	if err := c.decodeOptional(&s); err != nil {
		return nil, err
	}
	switch {
	case s.Nonce == "":
		return nil, refuse(http.StatusBadRequest, "nonce is required")
	case s.Key == "":
		return nil, refuse(http.StatusBadRequest, "key is required")
	}
	share, err := decodeAnyShare(strings.TrimSpace(s.Key))
	if err != nil {
		return nil, internalError(err)
	}
	status, err := n.takeRootShare(rootToken, c, share, s.Nonce)
	if err != nil {
		return nil, internalError(err)
	}
	return wrapped("system", map[string]any{
		"started":         true,
		"complete":        status.Complete,
		"progress":        status.Progress,
		"required":        status.Required,
		"nonce":           s.Nonce,
		"encoded_token":   status.EncodedToken,
		"pgp_fingerprint": status.PGPFingerprint,
	}), nil
}

// decodeAnyShare decodes a share. Unlike decodeShare it doesn't choose the encoding by the length.
func decodeAnyShare(key string) ([]byte, error) {
	if share, err := hex.DecodeString(key); err == nil {
		return share, nil
	}
	share, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "'key' must be a valid hex or base64 string")
	}
	return share, nil
}
