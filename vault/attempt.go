package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"conclave/ceremony"
	"conclave/ceremony/secret"
)

// Progress reads how far an operation's step has come.
func (c *Client) Progress(ctx context.Context, op ceremony.Operation, step ceremony.Step) (ceremony.Progress, error) {
	progress, err := c.progress(ctx, op, step)
	if c.misfits(op, err) {
		progress, err = c.progress(ctx, op, step)
	}
	if err != nil {
		return ceremony.Progress{}, fmt.Errorf("read progress of %s, step %s: %w", op, step, err)
	}
	return progress, nil
}

func (c *Client) progress(ctx context.Context, op ceremony.Operation, step ceremony.Step) (ceremony.Progress, error) {
	p, err := c.pathsOf(ctx, op)
	switch {
	case err != nil:
		return ceremony.Progress{}, err
	case p.stepPath(step) == "":
		return ceremony.Progress{}, ceremony.ErrUnsupported
	case step == ceremony.StepVerify:
		return c.verifyProgress(ctx, op, p)
	}
	return c.attemptProgress(ctx, op, p)
}

func (c *Client) attemptProgress(ctx context.Context, op ceremony.Operation, p paths) (ceremony.Progress, error) {
	body, err := c.do(ctx, p.request(http.MethodGet, p.attempt, nil))
	if err != nil {
		return ceremony.Progress{}, err
	}
	return readAttempt(op, body)
}

// verifyProgress reads how far a verification has come. Vault answers 400 when there is
// no attempt, but also for other reasons. So a refusal means "nothing to verify" only
// when the attempt has no verification nonce.
func (c *Client) verifyProgress(ctx context.Context, op ceremony.Operation, p paths) (ceremony.Progress, error) {
	body, err := c.do(ctx, p.request(http.MethodGet, p.verify, nil))
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

// Start begins an attempt. The error is ErrRefused when another one is in progress.
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
	p, err := c.pathsToWrite(ctx, order.Operation)
	if err != nil {
		return ceremony.Progress{}, err
	}
	var answer []byte
	switch {
	case order.Operation.Rekeys():
		if err := c.checkRekey(ctx, order.Operation, p); err != nil {
			return ceremony.Progress{}, err
		}
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
		return ceremony.Progress{}, fmt.Errorf("%w: a token needs one key or a one-time password, and not both",
			ceremony.ErrNotSent)
	}
	if err != nil {
		return ceremony.Progress{}, err
	}
	return readAttempt(order.Operation, answer)
}

// errNoOldShares refuses a rekey of which nobody would be asked for a share.
var errNoOldShares = errors.New("the server asks for no share of the key in force")

// checkRekey refuses a rekey that takes no shares. When a recovery key has no shares,
// OpenBao answers the start of its rekey with the new shares at once: nobody would have
// approved with a share.
func (c *Client) checkRekey(ctx context.Context, op ceremony.Operation, p paths) error {
	if !p.openBao {
		return nil
	}
	idle, err := c.attemptProgress(ctx, op, p)
	if err != nil {
		return beforeWriting(err)
	}
	if idle.Required == 0 {
		return fmt.Errorf("%w: %w", ceremony.ErrUnsupported, errNoOldShares)
	}
	return nil
}

func (c *Client) startWith(ctx context.Context, p paths, terms any) ([]byte, error) {
	body, err := json.Marshal(terms)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	return c.do(ctx, p.request(http.MethodPut, p.attempt, body))
}

// startWithPassword treats the password like a share. People see the encoded token, and
// who has both has the token.
func (c *Client) startWithPassword(ctx context.Context, p paths, password *secret.Secret) ([]byte, error) {
	var answer []byte
	err := use(password, passwordBody, func(body []byte) (err error) {
		answer, err = c.do(ctx, p.request(http.MethodPut, p.attempt, body))
		return err
	})
	return answer, err
}

// Cancel drops an attempt. A rekey is cancelled with its nonce in the body: Vault asks
// for the nonce in the first ten minutes, and for a body at any time. OpenBao takes no
// notice of either. An attempt to make a token is cancelled without either, no matter who
// has started it.
func (c *Client) Cancel(ctx context.Context, op ceremony.Operation, nonce string) error {
	p, err := c.pathsToWrite(ctx, op)
	switch {
	case err != nil:
	case op.Rekeys():
		_, err = c.drop(ctx, p, p.attempt, nonce)
	default:
		_, err = c.do(ctx, p.request(http.MethodDelete, p.attempt, nil))
	}
	if err != nil {
		return fmt.Errorf("cancel %s: %w", op, err)
	}
	return nil
}

// CancelVerification drops the new shares that were proven so far, and keeps the
// attempt. Vault does not compare the nonce: the caller must make sure by Progress that
// the attempt is its own.
func (c *Client) CancelVerification(
	ctx context.Context, op ceremony.Operation, nonce string,
) (ceremony.Progress, error) {
	progress, err := c.cancelVerification(ctx, op, nonce)
	if err != nil {
		return ceremony.Progress{}, fmt.Errorf("cancel verification of %s: %w", op, err)
	}
	return progress, nil
}

func (c *Client) cancelVerification(
	ctx context.Context, op ceremony.Operation, nonce string,
) (ceremony.Progress, error) {
	p, err := c.pathsToWrite(ctx, op)
	if err != nil {
		return ceremony.Progress{}, err
	}
	if p.verify == "" {
		return ceremony.Progress{}, ceremony.ErrUnsupported
	}
	answer, err := c.drop(ctx, p, p.verify, nonce)
	if err != nil {
		return ceremony.Progress{}, err
	}
	if len(answer) == 0 { // it is done; the new nonce must be asked for
		return c.verifyProgress(ctx, op, p)
	}
	return readVerification(answer)
}

// drop makes a DELETE with the nonce in its body. Without a body Vault always refuses.
func (c *Client) drop(ctx context.Context, p paths, path, nonce string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"nonce": nonce})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	return c.do(ctx, p.request(http.MethodDelete, path, body))
}
