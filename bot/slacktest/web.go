package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"conclave/bot/slacktest/blockkit"
	"conclave/bot/slacktest/record"
)

type tokenKind int

const (
	botToken tokenKind = iota + 1
	appToken
)

type token struct {
	kind  tokenKind
	error string // the error that it is refused with by now: token_revoked, token_expired, account_inactive
}

// call is one call of a Web API method. The workspace is locked while it is handled, so its methods need no Locked in
// their names.
type call struct {
	*Workspace
	method string
	args   map[string]string // argument → value, in JSON if it is not a string
}

// apiError is an answer with ok:false.
type apiError struct {
	code     string
	messages []string // response_metadata.messages
	extra    object   // further keys of the answer
}

func (e *apiError) Error() string { return e.code }

func refuse(code string) error { return &apiError{code: code} }

// refuseArguments returns Slack's refusal of a call that no state of the workspace could make valid.
func refuseArguments(messages ...string) error {
	return &apiError{code: "invalid_arguments", messages: messages}
}

// handler returns the handler of all requests. Close waits until none is being served any more.
func (w *Workspace) handler() http.Handler {
	w.route()
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		w.mu.Lock()
		if w.closed {
			w.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		w.running.Add(1)
		w.mu.Unlock()
		defer w.running.Done()
		w.routes.ServeHTTP(out, in)
	})
}

// ServeHTTP serves a request in the caller's goroutine, without the network: a bubble of testing/synctest has no idle
// moment while a connection is open.
func (w *Workspace) ServeHTTP(out http.ResponseWriter, in *http.Request) { w.routes.ServeHTTP(out, in) }

// Handle serves more on the workspace's address than Slack does: the paths that fit a pattern of [http.ServeMux].
func (w *Workspace) Handle(pattern string, handler http.Handler) { w.routes.Handle(pattern, handler) }

// route adds the handlers of Slack's own paths.
func (w *Workspace) route() {
	mux := w.routes
	mux.HandleFunc("/api/{method}", w.serveAPI)
	mux.HandleFunc("GET /link/{$}", w.serveSocket)
	mux.HandleFunc("POST /upload/v1/{ticket}", w.serveUpload)
	mux.HandleFunc("PUT /upload/v1/{ticket}", w.serveUpload)
	mux.HandleFunc("GET /files-pri/{path...}", w.servePrivateFile)
	mux.HandleFunc("POST /commands/", w.serveResponseURL)
	mux.HandleFunc("POST /actions/", w.serveResponseURL)
	mux.HandleFunc("GET /{$}", serveSignIn)
}

func (w *Workspace) serveAPI(out http.ResponseWriter, in *http.Request) {
	name := in.PathValue("method")
	args, secret, err := readArguments(in)
	w.record(record.FromClient, name, blockkit.Encode(args))

	effect := w.strike(name)
	effect.wait(in.Context())
	if effect.instead(w, out, name) {
		return
	}
	var answer object
	if err == nil && name == "apps.connections.open" && in.Method != http.MethodPost {
		err = refuse("insecure_request")
	}
	if err == nil {
		w.mu.Lock()
		answer, err = w.callLocked(out.Header(), name, secret, args)
		w.mu.Unlock()
	}
	if effect.afterwards(out) {
		return
	}
	status := http.StatusOK
	if err != nil {
		answer = w.answerError(name, err)
		if answer["error"] == "ratelimited" {
			status = http.StatusTooManyRequests
		}
	} else {
		answer["ok"] = true
	}
	w.answer(out, name, status, answer)
}

func (w *Workspace) answer(out http.ResponseWriter, what string, status int, answer object) {
	body := blockkit.Encode(answer)
	w.record(record.ToClient, what, body)
	out.Header().Set("Content-Type", "application/json; charset=utf-8")
	out.Header().Set("X-Slack-Req-Id", fmt.Sprintf("%x", time.Now().UnixNano()))
	out.WriteHeader(status)
	_, _ = out.Write(body)
}

func (w *Workspace) answerError(method string, err error) object {
	refused, ok := errors.AsType[*apiError](err)
	if !ok {
		refused = &apiError{code: "internal_error"}
	}
	answer := object{"ok": false, "error": refused.code}
	if len(refused.messages) > 0 {
		answer["response_metadata"] = object{"messages": refused.messages}
	}
	for key, value := range refused.extra {
		answer[key] = value
	}
	if refused.code == "invalid_arguments" {
		w.mu.Lock()
		w.violateLocked(record.RuleArguments, method, "%s", strings.Join(refused.messages, "; "))
		w.mu.Unlock()
	}
	return answer
}

// callLocked serves a call. It checks in Slack's order: token, scope, rate, arguments, and then what the method itself
// requires.
func (w *Workspace) callLocked(header http.Header, name, secret string, args map[string]string) (object, error) {
	m, known := w.methods[name]
	if !known {
		w.violateLocked(record.RuleUnknownMethod, name, "no such method")
		return nil, &apiError{code: "unknown_method", extra: object{"req_method": name}}
	}
	if err := w.authorizeLocked(m, secret); err != nil {
		return nil, err
	}
	c := &call{Workspace: w, method: name, args: args}
	if m.token == botToken {
		header.Set("X-OAuth-Scopes", strings.Join(w.scopes, ","))
	}
	needed := m.needs(c)
	if len(needed) > 0 {
		header.Set("X-Accepted-OAuth-Scopes", strings.Join(needed, ","))
		if !slices.ContainsFunc(needed, w.hasScopeLocked) {
			return nil, &apiError{code: "missing_scope",
				extra: object{"needed": strings.Join(needed, ","), "provided": strings.Join(w.scopes, ",")}}
		}
	}
	if after := w.limitLocked(m.tier, name, args["channel"]); after > 0 {
		header.Set("Retry-After", strconv.Itoa(int(after.Round(time.Second)/time.Second)))
		return nil, refuse("ratelimited")
	}
	var missing []string
	for _, arg := range m.required {
		if args[arg] == "" {
			missing = append(missing, "[ERROR] missing required field: "+arg)
		}
	}
	if len(missing) > 0 {
		return nil, refuseArguments(missing...)
	}
	answer, err := m.handle(c)
	if err != nil {
		return nil, err
	}
	w.changeLocked()
	return answer, nil
}

func (w *Workspace) authorizeLocked(m method, secret string) error {
	if m.token == 0 {
		return nil
	}
	if secret == "" {
		return refuse("not_authed")
	}
	t, known := w.tokens[secret]
	switch {
	case !known:
		return refuse("invalid_auth")
	case t.kind != m.token:
		return refuse("not_allowed_token_type")
	case t.error != "":
		return refuse(t.error)
	}
	return nil
}

func (w *Workspace) hasScopeLocked(scope string) bool { return slices.Contains(w.scopes, scope) }

// readArguments reads arguments and token from every place that Slack reads them from: query, form, multipart form,
// JSON, bearer header.
func readArguments(in *http.Request) (args map[string]string, secret string, err error) {
	args = map[string]string{}
	for key, values := range in.URL.Query() {
		args[key] = values[0]
	}
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return args, "", refuse("request_timeout")
	}
	kind, _, _ := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if kind == "application/json" {
		err = readJSONArguments(body, args)
	} else {
		in.Body = io.NopCloser(strings.NewReader(string(body)))
		if formErr := in.ParseMultipartForm(1 << 20); formErr != nil && !errors.Is(formErr, http.ErrNotMultipart) {
			err = refuse("invalid_form_data")
		}
		for key, values := range in.PostForm {
			args[key] = values[0]
		}
	}
	secret = args["token"]
	delete(args, "token")
	if bearer, ok := strings.CutPrefix(in.Header.Get("Authorization"), "Bearer "); ok {
		secret = bearer
	}
	return args, secret, err
}

func readJSONArguments(body []byte, into map[string]string) error {
	if len(body) == 0 || string(body) == "null" {
		return nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(body, &values); err != nil {
		if json.Valid(body) {
			return refuse("json_not_object")
		}
		return refuse("invalid_json")
	}
	for key, raw := range values {
		var s string
		switch {
		case string(raw) == "null":
		case json.Unmarshal(raw, &s) == nil:
			into[key] = s
		default:
			into[key] = string(raw)
		}
	}
	return nil
}

func (c *call) is(arg string) bool { return c.args[arg] == "true" || c.args[arg] == "1" }

// number returns the argument as a whole number from 1 to most. It returns otherwise if the argument is absent.
func (c *call) number(arg string, otherwise, most int) (int, error) {
	s := c.args[arg]
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, refuseArguments("[ERROR] must be a number greater than 0 [json-pointer:/" + arg + "]")
	}
	return min(n, most), nil
}

// page returns the part of all that the arguments limit and cursor select, and the next cursor.
func page[E any](c *call, all []E, otherwise int) ([]E, object, error) {
	limit, err := c.number("limit", otherwise, 999)
	if err != nil {
		return nil, nil, err
	}
	from := 0
	if cursor := c.args["cursor"]; cursor != "" {
		from, err = strconv.Atoi(strings.TrimPrefix(cursor, "page:"))
		if err != nil || from < 0 || from > len(all) {
			return nil, nil, refuse("invalid_cursor")
		}
	}
	to := min(from+limit, len(all))
	next := ""
	if to < len(all) {
		next = "page:" + strconv.Itoa(to)
	}
	return all[from:to], object{"next_cursor": next}, nil
}
