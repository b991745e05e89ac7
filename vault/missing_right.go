package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"conclave/ceremony"
)

// MissingRight is the cause of [ceremony.ErrForbidden] when a policy can mend it. It
// names the right that the token lacks.
type MissingRight struct {
	Path         string   // below /v1/
	Capabilities []string // all that the request needs: "update", "sudo"
}

// Error names the path and the capabilities.
func (m *MissingRight) Error() string {
	return fmt.Sprintf("a token with %s on %s is needed", strings.Join(m.Capabilities, " and "), m.Path)
}

// Policy returns the block of a policy that grants the right.
func (m *MissingRight) Policy() string { return grant(m.Path, m.Capabilities) }

// grant returns a block of a policy.
func grant(path string, capabilities []string) string {
	quoted := make([]string, len(capabilities))
	for i, capability := range capabilities {
		quoted[i] = fmt.Sprintf("%q", capability)
	}
	return fmt.Sprintf("path %q {\n  capabilities = [%s]\n}\n", path, strings.Join(quoted, ", "))
}

var (
	// errTokenRefused means that Vault denies even what the policy "default", and
	// [Policy], allow.
	errTokenRefused = errors.New("the token is not accepted: it is unknown, it has ended, or its policies lack everything")
	// errDeniedAnyway means that Vault denies what the token's policies allow.
	errDeniedAnyway = errors.New("the token's policies allow it, something else forbids it")
)

// capabilitiesFor returns the capabilities that a request needs, as policies name them.
func capabilitiesFor(method, path string) []string {
	capabilities := []string{"update"}
	switch method {
	case http.MethodGet:
		capabilities = []string{"read"}
	case http.MethodDelete:
		capabilities = []string{"delete"}
	}
	if slices.Contains(rotatePaths, path) {
		capabilities = append(capabilities, "sudo")
	}
	return capabilities
}

// deniedBecause finds out why a request was denied, and returns nil when nobody can tell.
// Vault gives no reason, but shows every token its own capabilities.
func (c *Client) deniedBecause(ctx context.Context, r request) error {
	missing := &MissingRight{Path: r.path, Capabilities: capabilitiesFor(r.method, r.path)}
	switch {
	case r.auth == public:
		return nil
	case r.tokenless != nil:
		return errors.New(r.tokenless.Error())
	case r.token == "":
		return missing
	}
	own, err := c.capabilities(ctx, r.token, r.path)
	switch {
	case errors.Is(err, ceremony.ErrForbidden) && !c.accepts(ctx, r.token):
		return errTokenRefused
	case err != nil:
		return missing
	case slices.Contains(own[r.path], "root"):
		return errDeniedAnyway
	}
	for _, capability := range missing.Capabilities {
		if !slices.Contains(own[r.path], capability) {
			return missing
		}
	}
	// Servers differ in which endpoints ask for sudo as well.
	if !slices.Contains(own[r.path], "sudo") {
		missing.Capabilities = append(missing.Capabilities, "sudo")
		return missing
	}
	return errDeniedAnyway
}

// accepts reports whether Vault knows a token. A token that may not ask for its
// capabilities may still look itself up.
func (c *Client) accepts(ctx context.Context, token string) bool {
	n := c.active.Load()
	if n == nil {
		return false
	}
	_, f := n.send(ctx, request{
		method: http.MethodGet, path: "auth/token/lookup-self", auth: needed, token: token, limit: c.timeout,
	})
	return f == nil
}

// ownCapabilities asks what the client's token may do with each of the paths:
// path → capabilities.
func (c *Client) ownCapabilities(ctx context.Context, paths []string) (map[string][]string, error) {
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	return c.capabilities(ctx, token, paths...)
}

// capabilities asks Vault what a token may do with each of the paths: path →
// capabilities. It changes nothing.
func (c *Client) capabilities(ctx context.Context, token string, paths ...string) (map[string][]string, error) {
	n := c.active.Load()
	if n == nil {
		return nil, ceremony.ErrNoLeader
	}
	question, err := json.Marshal(map[string][]string{"paths": paths})
	if err != nil {
		return nil, err
	}
	body, f := n.send(ctx, request{
		method: http.MethodPost, path: "sys/capabilities-self", body: question, auth: needed, token: token, limit: c.timeout,
	})
	if f != nil {
		return nil, f
	}
	told, err := decode[map[string]json.RawMessage](body, paths...)
	if err != nil {
		return nil, err
	}
	own := map[string][]string{} // path → capabilities
	for _, path := range paths {
		var capabilities []string
		if json.Unmarshal(told[path], &capabilities) != nil {
			return nil, malformed("capabilities are no list of words")
		}
		own[path] = capabilities
	}
	return own, nil
}
