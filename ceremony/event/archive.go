package event

import (
	"encoding/base64"
	"fmt"

	"conclave/ceremony"
)

type (
	// Kept says that an archive keeps a transcript.
	Kept struct {
		Number    int    `json:"number"`               // of the transcript
		Where     string `json:"where"`                // the archive's name
		SHA256    string `json:"sha256"`               // of the transcript's file
		Receipt   string `json:"receipt"`              // where it is, or what is witnessed of it
		TimeStamp string `json:"time_stamp,omitempty"` // a time-stamp response (RFC 3161), in standard base64
	}
	// NotKept says that an archive was asked for a day, and does not keep a transcript.
	NotKept struct {
		Number int    `json:"number"`
		Where  string `json:"where"`
	}
)

func (Kept) event()    {}
func (NotKept) event() {}

// File is the time stamp as people take it away, named like the transcript of this
// ceremony that it is about; only of a receipt that has one.
func (k Kept) File(id ceremony.ID) (ceremony.File, error) {
	response, err := base64.StdEncoding.DecodeString(k.TimeStamp)
	if err != nil {
		return ceremony.File{}, fmt.Errorf("read time stamp %d of %s: %w", k.Number, id, err)
	}
	return ceremony.File{Name: ceremony.TranscriptName(id, k.Number, "tsr"), Type: "application/timestamp-reply", Content: response}, nil
}
