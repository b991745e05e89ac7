package vault

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"conclave/ceremony"
)

// Servers asks every node what it is, all at the same time.
func (c *Client) Servers(ctx context.Context) []ceremony.Server {
	servers := make([]ceremony.Server, len(c.nodes))
	var asking sync.WaitGroup
	for i, n := range c.nodes {
		asking.Go(func() { servers[i] = c.server(ctx, n) })
	}
	asking.Wait()
	return servers
}

func (c *Client) server(ctx context.Context, n *node) ceremony.Server {
	s := ceremony.Server{Address: n.base.String()}
	status, err := c.sealStatus(ctx, n)
	if err != nil {
		return s
	}
	// Anybody who answers in the server's place chooses these words.
	if ceremony.IsNonce(status.Type) {
		s.Seal = status.Type
	}
	if isVersion(status.Version) {
		s.Version = status.Version
	}
	switch h, f := c.health(ctx, n); {
	case f == nil:
		s.Product = h.product()
	case f.status == statusDRSecondary:
		s.Product = "Vault" // OpenBao has no such pair
	}
	return s
}

// isVersion reports whether a text may be a version, such as 1.21.2 or 2.0.0+ent.hsm.
func isVersion(s string) bool {
	const chars = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-_"
	return len(s) > 0 && len(s) <= 64 && strings.Trim(s, chars) == ""
}

// health is the answer of sys/health.
type health struct {
	Version    string `json:"version"`
	Enterprise *bool  `json:"enterprise"`
}

// product returns the product, or "" when that can't be told. Only Vault names its
// edition. The version alone does not tell Vault from OpenBao: both have a 2.0.
func (h health) product() string {
	switch first, _, _ := strings.Cut(h.Version, "."); {
	case h.Enterprise != nil, first == "0", first == "1": // OpenBao began with 2
		return "Vault"
	case first != "":
		return "OpenBao"
	}
	return ""
}

// health asks one node for its health. By the parameters it answers 200 in whatever state
// it is; the secondary of a disaster recovery pair has a status of its own all the same.
func (c *Client) health(ctx context.Context, n *node) (health, *fault) {
	var h health
	body, f := n.send(ctx, request{
		method: http.MethodGet, path: "sys/health", auth: public, local: true, limit: c.timeout,
		params: url.Values{
			"standbyok": {"true"}, "perfstandbyok": {"true"}, "sealedcode": {"200"}, "uninitcode": {"200"},
		},
	})
	if f == nil && json.Unmarshal(body, &h) != nil {
		return health{}, nil
	}
	return h, f
}
