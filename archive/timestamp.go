package archive

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"

	"conclave/ceremony"
)

// TimeStamp has a time-stamping server (RFC 3161) witness that a document existed. The
// server sees its SHA-256 and nothing else.
type TimeStamp struct {
	// URL takes requests by POST (RFC 3161, section 3.4). It need not be encrypted: only a
	// hash is sent, and the answer is signed.
	URL string
	// Authorities vouch for the signers of time stamps. They must not be those of the
	// operating system: any of them could make a time stamp.
	Authorities *x509.CertPool
	// Timeout limits one request.
	Timeout time.Duration
}

// Name returns what the time-stamping server is called in journals. There is only one server.
func (*TimeStamp) Name() string { return "time stamp" }

// Keep asks for a time stamp of the document's SHA-256. When it is called again it gets
// another time stamp, which proves as much.
func (s *TimeStamp) Keep(ctx context.Context, d ceremony.Document) (ceremony.Receipt, error) {
	sum, err := hex.DecodeString(d.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return ceremony.Receipt{}, fmt.Errorf("ask for a time stamp: %q is no SHA-256", d.SHA256)
	}
	response, stamp, err := s.stamp(ctx, [sha256.Size]byte(sum))
	if err != nil {
		return ceremony.Receipt{}, fmt.Errorf("ask for a time stamp: %w", err)
	}
	return ceremony.Receipt{Text: stamp.String(), TimeStamp: base64.StdEncoding.EncodeToString(response)}, nil
}

// Check has a random number stamped, which tells the server nothing, and returns the stamp
// in words.
func (s *TimeStamp) Check(ctx context.Context) (string, error) {
	var number [sha256.Size]byte
	_, _ = rand.Read(number[:]) // crypto/rand never fails
	_, stamp, err := s.stamp(ctx, number)
	if err != nil {
		return "", fmt.Errorf("%s: %w", s.URL, err)
	}
	return fmt.Sprintf("%s: has stamped a random number: %s", s.URL, stamp), nil
}

// stamp asks for a time stamp of digest once, and verifies it. It returns the response and
// the stamp.
func (s *TimeStamp) stamp(ctx context.Context, digest [sha256.Size]byte) ([]byte, Stamp, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, Stamp{}, err
	}
	query, err := (&timestamp.Request{
		HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true, Nonce: nonce,
	}).Marshal()
	if err != nil {
		return nil, Stamp{}, err
	}
	response, err := s.post(ctx, query)
	if err != nil {
		return nil, Stamp{}, err
	}
	now := time.Now()
	stamp, err := VerifyStamp(response, digest, s.Authorities, now)
	switch {
	case err != nil:
		return nil, Stamp{}, err
	case stamp.nonce == nil || stamp.nonce.Cmp(nonce) != 0:
		return nil, Stamp{}, ErrOtherNonce
	case stamp.Time.Before(now.Add(-skew)):
		return nil, Stamp{}, fmt.Errorf("%w: %s, and the clock here shows %s",
			ErrWrongTime, stamp.Time.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return response, stamp, nil
}

// post sends a query and returns the body of the answer.
func (s *TimeStamp) post(ctx context.Context, query []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	r.Header.Set("Accept", "application/timestamp-reply")
	transport := newTransport(nil)
	defer transport.CloseIdleConnections() // a time stamp is asked for rarely
	answer, err := transport.RoundTrip(r)  // a redirect is an answer like any other that is not 200
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if answer.StatusCode != http.StatusOK || kind != "application/timestamp-reply" {
		return nil, fmt.Errorf("%w: it answers %d with %q", ErrRefused, answer.StatusCode, kind)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxStamp+1))
	if err != nil {
		return nil, fmt.Errorf("read the time stamp: %w", err)
	}
	return body, nil
}
