package vaulttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"conclave/vault/vaulttest/shamir"
)

// maxRequest bounds a body, like Vault's max_request_size (32 MiB).
const maxRequest = 32 << 20

// call is one request as the handlers see it. It is read whole, so that it can be logged and forwarded too.
type call struct {
	method    string // PUT for POST too, since Vault treats them alike
	path      string // without /v1/
	query     url.Values
	names     []string // the segments that the + in the endpoint's path stand for
	namespace string
	token     string
	holder    *token // the token itself, once the call is authorized
	body      []byte
	breach    string // the rule that the client broke with it, if the handler noticed
}

func newCall(r *http.Request) (*call, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	c := &call{
		method:    r.Method,
		path:      strings.TrimPrefix(r.URL.Path, "/v1/"),
		query:     r.URL.Query(),
		token:     r.Header.Get("X-Vault-Token"),
		namespace: r.Header.Get("X-Vault-Namespace"),
		body:      body,
	}
	if c.method == http.MethodPost {
		c.method = http.MethodPut
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && c.token == "" {
		c.token = bearer
	}
	if c.method == http.MethodGet && c.query.Get("list") == "true" {
		c.method = "LIST"
	}
	return c, nil
}

// decode reads the JSON body. An empty one is refused with the bare word EOF. For that reason a rekey's cancel without
// a body always fails (http/handler.go, parseJSONRequest). Broken JSON is a 500 if it begins like an object, and a 400
// otherwise.
func (c *call) decode(into any) error {
	if bytes.HasPrefix(bytes.TrimSpace(c.body), []byte("{")) && !json.Valid(c.body) {
		return refuse(http.StatusInternalServerError, "malformed JSON, unclosed containers")
	}
	err := json.NewDecoder(bytes.NewReader(c.body)).Decode(into)
	switch {
	case errors.Is(err, io.EOF):
		return refuse(http.StatusBadRequest, "EOF")
	case err != nil:
		return refuse(http.StatusBadRequest, "failed to parse JSON input: %v", err)
	}
	return nil
}

// decodeOptional is decode for the endpoints behind Vault's request router, which accept a request without a body.
func (c *call) decodeOptional(into any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	return c.decode(into)
}

// submission is the body of every endpoint that takes a share.
type submission struct {
	Key   string
	Nonce string
}

// submission reads a share and the nonce that it is meant for.
func (c *call) submission() (share []byte, nonce string, err error) {
	var s submission
	if err := c.decode(&s); err != nil {
		return nil, "", err
	}
	if s.Key == "" {
		return nil, "", refuse(http.StatusBadRequest, "'key' must be specified in request body as JSON")
	}
	share, err = decodeShare(s.Key)
	return share, s.Nonce, err
}

func decodeShare(key string) ([]byte, error) {
	share, ok := shamir.Decode(key)
	if !ok {
		return nil, refuse(http.StatusBadRequest, "'key' must be a valid hex or base64 string")
	}
	return share, nil
}

// checkLength refuses what can't be a share. The prefix differs between endpoints.
func checkLength(share []byte, prefix string) error {
	if len(share) < shamir.MinShare {
		return refuse(http.StatusBadRequest, "%skey is shorter than minimum %d bytes", prefix, shamir.MinShare)
	}
	if len(share) > shamir.MaxShare {
		return refuse(http.StatusBadRequest, "%skey is longer than maximum %d bytes", prefix, shamir.MaxShare)
	}
	return nil
}
