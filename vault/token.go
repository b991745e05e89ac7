package vault

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"conclave/ceremony"
)

// maxToken is the size in bytes of the largest token file that is read. Vault itself
// refuses tokens of more than 8 KiB.
const maxToken = 8 << 10

// token returns the token that the client works with now, or "" when it was given none.
// It comes from the session, or from a file that is read each time: an agent replaces
// the file whenever it renews, and reading 100 bytes is cheaper than finding out whether
// that has happened. The error is one of package ceremony for a request that was not
// sent.
func (c *Client) token(ctx context.Context) (string, error) {
	if c.session != nil {
		return c.session.token(ctx)
	}
	if c.tokenFile == "" {
		return "", nil
	}
	token, err := readLine(c.tokenFile, private)
	if err != nil {
		return "", fmt.Errorf("%w: read token: %w", ceremony.ErrNotSent, err)
	}
	return token, nil
}

// hasToken reports whether the client was given any way to a token.
func (c *Client) hasToken() bool { return c.session != nil || c.tokenFile != "" }

// readSmall reads a file of at most maxToken bytes, and one byte more of a larger one.
func readSmall(path string, who permits) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	// This is the mode of the file that is open, not of one put in its place since.
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	// Windows keeps rights elsewhere and shows a made-up mode.
	if who == private && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others than its owner (mode %04o), make it 0600", path, info.Mode().Perm())
	}
	return io.ReadAll(io.LimitReader(file, maxToken+1))
}
