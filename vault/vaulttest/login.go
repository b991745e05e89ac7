package vaulttest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// mount is a method of logging in, enabled below auth/.
type mount struct {
	kind  string // "approle" or "kubernetes"
	roles map[string]*role
}

// role describes the token that a login gives.
type role struct {
	policies []string
	ttl      time.Duration
	maxTTL   time.Duration
	period   time.Duration

	// The rest is what a login has to present.
	roleID     string
	secretIDs  map[string]int // secret → uses that are left, or unlimited
	secretUses int            // of the secrets made from now on; 0 is unlimited
	jwts       map[string]bool
}

// unlimited is the number of uses of a secret without a limit.
const unlimited = -1

// defaultRoleTTL is how long the token of a login lives until it is renewed, for a role that a test makes in one line.
const defaultRoleTTL = time.Hour

// putMount enables a method of logging in.
func (n *Node) putMount(c *call) (any, error) {
	var req struct {
		Type string `json:"type"`
	}
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	switch {
	case req.Type == "":
		return nil, refuse(http.StatusBadRequest, "backend type must be specified as a string")
	case req.Type != "approle" && req.Type != "kubernetes":
		return nil, refuse(http.StatusBadRequest, "plugin not found in the catalog: %s", req.Type)
	case n.cluster.disk.mounts[c.names[0]] != nil:
		return nil, refuse(http.StatusBadRequest, "path is already in use at %s/", c.names[0])
	}
	n.cluster.disk.mounts[c.names[0]] = &mount{kind: req.Type, roles: map[string]*role{}} // name → role
	return nil, nil
}

// roleRequest is the body that makes or changes a role. Vault takes policies as a list, or as one text with commas.
type roleRequest struct {
	TokenPolicies   any      `json:"token_policies"`
	TokenTTL        duration `json:"token_ttl"`
	TokenMaxTTL     duration `json:"token_max_ttl"`
	TokenPeriod     duration `json:"token_period"`
	SecretIDNumUses int      `json:"secret_id_num_uses"`
}

// apply changes a role by what was given, and leaves the rest.
func (req roleRequest) apply(r *role) error {
	switch policies := req.TokenPolicies.(type) {
	case string:
		r.policies = strings.Split(policies, ",")
	case []any:
		r.policies = nil
		for _, name := range policies {
			text, _ := name.(string)
			r.policies = append(r.policies, text)
		}
	}
	for _, field := range []struct {
		name  string
		given duration
		into  *time.Duration
	}{{"token_ttl", req.TokenTTL, &r.ttl}, {"token_max_ttl", req.TokenMaxTTL, &r.maxTTL},
		{"token_period", req.TokenPeriod, &r.period}} {
		if field.given.value == nil {
			continue
		}
		d, err := field.given.parse()
		if err != nil {
			return refuse(http.StatusBadRequest, "error converting input for field %q: %v", field.name, err)
		}
		*field.into = d
	}
	if r.maxTTL > 0 && r.ttl > r.maxTTL {
		return refuse(http.StatusBadRequest, "'token_ttl' cannot be greater than 'token_max_ttl'")
	}
	return nil
}

// putLogin logs in and gives a token, so that it needs none. A login method that isn't mounted is refused as a missing
// token is.
func (n *Node) putLogin(c *call) (any, error) {
	if err := n.readyLocked(); err != nil {
		return nil, err
	}
	m := n.cluster.disk.mounts[c.names[0]]
	switch {
	case m == nil:
		return nil, n.noMountLocked(c)
	case m.kind == "approle":
		return n.appRoleLogin(m, c)
	default:
		return n.kubernetesLogin(m, c)
	}
}

// noMountLocked returns the refusal of a path of auth/ that isn't mounted.
func (n *Node) noMountLocked(c *call) error {
	if err := n.cluster.authorize(c); err != nil {
		return err
	}
	return refuse(http.StatusNotFound, "no handler for route %q. route entry not found.", c.path)
}

// logIn makes the token of a role.
func (c *Cluster) logIn(r *role, mountName, kind string, meta map[string]string) envelope {
	t := &token{
		displayName: kind,
		path:        "auth/" + mountName + "/login",
		policies:    slices.Compact(slices.Sorted(slices.Values(append([]string{"default"}, r.policies...)))),
		meta:        meta,
		entity:      newUUID(),
		leased:      true,
		renewable:   true,
		period:      r.period,
		maxTTL:      r.maxTTL,
	}
	c.mint(t)
	warnings := t.lease(r.ttl, t.created)
	t.ttl = t.expires.Sub(t.created)
	answer := authAnswer("", t)
	answer.Warnings = warnings
	return answer
}
