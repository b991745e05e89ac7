package openpgp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"conclave/ceremony"
)

// maxPayload is the size in bytes of the largest content of an envelope. The prefix has about
// 130 bytes, a share 66, and the suffix about 170.
const maxPayload = 512

// The length of a share in bytes: 33 for a divided key, 32 for an undivided one. Vault itself
// takes and counts anything of 16 bytes or more. It notices a wrong one at the threshold, and
// then throws everybody's share away.
const minShare, maxShare = 32, 33

// parsePayload checks the one line in an envelope,
//
//	conclave1 CEREMONY STEP NONCE IDENTITY SECRET [CEREMONY STEP NONCE IDENTITY PLAN-HASH]
//
// and returns the secret in it, the share or the one-time password, and where it ends. The
// words around the secret make an envelope worthless anywhere else: without them, who can open
// an envelope could encrypt its signed content again, to another key, for another ceremony.
// The words behind the secret are for the proof of the signature. They may be missing, and
// must say the same as those before it.
//
// The secret is a part of payload. It is nil when there is no such word, or there are others.
// The error is a Refusal.
func parsePayload(
	payload []byte, want ceremony.Expected, identity ceremony.Fingerprint,
) (secret []byte, end int, err error) {
	words := bytes.Fields(payload)
	if len(words) == 0 || string(words[0]) != ceremony.PayloadTag {
		return nil, 0, ceremony.NoPrefix
	}
	if len(words) < 5 {
		if err := checkBound(words[1:], want, identity); err != nil {
			return nil, 0, err
		}
		return nil, 0, ceremony.NoPrefix
	}
	if err := checkBound(words[1:5], want, identity); err != nil {
		return nil, 0, err
	}
	switch len(words) {
	case 6:
	case 11:
		if err := checkBound(words[6:], want, identity); err != nil {
			return nil, 0, err
		}
	default:
		return nil, 0, nil
	}
	secret = bytes.TrimPrefix(words[5], []byte("\ufeff")) // as the file of a share may begin in Windows
	// No word before it is as long: so it is not found within one of them.
	return secret, bytes.Index(payload, secret) + len(secret), nil
}

// checkBound compares the words that are there with what they must be. The error is the
// Refusal for the first that differs.
func checkBound(words [][]byte, want ceremony.Expected, identity ceremony.Fingerprint) error {
	bound := [...]struct {
		want    string
		refusal ceremony.Refusal
	}{
		{string(want.Ceremony), ceremony.OtherCeremony},
		{string(want.Step), ceremony.OtherStep},
		{want.Nonce, ceremony.OtherNonce},
		{string(identity), ceremony.OtherIdentity},
		{want.PlanHash, ceremony.OtherCeremony},
	}
	for i, word := range words {
		if !strings.EqualFold(string(word), bound[i].want) {
			return bound[i].refusal
		}
	}
	return nil
}

// isShare reports whether Vault would decode text to the length of a share: as hexadecimal
// digits if that is possible, as standard base64 otherwise. It overwrites what it has decoded.
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
