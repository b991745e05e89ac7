package vaulttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"conclave/vault/vaulttest/record"
)

// Refusal is an answer other than success, in Vault's words.
type Refusal struct {
	Status int
	Text   string // empty for an answer without words, such as 405
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d: %s", r.Status, r.Text) }

// refuse makes a refusal. Its words are Vault's own, since clients see them. They need not follow this project's style.
func refuse(status int, format string, args ...any) error {
	return &Refusal{Status: status, Text: fmt.Sprintf(format, args...)}
}

// errGiven refuses a share that came before in the same round. A client that remembers what it sent never gets this
// answer.
func errGiven(c *call, operation string) error {
	c.breach = record.SentTwice
	return refuse(http.StatusBadRequest, "given key has already been provided during this %s operation", operation)
}

// internalError returns what Vault's router answers to an error for which the handler set no status. A dropped
// connection stays dropped.
func internalError(err error) error {
	refused, ok := errors.AsType[*Refusal](err)
	if !ok {
		return err
	}
	return refuse(http.StatusInternalServerError, "1 error occurred:\n\t* %s\n\n", refused.Text)
}

// errHangUp closes the connection without an answer, which is what a client sees when one of Vault's handlers panics.
var errHangUp = errors.New("hang up")

var (
	errSealed    = &Refusal{Status: http.StatusServiceUnavailable, Text: "Vault is sealed"}
	errNotActive = &Refusal{Status: http.StatusServiceUnavailable, Text: "node is not active"}
	errNoLeader  = &Refusal{Status: http.StatusInternalServerError,
		Text: "local node not active but active cluster node not found"}
	errMethod = &Refusal{Status: http.StatusMethodNotAllowed}
)

// withStatus is a body that is sent with a status other than 200.
type withStatus struct {
	status int
	body   any
}

// writeAnswer sends a handler's result: 204 for no body and no error, 200 with the body, or the refusal.
func writeAnswer(w http.ResponseWriter, body any, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		refused, ok := errors.AsType[*Refusal](err)
		if !ok {
			// Nothing was written, so that the client sees the connection close.
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(refused.Status)
		body := map[string][]string{"errors": {}}
		if refused.Text != "" {
			body["errors"] = []string{refused.Text}
		}
		json.NewEncoder(w).Encode(body)
		return
	}
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if answer, ok := body.(withStatus); ok {
		w.WriteHeader(answer.status)
		body = answer.body
	}
	json.NewEncoder(w).Encode(body)
}

// envelope is the shape of answers that pass through Vault's request router. The older sys/ endpoints answer without
// it.
type envelope struct {
	RequestID     string         `json:"request_id"`
	LeaseID       string         `json:"lease_id"`
	Renewable     bool           `json:"renewable"`
	LeaseDuration int            `json:"lease_duration"`
	Data          map[string]any `json:"data"`
	WrapInfo      any            `json:"wrap_info"`
	Warnings      []string       `json:"warnings"`
	Auth          *auth          `json:"auth"`
	MountType     string         `json:"mount_type"`
}

func wrapped(mount string, data map[string]any) envelope {
	return envelope{RequestID: newUUID(), Data: data, MountType: mount}
}

// doubled returns an envelope whose data is repeated at the top level, as in the answers of sys/key-status and
// sys/rekey/backup.
func doubled(data map[string]any) map[string]any {
	top := map[string]any{
		"request_id": newUUID(), "lease_id": "", "renewable": false, "lease_duration": 0,
		"data": data, "wrap_info": nil, "warnings": nil, "auth": nil, "mount_type": "system",
	}
	for key, value := range data {
		top[key] = value
	}
	return top
}
