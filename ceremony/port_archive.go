package ceremony

import (
	"context"
	"fmt"
)

// Archive is a place outside of the bot's own host and of Slack where signed
// transcripts are kept, or a witness of the moment at which one was there already. Its
// methods may take long; they are never called by a ceremony's owner.
type Archive interface {
	// Name is how configuration, journal and people call it. No two archives of an
	// engine have the same.
	Name() string
	// Keep keeps a document for good, and answers once it is kept. What it kept before
	// under the same name is never changed: when that is the very same document, Keep
	// answers for it, so that it may be asked again after its answer was lost; when it
	// is another one, it fails.
	Keep(ctx context.Context, d Document) (Receipt, error)
}

// Document is a signed transcript as its readers get it.
type Document struct {
	Files  []File // the transcript itself, and behind it what is made of it for people
	SHA256 string // of the transcript, in lower-case hexadecimal digits
}

// Receipt is what an archive answers for a document that it keeps.
type Receipt struct {
	// Text says in a line where the document is, or what is witnessed of it.
	Text string
	// TimeStamp is a time-stamp response (RFC 3161) over the document's SHA-256, in
	// standard base64; empty when the archive is no time-stamping server.
	TimeStamp string
}

// File is something that people take away.
type File struct {
	Name    string
	Type    string // media type
	Content []byte
}

// TranscriptName is what the file with a ceremony's transcript is called; ext is
// json for machines, html for people.
func TranscriptName(id ID, number int, ext string) string {
	return fmt.Sprintf("%s-transcript-%d.%s", id, number, ext)
}
