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

// gpg is the GnuPG program of the person who seals, with their keyring and
// their smartcard. Only it can reach a key on a card.
type gpg struct {
	program string
	err     io.Writer // what gpg says
}

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

// secretKeys are the primary keys whose private half gpg can reach.
func (g gpg) secretKeys(ctx context.Context) ([]ceremony.Fingerprint, error) {
	list, err := g.pipe(ctx, nil, host.MaxFile, "--batch", "--with-colons", "--list-secret-keys")
	if err != nil {
		return nil, fmt.Errorf("list secret keys: %w", err)
	}
	var keys []ceremony.Fingerprint
	primary := false
	for line := range strings.Lines(string(list)) {
		// GnuPG's doc/DETAILS: a record's type is field 1; an fpr record follows the
		// key that it is of, with the fingerprint in field 10.
		switch field := strings.Split(strings.TrimSpace(line), ":"); field[0] {
		case "sec":
			primary = true
		case "fpr":
			if primary && len(field) > 9 {
				f, err := ceremony.ParseFingerprint(field[9])
				if err == nil { // a key of a newer kind has a longer one and can't be in a plan
					keys = append(keys, f)
				}
			}
			primary = false
		}
	}
	return keys, nil
}

// learn adds a certificate to the keyring. gpg can encrypt to a file as well,
// but fails at that as soon as its own configuration defines a group.
func (g gpg) learn(ctx context.Context, certificate string) error {
	if _, err := g.pipe(ctx, []byte(certificate), host.MaxFile, "--batch", "--quiet", "--import"); err != nil {
		return fmt.Errorf("import the ceremony's certificate: %w", err)
	}
	return nil
}

// decrypt opens a PGP message of at most limit bytes inside. The caller wipes
// the answer.
func (g gpg) decrypt(ctx context.Context, message []byte, limit int) ([]byte, error) {
	plain, err := g.pipe(ctx, message, limit, "--quiet", "--decrypt")
	if err != nil {
		return nil, fmt.Errorf("decrypt with gpg: %w", err)
	}
	return plain, nil
}

// seal signs content with one key and encrypts it to exactly one subkey. That
// the subkey belongs to the pinned identity has been checked by the caller,
// which is why gpg is told not to ask its web of trust.
func (g gpg) seal(ctx context.Context, content []byte, signer ceremony.Fingerprint, subkey, notation string) ([]byte, error) {
	armor, err := g.pipe(ctx, content, host.MaxFile,
		"--quiet", "--armor", "--trust-model", "always", "--no-encrypt-to", "--compress-algo", "none", "--sig-notation", notation,
		"--local-user", signer.String(), "--recipient", strings.ToUpper(subkey)+"!",
		"--sign", "--encrypt")
	if err != nil {
		return nil, fmt.Errorf("sign and encrypt with gpg: %w", err)
	}
	return armor, nil
}

// sign signs a line, inline and armored. It is compressed, as gpg does of itself.
func (g gpg) sign(ctx context.Context, line string, signer ceremony.Fingerprint) ([]byte, error) {
	armor, err := g.pipe(ctx, []byte(line), host.MaxFile, "--quiet", "--armor", "--local-user", signer.String(), "--sign")
	if err != nil {
		return nil, fmt.Errorf("sign with gpg: %w", err)
	}
	return armor, nil
}

// pipe runs gpg with input on its standard input and answers its standard
// output. What passes is secret: it is in no argument and no file, and in no
// buffer but input and the answer.
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
