package vaulttest

import "net/http"

// unsealing is a node's progress towards its own unsealing. Nodes don't share it.
type unsealing struct {
	nonce string
	round
}

type sealStatus struct {
	Type               string `json:"type"`
	Initialized        bool   `json:"initialized"`
	Sealed             bool   `json:"sealed"`
	T                  int    `json:"t"`
	N                  int    `json:"n"`
	Progress           int    `json:"progress"`
	Nonce              string `json:"nonce"`
	Version            string `json:"version"`
	BuildDate          string `json:"build_date"`
	Migration          bool   `json:"migration"`
	ClusterName        string `json:"cluster_name,omitempty"`
	ClusterID          string `json:"cluster_id,omitempty"`
	RecoverySeal       bool   `json:"recovery_seal"`
	StorageType        string `json:"storage_type"`
	RecoverySealType   string `json:"recovery_seal_type,omitempty"`
	RemovedFromCluster *bool  `json:"removed_from_cluster,omitempty"`
}

func (n *Node) getSealStatus(*call) (any, error) {
	disk := &n.cluster.disk
	status := sealStatus{
		Type:         n.cluster.options.Seal,
		Initialized:  disk.initialized,
		Sealed:       n.sealed,
		T:            n.config.t,
		N:            n.config.n,
		Progress:     n.unsealing.progress(),
		Nonce:        n.unsealing.nonce,
		Version:      n.cluster.options.Dialect.version(),
		BuildDate:    buildDate,
		RecoverySeal: n.cluster.unsealsItself(),
		StorageType:  n.cluster.options.Storage,
	}
	if status.RecoverySeal && disk.initialized {
		status.RecoverySealType = shamirSeal
	}
	if !n.sealed {
		status.ClusterID, status.ClusterName = disk.clusterID, disk.clusterName
	}
	if n.cluster.highlyAvailable() && n.cluster.options.Dialect != OpenBao {
		status.RemovedFromCluster = new(bool)
	}
	return status, nil
}

type unsealRequest struct {
	Key     string
	Reset   bool
	Migrate bool
}

// putUnseal takes a share for this node alone (http/sys_seal.go, vault/core.go unsealFragment). A share that came
// before is not an error here, unlike everywhere else. A node that unseals itself and was sealed by hand takes shares
// of the recovery key.
func (n *Node) putUnseal(c *call) (any, error) {
	var req unsealRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if req.Reset {
		if !n.sealed {
			return nil, refuse(http.StatusBadRequest, "vault is unsealed")
		}
		n.unsealing = unsealing{}
		return n.getSealStatus(c)
	}
	if req.Key == "" {
		return nil, refuse(http.StatusBadRequest, "'key' must be specified in request body as JSON, or 'reset' set to true")
	}
	share, err := decodeShare(req.Key)
	if err != nil {
		return nil, err
	}
	if req.Migrate {
		return nil, refuse(http.StatusInternalServerError, "can't perform a seal migration, no migration seal found")
	}
	if !n.cluster.disk.initialized {
		return nil, refuse(http.StatusBadRequest, "Vault is not initialized")
	}
	if err := checkLength(share, "invalid key: "); err != nil {
		return nil, err
	}
	if n.sealed && !n.unsealing.has(share) {
		if err := n.addUnsealShare(share); err != nil {
			return nil, err
		}
	}
	return n.getSealStatus(c)
}

func (n *Node) addUnsealShare(share []byte) error {
	if n.unsealing.nonce == "" {
		n.unsealing.nonce = newUUID()
	}
	n.unsealing.add(share)
	if n.unsealing.progress() < n.config.t {
		return nil
	}
	key, err := n.unsealing.combine(n.config.t)
	n.unsealing = unsealing{}
	if err != nil {
		return refuse(http.StatusBadRequest, "invalid key: failed to compute combined key: %v", err)
	}
	if n.cluster.unsealsItself() {
		if err := n.cluster.disk.checkRecoveryKey(key); err != nil {
			return refuse(http.StatusBadRequest, "invalid key: failed to verify recovery key: %v", err)
		}
		n.openLocked()
		return nil
	}
	if err := checkKeySize(key); err != nil {
		return refuse(http.StatusBadRequest, "invalid key: failed to setup unseal key: %v", err)
	}
	if err := n.cluster.disk.open(key, shamirSeal); err != nil {
		return refuse(http.StatusBadRequest, "unable to retrieve stored keys: %v", err)
	}
	n.openLocked()
	return nil
}

// putSeal seals this node; the request isn't forwarded. On a sealed node it succeeds without a token.
func (n *Node) putSeal(c *call) (any, error) {
	if n.sealed {
		return nil, nil
	}
	if n.cluster.active != n && n.cluster.highlyAvailable() {
		return nil, refuse(http.StatusInternalServerError, "vault cannot seal when in standby mode; please restart instead")
	}
	if err := n.cluster.authorize(c); err != nil {
		return nil, err
	}
	n.sealLocked()
	return nil, nil
}

// putStepDown makes the active node hand over. A single node leads again at once, where the original waits for ten
// seconds. Its rekeys are lost all the same.
func (n *Node) putStepDown(c *call) (any, error) {
	if n.sealed || !n.cluster.highlyAvailable() {
		return nil, nil
	}
	if err := n.cluster.authorize(c); err != nil {
		return nil, err
	}
	n.cluster.abdicateLocked(n)
	if n.cluster.active == nil {
		n.cluster.leadLocked(n)
	}
	return nil, nil
}
