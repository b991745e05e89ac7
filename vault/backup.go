package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"conclave/ceremony"
)

// Backup reads the encrypted new shares that Vault keeps. It needs a token with the
// rights of [Policy]. Vault keeps one backup only, and writes it before the new shares
// are verified: the caller must compare the nonce. The error is ErrNoBackup when Vault
// keeps none.
func (c *Client) Backup(ctx context.Context, op ceremony.Operation) (ceremony.Backup, error) {
	backup, err := c.backup(ctx, op)
	if c.misfits(op, err) {
		backup, err = c.backup(ctx, op)
	}
	if err != nil {
		return ceremony.Backup{}, fmt.Errorf("read backup of %s: %w", op, err)
	}
	return backup, nil
}

func (c *Client) backup(ctx context.Context, op ceremony.Operation) (ceremony.Backup, error) {
	p, err := c.pathsOf(ctx, op)
	if err != nil {
		return ceremony.Backup{}, err
	}
	if p.backup == "" {
		return ceremony.Backup{}, ceremony.ErrUnsupported
	}
	body, err := c.do(ctx, request{method: http.MethodGet, path: p.backup, auth: needed})
	if errors.Is(err, ceremony.ErrRefused) {
		// "No backed-up keys found" is the only refusal of this endpoint.
		return ceremony.Backup{}, ceremony.ErrNoBackup
	}
	if err != nil {
		return ceremony.Backup{}, err
	}
	return readBackup(body)
}

// DeleteBackup has Vault forget the encrypted new shares. Deleting what is not
// there succeeds.
func (c *Client) DeleteBackup(ctx context.Context, op ceremony.Operation) error {
	p, err := c.pathsToWrite(ctx, op)
	switch {
	case err != nil:
	case p.backup == "":
		err = ceremony.ErrUnsupported
	default:
		_, err = c.do(ctx, request{method: http.MethodDelete, path: p.backup, auth: needed})
	}
	if err != nil {
		return fmt.Errorf("delete backup of %s: %w", op, err)
	}
	return nil
}
