package record

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Breach is a rule that the emulator's client broke. A real Vault would not object.
type Breach struct {
	Request Request
	Rule    string
}

func (b Breach) String() string { return b.Rule + ": " + b.Request.String() }

// Breaches returns what the client did that no client of a key ceremony may do:
//
//   - a share or a token in a URL, in a header other than X-Vault-Token, or in a body where none belongs;
//   - the same share twice in one round, or something that can't be a share;
//   - OpenBao's renewal of the root key, which needs no share;
//   - a write of uncertain outcome, that is with a 500 or no answer, repeated byte for byte although its state was not
//     read in between (P5).
func (l *Log) Breaches() []Breach {
	l.mu.Lock()
	defer l.mu.Unlock()
	var breaches []Breach
	for i, r := range l.requests {
		for _, rule := range r.blames {
			breaches = append(breaches, Breach{*r, rule})
		}
		if repeatsUnasked(l.requests[:i], r) {
			breaches = append(breaches, Breach{*r, "repeated a write of uncertain outcome without asking"})
		}
	}
	return breaches
}

// forbidden returns the rule that a request breaks by being sent at all, if there is one.
func forbidden(r *Request) []string {
	if r.Path == "sys/rotate/root" && r.Method != http.MethodGet {
		return []string{"asked for a new root key without anybody's share"}
	}
	return nil
}

// SentTwice is the rule about repeated shares. Servers differ in whether they refuse one.
const SentTwice = "sent a share twice in one round"

// Blame notes a rule that a request broke. An empty rule is none.
func (l *Log) Blame(entry *Request, breach string) {
	if breach == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.blames = append(entry.blames, breach)
}

// repeatsUnasked reports whether a request repeats an earlier write of uncertain outcome, and its state was not read in
// between.
func repeatsUnasked(earlier []*Request, r *Request) bool {
	if r.Method == http.MethodGet || r.Method == "LIST" || r.Method == http.MethodHead || mayBeRepeated(r.Path) {
		return false
	}
	for i := len(earlier) - 1; i >= 0; i-- {
		e := earlier[i]
		if e.Node != r.Node {
			continue
		}
		if (e.Method == http.MethodGet || mayBeRepeated(e.Path)) && asksAbout(e.Path, r.Path) {
			return false
		}
		if e.Method == r.Method && e.Path == r.Path && e.digest == r.digest {
			return e.Status == 0 || e.Status == http.StatusInternalServerError
		}
	}
	return false
}

// asksAbout reports whether reading one path shows the outcome of a write to the other: sys/rekey/init about
// sys/rekey/update, sys/seal-status about sys/unseal, sys/key-status about every rotation.
func asksAbout(read, written string) bool {
	if read == "sys/key-status" && strings.HasPrefix(written, "sys/rotate") {
		return true
	}
	directory := written[:strings.LastIndexByte(written, '/')+1]
	return strings.HasPrefix(read, directory)
}

// takesSecret reports whether a share or a token belongs in the body of a request to a path.
func takesSecret(path string) bool {
	switch path {
	case "sys/unseal", "auth/token/lookup", "auth/token/revoke":
		return true
	}
	return strings.HasPrefix(path, "sys/") && (strings.HasSuffix(path, "/update") || strings.HasSuffix(path, "/verify"))
}

// mayBeRepeated reports whether a client may send a write to a path again: it only reads, or the second has the same
// effect as the first.
func mayBeRepeated(path string) bool {
	switch path {
	case "auth/token/lookup", "auth/token/lookup-self", "auth/token/lookup-accessor", "auth/token/renew-self",
		"sys/capabilities-self":
		return true
	}
	return strings.HasPrefix(path, "auth/") && strings.HasSuffix(path, "/login")
}

// misplaced returns a rule for each place in a request that holds a secret but must not.
func misplaced(r *http.Request, path string, body []byte, secrets []string) []string {
	places := map[string]string{"the URL": r.URL.String()} // place → text
	if unescaped, err := url.PathUnescape(r.URL.RequestURI()); err == nil {
		places["the URL, escaped"] = unescaped
	}
	for name, values := range r.Header {
		if name != "X-Vault-Token" && name != "Authorization" {
			places["header "+name] = strings.Join(values, "\n")
		}
	}
	if !takesSecret(path) {
		places["the body"] = string(body)
	}
	var blames []string
	for place, text := range places {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				blames = append(blames, fmt.Sprintf("sent a secret in %s", place))
				break
			}
		}
	}
	return blames
}
