package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"conclave/ceremony/paste"
)

// A credential from systemd belongs to root. Its access list shows as a right of root's
// group.
func TestCredentialOfAServiceIsASecret(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // modes mean nothing there
	}
	path := filepath.Join(t.TempDir(), "credential")
	if err := os.WriteFile(path, []byte("correct horse"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		mode  os.FileMode
		group int
		taken bool
	}{{0o440, 0, true}, {0o440, 1, false}, {0o444, 0, false}, {0o460, 0, false}, {0o400, 1, true}} {
		if err := os.Chown(path, 0, row.group); errors.Is(err, fs.ErrPermission) {
			row.taken = row.mode&0o077 == 0 // it stays the test's own
		} else if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, row.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSecret(Path(path)); err == nil != row.taken {
			t.Errorf("mode %04o, group %d: %v", row.mode, row.group, err)
		}
	}
}

// An editor of Windows saves a token in UTF-16, and a person saves a line of a file of variables.
func TestTokenIsReadAsPeopleSaveIt(t *testing.T) {
	for content, want := range map[string]error{
		"\xff\xfex\x00o\x00x\x00b\x00-\x001\x00\r\x00\n\x00": nil,
		"\ufeffxoxb-1\r\n": nil,
		"'xoxb-1'":         paste.ErrQuoted,
		"TOKEN=xoxb-1":     paste.ErrNamed,
	} {
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		token, err := ReadToken(Path(path))
		if !errors.Is(err, want) || err == nil && string(token) != "xoxb-1" {
			t.Errorf("%q: %q, %v", content, token, err)
		}
	}
}

// A public key may have photos on it, and a configuration a thousand clusters.
func TestPublicFileMayBeLongerThanASecretOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.asc")
	if err := os.WriteFile(path, make([]byte, 200<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadTrusted(Path(path)); err != nil || len(data) != 200<<10 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if _, err := ReadSecret(Path(path)); !errors.Is(err, ErrOverlong) {
		t.Errorf("a secret: %v", err)
	}
}
