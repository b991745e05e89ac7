package archive_test

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"conclave/archive"
	"conclave/archive/archivetest"
)

func TestTranscriptIsStampedAndOpenSSLAgrees(t *testing.T) {
	authority := archivetest.NewAuthority(t)
	server := authority.Issue(t, archivetest.ForStamps())
	a := &archive.TimeStamp{URL: server.ServeStamps(t, nil), Authorities: authority.Pool, Timeout: time.Minute}
	d := document("prod-rekey-k7m2-1", "a transcript")

	receipt, err := a.Keep(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if want := "CN=Time-stamping server of a test"; !strings.Contains(receipt.Text, want) {
		t.Errorf("the receipt %q does not have %q", receipt.Text, want)
	}
	response, err := base64.StdEncoding.DecodeString(receipt.TimeStamp)
	if err != nil {
		t.Fatal(err)
	}
	stamp, err := archive.VerifyStamp(response, sha256.Sum256(d.Files[0].Content), authority.Pool, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if since := time.Since(stamp.Time); since < -time.Second || since > time.Minute {
		t.Errorf("it was stamped %s ago", since)
	}

	dir := t.TempDir()
	for name, data := range map[string][]byte{"reply.tsr": response, "transcript.json": d.Files[0].Content} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "openssl", "ts", "-verify", "-in", filepath.Join(dir, "reply.tsr"),
		"-data", filepath.Join(dir, "transcript.json"), "-CAfile", authority.File)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("openssl ts -verify: %v\n%s", err, text)
	}
}

func TestCheckStampsARandomNumber(t *testing.T) {
	authority := archivetest.NewAuthority(t)
	server := authority.Issue(t, archivetest.ForStamps())
	var asked [][]byte
	url := server.ServeStamps(t, func(query, reply []byte) []byte {
		request, err := timestamp.ParseRequest(query)
		if err != nil {
			t.Error(err)
			return reply
		}
		asked = append(asked, request.HashedMessage)
		return reply
	})
	a := &archive.TimeStamp{URL: url, Authorities: authority.Pool, Timeout: time.Minute}
	for range 2 {
		if _, err := a.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 2 || string(asked[0]) == string(asked[1]) {
		t.Errorf("asked for %x", asked)
	}
}

// made returns a query in place of OpenSSL, which would not say such things.
func made(
	t *testing.T, server archivetest.Issued, at time.Time, alter func(*timestamp.Timestamp),
) func(query, _ []byte) []byte {
	return func(query, _ []byte) []byte {
		request, err := timestamp.ParseRequest(query)
		if err != nil {
			t.Error(err)
			return nil
		}
		stamp := &timestamp.Timestamp{
			HashAlgorithm: crypto.SHA256, HashedMessage: request.HashedMessage, Time: at, Nonce: request.Nonce,
			Policy: []int{1, 2, 3}, AddTSACertificate: true, SerialNumber: big.NewInt(1),
		}
		if alter != nil {
			alter(stamp)
		}
		reply, err := stamp.CreateResponseWithOpts(server.Certificate, server.Key, crypto.SHA256)
		if err != nil {
			t.Error(err)
		}
		return reply
	}
}

func TestTimeStampThatProvesNothingIsRefused(t *testing.T) {
	authority := archivetest.NewAuthority(t)
	server := authority.Issue(t, archivetest.ForStamps())
	expired := archivetest.ForStamps()
	expired.NotBefore, expired.NotAfter = time.Now().AddDate(-1, 0, 0), time.Now().AddDate(0, 0, -1)
	former := authority.Issue(t, expired)
	web := authority.Issue(t, x509.Certificate{
		Subject: pkix.Name{CommonName: "A web server"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	both := authority.Issue(t, x509.Certificate{
		Subject: pkix.Name{CommonName: "A server for everything"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping, x509.ExtKeyUsageServerAuth},
	})
	anything := authority.Issue(
		t, x509.Certificate{Subject: pkix.Name{CommonName: "Somebody"}, KeyUsage: x509.KeyUsageDigitalSignature},
	)
	casual := authority.Issue(t, x509.Certificate{
		Subject: pkix.Name{CommonName: "Not quite"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{archivetest.StampUsage(false)},
	})
	stranger := archivetest.NewAuthority(t).Issue(t, archivetest.ForStamps())
	now := time.Now()

	var older []byte
	for name, c := range map[string]struct {
		alter func(query, reply []byte) []byte
		want  error
	}{
		"another digest":       {made(t, server, now, func(s *timestamp.Timestamp) { s.HashedMessage = make([]byte, 32) }), archive.ErrOtherDigest},
		"another hash":         {made(t, server, now, func(s *timestamp.Timestamp) { s.HashAlgorithm = crypto.SHA512 }), archive.ErrOtherDigest},
		"another nonce":        {made(t, server, now, func(s *timestamp.Timestamp) { s.Nonce = big.NewInt(7) }), archive.ErrOtherNonce},
		"no nonce":             {made(t, server, now, func(s *timestamp.Timestamp) { s.Nonce = nil }), archive.ErrOtherNonce},
		"no certificate":       {made(t, server, now, func(s *timestamp.Timestamp) { s.AddTSACertificate = false }), archive.ErrUntrusted},
		"an unknown authority": {made(t, stranger, now, nil), archive.ErrUntrusted},
		"an expired one":       {made(t, former, now, nil), archive.ErrNoTimeStamp},
		"a web server":         {made(t, web, now, nil), archive.ErrUntrusted},
		"a server for both":    {made(t, both, now, nil), archive.ErrUntrusted},
		"a server for any":     {made(t, anything, now, nil), archive.ErrUntrusted},
		"purpose not critical": {made(t, casual, now, nil), archive.ErrUntrusted},
		"an hour ahead":        {made(t, server, now.Add(time.Hour), nil), archive.ErrWrongTime},
		"before the request":   {made(t, server, now.Add(-30*time.Minute), nil), archive.ErrWrongTime},
		"nothing":              {func(_, _ []byte) []byte { return nil }, archive.ErrNoTimeStamp},
		"too much":             {func(_, reply []byte) []byte { return append(reply, make([]byte, 1<<20)...) }, archive.ErrNoTimeStamp},
		"more behind it":       {func(_, reply []byte) []byte { return append(reply, 0) }, archive.ErrNoTimeStamp},
		"a rejection": {func(_, _ []byte) []byte {
			reply, err := timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadRequest)
			if err != nil {
				t.Error(err)
			}
			return reply
		}, archive.ErrNoTimeStamp},
		"a repetition": {func(_, reply []byte) []byte {
			if older == nil {
				older = reply
			}
			return older
		}, archive.ErrOtherNonce},
	} {
		t.Run(name, func(t *testing.T) {
			a := &archive.TimeStamp{URL: server.ServeStamps(t, c.alter), Authorities: authority.Pool, Timeout: time.Minute}
			if name == "a repetition" {
				if _, err := a.Keep(t.Context(), document("one", "a transcript")); err != nil {
					t.Fatal(err)
				}
			}
			receipt, err := a.Keep(t.Context(), document("one", "a transcript"))
			if !errors.Is(err, c.want) {
				t.Errorf("Keep = %v, %v; want %v", receipt, err, c.want)
			}
		})
	}
}

// Nothing of what is signed can be changed without notice, and what is not signed can't
// make a reader of it fall over.
func TestEveryChangedByteOfAStampIsFoundOrMeansNothing(t *testing.T) {
	authority := archivetest.NewAuthority(t)
	server := authority.Issue(t, archivetest.ForStamps())
	digest := sha256.Sum256([]byte("a transcript"))
	query, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	reply := server.Stamp(t, query)
	want, err := archive.VerifyStamp(reply, digest, authority.Pool, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range reply {
		changed := append([]byte(nil), reply...)
		changed[i] ^= 1
		got, err := archive.VerifyStamp(changed, digest, authority.Pool, time.Now())
		if err != nil {
			found++
		} else if got.String() != want.String() {
			t.Errorf("byte %d changes the stamp to %s, unnoticed", i, got)
		}
	}
	if found < len(reply)*9/10 {
		t.Errorf("%d of %d changed bytes are found", found, len(reply))
	}
}

func TestServerThatGivesNoTimeStampIsNotBelieved(t *testing.T) {
	authority := archivetest.NewAuthority(t)
	hanging := make(chan struct{})
	defer close(hanging)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    error
	}{
		"500":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, archive.ErrRefused},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, archive.ErrRefused},
		"a page":   {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<!doctype html>")) }, archive.ErrRefused},
		"hanging":  {func(_ http.ResponseWriter, r *http.Request) { <-hanging }, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.handler)
			t.Cleanup(s.CloseClientConnections)
			a := &archive.TimeStamp{URL: s.URL, Authorities: authority.Pool, Timeout: time.Minute}
			if name == "hanging" {
				a.Timeout = 200 * time.Millisecond
			}
			if _, err := a.Keep(t.Context(), document("one", "a transcript")); !errors.Is(err, c.want) {
				t.Errorf("Keep = %v, want %v", err, c.want)
			}
		})
	}
}

// FuzzStamp changes a time stamp that OpenSSL made of "a transcript".
func FuzzStamp(f *testing.F) {
	reply, err := os.ReadFile("testdata/reply.tsr")
	if err != nil {
		f.Fatal(err)
	}
	vouching, err := os.ReadFile("testdata/authority.pem")
	if err != nil {
		f.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(vouching)
	digest := sha256.Sum256([]byte("a transcript"))
	want, err := archive.VerifyStamp(reply, digest, authorities, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reply)
	f.Add(reply[:len(reply)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := archive.VerifyStamp(data, digest, authorities, time.Now())
		if err == nil && got.String() != want.String() {
			t.Errorf("%s was never stamped", got)
		}
	})
}
