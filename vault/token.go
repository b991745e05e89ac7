package vault

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"conclave/ceremony"
)

// maxToken bounds what is read of a token file. Vault itself refuses tokens
// of more than 8 KiB.
const maxToken = 8 << 10

// token is what the client works with now: of the session that it has logged in
// for, or from a file, which is read anew each time. An agent replaces it whenever
// it renews, and reading 100 bytes is cheaper than finding out whether it must be
// read. Its error is one of package ceremony, of a request that was not sent.
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

func readSmall(path string, who permits) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	// The mode is that of the file which is open, not of one put in its place
	// since.
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
