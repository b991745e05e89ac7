package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/vault/api"

	"conclave/ceremony"
)

// Seal reads the seal status of the node that is active now. When no node is active,
// because they are sealed or not initialised, it returns the status of the first sealed
// node: it is the cluster's.
//
// The active node is looked for each time. A standby answers this endpoint itself, with
// the shares and threshold from before a rekey until it is restarted.
func (c *Client) Seal(ctx context.Context) (ceremony.Seal, error) {
	n, err := c.findActive(ctx)
	if err == nil {
		return c.readSeal(ctx, n)
	}
	if !errors.Is(err, ceremony.ErrSealed) {
		return ceremony.Seal{}, fmt.Errorf("read seal status: %w", err)
	}
	for _, n := range c.nodes {
		if seal, sealErr := c.readSeal(ctx, n); sealErr == nil && seal.Sealed {
			return seal, nil
		}
	}
	return ceremony.Seal{}, fmt.Errorf("read seal status: %w", err)
}

// readSeal reads the seal status of one node.
func (c *Client) readSeal(ctx context.Context, n *node) (ceremony.Seal, error) {
	status, err := c.sealStatus(ctx, n)
	if err != nil {
		return ceremony.Seal{}, fmt.Errorf("read seal status: %w", err)
	}
	if err := checkIDs(status.ClusterID, status.Type); err != nil {
		return ceremony.Seal{}, fmt.Errorf("read seal status: %w", err)
	}
	return sealOf(status), nil
}

func sealOf(status api.SealStatusResponse) ceremony.Seal {
	return ceremony.Seal{
		Initialized: status.Initialized,
		Sealed:      status.Sealed,
		Type:        status.Type,
		Shares:      status.N,
		Threshold:   status.T,
		Version:     status.Version,
		ClusterID:   status.ClusterID,
		ClusterName: status.ClusterName,
	}
}

// sealStatus asks one node, without a token: this is public in every version. A sealed
// node answers it like any other, so that a 503 does not come from Vault.
func (c *Client) sealStatus(ctx context.Context, n *node) (api.SealStatusResponse, error) {
	body, f := n.send(ctx, request{
		method: http.MethodGet, path: "sys/seal-status", auth: public, local: true, limit: c.timeout,
	})
	if f != nil {
		if f.sentinel == ceremony.ErrSealed {
			f.sentinel = ceremony.ErrNoLeader
		}
		return api.SealStatusResponse{}, f
	}
	return decode[api.SealStatusResponse](body, "sealed")
}
