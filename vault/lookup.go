package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"conclave/ceremony"
)

// tokenEntry is the answer of the lookups below auth/token.
type tokenEntry struct {
	CreationTime int64       `json:"creation_time"` // seconds since 1970
	TTL          json.Number `json:"ttl"`           // seconds
	ExpireTime   *time.Time  `json:"expire_time"`   // null: never
	Renewable    bool        `json:"renewable"`
	LastRenewal  *time.Time  `json:"last_renewal"` // absent before the first
	Policies     []string    `json:"policies"`
	Path         string      `json:"path"` // that made it
}

// rootPath is the path of the tokens that sys/init and the holders of the key make
// (vault/token_store.go, rootToken). A token that was made with a root token has another
// path, whatever its policies.
const rootPath = "auth/token/root"

func readTokenEntry(body []byte) (tokenEntry, error) { return decode[tokenEntry](body, "policies") }

func (e tokenEntry) state() ceremony.TokenState {
	s := ceremony.TokenState{
		Exists:  true,
		Root:    slices.Contains(e.Policies, "root") && e.Path == rootPath,
		Renewed: e.Renewable && e.LastRenewal != nil,
	}
	if e.CreationTime > 0 {
		s.Created = time.Unix(e.CreationTime, 0).UTC()
	}
	if e.ExpireTime != nil {
		s.Expires = *e.ExpireTime
	}
	return s
}

// errNoAccessor refuses an accessor that has the wrong form.
var errNoAccessor = errors.New("it is not the accessor of a token")

// Accessor asks for a token by its accessor. When no token has the accessor, Vault
// answers 400, and the state is that of a token that does not exist. When the client's
// own token may not ask, Vault answers 403, and the error is ErrForbidden.
func (c *Client) Accessor(ctx context.Context, accessor string) (ceremony.TokenState, error) {
	state, err := c.accessor(ctx, accessor)
	if err != nil {
		return ceremony.TokenState{}, fmt.Errorf("look up accessor: %w", err)
	}
	return state, nil
}

func (c *Client) accessor(ctx context.Context, accessor string) (ceremony.TokenState, error) {
	// Vault answers 400 to an empty one as well. It would look like a revoked token.
	if !ceremony.IsNonce(accessor) {
		return ceremony.TokenState{}, fmt.Errorf("%w: %w", ceremony.ErrNotSent, errNoAccessor)
	}
	question, err := json.Marshal(map[string]string{"accessor": accessor})
	if err != nil {
		return ceremony.TokenState{}, fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	body, err := c.do(ctx, request{
		method: http.MethodPost, path: "auth/token/lookup-accessor", body: question, auth: needed,
	})
	if errors.Is(err, ceremony.ErrRefused) {
		return ceremony.TokenState{}, nil
	}
	if err != nil {
		return ceremony.TokenState{}, err
	}
	entry, err := readTokenEntry(body)
	if err != nil {
		return ceremony.TokenState{}, err
	}
	return entry.state(), nil
}

// OwnToken returns the state of the token that the client works with. For a token in a
// file, Renewed is true only if it was renewed before: that it is renewable means
// nothing, every token is.
func (c *Client) OwnToken(ctx context.Context) (ceremony.TokenState, error) {
	if !c.hasToken() {
		return ceremony.TokenState{}, nil
	}
	entry, err := c.lookUpSelf(ctx)
	if err != nil {
		return ceremony.TokenState{}, fmt.Errorf("look up own token: %w", err)
	}
	state := entry.state()
	if c.session != nil {
		state.Renewed = c.session.renewable()
	}
	return state, nil
}

// lookUpSelf asks for the token that the client works with.
func (c *Client) lookUpSelf(ctx context.Context) (tokenEntry, error) {
	body, err := c.do(ctx, request{method: http.MethodGet, path: "auth/token/lookup-self", auth: needed})
	if err != nil {
		return tokenEntry{}, err
	}
	return readTokenEntry(body)
}
