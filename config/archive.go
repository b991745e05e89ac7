package config

import (
	"strings"
	"time"

	"conclave/host"
)

// Archive says where copies of signed transcripts are kept. Each place is optional.
type Archive struct {
	TimeStamp TimeStamp `yaml:"time_stamp"`
	Directory host.Path `yaml:"directory"` // empty: none
	Bucket    Bucket    `yaml:"bucket"`
}

// TimeStamp is a time-stamping server (RFC 3161).
type TimeStamp struct {
	URL     string        `yaml:"url"`
	CAFile  host.Path     `yaml:"ca_file"` // the authorities that vouch for it; never the system's
	Timeout time.Duration `yaml:"timeout"`
}

// Bucket is a bucket of an S3 server, with object lock.
type Bucket struct {
	Endpoint      string        `yaml:"endpoint"`
	Region        string        `yaml:"region"`
	Name          string        `yaml:"name"`
	Prefix        string        `yaml:"prefix"` // of every key
	PathStyle     bool          `yaml:"path_style"`
	CAFile        host.Path     `yaml:"ca_file"` // empty: the system's authorities
	KeyIDFile     host.Path     `yaml:"key_id_file"`
	SecretKeyFile host.Path     `yaml:"secret_key_file"`
	Mode          string        `yaml:"mode"`
	Days          int           `yaml:"days"`
	Timeout       time.Duration `yaml:"timeout"`
}

func (t *TimeStamp) setDefaults() { t.Timeout = 30 * time.Second }

func (b *Bucket) setDefaults() {
	b.Region = "us-east-1"
	b.Mode = "compliance"
	b.Timeout = 30 * time.Second
}

// maxDays is S3's own limit of a lock: a hundred years.
const maxDays = 36500

// archive checks that each configured place has what it needs.
func (k *check) archive() {
	if k.line["archive.time_stamp"] > 0 {
		s := k.Archive.TimeStamp
		if s.URL == "" {
			k.complain("archive.time_stamp.url",
				"is missing: where the server takes requests, such as http://timestamp.example.com")
		} else {
			k.stampURL("archive.time_stamp.url", s.URL)
		}
		k.needPath("archive.time_stamp.ca_file", s.CAFile, "whoever else may vouch for a time stamp could make one")
		k.between("archive.time_stamp.timeout", s.Timeout, minTimeout, maxTimeout)
	}
	if k.line["archive.directory"] > 0 {
		k.needPath("archive.directory", k.Archive.Directory, "leave the key out to keep no copy there")
	}
	if k.line["archive.bucket"] > 0 {
		k.bucket("archive.bucket", k.Archive.Bucket)
	}
}

// stampURL is [check.address] of a time-stamping server. It accepts http as well: a hash is
// sent, and the answer is signed.
func (k *check) stampURL(path, address string) {
	if rest, plain := strings.CutPrefix(address, "http://"); plain {
		address = "https://" + rest
	}
	k.address(path, address)
}

// bucket checks the place of copies in a bucket.
func (k *check) bucket(path string, b Bucket) {
	if b.Endpoint == "" {
		k.complain(path+".endpoint", "is missing: the server's address, such as https://s3.eu-central-1.amazonaws.com")
	} else {
		k.address(path+".endpoint", b.Endpoint)
		if i := strings.Index(b.Endpoint, "://"); i > 0 && strings.Contains(b.Endpoint[i+3:], "/") {
			k.complain(path+".endpoint", "%q has a path: the bucket's name stands in name", b.Endpoint)
		}
	}
	if b.Name == "" {
		k.complain(path+".name", "is missing: the bucket, made with object lock")
	}
	if b.Prefix != "" && (strings.HasPrefix(b.Prefix, "/") || !strings.HasSuffix(b.Prefix, "/")) {
		k.complain(path+".prefix", "%q does not look like folder/, with a slash at its end and none before", b.Prefix)
	}
	k.needPath(path+".key_id_file", b.KeyIDFile, "a file with the access key's id")
	k.needPath(path+".secret_key_file", b.SecretKeyFile, "a file with the secret access key")
	k.oneOf(path+".mode", b.Mode, "compliance", "governance")
	switch {
	case k.line[path+".days"] == 0:
		k.complain(path+".days", "is missing: how many days nobody may delete a transcript")
	case b.Days < 1 || b.Days > maxDays:
		k.complain(path+".days", "%d is not between 1 and %d", b.Days, maxDays)
	}
	k.between(path+".timeout", b.Timeout, minTimeout, maxTimeout)
}
