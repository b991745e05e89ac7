package openpgp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"conclave/ceremony"
)

// maxPayload is how long an envelope's content may be. The prefix takes about 130
// bytes and a share 66.
const maxPayload = 512

// A share's length in bytes: 33 for what Vault divides, 32 for an undivided key.
// Vault itself takes anything from 16 bytes on, counts it, and notices at the
// threshold, when everybody's share is thrown away with it.
const minShare, maxShare = 32, 33

// parsePayload checks the one line in an envelope,
//
//	conclave1 CEREMONY STEP NONCE IDENTITY SECRET
//
// and answers its last word, the share or the one-time password. This binding is
// what makes an envelope worthless anywhere else: without it, whoever can open one
// could encrypt its signed content again, to another key, for another ceremony.
//
// The slice is part of payload, and nil when there is no such word or more than
// one. The error is a Refusal.
func parsePayload(payload []byte, want ceremony.Expected, identity ceremony.Fingerprint) ([]byte, error) {
	words := bytes.Fields(payload)
	if len(words) == 0 || string(words[0]) != ceremony.PayloadTag {
		return nil, ceremony.NoPrefix
	}
	for i, bound := range [...]struct {
		want    string
		refusal ceremony.Refusal
	}{
		{string(want.Ceremony), ceremony.OtherCeremony},
		{string(want.Step), ceremony.OtherStep},
		{want.Nonce, ceremony.OtherNonce},
		{string(identity), ceremony.OtherIdentity},
	} {
		if len(words) < i+2 {
			return nil, ceremony.NoPrefix
		}
		if !strings.EqualFold(string(words[i+1]), bound.want) {
			return nil, bound.refusal
		}
	}
	if len(words) != 6 {
		return nil, nil
	}
	return words[5], nil
}

// isShare says whether Vault would decode text to the length of a share:
// hexadecimal digits if it can be read so, standard base64 otherwise. What it
// decodes is overwritten.
func isShare(text []byte) bool {
	var decoded [2 * maxShare]byte
	defer clear(decoded[:])
	if len(text) > len(decoded) {
		return false
	}
	n, err := hex.Decode(decoded[:], text)
	if err != nil {
		n, err = base64.StdEncoding.Decode(decoded[:], text)
	}
	return err == nil && n >= minShare && n <= maxShare
}
