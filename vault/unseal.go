package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/hashicorp/vault/api"

	"conclave/ceremony"
	"conclave/ceremony/secret"
)

// Nodes reads the seal status of every node, all at the same time.
func (c *Client) Nodes(ctx context.Context) ([]ceremony.Node, error) {
	nodes := make([]ceremony.Node, len(c.nodes))
	var asking sync.WaitGroup
	for i, n := range c.nodes {
		asking.Go(func() { nodes[i] = c.readNode(ctx, n) })
	}
	asking.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read nodes: %w: %w", ceremony.ErrNotSent, err)
	}
	return nodes, nil
}

func (c *Client) readNode(ctx context.Context, n *node) ceremony.Node {
	status, err := c.sealStatus(ctx, n)
	if err == nil {
		err = checkIDs(status.ClusterID, status.Nonce, status.Type)
	}
	if err != nil {
		return ceremony.Node{Address: n.base.String(), Err: err}
	}
	return ceremony.Node{
		Address:  n.base.String(),
		Seal:     sealOf(status),
		Progress: status.Progress,
		Nonce:    status.Nonce,
	}
}

// errNotListed refuses an address to which nothing is sent.
var errNotListed = errors.New("the address is not one of this cluster")

// Unseal sends one share to several nodes at the same time, to each once. They share one
// body: a Secret can be used once. It returns an error of package ceremony for each
// address that did not confirm: address → error. The error is ErrRefused when the node
// refused the share: either it is no share, or it completed a wrong quorum and the
// node's count began again at zero.
//
// This is the sixth stop in the life of a share, for nodes instead of the cluster:
// sys/unseal belongs to the node, and is never forwarded.
func (c *Client) Unseal(ctx context.Context, addresses []string, share *secret.Secret) map[string]error {
	defer share.Wipe()
	var mu sync.Mutex
	failed := map[string]error{} // address → why
	fail := func(address string, err error) {
		mu.Lock()
		defer mu.Unlock()
		failed[address] = fmt.Errorf("unseal %.100q: %w", address, err)
	}
	nodes := map[*node]string{} // node → address
	for _, address := range addresses {
		if n := c.listed(address); n != nil {
			nodes[n] = address
		} else {
			fail(address, fmt.Errorf("%w: %w", ceremony.ErrNotSent, errNotListed))
		}
	}
	err := use(share, unsealBody, func(body []byte) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
		}
		var sending sync.WaitGroup
		for n, address := range nodes {
			sending.Go(func() {
				if err := c.unseal(ctx, n, body); err != nil {
					fail(address, err)
				}
			})
		}
		sending.Wait()
		return nil
	})
	if err != nil {
		for _, address := range nodes {
			fail(address, err)
		}
	}
	return failed
}

// ResetUnseal has one node forget the shares that it has counted. The error is
// ErrRefused when the node is unsealed and so has none.
func (c *Client) ResetUnseal(ctx context.Context, address string) error {
	n := c.listed(address)
	if n == nil {
		return fmt.Errorf("reset unseal of %.100q: %w: %w", address, ceremony.ErrNotSent, errNotListed)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("reset unseal of %.100q: %w: %w", address, ceremony.ErrNotSent, err)
	}
	if err := c.unseal(ctx, n, []byte(`{"reset":true}`)); err != nil {
		return fmt.Errorf("reset unseal of %.100q: %w", address, err)
	}
	return nil
}

// unseal sends a request to sys/unseal. The answer must be a seal status.
func (c *Client) unseal(ctx context.Context, n *node, body []byte) error {
	answer, err := c.put(ctx, n, "sys/unseal", body)
	if err != nil {
		return err
	}
	_, err = decode[api.SealStatusResponse](answer, "sealed")
	return err
}

// put sends a write to an endpoint that belongs to the node, and finishes it even when
// ctx ends.
//
// It is for sealed nodes, and these do not refuse it because they are sealed. Such a
// refusal comes from an intermediary, which may have passed the write on.
func (c *Client) put(ctx context.Context, n *node, path string, body []byte) ([]byte, error) {
	answer, f := n.send(context.WithoutCancel(ctx), request{
		method: http.MethodPut, path: path, body: body, auth: public, local: true, limit: patience * c.timeout,
	})
	if f == nil {
		return answer, nil
	}
	if f.sentinel == ceremony.ErrSealed {
		f.sentinel = ceremony.ErrUncertain
	}
	return nil, f
}

// listed returns the configured node with this address, or nil.
func (c *Client) listed(address string) *node {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	return c.at(u)
}
