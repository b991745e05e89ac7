package vaulttest

import (
	"net/http"
	"slices"
	"time"
)

// token is a root token; the emulator knows no others. Like Vault's it never expires.
type token struct {
	id       string
	accessor string
	created  time.Time
}

// errBadToken is the answer to a token that Vault doesn't know.
var errBadToken = &refusal{status: http.StatusForbidden, text: "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"}

// authorize refuses what isn't a root token.
func (s *storage) authorize(id string) error {
	if id == "" {
		return refuse(http.StatusForbidden, "permission denied")
	}
	if _, known := s.tokens[id]; !known {
		return errBadToken
	}
	return nil
}

func (s *storage) mintRoot(now time.Time) (id string) {
	t := &token{id: "hvs." + randomText(otpLength-len("hvs.")), accessor: randomText(24), created: now}
	s.tokens[t.id] = t
	return t.id
}

func (s *storage) byAccessor(accessor string) *token {
	for _, t := range s.tokens {
		if t.accessor == accessor {
			return t
		}
	}
	return nil
}

// lookup is what Vault tells about a token. Whoever asks by accessor isn't told the token itself.
func (t *token) lookup(id string) envelope {
	return wrapped("token", map[string]any{
		"accessor":         t.accessor,
		"creation_time":    t.created.Unix(),
		"creation_ttl":     0,
		"display_name":     "root",
		"entity_id":        "",
		"expire_time":      nil,
		"explicit_max_ttl": 0,
		"id":               id,
		"meta":             nil,
		"num_uses":         0,
		"orphan":           true,
		"path":             "auth/token/root",
		"policies":         []string{"root"},
		"ttl":              0,
		"type":             "service",
	})
}

// tokenRequest is the body of the endpoints that name a token.
type tokenRequest struct {
	Token    string `json:"token"`
	Accessor string `json:"accessor"`
}

func (n *Node) getLookupSelf(c *call) (any, error) {
	return n.cluster.disk.tokens[c.token].lookup(c.token), nil
}

func (n *Node) putLookup(c *call) (any, error) {
	var req tokenRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	t, known := n.cluster.disk.tokens[req.Token]
	if !known {
		return nil, refuse(http.StatusForbidden, "bad token")
	}
	return t.lookup(t.id), nil
}

func (n *Node) putLookupAccessor(c *call) (any, error) {
	var req tokenRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	t := n.cluster.disk.byAccessor(req.Accessor)
	if t == nil {
		return nil, refuse(http.StatusBadRequest, "1 error occurred:\n\t* invalid accessor\n\n")
	}
	return t.lookup(""), nil
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
	delete(n.cluster.disk.tokens, c.token)
	return nil, nil
}

func (n *Node) putRevokeAccessor(c *call) (any, error) {
	var req tokenRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	t := n.cluster.disk.byAccessor(req.Accessor)
	if t == nil {
		answer := wrapped("token", nil)
		answer.Warnings = []string{"No token found with this accessor"}
		return answer, nil
	}
	delete(n.cluster.disk.tokens, t.id)
	return nil, nil
}
