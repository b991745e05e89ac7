package archive_test

import (
	"crypto/sha256"
	"encoding/hex"

	"conclave/ceremony"
)

// document is a transcript of which the archives know no more than that it is bytes.
func document(name, text string) ceremony.Document {
	sum := sha256.Sum256([]byte(text))
	return ceremony.Document{
		SHA256: hex.EncodeToString(sum[:]),
		Files: []ceremony.File{
			{Name: name + ".json", Type: "application/json", Content: []byte(text)},
			{Name: name + ".html", Type: "text/html", Content: []byte("<!doctype html><p>" + text)},
		},
	}
}
