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

// do makes a request at the active node, with the token if there is one, and
// answers the body of a success.
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
	// A token of our own may have been revoked. The next request logs in again, and
	// a read need not wait for it.
	if c.session.doubt(r.token); r.isWrite() {
		return body, err
	}
	if r.token, err = c.token(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	return c.route(ctx, r)
}

// authorize puts the token into a request that does not have one.
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

// route sends a request to the node that is active.
//
// A standby would forward most of what a ceremony asks, but not all, and its
// own seal status is out of date after a rekey. So the active node is looked
// for among the configured addresses, remembered, and looked for again when an
// answer does not fit.
//
// A read that failed is tried once more if another node is active by then. A
// write is made a second time only when the first certainly did nothing: there
// was no connection at all, or a standby answered with the address of another
// node of the configuration. Once it is on its way it is not given up when ctx
// ends, only when its own time is over.
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

// next is the node to which a request that failed may be sent again, or nil.
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

// settle looks closer at what has more than one reason. A 503 is more than
// "sealed": a node without a leader answers it, and so does a load balancer that
// has lost its node. A write did nothing only if the node says itself that it is
// sealed. Of a 403 the missing right is named.
func (c *Client) settle(ctx context.Context, r request, f *fault) error {
	switch f.status {
	case http.StatusForbidden:
		if r.local { // open to everybody where it is offered
			f.sentinel = ceremony.ErrUnsupported
			return f
		}
		f.cause = c.deniedBecause(ctx, r)
		return f
	case http.StatusServiceUnavailable:
	default:
		return f
	}
	status, err := c.sealStatus(ctx, f.node)
	switch {
	case err == nil && status.Sealed:
	case r.isWrite():
		f.sentinel = ceremony.ErrUncertain
	case err == nil:
		f.sentinel = ceremony.ErrNoLeader
	}
	return f
}

func (c *Client) forget(n *node) { c.active.CompareAndSwap(n, nil) }

// view is what a node says of the leader.
type view struct {
	node     *node
	leader   api.LeaderResponse
	recovers bool // it is in recovery mode, in which there are no leaders
	err      error
}

// isActive reports whether the node leads. One without high availability has
// nobody to elect, and leads even while it is sealed.
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

func (c *Client) view(ctx context.Context, n *node) view {
	v := view{node: n}
	body, f := n.send(ctx, request{method: http.MethodGet, path: "sys/leader", auth: public, local: true, limit: c.timeout})
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

// recovers reports whether a node is a server in recovery mode. It has the
// endpoints of one operation, and answers 404 to everything else.
func (c *Client) recovers(ctx context.Context, n *node) bool {
	body, f := n.send(ctx, request{method: http.MethodGet, path: dialects[ceremony.RecoveryToken][0].attempt, auth: public, local: true, limit: c.timeout})
	if f != nil {
		return false
	}
	_, err := readAttempt(ceremony.RecoveryToken, body)
	return err == nil
}

// findActive returns the active node and remembers it. Where none leads, it is a
// server in recovery mode, which runs alone. Its error says that the request
// behind it has not been sent, for whatever reason.
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

// leaderless says in one error of package ceremony why no node leads. The
// nodes' own errors are told in words only, or the error would be several
// things at once.
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
