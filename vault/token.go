package vault

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxToken bounds what is read of a token file. Vault itself refuses tokens
// of more than 8 KiB.
const maxToken = 8 << 10

// token reads the token anew: an agent replaces the file whenever it renews,
// and reading 100 bytes is cheaper than finding out whether it must be read.
func (c *Client) token() (string, error) {
	if c.tokenFile == "" {
		return "", nil
	}
	token, err := readToken(c.tokenFile)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	return token, nil
}

// tokenFor is the token that goes along with a request, or none.
func (c *Client) tokenFor(a auth) (string, error) {
	if a == public {
		return "", nil
	}
	token, err := c.token()
	if err != nil && a == wanted {
		return "", nil
	}
	return token, err
}

func readToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	// The mode is that of the file which is open, not of one put in its place
	// since.
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others than its owner (mode %04o), make it 0600", path, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	switch {
	case token == "":
		return "", fmt.Errorf("%s is empty", path)
	case len(data) > maxToken:
		return "", fmt.Errorf("%s is longer than any token", path)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New(path + " holds more than one line of printable characters")
	}
	return token, nil
}
