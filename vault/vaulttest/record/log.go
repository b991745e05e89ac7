package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"conclave/vault/vaulttest/shamir"
)

// Request is one request as the emulator got it. Shares and tokens in it are replaced by their [Mark], so that a log
// can be printed.
type Request struct {
	Number int // from 1, over all nodes
	At     time.Time
	Node   int    // the node that was asked, from 1
	Method string // PUT for POST too
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

// Mark returns the replacement of a share or a token in a [Request]: a hash of its bytes, the same for hex and base64.
func Mark(secret string) string {
	raw := []byte(secret)
	if share, ok := shamir.Decode(secret); ok && len(share) >= shamir.MinShare {
		raw = share
	}
	digest := sha256.Sum256(raw)
	return "secret:" + hex.EncodeToString(digest[:6])
}

// Log keeps the requests in the order of their arrival. Its methods may be called from any goroutine.
type Log struct {
	mu       sync.Mutex
	requests []*Request
}

// Requests returns the requests so far whose method and path match.
func (l *Log) Requests(matches func(method, path string) bool) []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	var matching []Request
	for _, r := range l.requests {
		if matches(r.Method, r.Path) {
			matching = append(matching, *r)
		}
	}
	return matching
}

// Arrived logs a request, and notes each secret in it that doesn't belong there. The caller sets At, Node, Method and
// Path of arrival. secrets are the shares and tokens that exist.
func (l *Log) Arrived(arrival Request, r *http.Request, token string, body []byte, secrets []string) *Request {
	entry := &arrival
	entry.digest = sha256.Sum256(body)
	entry.blames = append(misplaced(r, entry.Path, body, secrets), forbidden(entry)...)
	entry.Path = redact(entry.Path, secrets)
	entry.Body = redactBody(body, secrets)
	if token != "" {
		entry.Token = Mark(token)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, entry)
	entry.Number = len(l.requests)
	return entry
}

// Answered notes the status that the client got, or 0 if it got no answer.
func (l *Log) Answered(entry *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Status = status
}

// redactBody parses a body and replaces the secrets in it: those known, and every text in a field for a secret.
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
