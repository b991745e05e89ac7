package ceremony

import (
	"context"
	"fmt"
)

// Archive is a place outside of the bot's own host and of Slack where signed transcripts
// are kept, or a time-stamping server that witnesses when one existed. Its methods may take
// long and must not be called by a ceremony's actor.
type Archive interface {
	// Name returns the archive's name in the configuration, in the journal and for people.
	// No two archives of an engine have the same.
	Name() string
	// Keep keeps a document for good, and returns once it is kept. What is kept under the
	// same name already is never changed. When that is the very same document, Keep returns
	// its receipt, so that it may be called again after an answer was lost. When it is
	// another document, Keep fails.
	Keep(ctx context.Context, d Document) (Receipt, error)
}

// Document is a signed transcript in the form that its readers get.
type Document struct {
	Files  []File // the transcript itself, and behind it what is made of it for people
	SHA256 string // of the transcript, in lower-case hexadecimal digits
}

// Receipt is what an archive returns for a document that it keeps.
type Receipt struct {
	// Text says in a line where the document is, or what is witnessed of it.
	Text string
	// TimeStamp is a time-stamp response (RFC 3161) over the document's SHA-256, in
	// standard base64; empty when the archive is no time-stamping server.
	TimeStamp string
}

// File is a file for people.
type File struct {
	Name    string
	Type    string // media type
	Content []byte
}

// TranscriptName returns the name of a file with a ceremony's transcript. ext is json for
// machines and html for people.
func TranscriptName(id ID, number int, ext string) string {
	return fmt.Sprintf("%s-transcript-%d.%s", id, number, ext)
}
