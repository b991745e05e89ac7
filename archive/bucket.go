package archive

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"conclave/ceremony"
)

// Mode is the mode of object lock.
type Mode string

// Modes of object lock, as S3 calls them.
const (
	Compliance Mode = "COMPLIANCE" // nobody can delete it before its time, not even the account's root user
	Governance Mode = "GOVERNANCE" // an account with a special right can
)

// noBucketLock is the code by which S3 says that a bucket has no object lock.
const noBucketLock = "ObjectLockConfigurationNotFoundError"

// slack is how much earlier than asked for the lock of a document may end. An earlier try
// may have kept it, and tries go on for a day.
const slack = 25 * time.Hour

// BucketConfig says where a bucket is; every field is needed but Prefix and
// Authorities.
type BucketConfig struct {
	Endpoint    string // https://s3.eu-central-1.amazonaws.com
	Region      string
	Name        string
	Prefix      string // of every key: conclave/
	PathStyle   bool   // the bucket's name is in the path and not in the host's name
	Mode        Mode
	Retention   time.Duration  // how long each version is locked
	Authorities *x509.CertPool // nil: those of the operating system
	Timeout     time.Duration  // for one request
	// Keys returns the access key's id and its secret. It is called for each request, so
	// that both can be replaced while the program runs.
	Keys func() (id, secret string, err error)
}

// Bucket keeps documents in a bucket of an S3 server, each locked against deletion and
// change until its time is over.
type Bucket struct {
	config BucketConfig
	client *minio.Client
}

// NewBucket makes a client, without sending anything.
func NewBucket(c BucketConfig) (*Bucket, error) {
	endpoint, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupDNS
	if c.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:           credentials.New(keys(c.Keys)),
		Secure:          endpoint.Scheme == "https",
		Transport:       newTransport(c.Authorities),
		Region:          c.Region, // else the bucket's region is asked for, which takes another right
		BucketLookup:    lookup,
		TrailingHeaders: true, // the checksum comes behind the content
		MaxRetries:      1,    // who calls Keep tries again
	})
	if err != nil {
		return nil, err
	}
	return &Bucket{config: c, client: client}, nil
}

// keys makes the library ask for the keys each time.
type keys func() (id, secret string, err error)

func (k keys) Retrieve() (credentials.Value, error) {
	id, secret, err := k()
	return credentials.Value{AccessKeyID: id, SecretAccessKey: secret, SignerType: credentials.SignatureV4}, err
}

func (k keys) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	return k.Retrieve()
}

func (k keys) IsExpired() bool { return true }

// Name returns what the bucket is called in journals. There is only one bucket.
func (*Bucket) Name() string { return "bucket" }

// Keep puts the files in their order. The receipt is that of the first file.
func (b *Bucket) Keep(ctx context.Context, d ceremony.Document) (receipt ceremony.Receipt, _ error) {
	now := time.Now()
	for i, f := range d.Files {
		version, until, err := b.keepObject(ctx, f, now)
		if err != nil {
			return ceremony.Receipt{}, fmt.Errorf("keep an object: %w", err)
		}
		if i == 0 {
			receipt.Text = fmt.Sprintf("s3://%s/%s%s, version %s, locked (%s) until %s",
				b.config.Name, b.config.Prefix, f.Name, version, b.config.Mode, until.UTC().Format(time.DateOnly))
		}
	}
	return receipt, nil
}

// Check asks for the bucket's settings and writes nothing.
func (b *Bucket) Check(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	about := fmt.Sprintf("%s at %s", b.config.Name, b.config.Endpoint)
	versioning, err := b.client.GetBucketVersioning(ctx, b.config.Name)
	if err != nil {
		return "", fmt.Errorf("%s: ask for its versioning: %w", about, err)
	}
	if !versioning.Enabled() {
		return "", fmt.Errorf("%s: %w: versioning is not enabled", about, ErrNoObjectLock)
	}
	lock, _, _, _, err := b.client.GetObjectLockConfig(ctx, b.config.Name)
	switch {
	case code(err) == noBucketLock || err == nil && lock != "Enabled":
		return "", fmt.Errorf("%s: %w: it was made without object lock", about, ErrNoObjectLock)
	case err != nil:
		return "", fmt.Errorf("%s: ask for its object lock: %w", about, err)
	}
	return about + ": versions are kept, and locked; writing was not tried", nil
}

// keepObject puts an object, or finds the same one there. In both cases it asks the server
// which version it locks, and until when.
func (b *Bucket) keepObject(
	ctx context.Context, f ceremony.File, now time.Time,
) (version string, until time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*b.config.Timeout) // three requests at most
	defer cancel()
	key, data := b.config.Prefix+f.Name, f.Content
	put := minio.PutObjectOptions{
		ContentType:      f.Type,
		Mode:             minio.RetentionMode(b.config.Mode),
		RetainUntilDate:  now.Add(b.config.Retention).UTC(),
		Checksum:         minio.ChecksumSHA256,
		DisableMultipart: true,
	}
	put.SetMatchETagExcept("*") // never a second version of what is there
	info, err := b.client.PutObject(ctx, b.config.Name, key, bytes.NewReader(data), int64(len(data)), put)
	version = info.VersionID
	switch {
	case status(err) == http.StatusPreconditionFailed:
		if version, err = b.compare(ctx, key, data); err != nil {
			return "", time.Time{}, err
		}
	case err != nil:
		return "", time.Time{}, err
	}
	if version == "" {
		return "", time.Time{}, fmt.Errorf("%s: %w: it has no version", key, ErrNoObjectLock)
	}
	until, err = b.lockedUntil(ctx, key, version)
	if err == nil && until.Before(now.Add(b.config.Retention-slack)) {
		err = fmt.Errorf("%s: %w: until %s", key, ErrNotLocked, until.UTC().Format(time.RFC3339))
	}
	return version, until, err
}

// compare returns the version of an object that is there. The error is ErrDiffers when it
// has another content.
func (b *Bucket) compare(ctx context.Context, key string, data []byte) (version string, err error) {
	object, err := b.client.GetObject(ctx, b.config.Name, key, minio.GetObjectOptions{})
	if err != nil {
		return "", err
	}
	defer object.Close()
	there, err := io.ReadAll(io.LimitReader(object, int64(len(data))+1))
	if err != nil {
		return "", err
	}
	if !bytes.Equal(there, data) {
		return "", fmt.Errorf("%s: %w", key, ErrDiffers)
	}
	info, err := object.Stat()
	return info.VersionID, err
}

// lockedUntil returns until when a version is locked in the configured mode or in the
// stricter one. It asks for the object and not for its retention: servers differ in how
// they name the answer to that.
func (b *Bucket) lockedUntil(ctx context.Context, key, version string) (time.Time, error) {
	info, err := b.client.StatObject(ctx, b.config.Name, key, minio.StatObjectOptions{VersionID: version})
	if err != nil {
		return time.Time{}, fmt.Errorf("ask how long %s is locked: %w", key, err)
	}
	mode := Mode(info.Headers.Get("X-Amz-Object-Lock-Mode"))
	until, err := time.Parse(time.RFC3339, info.Headers.Get("X-Amz-Object-Lock-Retain-Until-Date"))
	if err != nil || mode != b.config.Mode && mode != Compliance {
		return time.Time{}, fmt.Errorf("%s: %w", key, ErrNotLocked)
	}
	return until, nil
}

// code returns the server's code for what went wrong, or "".
func code(err error) string {
	answer, _ := errors.AsType[minio.ErrorResponse](err)
	return answer.Code
}

// status returns the HTTP status of a server's refusal, or 0.
func status(err error) int {
	answer, _ := errors.AsType[minio.ErrorResponse](err)
	return answer.StatusCode
}
