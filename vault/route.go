package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/vault/api"

	"conclave/ceremony"
)

// do sends a request to the active node, with the token if there is one, and returns the
// body of a success.
func (c *Client) do(ctx context.Context, r request) ([]byte, error) {
	if r.limit == 0 {
		r.limit = c.timeout
	}
	given := r.token != ""
	if err := c.authorize(ctx, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	body, err := c.route(ctx, r)
	if given || !errors.Is(err, errTokenRefused) || c.session == nil {
		return body, err
	}
	// The token may have been revoked. The next request logs in again. A read is sent
	// again at once.
	if c.session.doubt(r.token); r.isWrite() {
		return body, err
	}
	if r.token, err = c.token(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	return c.route(ctx, r)
}

// authorize puts the token into a request that does not have one yet.
func (c *Client) authorize(ctx context.Context, r *request) error {
	if r.token != "" || r.auth == public {
		return nil
	}
	var err error
	if r.token, err = c.token(ctx); err != nil && r.auth == needed {
		return err
	}
	r.tokenless = err
	return nil
}

// route sends a request to the active node.
//
// A standby would forward most of what a ceremony asks, but not all, and its own seal
// status is out of date after a rekey. So the active node is looked for among the
// configured addresses and remembered, and looked for again when an answer does not fit.
//
// A read that failed is sent once more if another node is active by then. A write is
// sent a second time only when the first certainly did nothing: there was no connection
// at all, or a standby answered with the address of another configured node. A write
// that is on its way does not end with ctx, but only when its own time is over.
func (c *Client) route(ctx context.Context, r request) ([]byte, error) {
	var err error
	n := c.active.Load()
	if n == nil {
		if n, err = c.findActive(ctx); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", r, ceremony.ErrNotSent, err)
	}
	sending := ctx
	if r.isWrite() {
		sending = context.WithoutCancel(ctx)
	}
	body, f := n.send(sending, r)
	if f == nil {
		return body, nil
	}
	next := c.next(ctx, r, f)
	if next == nil {
		return nil, c.settle(sending, r, f)
	}
	if body, f = next.send(sending, r); f == nil {
		return body, nil
	}
	if f.elsewhere() {
		c.forget(next)
	}
	return nil, c.settle(sending, r, f)
}

// next returns the node to which a failed request may be sent again, or nil.
func (c *Client) next(ctx context.Context, r request, f *fault) *node {
	if !f.elsewhere() {
		return nil
	}
	c.forget(f.node)
	if f.location != "" {
		if u, err := url.Parse(f.location); err == nil && c.at(u) != f.node {
			return c.at(u)
		}
		return nil
	}
	if r.isWrite() && !f.unreached {
		return nil
	}
	next, err := c.findActive(ctx)
	if err != nil || next == f.node {
		return nil
	}
	return next
}

// settle returns the error of a request that is not sent again. It looks closer at a
// status that has several reasons. A node that is sealed answers 503, but so does a node
// without a leader, and a load balancer that has lost its node. A write did nothing only
// if the node itself says that it is sealed. For a 403 it finds the missing right.
func (c *Client) settle(ctx context.Context, r request, f *fault) error {
	switch f.status {
	case http.StatusForbidden:
		if r.local { // it asks for no token where it is offered
			f.sentinel = ceremony.ErrUnsupported
			return f
		}
		if f.cause == nil {
			f.cause = c.deniedBecause(ctx, r)
		}
		return f
	case http.StatusServiceUnavailable:
	default:
		return f
	}
	status, err := c.sealStatus(ctx, f.node)
	switch {
	case err == nil && status.Sealed:
		f.sentinel = ceremony.ErrSealed
	case r.isWrite():
		f.sentinel = ceremony.ErrUncertain
	case err == nil:
		f.sentinel = ceremony.ErrNoLeader
	}
	return f
}

// forget has the active node be looked for again, if n is it.
func (c *Client) forget(n *node) { c.active.CompareAndSwap(n, nil) }

// view is the answer of a node about the leader.
type view struct {
	node     *node
	leader   api.LeaderResponse
	recovers bool // it is in recovery mode, which knows no leader
	err      error
}

// isActive reports whether the node leads. A node without high availability leads even
// while it is sealed: there is no election.
func (v view) isActive() bool { return v.err == nil && (!v.leader.HAEnabled || v.leader.IsSelf) }

// survey asks every node at the same time for its leader.
func (c *Client) survey(ctx context.Context) []view {
	views := make([]view, len(c.nodes))
	var asking sync.WaitGroup
	for i, n := range c.nodes {
		asking.Go(func() { views[i] = c.view(ctx, n) })
	}
	asking.Wait()
	return views
}

// view asks one node for its leader.
func (c *Client) view(ctx context.Context, n *node) view {
	v := view{node: n}
	body, f := n.send(ctx, request{
		method: http.MethodGet, path: "sys/leader", auth: public, local: true, limit: c.timeout,
	})
	switch {
	case f == nil:
		v.leader, v.err = decode[api.LeaderResponse](body, "ha_enabled")
	case f.sentinel == ceremony.ErrUnsupported:
		v.err, v.recovers = f, c.recovers(ctx, n)
	default:
		v.err = f
	}
	return v
}

// recovers reports whether a node is a server in recovery mode. Such a server has the
// endpoints of one operation, and answers 404 to everything else.
func (c *Client) recovers(ctx context.Context, n *node) bool {
	body, f := n.send(ctx, request{
		method: http.MethodGet, path: dialects[ceremony.RecoveryToken][0].attempt,
		auth: public, local: true, limit: c.timeout,
	})
	if f != nil {
		return false
	}
	_, err := readAttempt(ceremony.RecoveryToken, body)
	return err == nil
}

// findActive returns the active node and remembers it. When none leads, it returns a
// server in recovery mode, which runs alone. On an error the request that needs the node
// has not been sent.
func (c *Client) findActive(ctx context.Context) (*node, error) {
	views := c.survey(ctx)
	for _, leads := range []func(view) bool{view.isActive, func(v view) bool { return v.recovers }} {
		if i := slices.IndexFunc(views, leads); i >= 0 {
			c.active.Store(views[i].node)
			return views[i].node, nil
		}
	}
	return nil, leaderless(ctx, views)
}

// leaderless returns one error of package ceremony for why no node leads. It has the
// nodes' own errors in words only: wrapping them would make it several errors of package
// ceremony at once.
func leaderless(ctx context.Context, views []view) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("find the active node: %w: %w", ceremony.ErrNotSent, err)
	}
	sentinel := ceremony.ErrNotSent
	var words []string
	for _, v := range views {
		switch f, isFault := v.err.(*fault); {
		case v.err == nil && v.leader.LeaderAddress != "":
			sentinel = ceremony.ErrNoLeader
			words = append(words, fmt.Sprintf("%s is a standby of %.100q", v.node.base, v.leader.LeaderAddress))
		case v.err == nil:
			sentinel = ceremony.ErrNoLeader
			words = append(words, fmt.Sprintf("%s knows no leader", v.node.base))
		case isFault && f.sentinel == ceremony.ErrSealed && sentinel != ceremony.ErrNoLeader:
			sentinel = ceremony.ErrSealed
			words = append(words, v.err.Error())
		default:
			words = append(words, v.err.Error())
		}
	}
	return fmt.Errorf("find the active node: %w: %s", sentinel, strings.Join(words, "; "))
}
