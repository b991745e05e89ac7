package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const archiveConfig = `archive:
  time_stamp: {url: "http://tsa.example.com/tsr", ca_file: tsa.pem}
  directory: copies
  bucket: {endpoint: "https://s3.example.com", name: evidence, key_id_file: id, secret_key_file: key, days: 365}
`

func TestArchivesGetDefaults(t *testing.T) {
	c, err := Parse("c.yaml", "/etc/conclave", []byte(minimalConfig+archiveConfig))
	if err != nil {
		t.Fatal(err)
	}
	want := Archive{
		TimeStamp: TimeStamp{URL: "http://tsa.example.com/tsr", CAFile: "/etc/conclave/tsa.pem", Timeout: 30 * time.Second},
		Directory: "/etc/conclave/copies",
		Bucket: Bucket{
			Endpoint: "https://s3.example.com", Region: "us-east-1", Name: "evidence",
			KeyIDFile: "/etc/conclave/id", SecretKeyFile: "/etc/conclave/key",
			Mode: "compliance", Days: 365, Timeout: 30 * time.Second,
		},
	}
	if diff := cmp.Diff(want, c.Archive); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
}

func TestMistakesAboutArchivesAreNamed(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`url: "http://tsa.example.com/tsr", `, "", "archive.time_stamp.url: is missing"},
		{`http://tsa.example.com/tsr`, "ftp://tsa.example.com", "archive.time_stamp.url: \"ftp://tsa.example.com\" is not an address"},
		{`http://tsa.example.com/tsr`, "http://user:word@tsa.example.com", "archive.time_stamp.url: carries a user"},
		{`, ca_file: tsa.pem`, "", "archive.time_stamp.ca_file: is missing"},
		{`ca_file: tsa.pem`, "ca_file: tsa.pem, timeout: 1h", "archive.time_stamp.timeout: 1h is not between"},
		{`directory: copies`, `directory: ""`, "archive.directory: is missing"},
		{`https://s3.example.com`, "http://s3.example.com", "archive.bucket.endpoint: \"http://s3.example.com\" is not encrypted"},
		{`https://s3.example.com`, "https://s3.example.com/evidence", "archive.bucket.endpoint: \"https://s3.example.com/evidence\" has a path"},
		{`endpoint: "https://s3.example.com", `, "", "archive.bucket.endpoint: is missing"},
		{`name: evidence, `, "", "archive.bucket.name: is missing"},
		{`name: evidence`, "name: evidence, prefix: conclave", `archive.bucket.prefix: "conclave" does not look like folder/`},
		{`key_id_file: id, `, "", "archive.bucket.key_id_file: is missing"},
		{`secret_key_file: key, `, "", "archive.bucket.secret_key_file: is missing"},
		{`, days: 365`, "", "archive.bucket.days: is missing"},
		{`days: 365`, "days: 0", "archive.bucket.days: 0 is not between 1 and 36500"},
		{`days: 365`, "days: 365, mode: none", `archive.bucket.mode: "none" is none of compliance, governance`},
	} {
		text := minimalConfig + strings.Replace(archiveConfig, c.from, c.to, 1)
		_, err := Parse("c.yaml", "/", []byte(text))
		if err == nil || !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool { return strings.Contains(line, c.want) }) {
			t.Errorf("%s for %s: %v, want %q", c.to, c.from, err, c.want)
		}
	}
}
