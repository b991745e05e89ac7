package blockkit

import (
	"bytes"
	"encoding/json"
)

// Object is a JSON object as Slack sends them: open, so that tests can write what a client may meet as the
// documentation shows it.
type Object = map[string]any

// Encode writes JSON as Slack does, without Go's \u003c for <.
func Encode(v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("slacktest: a value of our own is not JSON: " + err.Error())
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// Text returns the string at a path of keys, or "".
func Text(v any, path ...string) string {
	for _, key := range path {
		o, _ := v.(Object)
		v = o[key]
	}
	s, _ := v.(string)
	return s
}

// List returns the list under a key, or nil.
func List(v any, key string) []any {
	o, _ := v.(Object)
	l, _ := o[key].([]any)
	return l
}
