package archivetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"conclave/needs"
)

// S3 is a real S3 server on loopback, over TLS.
type S3 struct {
	Endpoint  string
	Region    string
	ID        string // of the access key of the one account
	Secret    string
	Authority *Authority
	Client    *minio.Client // with every right
}

// StartS3 starts a server, and stops it at the test's end. The binary is the one named
// by CONCLAVE_S3_BINARY, or .build/versitygw at the module's root. Without one the test
// ends as package needs says.
func StartS3(t testing.TB) *S3 {
	t.Helper()
	binary := requireBinary(t)
	s := &S3{Region: "us-east-1", ID: "auditor", Secret: "only-on-loopback", Authority: NewAuthority(t)}
	issued := s.Authority.Issue(t, x509.Certificate{
		Subject:     pkix.Name{CommonName: "S3 server of a test"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	address := freeAddress(t)
	s.Endpoint = "https://" + address
	objects, versions := t.TempDir(), t.TempDir()
	cmd := exec.Command(binary, "--quiet", "--port", address, "--cert", issued.CertificateFile, "--key", issued.KeyFile,
		"posix", "--versioning-dir", versions, objects)
	cmd.Env = []string{"ROOT_ACCESS_KEY=" + s.ID, "ROOT_SECRET_KEY=" + s.Secret, "VGW_REGION=" + s.Region}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the S3 server said:\n%s", &output)
		}
	})
	var err error
	if s.Client, err = minio.New(address, &minio.Options{
		Creds:        credentials.NewStaticV4(s.ID, s.Secret, ""),
		Secure:       true,
		Region:       s.Region,
		BucketLookup: minio.BucketLookupPath,
		Transport:    &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Authority.Pool}},
	}); err != nil {
		t.Fatal(err)
	}
	s.await(t)
	return s
}

// await returns once the server answers.
func (s *S3) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, err := s.Client.ListBuckets(ctx)
		if err == nil {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("the S3 server does not answer: %v", err)
		}
	}
}

// MakeBucket makes a bucket, with object lock or without.
func (s *S3) MakeBucket(t testing.TB, name string, lock bool) {
	t.Helper()
	if err := s.Client.MakeBucket(t.Context(), name, minio.MakeBucketOptions{ObjectLocking: lock}); err != nil {
		t.Fatal(err)
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func requireBinary(t testing.TB) string {
	t.Helper()
	binary := os.Getenv("CONCLAVE_S3_BINARY")
	if binary == "" {
		binary = filepath.Join(moduleRoot(t), ".build", "versitygw")
	}
	needs.Server(t, binary, "make s3")
	return binary
}

// moduleRoot returns the module's root: it walks up from the working directory, which in a
// test is that of the package.
func moduleRoot(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte("module conclave\n")) {
			return folder
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			t.Fatal("the working folder is outside this project")
		}
		folder = parent
	}
}
