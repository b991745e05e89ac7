package event

import (
	"encoding/base64"
	"fmt"

	"conclave/ceremony"
)

type (
	// Archived says that an archive keeps a transcript.
	Archived struct {
		Number    int    `json:"number"`               // of the transcript
		Where     string `json:"where"`                // the archive's name
		SHA256    string `json:"sha256"`               // of the transcript's file
		Receipt   string `json:"receipt"`              // where it is, or what is witnessed of it
		TimeStamp string `json:"time_stamp,omitempty"` // a time-stamp response (RFC 3161), in standard base64
	}
	// ArchiveFailed says that an archive was asked for a day, and does not keep a
	// transcript.
	ArchiveFailed struct {
		Number int    `json:"number"`
		Where  string `json:"where"`
	}
)

func (Archived) event()      {}
func (ArchiveFailed) event() {}

// File returns the time stamp as a file for people, named like the transcript of this
// ceremony that it is about. The receipt must have one.
func (k Archived) File(id ceremony.ID) (ceremony.File, error) {
	response, err := base64.StdEncoding.DecodeString(k.TimeStamp)
	if err != nil {
		return ceremony.File{}, fmt.Errorf("read time stamp %d of %s: %w", k.Number, id, err)
	}
	name := ceremony.TranscriptName(id, k.Number, "tsr")
	return ceremony.File{Name: name, Type: "application/timestamp-reply", Content: response}, nil
}
