package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"conclave/ceremony"
)

// The endpoints of the encryption key's rotation, and those of its policy. OpenBao has
// both names for now, and prefers the second.
var (
	rotatePaths   = []string{"sys/rotate", "sys/rotate/keyring"}
	rotationPaths = []string{"sys/rotate/config", "sys/rotate/keyring/config"}
)

// doAt makes a request at the first of the paths that the server has. A write to a path
// that it does not have has no effect.
func (c *Client) doAt(ctx context.Context, r request, paths []string) ([]byte, error) {
	var body []byte
	var err error
	for _, r.path = range paths {
		if body, err = c.do(ctx, r); !errors.Is(err, ceremony.ErrUnsupported) {
			break
		}
	}
	return body, err
}

// KeyStatus reads which encryption key is in use.
func (c *Client) KeyStatus(ctx context.Context) (ceremony.KeyStatus, error) {
	body, err := c.do(ctx, request{method: http.MethodGet, path: "sys/key-status", auth: needed})
	if err != nil {
		return ceremony.KeyStatus{}, fmt.Errorf("read key status: %w", err)
	}
	status, err := decode[struct {
		Term        int       `json:"term"`
		Installed   time.Time `json:"install_time"`
		Encryptions int64     `json:"encryptions"`
	}](body, "term")
	if err != nil {
		return ceremony.KeyStatus{}, fmt.Errorf("read key status: %w", err)
	}
	return ceremony.KeyStatus{Term: status.Term, Installed: status.Installed, Encryptions: status.Encryptions}, nil
}

// Rotate installs a new encryption key. When the answer was lost, the term of KeyStatus
// tells whether it did.
func (c *Client) Rotate(ctx context.Context) error {
	r := request{method: http.MethodPut, auth: needed}
	if _, err := c.doAt(ctx, r, rotatePaths); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	return nil
}

// rotationTerms is the request that changes sys/rotate/config.
type rotationTerms struct {
	Enabled       bool  `json:"enabled"`
	MaxOperations int64 `json:"max_operations"`
	Interval      int64 `json:"interval"` // seconds
}

// RotationPolicy reads when Vault rotates by itself.
func (c *Client) RotationPolicy(ctx context.Context) (ceremony.RotationPolicy, error) {
	body, err := c.doAt(ctx, request{method: http.MethodGet, auth: needed}, rotationPaths)
	if err != nil {
		return ceremony.RotationPolicy{}, fmt.Errorf("read rotation policy: %w", err)
	}
	policy, err := readRotationPolicy(body)
	if err != nil {
		return ceremony.RotationPolicy{}, fmt.Errorf("read rotation policy: %w", err)
	}
	return policy, nil
}

// readRotationPolicy reads an interval that is the number 0, or a text such as
// "72h0m0s".
func readRotationPolicy(body []byte) (ceremony.RotationPolicy, error) {
	told, err := decode[struct {
		Enabled       bool  `json:"enabled"`
		MaxOperations int64 `json:"max_operations"`
		Interval      any   `json:"interval"`
	}](body, "max_operations")
	if err != nil {
		return ceremony.RotationPolicy{}, err
	}
	policy := ceremony.RotationPolicy{Enabled: told.Enabled, MaxOperations: told.MaxOperations}
	switch interval := told.Interval.(type) {
	case nil:
	case float64:
		policy.Interval = time.Duration(interval) * time.Second
	case string:
		if policy.Interval, err = time.ParseDuration(interval); err != nil {
			return ceremony.RotationPolicy{}, malformed("the interval is no duration")
		}
	default:
		return ceremony.RotationPolicy{}, malformed("the interval is no duration")
	}
	return policy, nil
}

// SetRotationPolicy changes when Vault rotates by itself. The error is ErrRefused for
// values outside of Vault's limits.
func (c *Client) SetRotationPolicy(ctx context.Context, p ceremony.RotationPolicy) error {
	body, err := json.Marshal(rotationTerms{p.Enabled, p.MaxOperations, int64(p.Interval / time.Second)})
	if err != nil {
		return fmt.Errorf("set rotation policy: %w: %w", ceremony.ErrNotSent, err)
	}
	r := request{method: http.MethodPost, body: body, auth: needed}
	if _, err := c.doAt(ctx, r, rotationPaths); err != nil {
		return fmt.Errorf("set rotation policy: %w", err)
	}
	return nil
}
