package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"conclave/archive"
	"conclave/ceremony"
	"conclave/config"
	"conclave/host"
)

// Archive is an archive that can be tried without changing what is in it.
type Archive interface {
	ceremony.Archive
	// Check returns in words what it has found.
	Check(ctx context.Context) (string, error)
}

// NewArchives makes the configured archives, of which there may be none, without
// sending anything.
func NewArchives(c *config.Config) ([]Archive, error) {
	var all []Archive
	if s := c.Archive.TimeStamp; s.URL != "" {
		authorities, err := host.ReadAuthorities(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("archive.time_stamp.ca_file: %w", err)
		}
		all = append(all, &archive.TimeStamp{URL: s.URL, Authorities: authorities, Timeout: s.Timeout})
	}
	if c.Archive.Directory != "" {
		all = append(all, &archive.Directory{Path: string(c.Archive.Directory)})
	}
	if b := c.Archive.Bucket; b.Name != "" {
		bucket, err := newBucket(b)
		if err != nil {
			return nil, fmt.Errorf("archive.bucket: %w", err)
		}
		all = append(all, bucket)
	}
	return all, nil
}

// newBucket makes the client of a bucket.
func newBucket(b config.Bucket) (*archive.Bucket, error) {
	var authorities *x509.CertPool
	if b.CAFile != "" {
		var err error
		if authorities, err = host.ReadAuthorities(b.CAFile); err != nil {
			return nil, err
		}
	}
	return archive.NewBucket(archive.BucketConfig{
		Endpoint:    b.Endpoint,
		Region:      b.Region,
		Name:        b.Name,
		Prefix:      b.Prefix,
		PathStyle:   b.PathStyle,
		Mode:        archive.Mode(strings.ToUpper(b.Mode)),
		Retention:   time.Duration(b.Days) * 24 * time.Hour,
		Authorities: authorities,
		Timeout:     b.Timeout,
		Keys:        func() (id, secret string, err error) { return readAccessKey(b) },
	})
}

// readAccessKey reads the access key of a bucket. It is called each time the key is
// needed, so that its files can be replaced while the program runs.
func readAccessKey(b config.Bucket) (id, secret string, err error) {
	first, err := host.ReadToken(b.KeyIDFile)
	if err != nil {
		return "", "", fmt.Errorf("read archive.bucket.key_id_file: %w", err)
	}
	second, err := host.ReadToken(b.SecretKeyFile)
	if err != nil {
		return "", "", fmt.Errorf("read archive.bucket.secret_key_file: %w", err)
	}
	return string(first), string(second), nil
}
