package operator

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"conclave/archive/archivetest"
	"conclave/config"
	"conclave/host"
)

// archived returns a configuration with every kind of archive, all of them real.
func archived(t *testing.T) *config.Config {
	t.Helper()
	dir := t.TempDir()
	stamps, s3 := archivetest.NewAuthority(t), archivetest.StartS3(t)
	s3.MakeBucket(t, "evidence", true)
	copies := filepath.Join(dir, "copies")
	if err := os.Mkdir(copies, 0o750); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) host.Path {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return host.Path(path)
	}
	return &config.Config{Archive: config.Archive{
		TimeStamp: config.TimeStamp{
			URL:    stamps.Issue(t, archivetest.ForStamps()).ServeStamps(t, nil),
			CAFile: host.Path(stamps.File), Timeout: time.Minute,
		},
		Directory: host.Path(copies),
		Bucket: config.Bucket{
			Endpoint: s3.Endpoint, Region: s3.Region, Name: "evidence", PathStyle: true, CAFile: host.Path(s3.Authority.File),
			KeyIDFile: write("id", s3.ID), SecretKeyFile: write("secret", s3.Secret),
			Mode: "compliance", Days: 1, Timeout: time.Minute,
		},
	}}
}

func TestCheckTriesEachArchive(t *testing.T) {
	c := archived(t)
	for _, row := range []struct {
		name    string
		change  func(*config.Archive)
		offline bool
		want    []string // of each archive
	}{
		{"all is well", func(*config.Archive) {}, false, []string{"ok    archive, time stamp", "ok    archive, directory", "ok    archive, bucket"}},
		{"offline", func(*config.Archive) {}, true, []string{"note  archive, time stamp       not asked", "ok    archive, directory", "note  archive, bucket           not asked"}},
		{"nobody there", func(a *config.Archive) { a.TimeStamp.URL = "http://127.0.0.1:1/" }, false, []string{"STOP  archive, time stamp", "ok    archive, directory", "ok    archive, bucket"}},
		{"not mounted", func(a *config.Archive) { a.Directory += "-not-mounted" }, false, []string{"ok    archive, time stamp", "STOP  archive, directory", "ok    archive, bucket"}},
		{"a secret that is none", func(a *config.Archive) {
			if err := os.Chmod(string(a.Bucket.SecretKeyFile), 0o644); err != nil {
				t.Fatal(err)
			}
		}, false, []string{"ok    archive, time stamp", "ok    archive, directory", "STOP  archive, bucket"}},
		{"an authority that is none", func(a *config.Archive) { a.TimeStamp.CAFile = a.Bucket.KeyIDFile }, false, []string{"STOP  archive "}},
		{"none at all", func(a *config.Archive) { *a = config.Archive{} }, false, []string{"note  archive "}},
	} {
		t.Run(row.name, func(t *testing.T) {
			changed := *c
			row.change(&changed.Archive)
			var out bytes.Buffer
			checkArchives(t.Context(), &changed, &findings{out: &out}, row.offline)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if len(lines) != len(row.want) {
				t.Fatalf("it says\n%s", &out)
			}
			for i, want := range row.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("it says\n%s\nand not\n%s", lines[i], want)
				}
			}
		})
	}
	if left, err := os.ReadDir(string(c.Archive.Directory)); err != nil || len(left) > 0 {
		t.Errorf("the check has left %v, %v", left, err)
	}
}
