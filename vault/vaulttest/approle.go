package vaulttest

import "net/http"

// appRole returns the role that a call is about, or nil.
func (n *Node) appRole(c *call) (*mount, *role, error) {
	m := n.cluster.disk.mounts[c.names[0]]
	if m == nil || m.kind != "approle" {
		return nil, nil, n.noMountLocked(c)
	}
	return m, m.roles[c.names[1]], nil
}

// putAppRole makes or changes a role. A changed number of uses holds for secrets that are made from then on.
func (n *Node) putAppRole(c *call) (any, error) {
	var req roleRequest
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	m, r, err := n.appRole(c)
	if err != nil {
		return nil, err
	}
	if r == nil {
		r = &role{roleID: newUUID(), secretIDs: map[string]int{}} // secret → uses that are left
	}
	if err := req.apply(r); err != nil {
		return nil, err
	}
	r.secretUses = req.SecretIDNumUses
	m.roles[c.names[1]] = r
	return nil, nil
}

func (n *Node) getRoleID(c *call) (any, error) {
	_, r, err := n.appRole(c)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, &Refusal{Status: http.StatusNotFound}
	}
	return wrapped("approle", map[string]any{"role_id": r.roleID}), nil
}

// putSecretID makes another secret of a role.
func (n *Node) putSecretID(c *call) (any, error) {
	_, r, err := n.appRole(c)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, refuse(http.StatusNotFound, "role %q does not exist", c.names[1])
	}
	secret := newUUID()
	r.secretIDs[secret] = r.secretUses
	if r.secretUses == 0 {
		r.secretIDs[secret] = unlimited
	}
	return wrapped("approle", map[string]any{
		"secret_id": secret, "secret_id_accessor": newUUID(), "secret_id_num_uses": r.secretUses, "secret_id_ttl": 0}), nil
}

// appRoleLogin logs in with a role and a secret. Its refusal doesn't tell a wrong role from a wrong secret
// (builtin/credential/approle/path_login.go).
func (n *Node) appRoleLogin(m *mount, c *call) (any, error) {
	var req struct {
		RoleID   string `json:"role_id"`
		SecretID string `json:"secret_id"`
	}
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	if req.RoleID == "" {
		return nil, refuse(http.StatusInternalServerError, "failed to determine alias name from login request")
	}
	for name, r := range m.roles {
		if r.roleID != req.RoleID {
			continue
		}
		if req.SecretID == "" {
			return nil, refuse(http.StatusBadRequest, "missing secret_id")
		}
		left, known := r.secretIDs[req.SecretID]
		if !known {
			break
		}
		switch left {
		case unlimited:
		case 1:
			delete(r.secretIDs, req.SecretID)
		default:
			r.secretIDs[req.SecretID]--
		}
		return n.cluster.logIn(r, c.names[0], m.kind, map[string]string{"role_name": name}), nil
	}
	return nil, refuse(http.StatusBadRequest, "invalid role or secret ID")
}

// AdmitKubernetes lets a service account's JWT log in at auth/kubernetes as a role with these policies. It replaces the
// token review for which a real Vault asks a Kubernetes cluster. The cluster has to be initialised.
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

// kubernetesLogin follows vault-plugin-auth-kubernetes: what is missing or unknown is a 400, a token that isn't
// accepted a 403.
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
