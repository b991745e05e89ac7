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

// tokenEntry is what the lookups of auth/token say of a token.
type tokenEntry struct {
	CreationTime int64       `json:"creation_time"` // seconds since 1970
	TTL          json.Number `json:"ttl"`           // seconds
	ExpireTime   *time.Time  `json:"expire_time"`   // null: never
	Renewable    bool        `json:"renewable"`
	LastRenewal  *time.Time  `json:"last_renewal"` // absent before the first
	Policies     []string    `json:"policies"`
	Path         string      `json:"path"` // that made it
}

// rootPath is the path of the tokens that sys/init and the key holders make
// (vault/token_store.go, rootToken). A token that a root token has made carries
// another, whatever its policies.
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

// errNoAccessor is why an accessor was not asked about.
var errNoAccessor = errors.New("it is not the accessor of a token")

// Accessor asks what became of a token, by its accessor. Vault answers 400 when no
// token has it, and 403 when our own may not ask: the two are never mixed up.
func (c *Client) Accessor(ctx context.Context, accessor string) (ceremony.TokenState, error) {
	state, err := c.accessor(ctx, accessor)
	if err != nil {
		return ceremony.TokenState{}, fmt.Errorf("look up accessor: %w", err)
	}
	return state, nil
}

func (c *Client) accessor(ctx context.Context, accessor string) (ceremony.TokenState, error) {
	// An empty one is a 400 as well, and would look like a token that is gone.
	if !ceremony.IsNonce(accessor) {
		return ceremony.TokenState{}, fmt.Errorf("%w: %w", ceremony.ErrNotSent, errNoAccessor)
	}
	question, err := json.Marshal(map[string]string{"accessor": accessor})
	if err != nil {
		return ceremony.TokenState{}, fmt.Errorf("%w: %w", ceremony.ErrNotSent, err)
	}
	body, err := c.do(ctx, request{method: http.MethodPost, path: "auth/token/lookup-accessor", body: question, auth: needed})
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

// OwnToken says until when the token lives that the client works with. Renewed is
// true of a token in a file only when somebody has renewed it before: that it can
// be renewed says nothing, every token can.
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
		state.Renewed = c.session.lasts() // renewed by us, or replaced
	}
	return state, nil
}

func (c *Client) lookUpSelf(ctx context.Context) (tokenEntry, error) {
	body, err := c.do(ctx, request{method: http.MethodGet, path: "auth/token/lookup-self", auth: needed})
	if err != nil {
		return tokenEntry{}, err
	}
	return readTokenEntry(body)
}
