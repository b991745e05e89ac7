package vault

import (
	"context"
	"fmt"
	"net/http"

	"conclave/ceremony"
)

// Submit sends one share. When it returns the Secret is wiped in any case, and so is the
// only copy that it makes, the request's body.
//
// Life of a share, 6 of 7: it goes to Vault with the nonce, once (P5). The error is
// ErrUncertain when an answer says "complete" and can't be read in full: the step is
// done, and its result must be asked for.
func (c *Client) Submit(ctx context.Context, s ceremony.Submission) (ceremony.Answer, error) {
	defer s.Share.Wipe()
	answer, err := c.submit(ctx, s)
	if err != nil {
		return ceremony.Answer{}, fmt.Errorf("submit share for %s, step %s: %w", s.Operation, s.Step, err)
	}
	return answer, nil
}

func (c *Client) submit(ctx context.Context, s ceremony.Submission) (ceremony.Answer, error) {
	p, err := c.pathsToWrite(ctx, s.Operation)
	if err != nil {
		return ceremony.Answer{}, err
	}
	path := p.stepPath(s.Step)
	if path == "" {
		return ceremony.Answer{}, ceremony.ErrUnsupported
	}
	var reply []byte
	asBody := func(share []byte) ([]byte, error) { return shareBody(share, s.Nonce) }
	err = use(s.Share, asBody, func(body []byte) (err error) {
		r := p.request(http.MethodPut, path, body)
		r.limit = patience * c.timeout
		reply, err = c.do(ctx, r)
		return err
	})
	if err != nil {
		return ceremony.Answer{}, err
	}
	// No answer is secret, unless somebody has made Vault hand out plain shares: see
	// encrypted.
	defer clear(reply)
	switch {
	case s.Operation.IssuesToken():
		return readTokenAnswer(reply)
	case s.Step == ceremony.StepVerify:
		return readVerifyAnswer(reply)
	}
	return readRekeyAnswer(reply)
}
