package vaulttest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Request is one request as the emulator got it. Shares and tokens in it are replaced by their [Mark], so that a log can be printed.
type Request struct {
	Number int // from 1, over all nodes
	At     time.Time
	Node   int    // the node that was asked, from 1
	Method string // POST is told as PUT
	Path   string // without /v1/
	Token  string // the mark of the token, or empty
	Body   map[string]any
	Status int // what the client got; 0 if it got no answer, or none yet

	digest [sha256.Size]byte // of the body as it came
	blames []string
}

func (r Request) String() string {
	body, _ := json.Marshal(r.Body) // it came from JSON
	return fmt.Sprintf("%d. node %d: %s %s %s → %d", r.Number, r.Node, r.Method, r.Path, body, r.Status)
}

// Mark is what stands for a share or a token in a [Request]: a hash of its bytes, the same for hex and base64.
func Mark(secret string) string {
	raw := []byte(secret)
	if share, err := decodeShare(secret); err == nil && len(share) >= minShare {
		raw = share
	}
	digest := sha256.Sum256(raw)
	return "secret:" + hex.EncodeToString(digest[:6])
}

// requestLog keeps the requests, in the order of their arrival.
type requestLog struct {
	mu       sync.Mutex
	requests []*Request
}

// Log returns the requests so far that match a route, which is as in [Fault]; an empty one matches all.
func (c *Cluster) Log(route string) []Request {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	var matching []Request
	for _, r := range c.log.requests {
		if matchesRoute(route, r.Method, r.Path) {
			matching = append(matching, *r)
		}
	}
	return matching
}

// arrived logs a request and looks for secrets where they don't belong.
func (l *requestLog) arrived(n *Node, r *http.Request, c *call) *Request {
	secrets := n.cluster.secrets()
	entry := &Request{
		At:     n.cluster.options.Now(),
		Node:   n.number,
		Method: c.method,
		Path:   redact(c.path, secrets),
		Body:   redactBody(c.body, secrets),
		digest: sha256.Sum256(c.body),
		blames: append(misplaced(r, c, secrets), forbidden(c)...),
	}
	if c.token != "" {
		entry.Token = Mark(c.token)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, entry)
	entry.Number = len(l.requests)
	return entry
}

func (l *requestLog) answered(entry *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Status = status
}

// redactBody parses a body and replaces the secrets in it: those known, and whatever stands where a share belongs.
func redactBody(body []byte, secrets []string) map[string]any {
	if len(body) == 0 {
		return nil
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return map[string]any{"unreadable": fmt.Sprintf("%d bytes", len(body))}
	}
	for name, value := range fields {
		text, ok := value.(string)
		switch strings.ToLower(name) {
		case "key", "otp", "token", "secret_id", "jwt":
			if ok && text != "" {
				fields[name] = Mark(text)
			}
		default:
			if ok {
				fields[name] = redact(text, secrets)
			}
		}
	}
	return fields
}

// redact replaces the known secrets in a text.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			text = strings.ReplaceAll(text, secret, Mark(secret))
		}
	}
	return text
}
