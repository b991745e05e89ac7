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

// checker is what can be tried without changing anything.
type checker interface {
	// Check returns in words what it has found.
	Check(ctx context.Context) (string, error)
}

// place is an archive that can be tried.
type place interface {
	ceremony.Archive
	checker
}

// NewArchives makes the configured archives, without sending anything.
func NewArchives(c *config.Config) ([]place, error) {
	var places []place
	if s := c.Archive.TimeStamp; s.URL != "" {
		authorities, err := host.ReadAuthorities(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("archive.time_stamp.ca_file: %w", err)
		}
		places = append(places, &archive.TimeStamp{URL: s.URL, Authorities: authorities, Timeout: s.Timeout})
	}
	if c.Archive.Directory != "" {
		places = append(places, &archive.Directory{Path: string(c.Archive.Directory)})
	}
	if b := c.Archive.Bucket; b.Name != "" {
		bucket, err := open(b)
		if err != nil {
			return nil, fmt.Errorf("archive.bucket: %w", err)
		}
		places = append(places, bucket)
	}
	return places, nil
}

// open makes the client of a bucket.
func open(b config.BucketConfig) (*archive.Bucket, error) {
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
		Keys:        func() (id, secret string, err error) { return keys(b) },
	})
}

// keys reads the access key each time it is needed, so that it can be replaced.
func keys(b config.BucketConfig) (id, secret string, err error) {
	first, err := host.ReadSecret(b.KeyIDFile)
	if err != nil {
		return "", "", fmt.Errorf("read archive.bucket.key_id_file: %w", err)
	}
	second, err := host.ReadSecret(b.SecretKeyFile)
	if err != nil {
		return "", "", fmt.Errorf("read archive.bucket.secret_key_file: %w", err)
	}
	return string(first), string(second), nil
}
