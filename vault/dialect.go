package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"conclave/ceremony"
)

// paths are where an operation's endpoints lie below /v1/.
type paths struct {
	attempt string // start, status, cancel
	update  string // takes shares
	verify  string // takes new shares; empty when there are none
	backup  string // keeps new shares; empty when there are none
	auth    auth   // of all but the backup
	openBao bool   // only OpenBao has these
}

// dialects are where servers have an operation's endpoints, in the order in which
// they are tried. Vault 1 has the first, open to everybody; Vault 2 has the same
// and asks for a token, unless it is told not to; OpenBao has them closed by
// default since 2.5, with 405 for everybody, and others in their place.
//
// They are tried in this order because of what a server says of a path that it
// does not have: with a token that has no right to it, that is 403 and not 404.
// Of the first it is 404 or 405 in any case.
//
// No sys/rotate/root is among them: OpenBao makes a new root key there without
// anybody's share, and lost every share by it before 2.5.2.
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

// stepPath is where an operation's step takes its shares.
func (p paths) stepPath(step ceremony.Step) string {
	switch step {
	case ceremony.StepUpdate:
		return p.update
	case ceremony.StepVerify:
		return p.verify
	}
	return ""
}

// request is a call of one of these paths.
func (p paths) request(method, path string, body []byte) request {
	return request{method: method, path: path, body: body, auth: p.auth, local: p.auth == public}
}

// pathsOf returns where this server has an operation's endpoints. It is found by
// reading the status of an attempt, and remembered.
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
		// Recovery keys are refused here by a cluster that has none.
		case err == nil, errors.Is(err, ceremony.ErrForbidden), errors.Is(err, ceremony.ErrRefused):
			c.known.Store(op, p)
			return p, nil
		}
		return paths{}, err
	}
	return paths{}, unsupported
}

// pathsToWrite is pathsOf ahead of a write, which has not been sent when it fails.
func (c *Client) pathsToWrite(ctx context.Context, op ceremony.Operation) (paths, error) {
	p, err := c.pathsOf(ctx, op)
	return p, beforeWriting(err)
}

// beforeWriting is what the failure of a read says of the write that was to follow:
// that a read's outcome is open does not leave the write's open.
func beforeWriting(err error) error {
	if errors.Is(err, ceremony.ErrUncertain) {
		return fmt.Errorf("%w: %s", ceremony.ErrNotSent, err)
	}
	return err
}

// misfits reports whether an answer may be due to the server's having changed since it
// was asked where an operation's endpoints are. It has it be asked again.
func (c *Client) misfits(op ceremony.Operation, err error) bool {
	if !errors.Is(err, ceremony.ErrUnsupported) {
		return false
	}
	_, known := c.known.LoadAndDelete(op)
	return known
}
