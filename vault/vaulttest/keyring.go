package vaulttest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"conclave/vault/vaulttest/acl"
)

// keyring is the encryption key in force, with the policy by which Vault replaces it.
type keyring struct {
	term        int       // rotate raises it, rekey doesn't
	installed   time.Time // when that key was made
	encryptions int       // with that key; an estimate in Vault, too
	policy      rotationPolicy
}

// rotationPolicy sets when Vault rotates the encryption key by itself.
type rotationPolicy struct {
	enabled       bool
	maxOperations int64
	interval      time.Duration // 0 is never
}

// sameLimits reports whether the policies are equal but for enabled. Vault compares no more than that.
func (p rotationPolicy) sameLimits(other rotationPolicy) bool {
	p.enabled = other.enabled
	return p == other
}

// Limits of a rotation policy (vault/keyring.go).
const (
	minOperations = 1_000_000
	maxOperations = 3_865_470_566
	minInterval   = 24 * time.Hour
)

// initialize does the part of sys/init that is stored.
func (s *storage) initialize(config sealConfig, key []byte, now time.Time) error {
	standard, err := acl.Parse(acl.Default)
	if err != nil {
		return err
	}
	s.initialized = true
	s.config = config
	s.key = key
	s.policies = map[string]*acl.Policy{"default": standard} // name → policy
	s.keyring = keyring{term: 1, installed: now.UTC(), encryptions: 1,
		policy: rotationPolicy{enabled: true, maxOperations: maxOperations}}
	s.clusterID = newUUID()
	s.clusterName = "vault-cluster-" + s.clusterID[:8]
	return nil
}

// getKeyStatus shows the encryption key's term. A rekey doesn't change it.
func (n *Node) getKeyStatus(*call) (any, error) {
	k := n.cluster.disk.keyring
	return doubled(map[string]any{
		"term":         k.term,
		"install_time": k.installed.Format(time.RFC3339Nano),
		"encryptions":  k.encryptions,
	}), nil
}

// putRotate makes a new encryption key. What was encrypted with the old ones stays readable.
func (n *Node) putRotate(*call) (any, error) {
	k := &n.cluster.disk.keyring
	k.term++
	k.installed = n.cluster.options.Now().UTC()
	k.encryptions = 1
	return nil, nil
}

func (n *Node) getRotateConfig(*call) (any, error) {
	policy := n.cluster.disk.keyring.policy
	interval := any(0)
	if policy.interval > 0 {
		interval = policy.interval.String()
	}
	return wrapped("system", map[string]any{"enabled": policy.enabled, "interval": interval,
		"max_operations": policy.maxOperations}), nil
}

// putRotateConfig changes what it is given and leaves the rest. A change of enabled alone gets a 204 and has no effect:
// Vault compares only the limits to decide whether there is anything to store (vault/keyring.go,
// KeyRotationConfig.Equals).
func (n *Node) putRotateConfig(c *call) (any, error) {
	var req struct {
		Enabled       any      `json:"enabled"`
		MaxOperations any      `json:"max_operations"`
		Interval      duration `json:"interval"`
	}
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	policy := n.cluster.disk.keyring.policy
	var err error
	if req.Enabled != nil {
		if policy.enabled, err = strconv.ParseBool(fmt.Sprint(req.Enabled)); err != nil {
			return nil, errField("enabled", err)
		}
	}
	if req.MaxOperations != nil {
		if policy.maxOperations, err = strconv.ParseInt(digits(req.MaxOperations), 10, 64); err != nil {
			return nil, errField("max_operations", err)
		}
	}
	if req.Interval.value != nil {
		if policy.interval, err = req.Interval.parse(); err != nil {
			return nil, errField("interval", err)
		}
	}
	switch {
	case policy.interval < 0:
		return nil, errField("interval", fmt.Errorf("cannot provide negative value '%d'", int(policy.interval.Seconds())))
	case policy.interval != 0 && policy.interval < minInterval:
		return nil, refuse(http.StatusBadRequest, "interval must be greater or equal to %s", minInterval)
	case policy.maxOperations < minOperations || policy.maxOperations > maxOperations:
		return nil, refuse(http.StatusBadRequest, "max_operations must be in the range [%d,%d]", minOperations, maxOperations)
	}
	if !policy.sameLimits(n.cluster.disk.keyring.policy) {
		n.cluster.disk.keyring.policy = policy
	}
	return nil, nil
}

// digits returns a JSON number without an exponent, and a text as it is.
func digits(value any) string {
	if number, ok := value.(float64); ok {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// errField refuses a field's value that is of the wrong kind.
func errField(name string, err error) error {
	return refuse(http.StatusBadRequest, "Field validation failed: error converting input for field %q: %v", name, err)
}
