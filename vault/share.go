package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"conclave/ceremony"
)

// Submit sends one share. The Secret is wiped when it returns, whatever
// happened, and so is the one copy that it makes: the request's body.
//
// Life of a share, 6 of 7: it goes to Vault with the nonce, once (P5). An
// answer that says "complete" and can't be read in full is ErrUncertain, since
// the step is done and what it brought has to be fetched by asking.
func (c *Client) Submit(ctx context.Context, s ceremony.Submission) (ceremony.Answer, error) {
	defer s.Share.Wipe()
	answer, err := c.submit(ctx, s)
	if err != nil {
		return ceremony.Answer{}, fmt.Errorf("submit share for %s, step %s: %w", s.Operation, s.Step, err)
	}
	return answer, nil
}

func (c *Client) submit(ctx context.Context, s ceremony.Submission) (ceremony.Answer, error) {
	path := pathsOf[s.Operation].stepPath(s.Step)
	if path == "" {
		return ceremony.Answer{}, ceremony.ErrUnsupported
	}
	var reply []byte
	err := s.Share.Use(func(share []byte) error {
		body, err := shareBody(share, s.Nonce)
		if err != nil {
			return fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
		}
		defer clear(body)
		reply, err = c.do(ctx, request{method: http.MethodPut, path: path, body: body, limit: patience * c.timeout})
		return err
	})
	if errors.Is(err, ceremony.ErrSecretSpent) {
		return ceremony.Answer{}, fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	if err != nil {
		return ceremony.Answer{}, err
	}
	// Nothing of an answer is secret, unless somebody made Vault hand out plain
	// shares; see encrypted.
	defer clear(reply)
	switch {
	case s.Operation == ceremony.GenerateRoot:
		return readRootAnswer(reply)
	case s.Step == ceremony.Verify:
		return readVerifyAnswer(reply)
	}
	return readRekeyAnswer(reply)
}

// errNotShare is all that is said of bytes that are not a share.
var errNotShare = errors.New("the share is not a line of hexadecimal digits or base64")

// lead is white space before the request's JSON. It makes sure that crypto/tls
// puts the share into the second record of its Write: the buffer in which
// records are encrypted in place grows while the first is made, which has at
// most tcpMSSEstimate (1208) bytes, and each growth leaves a plain copy behind.
// It holds while headers are shorter than 1 KB; Vault's tokens have 95 bytes.
const lead = 1208

// shareBody writes the request's JSON around the share, into one slice that is
// never grown: encoding/json would take it as a string, and leave copies in
// buffers of its own. A share needs no escaping, and anything that would need
// it is refused.
func shareBody(share []byte, nonce string) ([]byte, error) {
	if len(share) == 0 || bytes.ContainsFunc(share, func(r rune) bool { return !isShareRune(r) }) {
		return nil, errNotShare
	}
	quoted, err := json.Marshal(nonce)
	if err != nil {
		return nil, fmt.Errorf("quote nonce: %w", err)
	}
	return slices.Concat(bytes.Repeat([]byte(" "), lead), []byte(`{"key":"`), share, []byte(`","nonce":`), quoted, []byte(`}`)), nil
}

// isShareRune says whether a character occurs in hexadecimal digits or in
// standard base64.
func isShareRune(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '+' || r == '/' || r == '='
}
