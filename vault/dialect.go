package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"conclave/ceremony"
)

// paths are the endpoints of an operation, below /v1/.
type paths struct {
	attempt string // start, status, cancel
	update  string // takes shares
	verify  string // takes new shares; empty when there are none
	backup  string // keeps new shares; empty when there are none
	auth    auth   // whether they ask for a token; the backup always does
	openBao bool   // only OpenBao has these
}

// dialects are the endpoints that servers may have for an operation, in the order in
// which they are tried. Vault 1 has the first, open to everybody. Vault 2 has the same
// and asks for a token, unless it is configured not to. OpenBao answers 405 there by
// default since 2.5, and has others in their place.
//
// The order matters: for a path that it does not have, a server answers 403 and not 404
// to a token without a right to it. For the first it answers 404 or 405 in any case.
//
// sys/rotate/root is not among them: OpenBao makes a new root key there without any
// share, and before 2.5.2 every share became worthless by it.
var dialects = map[ceremony.Operation][]paths{
	ceremony.Rekey: {{
		attempt: "sys/rekey/init",
		update:  "sys/rekey/update",
		verify:  "sys/rekey/verify",
		backup:  "sys/rekey/backup",
		auth:    wanted,
	}, {
		attempt: "sys/rotate/root/init",
		update:  "sys/rotate/root/update",
		verify:  "sys/rotate/root/verify",
		backup:  "sys/rotate/root/backup",
		auth:    wanted,
		openBao: true,
	}},
	ceremony.RekeyRecovery: {{
		attempt: "sys/rekey-recovery-key/init",
		update:  "sys/rekey-recovery-key/update",
		verify:  "sys/rekey-recovery-key/verify",
		backup:  "sys/rekey/recovery-key-backup",
		auth:    wanted,
	}, {
		attempt: "sys/rotate/recovery/init",
		update:  "sys/rotate/recovery/update",
		verify:  "sys/rotate/recovery/verify",
		backup:  "sys/rotate/recovery/backup",
		auth:    wanted,
		openBao: true,
	}},
	ceremony.GenerateRoot: {{
		attempt: "sys/generate-root/attempt",
		update:  "sys/generate-root/update",
		auth:    wanted,
	}, {
		attempt: "sys/generate-root-token/attempt",
		update:  "sys/generate-root-token/update",
		auth:    wanted,
		openBao: true,
	}},
	// Only a server in recovery mode has these, and it has nothing else: no tokens,
	// no seal status, no leader.
	ceremony.RecoveryToken: {{
		attempt: "sys/generate-recovery-token/attempt",
		update:  "sys/generate-recovery-token/update",
		auth:    public,
	}},
	// Only the secondary of a disaster recovery pair has these, in Vault Enterprise.
	ceremony.DRToken: {{
		attempt: "sys/replication/dr/secondary/generate-operation-token/attempt",
		update:  "sys/replication/dr/secondary/generate-operation-token/update",
		auth:    wanted,
	}},
}

// stepPath returns the endpoint that takes the shares of a step, or "" when there is
// none.
func (p paths) stepPath(step ceremony.Step) string {
	switch step {
	case ceremony.StepUpdate:
		return p.update
	case ceremony.StepVerify:
		return p.verify
	}
	return ""
}

// request returns a call of one of these paths.
func (p paths) request(method, path string, body []byte) request {
	return request{method: method, path: path, body: body, auth: p.auth, local: p.auth == public}
}

// pathsOf returns the endpoints that this server has for an operation. It finds them by
// reading the status of an attempt, and remembers them. The error is ErrUnsupported when
// the server has none.
func (c *Client) pathsOf(ctx context.Context, op ceremony.Operation) (paths, error) {
	if known, ok := c.known.Load(op); ok {
		return known.(paths), nil
	}
	unsupported := ceremony.ErrUnsupported
	for _, p := range dialects[op] {
		_, err := c.do(ctx, p.request(http.MethodGet, p.attempt, nil))
		switch {
		case errors.Is(err, ceremony.ErrUnsupported):
			unsupported = err
			continue
		// A cluster without recovery keys refuses to tell of theirs, but has the endpoint.
		case err == nil, errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrRefused):
			c.known.Store(op, p)
			return p, nil
		}
		return paths{}, err
	}
	return paths{}, unsupported
}

// pathsToWrite is pathsOf before a write. When it fails, the write has not been sent.
func (c *Client) pathsToWrite(ctx context.Context, op ceremony.Operation) (paths, error) {
	p, err := c.pathsOf(ctx, op)
	return p, beforeWriting(err)
}

// beforeWriting turns the error of a read into that of the write which was to follow.
// When the read's outcome is open, the write has still not been sent.
func beforeWriting(err error) error {
	if errors.Is(err, ceremony.ErrUncertain) {
		return fmt.Errorf("%w: %s", ceremony.ErrNotSent, err)
	}
	return err
}

// misfits reports whether the server may have other endpoints than those remembered,
// since it was upgraded for example. It forgets them, so that they are looked for again.
func (c *Client) misfits(op ceremony.Operation, err error) bool {
	if !errors.Is(err, ceremony.ErrUnsupported) {
		return false
	}
	_, known := c.known.LoadAndDelete(op)
	return known
}
