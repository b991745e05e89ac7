package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"conclave/archive"
	"conclave/archive/archivetest"
)

func bucket(t *testing.T, s *archivetest.S3, alter func(*archive.BucketConfig)) *archive.Bucket {
	t.Helper()
	c := archive.BucketConfig{
		Endpoint: s.Endpoint, Region: s.Region, Name: "evidence", Prefix: "conclave/", PathStyle: true,
		Mode: archive.Compliance, Retention: 365 * 24 * time.Hour, Authorities: s.Authority.Pool, Timeout: 20 * time.Second,
		Keys: func() (string, string, error) { return s.ID, s.Secret, nil },
	}
	if alter != nil {
		alter(&c)
	}
	b, err := archive.NewBucket(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatABucketKeepsCanNotBeDeleted(t *testing.T) {
	s := archivetest.StartS3(t)
	s.MakeBucket(t, "evidence", true)
	d := document("prod-rekey-k7m2-1", "a transcript")
	for _, mode := range []archive.Mode{archive.Compliance, archive.Governance} {
		b := bucket(t, s, func(c *archive.BucketConfig) { c.Mode, c.Prefix = mode, strings.ToLower(string(mode))+"/" })
		first, err := b.Keep(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := b.Keep(t.Context(), d)
		if err != nil || again != first {
			t.Errorf("asked again, it answers %v, %v; want %v", again, err, first)
		}
	}
	objects := 0
	for o := range s.Client.ListObjectsIter(t.Context(), "evidence", minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		objects++
		info, err := s.Client.StatObject(t.Context(), "evidence", o.Key, minio.StatObjectOptions{VersionID: o.VersionID})
		if err != nil {
			t.Fatal(err)
		}
		mode, until := info.Headers.Get("X-Amz-Object-Lock-Mode"), info.Headers.Get("X-Amz-Object-Lock-Retain-Until-Date")
		if at, err := time.Parse(time.RFC3339, until); err != nil || time.Until(at) < 364*24*time.Hour || !strings.HasPrefix(o.Key, strings.ToLower(mode)+"/") {
			t.Errorf("%s is locked by %q until %q", o.Key, mode, until)
		}
		err = s.Client.RemoveObject(t.Context(), "evidence", o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID})
		if refused, _ := errors.AsType[minio.ErrorResponse](err); refused.StatusCode != http.StatusForbidden {
			t.Errorf("%s is deleted, and the server answers %v", o.Key, err)
		}
	}
	if objects != 4 {
		t.Errorf("there are %d versions, want a page and a file for each mode", objects)
	}
	object, err := s.Client.GetObject(t.Context(), "evidence", "compliance/"+d.Files[0].Name, minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(object); err != nil || !bytes.Equal(text, d.Files[0].Content) {
		t.Errorf("the object has %q, %v", text, err)
	}
}

func TestBucketOverwritesNothing(t *testing.T) {
	s := archivetest.StartS3(t)
	s.MakeBucket(t, "evidence", true)
	b := bucket(t, s, nil)
	if _, err := b.Keep(t.Context(), document("one", "a forgery")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Keep(t.Context(), document("one", "a transcript")); !errors.Is(err, archive.ErrDiffers) {
		t.Errorf("Keep = %v", err)
	}
}

// Another account may have put the very same bytes there, unlocked, to take them away
// again later.
func TestObjectThatIsNotLockedIsNotKept(t *testing.T) {
	s := archivetest.StartS3(t)
	s.MakeBucket(t, "evidence", true)
	d := document("one", "a transcript")
	for name, put := range map[string]minio.PutObjectOptions{
		"not at all":   {},
		"for an hour":  {Mode: minio.Compliance, RetainUntilDate: time.Now().Add(time.Hour)},
		"another mode": {Mode: minio.Governance, RetainUntilDate: time.Now().Add(366 * 24 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			prefix := strings.ReplaceAll(name, " ", "-") + "/"
			if _, err := s.Client.PutObject(t.Context(), "evidence", prefix+"one.json", bytes.NewReader(d.Files[0].Content), int64(len(d.Files[0].Content)), put); err != nil {
				t.Fatal(err)
			}
			b := bucket(t, s, func(c *archive.BucketConfig) { c.Prefix = prefix })
			if _, err := b.Keep(t.Context(), d); !errors.Is(err, archive.ErrNotLocked) {
				t.Errorf("Keep = %v", err)
			}
		})
	}
}

func TestCheckWantsABucketWithObjectLock(t *testing.T) {
	s := archivetest.StartS3(t)
	s.MakeBucket(t, "evidence", true)
	s.MakeBucket(t, "plain", false)
	s.MakeBucket(t, "versioned", false)
	if err := s.Client.EnableVersioning(t.Context(), "versioned"); err != nil {
		t.Fatal(err)
	}
	if text, err := bucket(t, s, nil).Check(t.Context()); err != nil {
		t.Errorf("Check = %q, %v", text, err)
	}
	for _, name := range []string{"plain", "versioned"} {
		b := bucket(t, s, func(c *archive.BucketConfig) { c.Name = name })
		if text, err := b.Check(t.Context()); !errors.Is(err, archive.ErrNoObjectLock) {
			t.Errorf("Check of %s = %q, %v", name, text, err)
		}
		if _, err := b.Keep(t.Context(), document("one", "a transcript")); err == nil {
			t.Errorf("%s keeps, without a lock", name)
		}
	}
	for name, alter := range map[string]func(*archive.BucketConfig){
		"no such bucket": func(c *archive.BucketConfig) { c.Name = "elsewhere" },
		"an unknown key": func(c *archive.BucketConfig) { c.Keys = func() (string, string, error) { return s.ID, "guessed", nil } },
		"keys that are lost": func(c *archive.BucketConfig) {
			c.Keys = func() (string, string, error) { return "", "", io.ErrUnexpectedEOF }
		},
		"another authority":   func(c *archive.BucketConfig) { c.Authorities = archivetest.NewAuthority(t).Pool },
		"the system's, alone": func(c *archive.BucketConfig) { c.Authorities = nil },
	} {
		if text, err := bucket(t, s, alter).Check(t.Context()); err == nil {
			t.Errorf("%s: Check = %q", name, text)
		}
	}
	for o := range s.Client.ListObjectsIter(t.Context(), "evidence", minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
		t.Errorf("Check has written %s", o.Key)
	}
}

func TestBucketThatHangsIsGivenUpInTime(t *testing.T) {
	hanging := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hanging }))
	defer server.Close()
	defer close(hanging)
	b, err := archive.NewBucket(archive.BucketConfig{
		Endpoint: server.URL, Region: "us-east-1", Name: "evidence", PathStyle: true, Mode: archive.Compliance,
		Retention: time.Hour, Timeout: 100 * time.Millisecond,
		Keys: func() (string, string, error) { return "auditor", "secret", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Keep(t.Context(), document("one", "a transcript")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Keep = %v", err)
	}
}
