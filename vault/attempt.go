package vault

import (
	"context"
	"encoding/json"
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
}

var pathsOf = map[ceremony.Operation]paths{
	ceremony.Rekey: {
		attempt: "sys/rekey/init",
		update:  "sys/rekey/update",
		verify:  "sys/rekey/verify",
		backup:  "sys/rekey/backup",
	},
	ceremony.RekeyRecovery: {
		attempt: "sys/rekey-recovery-key/init",
		update:  "sys/rekey-recovery-key/update",
		verify:  "sys/rekey-recovery-key/verify",
		backup:  "sys/rekey/recovery-key-backup",
	},
	ceremony.GenerateRoot: {
		attempt: "sys/generate-root/attempt",
		update:  "sys/generate-root/update",
	},
	// Only a server in recovery mode has these, and it has nothing else: no tokens,
	// no seal status, no leader.
	ceremony.RecoveryToken: {
		attempt: "sys/generate-recovery-token/attempt",
		update:  "sys/generate-recovery-token/update",
		auth:    public,
	},
	ceremony.DRToken: {
		attempt: "sys/replication/dr/secondary/generate-operation-token/attempt",
		update:  "sys/replication/dr/secondary/generate-operation-token/update",
	},
}

// stepPath is where an operation's step takes its shares.
func (p paths) stepPath(step ceremony.Step) string {
	switch step {
	case ceremony.Update:
		return p.update
	case ceremony.Verify:
		return p.verify
	}
	return ""
}

// Progress reads where an operation's step stands.
func (c *Client) Progress(ctx context.Context, op ceremony.Operation, step ceremony.Step) (ceremony.Progress, error) {
	p := pathsOf[op]
	if p.stepPath(step) == "" {
		return ceremony.Progress{}, fmt.Errorf("read progress of %s, step %s: %w", op, step, ceremony.ErrUnsupported)
	}
	var progress ceremony.Progress
	var err error
	if step == ceremony.Verify {
		progress, err = c.verifyProgress(ctx, op, p)
	} else {
		progress, err = c.attemptProgress(ctx, op, p)
	}
	if err != nil {
		return ceremony.Progress{}, fmt.Errorf("read progress of %s, step %s: %w", op, step, err)
	}
	return progress, nil
}

func (c *Client) attemptProgress(ctx context.Context, op ceremony.Operation, p paths) (ceremony.Progress, error) {
	body, err := c.do(ctx, request{method: http.MethodGet, path: p.attempt, auth: p.auth})
	if err != nil {
		return ceremony.Progress{}, err
	}
	return readAttempt(op, body)
}

// verifyProgress takes a refusal for "nothing to verify" if there is indeed
// nothing: Vault answers 400 without an attempt, and other things with it.
func (c *Client) verifyProgress(ctx context.Context, op ceremony.Operation, p paths) (ceremony.Progress, error) {
	body, err := c.do(ctx, request{method: http.MethodGet, path: p.verify, auth: p.auth})
	if errors.Is(err, ceremony.ErrRefused) {
		attempt, attemptErr := c.attemptProgress(ctx, op, p)
		if attemptErr == nil && attempt.VerificationNonce == "" {
			return ceremony.Progress{}, nil
		}
	}
	if err != nil {
		return ceremony.Progress{}, err
	}
	return readVerification(body)
}

// Start begins an attempt. That another one is in progress is ErrRefused.
func (c *Client) Start(ctx context.Context, order ceremony.Order) (ceremony.Progress, error) {
	if order.OTP != nil {
		defer order.OTP.Wipe()
	}
	progress, err := c.start(ctx, order)
	if err != nil {
		return ceremony.Progress{}, fmt.Errorf("start %s: %w", order.Operation, err)
	}
	return progress, nil
}

func (c *Client) start(ctx context.Context, order ceremony.Order) (ceremony.Progress, error) {
	p := pathsOf[order.Operation]
	var answer []byte
	var err error
	switch {
	case order.Operation.Rekeys():
		answer, err = c.startWith(ctx, p, rekeyTerms{
			Shares:       order.Shares,
			Threshold:    order.Threshold,
			Keys:         order.Keys,
			Backup:       order.Backup,
			Verification: order.Verification,
		})
	case !order.Operation.IssuesToken():
		return ceremony.Progress{}, ceremony.ErrUnsupported
	// Given both, Vault uses the password and forgets the key; without either it
	// makes a password and shows it to us.
	case order.OTP != nil && len(order.Keys) == 0:
		answer, err = c.startWithPassword(ctx, p, order.OTP)
	case order.OTP == nil && len(order.Keys) == 1:
		answer, err = c.startWith(ctx, p, tokenTerms{Key: order.Keys[0]})
	default:
		return ceremony.Progress{}, fmt.Errorf("%w: a token needs one key or a one-time password, and not both", ceremony.ErrNotSent)
	}
	if err != nil {
		return ceremony.Progress{}, err
	}
	return readAttempt(order.Operation, answer)
}

func (c *Client) startWith(ctx context.Context, p paths, terms any) ([]byte, error) {
	body, err := json.Marshal(terms)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	return c.do(ctx, request{method: http.MethodPut, path: p.attempt, body: body, auth: p.auth})
}

// startWithPassword treats the password like a share: with the encoded token,
// which people see, it is the token.
func (c *Client) startWithPassword(ctx context.Context, p paths, password *ceremony.Secret) ([]byte, error) {
	var answer []byte
	err := use(password, passwordBody, func(body []byte) (err error) {
		answer, err = c.do(ctx, request{method: http.MethodPut, path: p.attempt, body: body, auth: p.auth})
		return err
	})
	return answer, err
}

// Cancel drops an attempt. A rekey is cancelled with its nonce in the body:
// Vault asks for it in the first ten minutes, and for a body at any time.
// A token's attempt is cancelled without either, whoever's it is.
func (c *Client) Cancel(ctx context.Context, op ceremony.Operation, nonce string) error {
	p := pathsOf[op]
	var err error
	switch {
	case op.Rekeys():
		_, err = c.drop(ctx, p.attempt, nonce, p.auth)
	case op.IssuesToken():
		_, err = c.do(ctx, request{method: http.MethodDelete, path: p.attempt, auth: p.auth})
	default:
		err = ceremony.ErrUnsupported
	}
	if err != nil {
		return fmt.Errorf("cancel %s: %w", op, err)
	}
	return nil
}

// CancelVerification drops the new shares that were proven so far, and keeps
// the attempt. Vault does not compare the nonce, so that the caller has to make
// sure by Progress that it is theirs.
func (c *Client) CancelVerification(ctx context.Context, op ceremony.Operation, nonce string) (ceremony.Progress, error) {
	progress, err := c.cancelVerification(ctx, pathsOf[op], nonce)
	if err != nil {
		return ceremony.Progress{}, fmt.Errorf("cancel verification of %s: %w", op, err)
	}
	return progress, nil
}

func (c *Client) cancelVerification(ctx context.Context, p paths, nonce string) (ceremony.Progress, error) {
	if p.verify == "" {
		return ceremony.Progress{}, ceremony.ErrUnsupported
	}
	answer, err := c.drop(ctx, p.verify, nonce, p.auth)
	if err != nil {
		return ceremony.Progress{}, err
	}
	return readVerification(answer)
}

// drop makes a DELETE with a body, without which Vault refuses for ever.
func (c *Client) drop(ctx context.Context, path, nonce string, a auth) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"nonce": nonce})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	return c.do(ctx, request{method: http.MethodDelete, path: path, body: body, auth: a})
}
