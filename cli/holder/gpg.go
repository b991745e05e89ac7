package holder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"conclave/ceremony"
	"conclave/cli"
	"conclave/host"
)

// gpg runs the person's own GnuPG, with their keyring and their smartcard. Only GnuPG can
// reach a key on a card.
type gpg struct {
	program string
	err     io.Writer // gpg's standard error
}

// findGPG finds the program gpg.
func findGPG(std cli.Streams) (gpg, error) {
	program, err := exec.LookPath("gpg")
	if err != nil {
		return gpg{}, cli.WithHint(
			fmt.Errorf("find gpg: %w", err),
			"Install GnuPG, or give a key file with --key.",
		)
	}
	return gpg{program: program, err: std.Err}, nil
}

// secretKeys returns the primary keys whose secret half gpg can reach.
func (g gpg) secretKeys(ctx context.Context) ([]ceremony.Fingerprint, error) {
	list, err := g.pipe(ctx, nil, host.MaxFile, "--batch", "--with-colons", "--list-secret-keys")
	if err != nil {
		return nil, fmt.Errorf("list secret keys: %w", err)
	}
	var keys []ceremony.Fingerprint
	primary := false
	for line := range strings.Lines(string(list)) {
		// GnuPG's doc/DETAILS: a record's type is field 1. The fpr record of a key
		// follows it, with the fingerprint in field 10.
		switch field := strings.Split(strings.TrimSpace(line), ":"); field[0] {
		case "sec":
			primary = true
		case "fpr":
			if primary && len(field) > 9 {
				f, err := ceremony.ParseFingerprint(field[9])
				if err == nil { // a newer kind of key has a longer one, and can't be in a plan
					keys = append(keys, f)
				}
			}
			primary = false
		}
	}
	return keys, nil
}

// learn adds a certificate to the keyring. gpg can also encrypt to a certificate in a
// file, but fails to when its own configuration defines a group.
func (g gpg) learn(ctx context.Context, certificate string) error {
	if _, err := g.pipe(ctx, []byte(certificate), host.MaxFile, "--batch", "--quiet", "--import"); err != nil {
		return fmt.Errorf("import the ceremony's certificate: %w", err)
	}
	return nil
}

// decrypt decrypts a PGP message with at most limit bytes inside. The caller wipes the
// result.
func (g gpg) decrypt(ctx context.Context, message []byte, limit int) ([]byte, error) {
	plain, err := g.pipe(ctx, message, limit, "--quiet", "--decrypt")
	if err != nil {
		return nil, fmt.Errorf("decrypt with gpg: %w", err)
	}
	return plain, nil
}

// seal signs content with one key and encrypts it to exactly one subkey. The caller has
// checked that the subkey belongs to the pinned identity. So gpg is told not to ask its web
// of trust.
func (g gpg) seal(
	ctx context.Context, content []byte, signer ceremony.Fingerprint, subkey, notation string,
) ([]byte, error) {
	armor, err := g.pipe(ctx, content, host.MaxFile,
		"--quiet", "--armor", "--trust-model", "always", "--no-encrypt-to", "--compress-algo", "none",
		"--sig-notation", notation,
		"--local-user", signer.String(), "--recipient", strings.ToUpper(subkey)+"!",
		"--sign", "--encrypt")
	if err != nil {
		return nil, fmt.Errorf("sign and encrypt with gpg: %w", err)
	}
	return armor, nil
}

// sign signs a line, inline and armored. gpg compresses it by default.
func (g gpg) sign(ctx context.Context, line string, signer ceremony.Fingerprint) ([]byte, error) {
	armor, err := g.pipe(ctx, []byte(line), host.MaxFile, "--quiet", "--armor", "--local-user", signer.String(), "--sign")
	if err != nil {
		return nil, fmt.Errorf("sign with gpg: %w", err)
	}
	return armor, nil
}

// pipe runs gpg with input on its standard input, and returns its standard output, of at
// most limit bytes. Both may be secret: they are in no argument and no file, and in no
// buffer but input and the result.
func (g gpg) pipe(ctx context.Context, input []byte, limit int, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, g.program, args...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = g.err
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	answer, err := host.ReadBounded(out, limit)
	if err != nil {
		_ = cmd.Process.Kill()
	}
	if err := errors.Join(err, cmd.Wait()); err != nil {
		clear(answer)
		return nil, err
	}
	return answer, nil
}
