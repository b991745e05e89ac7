package vaulttest

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"conclave/vault/vaulttest/operator"
)

// token is a service token. Its zero expiry means that it never expires, as a root token of the unseal keys' holders doesn't.
type token struct {
	id          string
	accessor    string
	displayName string
	path        string // by which it was made
	policies    []string
	meta        map[string]string
	entity      string
	parent      *token // whose end is the token's own; nil for an orphan

	created   time.Time
	leased    bool // has a lease, which even a root token has that another token made
	renewable bool
	ttl       time.Duration // as it was made
	period    time.Duration // what a renewal gives, for ever, if it isn't 0
	maxTTL    time.Duration // over all renewals
	explicit  time.Duration // what of that was asked for
	expires   time.Time
	renewed   time.Time
}

// Refusals of a token. The words differ between no token, one that Vault doesn't know, and one that may not.
var (
	errNoToken  = &Refusal{Status: http.StatusForbidden, Text: "permission denied"}
	errBadToken = &Refusal{Status: http.StatusForbidden, Text: "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"}
	errDenied   = &Refusal{Status: http.StatusForbidden, Text: "1 error occurred:\n\t* permission denied\n\n"}
)

// authorize refuses a call whose token may not do it, and otherwise tells the call who asks. Whether the path exists is said only afterwards.
func (c *Cluster) authorize(call *call) error {
	if call.token == "" {
		return errNoToken
	}
	t := c.disk.tokenOf(call.token, c.options.Now())
	if t == nil {
		return errBadToken
	}
	if !t.isRoot() && !c.disk.granted(t.policies, call.path).Allow(call.method, call.path) {
		return errDenied
	}
	call.holder = t
	return nil
}

func (t *token) isRoot() bool { return slices.Contains(t.policies, operator.RootPolicyName) }

// tokenOf returns a token that is in force, or nil. One that expired is revoked, with all that it made.
func (s *storage) tokenOf(id string, now time.Time) *token {
	t := s.tokens[id]
	if t != nil && !t.expires.IsZero() && !now.Before(t.expires) {
		s.revoke(t)
		return nil
	}
	return t
}

func (s *storage) byAccessor(accessor string, now time.Time) *token {
	for id, t := range s.tokens {
		if t.accessor == accessor {
			return s.tokenOf(id, now)
		}
	}
	return nil
}

// revoke ends a token and those that it made.
func (s *storage) revoke(t *token) {
	delete(s.tokens, t.id)
	for _, child := range slices.Collect(maps.Values(s.tokens)) {
		if child.parent == t {
			s.revoke(child)
		}
	}
}

// mintRoot makes the kind of token that initialisation and a quorum make.
func (c *Cluster) mintRoot() *token {
	t := &token{displayName: "root", path: "auth/token/root", policies: []string{operator.RootPolicyName}}
	c.mint(t)
	return t
}

// mint gives a token its id and puts it in force.
func (c *Cluster) mint(t *token) {
	t.id = c.options.Dialect.newTokenID(t.isRoot())
	t.accessor = operator.RandomText(24)
	t.created = c.options.Now()
	c.disk.tokens[t.id] = t
}

// lookup is what Vault tells about a token. Whoever asks by accessor isn't told the token itself.
func (t *token) lookup(id string, now time.Time) envelope {
	data := map[string]any{
		"accessor":         t.accessor,
		"creation_time":    t.created.Unix(),
		"creation_ttl":     int(t.ttl.Seconds()),
		"display_name":     t.displayName,
		"entity_id":        t.entity,
		"expire_time":      nil,
		"explicit_max_ttl": int(t.explicit.Seconds()),
		"id":               id,
		"meta":             t.meta,
		"num_uses":         0,
		"orphan":           t.parent == nil,
		"path":             t.path,
		"policies":         t.policies,
		"ttl":              0,
		"type":             "service",
	}
	if t.leased {
		data["issue_time"] = t.created.UTC().Format(time.RFC3339Nano)
		data["renewable"] = t.renewable
	}
	if !t.expires.IsZero() {
		data["expire_time"] = t.expires.UTC().Format(time.RFC3339Nano)
		data["ttl"] = int(t.expires.Sub(now).Round(time.Second).Seconds())
	}
	if t.period > 0 {
		data["period"] = int(t.period.Seconds())
	}
	if !t.renewed.IsZero() {
		data["last_renewal"] = t.renewed.UTC().Format(time.RFC3339Nano)
		data["last_renewal_time"] = t.renewed.Unix()
	}
	return wrapped("token", data)
}

// tokenRequest is the body of the endpoints that name a token.
type tokenRequest struct {
	Token    string `json:"token"`
	Accessor string `json:"accessor"`
}

func (n *Node) getLookupSelf(c *call) (any, error) {
	return c.holder.lookup(c.holder.id, n.cluster.options.Now()), nil
}

// putLookup tells about the asker if no token is named.
func (n *Node) putLookup(c *call) (any, error) {
	req := tokenRequest{Token: c.token}
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	t := n.cluster.disk.tokenOf(req.Token, n.cluster.options.Now())
	if t == nil {
		return nil, refuse(http.StatusForbidden, "bad token")
	}
	return t.lookup(t.id, n.cluster.options.Now()), nil
}

// putLookupAccessor returns 400 when the token is gone: revoked, expired, or never there. A missing right is a 403.
func (n *Node) putLookupAccessor(c *call) (any, error) {
	var req tokenRequest
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	if req.Accessor == "" {
		return nil, refuse(http.StatusBadRequest, "1 error occurred:\n\t* missing accessor\n\n")
	}
	t := n.cluster.disk.byAccessor(req.Accessor, n.cluster.options.Now())
	if t == nil {
		return nil, refuse(http.StatusBadRequest, "1 error occurred:\n\t* invalid accessor\n\n")
	}
	return t.lookup("", n.cluster.options.Now()), nil
}

// listAccessors is how a root token that nobody holds can be found.
func (n *Node) listAccessors(*call) (any, error) {
	var accessors []string
	for _, t := range n.cluster.disk.tokens {
		accessors = append(accessors, t.accessor)
	}
	slices.Sort(accessors)
	return wrapped("token", map[string]any{"keys": accessors}), nil
}

func (n *Node) putRevokeSelf(c *call) (any, error) {
	n.cluster.disk.revoke(c.holder)
	return nil, nil
}

// putRevoke says yes to a token that doesn't exist.
func (n *Node) putRevoke(c *call) (any, error) {
	var req tokenRequest
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	if t := n.cluster.disk.tokens[req.Token]; t != nil {
		n.cluster.disk.revoke(t)
	}
	return nil, nil
}

func (n *Node) putRevokeAccessor(c *call) (any, error) {
	var req tokenRequest
	if err := c.decodeOptional(&req); err != nil {
		return nil, err
	}
	t := n.cluster.disk.byAccessor(req.Accessor, n.cluster.options.Now())
	if t == nil {
		answer := wrapped("token", nil)
		answer.Warnings = []string{"No token found with this accessor"}
		return answer, nil
	}
	n.cluster.disk.revoke(t)
	return nil, nil
}
