// Package operator plays a person who works on Vault past the client under test: over HTTP, without a client library,
// so that the tests of a client don't stand on that client.
package operator

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// RandomText returns letters and digits, as in Vault's tokens and pads.
func RandomText(length int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	text := make([]byte, 0, length)
	var b [1]byte
	for len(text) < length {
		rand.Read(b[:])
		if i := int(b[0] & 63); i < len(alphabet) {
			text = append(text, alphabet[i])
		}
	}
	return string(text)
}

// Operator is a person with a terminal and access to Vault. A test uses one to prepare a server, to act behind a
// client's back, and to see whether a key really opens the server. It never retries and never follows a redirect.
type Operator struct {
	// Addr is the server's base URL.
	Addr string
	// Token is sent as X-Vault-Token if it isn't empty. Init sets it.
	Token string
	// Namespace is sent as X-Vault-Namespace if it isn't empty.
	Namespace string

	client *http.Client
}

// NewOperator returns an operator of the server at addr. ca is its certificate authority in PEM, and nil over plain
// HTTP.
func NewOperator(addr string, ca []byte) *Operator {
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	if ca != nil {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(ca)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &Operator{
		Addr: addr,
		client: &http.Client{
			Transport:     transport,
			Timeout:       30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Answer is a server's answer.
type Answer struct {
	Status int
	Header http.Header
	Body   map[string]any // nil without one in JSON; numbers are json.Number
	Errors []string       // Vault's words, if it refused
}

// String returns a text of the answer's body, or "".
func (a Answer) String(field string) string {
	s, _ := a.Body[field].(string)
	return s
}

// Strings returns a list of texts of the answer's body, or nil.
func (a Answer) Strings(field string) []string {
	list, _ := a.Body[field].([]any)
	var texts []string
	for _, item := range list {
		text, _ := item.(string)
		texts = append(texts, text)
	}
	return texts
}

// Int returns a number of the answer's body, or -1.
func (a Answer) Int(field string) int {
	number, ok := a.Body[field].(json.Number)
	if !ok {
		return -1
	}
	n, err := number.Int64()
	if err != nil {
		return -1
	}
	return int(n)
}

// Bool returns a truth value of the answer's body, or false.
func (a Answer) Bool(field string) bool {
	b, _ := a.Body[field].(bool)
	return b
}

// Do sends a request and reads the answer, whatever its status. A nil body sends none; a string is sent as it is;
// anything else as JSON. An error means that there was no answer.
func (o *Operator) Do(ctx context.Context, method, path string, body any) (Answer, error) {
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
		}
		reader = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, o.Addr+"/v1/"+path, reader)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if o.Token != "" {
		req.Header.Set("X-Vault-Token", o.Token)
	}
	if o.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", o.Namespace)
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer resp.Body.Close()
	answer := Answer{Status: resp.StatusCode, Header: resp.Header}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return answer, nil
	}
	decoder := json.NewDecoder(resp.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&answer.Body); err != nil && !errors.Is(err, io.EOF) {
		return answer, fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	answer.Errors = answer.Strings("errors")
	return answer, nil
}

// Must is Do for requests that have to succeed.
func (o *Operator) Must(ctx context.Context, method, path string, body any) (Answer, error) {
	answer, err := o.Do(ctx, method, path, body)
	if err == nil && answer.Status >= 300 {
		err = fmt.Errorf("%s %s: status %d: %s", method, path, answer.Status, strings.Join(answer.Errors, "; "))
	}
	return answer, err
}

// Data returns the part of the answer that is in an envelope, or an empty answer.
func (a Answer) Data() Answer { return a.part("data") }

// Auth returns the part of the answer that hands out a token, or an empty answer.
func (a Answer) Auth() Answer { return a.part("auth") }

func (a Answer) part(name string) Answer {
	part, _ := a.Body[name].(map[string]any)
	return Answer{Status: a.Status, Header: a.Header, Body: part, Errors: a.Errors}
}

// NewToken makes a token with a policy of its own. fields go into the request beside the policy, such as ttl. It needs
// the root token.
func (o *Operator) NewToken(ctx context.Context, policy string, fields map[string]any) (token, accessor string,
	err error) {
	name := "test-" + strings.ToLower(RandomText(12))
	if _, err := o.Must(ctx, "PUT", "sys/policies/acl/"+name, map[string]string{"policy": policy}); err != nil {
		return "", "", fmt.Errorf("make token: %w", err)
	}
	request := map[string]any{"policies": []string{name}}
	maps.Copy(request, fields)
	answer, err := o.Must(ctx, "PUT", "auth/token/create", request)
	if err != nil {
		return "", "", fmt.Errorf("make token: %w", err)
	}
	return answer.Auth().String("client_token"), answer.Auth().String("accessor"), nil
}

// As returns an operator of the same server with another token.
func (o *Operator) As(token string) *Operator {
	other := *o
	other.Token = token
	return &other
}

// Keys are the shares and the root token that an initialisation gives.
type Keys struct {
	Shares    []string // hex; of the recovery key if the server unseals itself
	RootToken string
}

// Init initialises the server with n shares and a threshold, in plain, and remembers the root token. A server that
// unseals itself is open afterwards.
func (o *Operator) Init(ctx context.Context, n, threshold int) (Keys, error) {
	seal, err := o.Must(ctx, "GET", "sys/seal-status", nil)
	if err != nil {
		return Keys{}, fmt.Errorf("initialise: %w", err)
	}
	of, field := "secret", "keys"
	if seal.Bool("recovery_seal") {
		of, field = "recovery", "recovery_keys"
	}
	answer, err := o.Must(ctx, "PUT", "sys/init", map[string]any{of + "_shares": n, of + "_threshold": threshold})
	if err != nil {
		return Keys{}, fmt.Errorf("initialise: %w", err)
	}
	keys := Keys{Shares: answer.Strings(field), RootToken: answer.String("root_token")}
	o.Token = keys.RootToken
	if seal.Bool("recovery_seal") {
		return keys, o.waitReady(ctx)
	}
	return keys, nil
}

// ErrNotOpened is returned by [Operator.Unseal] when the shares were taken and the server is still sealed, or they were
// refused.
var ErrNotOpened = errors.New("the shares don't open the server")

// Unseal submits shares until the server is open, and waits until it serves requests, as the active node or as a
// standby. Earlier progress is reset first, and so is the progress of shares that don't open it. It leaves an unsealed
// server alone.
func (o *Operator) Unseal(ctx context.Context, shares ...string) error {
	if seal, err := o.Must(ctx, "GET", "sys/seal-status", nil); err != nil {
		return fmt.Errorf("unseal: %w", err)
	} else if !seal.Bool("sealed") {
		return o.waitReady(ctx)
	}
	if _, err := o.Do(ctx, "PUT", "sys/unseal", map[string]bool{"reset": true}); err != nil {
		return fmt.Errorf("unseal: %w", err)
	}
	for _, share := range shares {
		answer, err := o.Do(ctx, "PUT", "sys/unseal", map[string]string{"key": share})
		switch {
		case err != nil:
			return fmt.Errorf("unseal: %w", err)
		case answer.Status == http.StatusBadRequest:
			return fmt.Errorf("unseal: %w: %s", ErrNotOpened, strings.Join(answer.Errors, "; "))
		case answer.Status != http.StatusOK:
			return fmt.Errorf("unseal: status %d: %s", answer.Status, strings.Join(answer.Errors, "; "))
		case !answer.Bool("sealed"):
			return o.waitReady(ctx)
		}
	}
	if _, err := o.Do(ctx, "PUT", "sys/unseal", map[string]bool{"reset": true}); err != nil {
		return fmt.Errorf("unseal: %w", err)
	}
	return fmt.Errorf("unseal: %w", ErrNotOpened)
}

// waitReady waits until the node knows who leads.
func (o *Operator) waitReady(ctx context.Context) error {
	return Poll(ctx, func() (bool, error) {
		answer, err := o.Do(ctx, "GET", "sys/leader", nil)
		if err != nil || answer.Status != http.StatusOK {
			return false, err
		}
		if !answer.Bool("ha_enabled") {
			return true, nil
		}
		if !answer.Bool("is_self") {
			return answer.String("leader_address") != "", nil
		}
		// A leader that was just elected serves this path earlier than others, if only with a refusal.
		attempt, err := o.Do(ctx, "GET", "sys/generate-root/attempt", nil)
		return attempt.Status < http.StatusInternalServerError, err
	})
}

// Seal seals the server. It needs the root token, and an active node.
func (o *Operator) Seal(ctx context.Context) error {
	_, err := o.Must(ctx, "PUT", "sys/seal", nil)
	return err
}

// IsRootToken reports whether a token is a root token. It returns false for a token that the server doesn't know.
func (o *Operator) IsRootToken(ctx context.Context, token string) (bool, error) {
	answer, err := o.As(token).Do(ctx, "GET", "auth/token/lookup-self", nil)
	if err != nil {
		return false, fmt.Errorf("look up token: %w", err)
	}
	switch answer.Status {
	case http.StatusForbidden:
		return false, nil
	case http.StatusOK:
	default:
		return false, fmt.Errorf("look up token: status %d: %s", answer.Status, strings.Join(answer.Errors, "; "))
	}
	return slices.Contains(answer.Data().Strings("policies"), RootPolicyName), nil
}

// UnsealWorks seals the server and reports whether the shares open it again. It needs the root token. If they don't
// open it, the server is sealed afterwards, without progress.
func (o *Operator) UnsealWorks(ctx context.Context, shares ...string) (bool, error) {
	if err := o.Seal(ctx); err != nil {
		return false, err
	}
	err := o.Unseal(ctx, shares...)
	if errors.Is(err, ErrNotOpened) {
		return false, nil
	}
	return err == nil, err
}

// Poll calls done until it reports true or fails, or the context ends, for two minutes at most.
func Poll(ctx context.Context, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// RootPolicyName is the name of the policy that allows everything.
const RootPolicyName = "root"
