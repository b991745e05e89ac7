package vaulttest

import "net/http"

// AdmitKubernetes lets a service account's JWT log in at auth/kubernetes as a role with these policies. It stands for the review that a real
// Vault asks a Kubernetes cluster for. The cluster has to be initialised.
func (c *Cluster) AdmitKubernetes(roleName, jwt string, policies ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.disk.mounts["kubernetes"]
	if m == nil {
		m = &mount{kind: "kubernetes", roles: map[string]*role{}} // name → role
		c.disk.mounts["kubernetes"] = m
	}
	r := m.roles[roleName]
	if r == nil {
		r = &role{ttl: defaultRoleTTL, jwts: map[string]bool{}}
		m.roles[roleName] = r
	}
	r.policies = policies
	r.jwts[jwt] = true
}

// kubernetesLogin follows vault-plugin-auth-kubernetes: what is missing or unknown is a 400, a token that isn't believed a 403.
func (n *Node) kubernetesLogin(m *mount, c *call) (any, error) {
	var req struct {
		Role string `json:"role"`
		JWT  string `json:"jwt"`
	}
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	r := m.roles[req.Role]
	switch {
	case req.Role == "":
		return nil, refuse(http.StatusBadRequest, "missing role")
	case r == nil:
		return nil, refuse(http.StatusBadRequest, "invalid role name %q", req.Role)
	case req.JWT == "":
		return nil, refuse(http.StatusBadRequest, "missing jwt")
	case !r.jwts[req.JWT]:
		return nil, errNoToken
	}
	return n.cluster.logIn(r, c.names[0], "kubernetes-"+req.Role, map[string]string{"role": req.Role}), nil
}
