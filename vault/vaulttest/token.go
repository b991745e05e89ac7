package vaulttest

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"conclave/vault/vaulttest/operator"
)

// token is a service token. If its expiry is zero it never expires, as a root token made by a quorum.
type token struct {
	id          string
	accessor    string
	displayName string
	path        string // by which it was made
	policies    []string
	meta        map[string]string
	entity      string
	parent      *token // with which the token ends; nil for an orphan

	created   time.Time
	leased    bool // has a lease, as even a root token has if another token made it
	renewable bool
	ttl       time.Duration // as it was made
	period    time.Duration // the time that each renewal gives, without end, if it isn't 0
	maxTTL    time.Duration // over all renewals
	explicit  time.Duration // the part of that which was asked for
	expires   time.Time
	renewed   time.Time
}

// Refusals of a token. The words differ for no token, an unknown one, and one without the right.
var (
	errNoToken  = &Refusal{Status: http.StatusForbidden, Text: "permission denied"}
	errBadToken = &Refusal{Status: http.StatusForbidden,
		Text: "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"}
	errDenied = &Refusal{Status: http.StatusForbidden, Text: "1 error occurred:\n\t* permission denied\n\n"}
)

// authorize refuses a call whose token has no right to it, and otherwise sets the call's holder. It comes before the
// check whether the path exists.
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

// tokenOf returns a token that is in force, or nil. It revokes an expired one, with all tokens that it made.
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

// mintRoot makes a root token as initialisation and a quorum do.
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

// lookup returns what Vault shows of a token. Asked by accessor, it doesn't show the token itself.
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

// putLookup shows a token, the caller's if none is named.
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

// putLookupAccessor shows the token of an accessor. It answers 400 when the token is gone: revoked, expired, or never
// there. A missing right gets a 403.
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

// listAccessors lists all accessors. It is the only way to find a root token without a holder.
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

// putRevoke revokes a token. It succeeds for one that doesn't exist.
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
