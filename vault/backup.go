package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"conclave/ceremony"
)

// Backup reads the encrypted new shares that Vault keeps. It needs a token with
// the rights of [Policy]. Vault keeps one backup only, and writes it before the
// new shares are verified: the caller compares the nonce.
func (c *Client) Backup(ctx context.Context, op ceremony.Operation) (ceremony.Backup, error) {
	path := pathsOf[op].backup
	if path == "" {
		return ceremony.Backup{}, fmt.Errorf("read backup of %s: %w", op, ceremony.ErrUnsupported)
	}
	body, err := c.do(ctx, request{method: http.MethodGet, path: path, auth: needed})
	if errors.Is(err, ceremony.ErrRefused) {
		// "No backed-up keys found" is the only refusal of this endpoint.
		return ceremony.Backup{}, fmt.Errorf("read backup of %s: %w", op, ceremony.ErrNoBackup)
	}
	if err != nil {
		return ceremony.Backup{}, fmt.Errorf("read backup of %s: %w", op, err)
	}
	backup, err := readBackup(body)
	if err != nil {
		return ceremony.Backup{}, fmt.Errorf("read backup of %s: %w", op, err)
	}
	return backup, nil
}

// DeleteBackup has Vault forget the encrypted new shares. Deleting what is not
// there succeeds.
func (c *Client) DeleteBackup(ctx context.Context, op ceremony.Operation) error {
	path := pathsOf[op].backup
	if path == "" {
		return fmt.Errorf("delete backup of %s: %w", op, ceremony.ErrUnsupported)
	}
	if _, err := c.do(ctx, request{method: http.MethodDelete, path: path, auth: needed}); err != nil {
		return fmt.Errorf("delete backup of %s: %w", op, err)
	}
	return nil
}
