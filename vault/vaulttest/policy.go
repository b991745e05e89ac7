package vaulttest

import (
	"net/http"
	"slices"

	"conclave/vault/vaulttest/acl"
	"conclave/vault/vaulttest/operator"
)

// granted returns what the policies with these names grant on a path.
func (s *storage) granted(names []string, path string) acl.Capabilities {
	var policies []*acl.Policy
	for _, name := range names {
		policies = append(policies, s.policies[name])
	}
	return acl.Granted(policies, path)
}

// policyRequest is the body of a policy's endpoint.
type policyRequest struct {
	Policy string `json:"policy"`
}

// listPolicies lists the names of the policies, root among them, which has no rules.
func (n *Node) listPolicies(*call) (any, error) {
	names := []string{operator.RootPolicyName}
	for name := range n.cluster.disk.policies {
		names = append(names, name)
	}
	slices.Sort(names)
	return wrapped("system", map[string]any{"keys": names}), nil
}

func (n *Node) getPolicy(c *call) (any, error) {
	if c.names[0] == operator.RootPolicyName {
		return wrapped("system", map[string]any{"name": c.names[0], "policy": ""}), nil
	}
	p := n.cluster.disk.policies[c.names[0]]
	if p == nil {
		return nil, &Refusal{Status: http.StatusNotFound}
	}
	return wrapped("system", map[string]any{"name": c.names[0], "policy": p.Text}), nil
}

// putPolicy takes effect at once for the tokens that have the policy.
func (n *Node) putPolicy(c *call) (any, error) {
	var req policyRequest
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	if c.names[0] == operator.RootPolicyName {
		return nil, refuse(http.StatusBadRequest, "cannot update %q policy", c.names[0])
	}
	if req.Policy == "" {
		return nil, refuse(http.StatusBadRequest, "'policy' parameter not supplied or empty")
	}
	p, err := acl.Parse(req.Policy)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "failed to parse policy: %v", err)
	}
	n.cluster.disk.policies[c.names[0]] = p
	return nil, nil
}

// deletePolicy removes a policy. It succeeds for one that doesn't exist.
func (n *Node) deletePolicy(c *call) (any, error) {
	switch c.names[0] {
	case operator.RootPolicyName:
		return nil, refuse(http.StatusBadRequest, "cannot delete %q policy", c.names[0])
	case "default":
		return nil, refuse(http.StatusBadRequest, "cannot delete default policy")
	}
	delete(n.cluster.disk.policies, c.names[0])
	return nil, nil
}

// putCapabilitiesSelf shows the rights of the caller's token on some paths. For a single path they are also in the
// field capabilities.
func (n *Node) putCapabilitiesSelf(c *call) (any, error) {
	var req struct {
		Path  string   `json:"path"`
		Paths []string `json:"paths"`
	}
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	if req.Path != "" {
		req.Paths = append(req.Paths, req.Path)
	}
	if len(req.Paths) == 0 {
		return nil, refuse(http.StatusBadRequest, "paths must be supplied")
	}
	data := map[string]any{} // path → names of capabilities
	for _, path := range req.Paths {
		names := []string{operator.RootPolicyName}
		if !c.holder.isRoot() {
			names = n.cluster.disk.granted(c.holder.policies, path).Names()
		}
		data[path] = names
		if len(req.Paths) == 1 {
			data["capabilities"] = names
		}
	}
	return doubled(data), nil
}
