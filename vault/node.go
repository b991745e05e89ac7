package vault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/vault/api"

	"conclave/ceremony"
)

// maxAnswer is the size in bytes of the largest answer that is read. The longest that is
// expected, 255 new shares encrypted to large RSA keys, is half as long.
const maxAnswer = 1 << 20

// node is one address of the cluster.
type node struct {
	base  *url.URL
	api   *api.Client // in the configured namespace
	local *api.Client // in no namespace: for endpoints that belong to the node
}

func newNode(base *url.URL, namespace string, w *wire) (*node, error) {
	client, err := api.NewClient(&api.Config{
		Address: base.String(),
		HttpClient: &http.Client{
			Transport:     w,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		// With its default the client sends a share up to three times: a quorum with
		// a wrong share is answered 500, and the next try begins a new round.
		MaxRetries: 0,
		CheckRetry: func(context.Context, *http.Response, error) (bool, error) { return false, nil },
		// The client would follow a redirect to any host, with share and token.
		DisableRedirects: true,
	})
	if err != nil {
		return nil, err
	}
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	return &node{base: base, api: client.WithNamespace(namespace), local: client}, nil
}

// request is one call of an endpoint.
type request struct {
	method string
	path   string // below /v1/
	body   []byte // JSON, or nil
	params url.Values
	auth   auth
	local  bool // the endpoint belongs to the node, and is in no namespace
	token  string
	limit  time.Duration
	// tokenless is the reason why there is no token, or nil.
	tokenless error
}

// auth says whether an endpoint asks for a token.
type auth int

const (
	// wanted means that some servers ask for a token, and some have the endpoint open.
	// When there is no token the request is sent without one.
	wanted auth = iota
	// needed means that every server asks for a token.
	needed
	// public means that no server asks for a token, or that there can be none yet.
	public
)

func (r request) String() string { return r.method + " " + r.path }

func (r request) isWrite() bool { return r.method != http.MethodGet }

// send sends the request once, to this node, and returns the body of a success.
//
// The body goes through the api client's raw request, which reads the slice in place.
// The client's typed calls and SetJSONBody would put a share in strings, which can't be
// overwritten. From there the body is copied once, into the write buffer of the
// connection, which wipingConn overwrites.
func (n *node) send(ctx context.Context, r request) ([]byte, *fault) {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	client := n.api
	if r.local {
		client = n.local
	}
	raw := client.NewRequest(r.method, "/v1/"+r.path)
	raw.BodyBytes = r.body
	for name, values := range r.params {
		raw.Params[name] = values
	}
	raw.ClientToken = r.token
	//lint:ignore SA1019 the calls that are not deprecated take a share as a string, and follow redirects
	response, err := client.RawRequestWithContext(ctx, raw)
	if response != nil && response.Body != nil {
		defer response.Body.Close()
	}
	f := &fault{request: r.String(), node: n}
	if answered, ok := errors.AsType[*api.ResponseError](err); ok {
		f.status = answered.StatusCode
		f.sentinel = sentinelOf(f.status)
		if answered.RawError { // Vault answers in JSON: this comes from an intermediary
			f.cause = strangerOf(answered.Errors)
			if f.sentinel == ceremony.ErrRefused || f.sentinel == ceremony.ErrSealed {
				f.sentinel = ceremony.ErrUncertain
			}
		}
		return nil, f
	}
	if err != nil {
		if u, ok := errors.AsType[*unsent](err); ok {
			f.sentinel, f.cause, f.unreached = ceremony.ErrNotSent, u.err, !u.connected
			return nil, f
		}
		f.sentinel, f.cause = ceremony.ErrUncertain, lost(err)
		return nil, f
	}
	switch f.status = response.StatusCode; f.status {
	case http.StatusOK:
		body, err := io.ReadAll(response.Body)
		if err != nil {
			f.sentinel, f.cause = ceremony.ErrUncertain, lost(err)
			return nil, f
		}
		return body, nil
	case http.StatusNoContent:
		return nil, nil
	}
	// Only a standby's own answer says that the request did nothing here.
	if f.sentinel = sentinelOf(f.status); f.status == http.StatusTemporaryRedirect {
		f.location = response.Header.Get("Location")
	}
	return nil, f
}

// errTooLong means that an answer has more than maxAnswer bytes.
var errTooLong = errors.New("the answer is too long")

// boundedBody refuses to read more than maxAnswer bytes. The api client reads
// an error's body whole, however long it is.
type boundedBody struct {
	io.ReadCloser
	left int
}

func bounded(body io.ReadCloser) io.ReadCloser { return &boundedBody{body, maxAnswer} }

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}
