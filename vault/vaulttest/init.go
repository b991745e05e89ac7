package vaulttest

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
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
	RootToken  string   `json:"root_token"`
}

func (n *Node) getInit(*call) (any, error) {
	return map[string]bool{"initialized": n.cluster.disk.initialized}, nil
}

// putInit makes the first shares and the first root token (http/sys_init.go, vault/init.go).
func (n *Node) putInit(c *call) (any, error) {
	var req initRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if given := recoveryFields(req); len(given) > 0 {
		return nil, refuse(http.StatusBadRequest, "parameters %s not applicable to seal type shamir", strings.Join(given, ","))
	}
	config := sealConfig{n: req.SecretShares, t: req.SecretThreshold}
	if len(req.PGPKeys) > 0 && len(req.PGPKeys) != config.n {
		return nil, refuse(http.StatusBadRequest, "incorrect number of PGP keys")
	}
	if err := config.validate(req.PGPKeys); err != nil {
		return nil, refuse(http.StatusBadRequest, "invalid seal configuration: %v", err)
	}
	disk := &n.cluster.disk
	if disk.initialized {
		return nil, refuse(http.StatusBadRequest, "Vault is already initialized")
	}
	key, shares, err := n.cluster.makeShares(config, req.PGPKeys)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	disk.initialize(config, key, n.cluster.options.Now())
	for _, node := range n.cluster.nodes {
		node.config = config
	}
	rootToken := disk.mintRoot(n.cluster.options.Now())
	if req.RootTokenPGPKey != "" {
		// From here on Vault is initialised, so that a key that can't encrypt loses the shares for good: nobody has seen them.
		message, err := encryptEach([]string{rootToken}, []string{req.RootTokenPGPKey})
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "%v", err)
		}
		rootToken = base64.StdEncoding.EncodeToString(message[0])
	}
	answer := initAnswer{RootToken: rootToken}
	answer.Keys, answer.KeysBase64 = encodeShares(shares)
	return answer, nil
}

// recoveryFields names the fields given that belong to an auto-unseal seal.
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

// makeShares makes a key and its shares, each encrypted to the PGP key of its index if there are any: then the message's text is the share
// in hex.
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
		shares, err = encryptEach(plain, pgpKeys)
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
