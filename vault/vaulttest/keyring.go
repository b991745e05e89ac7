package vaulttest

import "time"

// initialize is the part of sys/init that reaches the disk.
func (s *storage) initialize(config sealConfig, key []byte, now time.Time) {
	s.initialized = true
	s.config = config
	s.key = key
	s.term = 1
	s.installed = now.UTC()
	s.clusterID = newUUID()
	s.clusterName = "vault-cluster-" + s.clusterID[:8]
}

// getKeyStatus tells the encryption key's term, which a rekey leaves alone.
func (n *Node) getKeyStatus(*call) (any, error) {
	disk := &n.cluster.disk
	return doubled(map[string]any{
		"term":         disk.term,
		"install_time": disk.installed.Format(time.RFC3339Nano),
		"encryptions":  len(disk.tokens),
	}), nil
}

func (n *Node) putRotate(*call) (any, error) {
	n.cluster.disk.term++
	n.cluster.disk.installed = n.cluster.options.Now().UTC()
	return nil, nil
}
