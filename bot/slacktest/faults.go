package slacktest

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"time"

	"conclave/bot/slacktest/record"
)

// Fault is something that goes wrong with a call. With Skip, Times and Probability zero it hits every call from now on.
//
// Besides API methods, these names can be hit: "upload_url", "url_private" and "response_url" (the HTTP requests of
// those names), "socket.open" (a socket's HTTP upgrade), "socket.hello" (right after hello), "socket.send" (an envelope
// on its way out) and "socket.ack" (an acknowledgement on its way in).
type Fault struct {
	Method      string // a name, or a pattern as of path.Match: "chat.*", "*"
	Skip        int    // leave this many calls alone first
	Times       int    // then hit this many, 0 for all that follow
	Probability float64
	Effect      Effect
}

// Effect is what goes wrong. Its kinds are documented at the functions that return them.
type Effect struct {
	name       string
	delay      time.Duration
	hang       bool
	dropBefore bool
	dropAfter  bool
	status     int
	after      bool // status comes although the call was carried out
	retryAfter time.Duration
	code       string
	duplicate  bool
	again      bool
	disconnect string
	lose       bool
}

func (e Effect) String() string { return e.name }

// RateLimited answers 429 with Retry-After, in whole seconds, and carries nothing out.
func RateLimited(after time.Duration) Effect {
	return Effect{name: "429", status: http.StatusTooManyRequests, retryAfter: after}
}

// Status answers with a 4xx or 5xx and a page of HTML, and carries nothing out. On "socket.open", Slack was seen to
// answer 409 when several sockets open at once.
func Status(status int) Effect {
	return Effect{name: strconv.Itoa(status), status: status}
}

// StatusAfter carries the call out and then answers with a 5xx and a page of HTML.
func StatusAfter(status int) Effect {
	return Effect{name: strconv.Itoa(status) + " after", status: status, after: true}
}

// Answer answers {"ok":false,"error":code} and carries nothing out.
func Answer(code string) Effect { return Effect{name: code, code: code} }

// Latency carries the call out after a while. On "socket.send" only this envelope is late, so that later ones overtake
// it.
func Latency(d time.Duration) Effect { return Effect{name: "latency", delay: d} }

// Hang never answers and carries nothing out: the connection stays open until the client gives up or the workspace
// closes.
func Hang() Effect { return Effect{name: "hang", hang: true} }

// DropBefore cuts the connection and carries nothing out. On "socket.send" the envelope is lost with its socket; on
// "socket.ack" the acknowledgement is.
func DropBefore() Effect { return Effect{name: "drop before", dropBefore: true} }

// DropAfter carries the call out and then cuts the connection without an answer: the client cannot tell. On
// "socket.send" the envelope arrives and its socket dies; on "socket.ack" the acknowledgement counts and the socket
// dies.
func DropAfter() Effect { return Effect{name: "drop after", dropAfter: true} }

// Lose loses an envelope or an acknowledgement while its socket lives on. Only for "socket.send" and "socket.ack".
func Lose() Effect { return Effect{name: "lose", lose: true} }

// Duplicate delivers an envelope twice. Only for "socket.send".
func Duplicate() Effect { return Effect{name: "duplicate", duplicate: true} }

// Again delivers an event a second time under an envelope_id and an event_id of its own. Slack was seen to do so. Only
// for "socket.send".
func Again() Effect { return Effect{name: "again", again: true} }

// DisconnectFor sends a disconnect message with this reason and closes the socket. On "socket.hello", without Times, it
// is an immediate-disconnect storm.
func DisconnectFor(reason string) Effect {
	return Effect{name: "disconnect " + reason, disconnect: reason}
}

// Injected is a fault that is in force.
type Injected struct {
	w       *Workspace
	fault   Fault
	calls   int
	hits    int
	removed bool
}

// Inject puts a fault in force. If several fit a call, the first that hits is taken, in the order of injection.
func (w *Workspace) Inject(f Fault) *Injected {
	if _, err := path.Match(f.Method, ""); err != nil {
		panic(fmt.Sprintf("slacktest: fault for %q: %v", f.Method, err))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i := &Injected{w: w, fault: f}
	w.faults = append(w.faults, i)
	return i
}

// Remove ends the fault.
func (i *Injected) Remove() {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	i.removed = true
	i.w.faults = slices.DeleteFunc(i.w.faults, func(o *Injected) bool { return o == i })
}

// Hits returns how many calls the fault has hit.
func (i *Injected) Hits() int {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	return i.hits
}

func (w *Workspace) strike(method string) Effect {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.strikeLocked(method)
}

func (w *Workspace) strikeLocked(method string) Effect {
	for _, i := range w.faults {
		if fits, _ := path.Match(i.fault.Method, method); !fits {
			continue
		}
		i.calls++
		spent := i.fault.Times > 0 && i.hits >= i.fault.Times
		lucky := i.fault.Probability > 0 && w.random.Float64() >= i.fault.Probability
		if i.calls <= i.fault.Skip || spent || lucky {
			continue
		}
		i.hits++
		w.recordLocked(record.ToClient, method, []byte("fault: "+i.fault.Effect.name))
		w.changeLocked()
		return i.fault.Effect
	}
	return Effect{}
}

// wait holds a request up for the effect's delay, or until the client is gone.
func (e Effect) wait(ctx context.Context) {
	if e.hang {
		<-ctx.Done()
		panic(http.ErrAbortHandler)
	}
	if e.delay == 0 {
		return
	}
	select {
	case <-time.After(e.delay):
	case <-ctx.Done():
	}
}

// instead answers in place of the call, and reports whether it did.
func (e Effect) instead(w *Workspace, out http.ResponseWriter, what string) bool {
	switch {
	case e.dropBefore:
		panic(http.ErrAbortHandler)
	case e.code != "":
		w.answer(out, what, http.StatusOK, object{"ok": false, "error": e.code})
	case e.status == http.StatusTooManyRequests:
		w.mu.Lock()
		w.rates.told(what, w.cfg.Now(), e.retryAfter)
		w.mu.Unlock()
		out.Header().Set("Retry-After", strconv.Itoa(int(e.retryAfter/time.Second)))
		w.answer(out, what, http.StatusTooManyRequests, object{"ok": false, "error": "ratelimited"})
	case e.status != 0 && !e.after:
		e.page(out)
	default:
		return false
	}
	return true
}

// afterwards spoils the answer of a call that was carried out, and reports whether it did.
func (e Effect) afterwards(out http.ResponseWriter) bool {
	switch {
	case e.dropAfter:
		panic(http.ErrAbortHandler)
	case e.status != 0:
		e.page(out)
		return true
	}
	return false
}

// page answers as Slack's front end does when the server behind it fails.
func (e Effect) page(out http.ResponseWriter) {
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	out.WriteHeader(e.status)
	_, _ = fmt.Fprintf(out, "<!DOCTYPE html><html><head><title>Server Error | Slack</title></head><body>%d</body></html>",
		e.status)
}

// Vanish makes Slack unreachable: every call and every socket is cut, until the function that it returns is called.
func (w *Workspace) Vanish() (comeBack func()) {
	gone := w.Inject(Fault{Method: "*", Effect: DropBefore()})
	w.CutSockets()
	return gone.Remove
}

// RevokeToken makes the bot token (or with app the app-level token) useless with this error: "token_revoked",
// "token_expired", "account_inactive". Sockets that are open stay open, as Slack's do until they are refreshed.
func (w *Workspace) RevokeToken(app bool, code string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kind := botToken
	if app {
		kind = appToken
	}
	for _, t := range w.tokens {
		if t.kind == kind {
			t.error = code
		}
	}
	if code == "token_revoked" && !app {
		w.raiseLocked("tokens_revoked", nil, object{"type": "tokens_revoked", "tokens": object{"bot": []string{w.bot.id}}})
	}
	w.changeLocked()
}

// Uninstall removes the app from the workspace, as an administrator does: the app is told with app_uninstalled and
// tokens_revoked, and its bot token is refused from then on.
func (w *Workspace) Uninstall() {
	w.mu.Lock()
	w.raiseLocked("app_uninstalled", nil, object{"type": "app_uninstalled"})
	w.raiseLocked("tokens_revoked", nil, object{"type": "tokens_revoked", "tokens": object{"bot": []string{w.bot.id}}})
	w.mu.Unlock()
	w.RevokeToken(false, "account_inactive")
}

// RestoreToken makes the tokens valid again.
func (w *Workspace) RestoreToken() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.tokens {
		t.error = ""
	}
	w.changeLocked()
}

// RemoveScope takes a scope away from the bot token.
func (w *Workspace) RemoveScope(scope string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scopes = slices.DeleteFunc(w.scopes, func(s string) bool { return s == scope })
	w.changeLocked()
}

// GrantScope gives the bot token a scope.
func (w *Workspace) GrantScope(scope string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.hasScopeLocked(scope) {
		w.scopes = append(w.scopes, scope)
	}
	w.changeLocked()
}
