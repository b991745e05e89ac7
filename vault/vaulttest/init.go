package vaulttest

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"conclave/vault/vaulttest/pgp"
)

type initRequest struct {
	SecretShares      int      `json:"secret_shares"`
	SecretThreshold   int      `json:"secret_threshold"`
	PGPKeys           []string `json:"pgp_keys"`
	RecoveryShares    int      `json:"recovery_shares"`
	RecoveryThreshold int      `json:"recovery_threshold"`
	RecoveryPGPKeys   []string `json:"recovery_pgp_keys"`
	RootTokenPGPKey   string   `json:"root_token_pgp_key"`
}

type initAnswer struct {
	Keys       []string `json:"keys"`
	KeysBase64 []string `json:"keys_base64"`
	// The next two are there when the cluster unseals itself.
	RecoveryKeys       []string `json:"recovery_keys,omitempty"`
	RecoveryKeysBase64 []string `json:"recovery_keys_base64,omitempty"`
	RootToken          string   `json:"root_token"`
}

func (n *Node) getInit(*call) (any, error) {
	return map[string]bool{"initialized": n.cluster.disk.initialized}, nil
}

// putInit makes the first shares and the first root token (http/sys_init.go, vault/init.go). A cluster that unseals
// itself does so at once. Its shares are those of the recovery key.
func (n *Node) putInit(c *call) (any, error) {
	var req initRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	config, pgpKeys, err := n.cluster.checkInit(req)
	if err != nil {
		return nil, err
	}
	disk := &n.cluster.disk
	if disk.initialized {
		return nil, refuse(http.StatusBadRequest, "Vault is already initialized")
	}
	key, shares, err := n.cluster.makeShares(config, pgpKeys)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	if err := disk.initialize(config, key, n.cluster.options.Now()); err != nil {
		return nil, refuse(http.StatusInternalServerError, "%v", err)
	}
	for _, node := range n.cluster.nodes {
		node.config = config
	}
	rootToken := n.cluster.mintRoot().id
	if req.RootTokenPGPKey != "" {
		// From here on Vault is initialised, so that a key that can't encrypt loses the shares for good: they were in
		// no answer.
		message, err := pgp.Encrypt([]string{rootToken}, []string{req.RootTokenPGPKey})
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "%v", err)
		}
		rootToken = base64.StdEncoding.EncodeToString(message[0])
	}
	answer := initAnswer{RootToken: rootToken, Keys: []string{}, KeysBase64: []string{}}
	if !n.cluster.unsealsItself() {
		answer.Keys, answer.KeysBase64 = encodeShares(shares)
		return answer, nil
	}
	answer.RecoveryKeys, answer.RecoveryKeysBase64 = encodeShares(shares)
	for _, node := range n.cluster.nodes {
		node.openLocked()
	}
	return answer, nil
}

// checkInit returns how the key is to be shared and to whose PGP keys, or the refusal of a request that can't work.
// Each kind of seal has parameters of its own.
func (c *Cluster) checkInit(req initRequest) (config sealConfig, pgpKeys []string, err error) {
	config, pgpKeys = sealConfig{n: req.SecretShares, t: req.SecretThreshold}, req.PGPKeys
	foreign, of, invalid := recoveryFields(req), "", "invalid seal configuration: %v"
	if c.unsealsItself() {
		config, pgpKeys = sealConfig{n: req.RecoveryShares, t: req.RecoveryThreshold}, req.RecoveryPGPKeys
		foreign, of, invalid = unsealFields(req), " for recovery", "invalid recovery configuration: %v"
	}
	switch {
	case len(foreign) > 0:
		return config, nil, refuse(http.StatusBadRequest, "parameters %s not applicable to seal type %s",
			strings.Join(foreign, ","), c.options.Seal)
	case c.mayShareNothing() && config == sealConfig{}:
		return config, nil, nil
	case c.unsealsItself() && config.n < 1:
		return config, nil, refuse(http.StatusBadRequest, "recovery configuration must specify a positive number of shares")
	case len(pgpKeys) > 0 && len(pgpKeys) != config.n:
		return config, nil, refuse(http.StatusBadRequest, "incorrect number of PGP keys%s", of)
	}
	if err := config.validate(pgpKeys); err != nil {
		return config, nil, refuse(http.StatusBadRequest, invalid, err)
	}
	return config, pgpKeys, nil
}

// mayShareNothing reports whether a cluster can be initialised without recovery shares. OpenBao makes them later, for
// the first client that asks.
func (c *Cluster) mayShareNothing() bool { return c.unsealsItself() && c.options.Dialect == OpenBao }

// unsealFields names the fields given that belong to a seal that is opened with shares.
func unsealFields(req initRequest) []string {
	var given []string
	if req.SecretShares != 0 {
		given = append(given, "secret_shares")
	}
	if req.SecretThreshold != 0 {
		given = append(given, "secret_threshold")
	}
	if len(req.PGPKeys) != 0 {
		given = append(given, "pgp_keys")
	}
	return given
}

// recoveryFields names the fields given that belong to a seal that opens by itself.
func recoveryFields(req initRequest) []string {
	var given []string
	if req.RecoveryShares != 0 {
		given = append(given, "recovery_shares")
	}
	if req.RecoveryThreshold != 0 {
		given = append(given, "recovery_threshold")
	}
	if len(req.RecoveryPGPKeys) != 0 {
		given = append(given, "recovery_pgp_keys")
	}
	return given
}

// makeShares makes a key and its shares, each encrypted to the PGP key of its index if there are any: then the
// message's text is the share in hex.
func (c *Cluster) makeShares(config sealConfig, pgpKeys []string) (key []byte, shares [][]byte, err error) {
	key, shares, err = newKey(config.n, config.t)
	if err != nil {
		return nil, nil, err
	}
	plain := make([]string, len(shares))
	for i, share := range shares {
		plain[i] = hex.EncodeToString(share)
	}
	c.issued = append(c.issued, plain...)
	if len(pgpKeys) > 0 {
		shares, err = pgp.Encrypt(plain, pgpKeys)
	}
	return key, shares, err
}

func encodeShares(shares [][]byte) (inHex, inBase64 []string) {
	for _, share := range shares {
		inHex = append(inHex, hex.EncodeToString(share))
		inBase64 = append(inBase64, base64.StdEncoding.EncodeToString(share))
	}
	return inHex, inBase64
}
