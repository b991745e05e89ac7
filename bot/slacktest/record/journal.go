package record

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"conclave/bot/slacktest/blockkit"
)

// Direction is the direction in which an [Entry] passed.
type Direction string

// The directions, as the client sees them.
const (
	FromClient Direction = "from client"
	ToClient   Direction = "to client"
	ByPerson   Direction = "by person"
)

// Entry is one thing that passed between the workspace and the client, or that a person did.
type Entry struct {
	Seq int       `json:"seq"`
	At  time.Time `json:"at"`
	Way Direction `json:"way"`
	// What is an API method, "socket", "upload_url", "url_private", "response_url", or what a person did.
	What string `json:"what"`
	Body []byte `json:"body"` // arguments, answer or frame as JSON, or a file's bytes; tokens are cut out
}

// Redact returns a body without tokens and tickets.
func Redact(body []byte) []byte { return secretPattern.ReplaceAll(body, []byte("${1}-REDACTED")) }

var secretPattern = regexp.MustCompile(`(xoxb|xapp|xoxp|ticket)[-=][0-9A-Za-z-]+`)

// Traffic returns the bodies of what passed these ways (all, if none is named), to be searched: each body as it was,
// followed by every string in it without JSON's escapes, also of JSON that travelled inside a string.
func Traffic(entries []Entry, ways ...Direction) []byte {
	var all bytes.Buffer
	for _, e := range entries {
		if len(ways) > 0 && !slices.Contains(ways, e.Way) {
			continue
		}
		all.Write(e.Body)
		all.WriteByte('\n')
		writeStrings(&all, e.Body)
	}
	return all.Bytes()
}

// writeStrings writes the strings of a JSON text, each on lines of its own.
func writeStrings(to *bytes.Buffer, text []byte) {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return
	}
	writeLeaves(to, value)
}

func writeLeaves(to *bytes.Buffer, value any) {
	switch v := value.(type) {
	case string:
		to.WriteString(v)
		to.WriteByte('\n')
		if len(v) > 0 && (v[0] == '{' || v[0] == '[') {
			writeStrings(to, []byte(v))
		}
	case []any:
		for _, e := range v {
			writeLeaves(to, e)
		}
	case blockkit.Object:
		for key, e := range v {
			to.WriteString(key)
			to.WriteByte('\n')
			writeLeaves(to, e)
		}
	}
}
