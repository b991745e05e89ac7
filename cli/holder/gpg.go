package holder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"conclave/ceremony"
	"conclave/ceremony/paste"
	"conclave/cli"
	"conclave/host"
)

// gpg runs the person's own GnuPG, with their keyring and their smartcard. Only GnuPG can
// reach a key on a card. Of their gpg.conf it uses only what says where their keys are.
type gpg struct {
	program string
	options []string  // of every call, see gpgOptions
	env     []string  // the environment, with the name of the terminal
	err     io.Writer // gpg's standard error
}

// findGPG finds the program gpg, its options and the terminal.
func findGPG(ctx context.Context, std cli.Streams) (gpg, error) {
	program, err := exec.LookPath("gpg")
	if err != nil {
		return gpg{}, cli.WithHint(
			fmt.Errorf("find gpg: %w", err),
			"Install GnuPG, or give a key file with --key.",
		)
	}
	g := gpg{program: program, options: gpgOptions(ctx), env: os.Environ(), err: std.Err}
	if name := host.TerminalName(ctx); name != "" {
		// gpg asks for a PIN or a passphrase there. By itself it looks at standard input
		// alone, which is a pipe here.
		g.env = append(g.env, "GPG_TTY="+name)
	}
	return g, nil
}

// keptOptions are the options of a gpg.conf that say where keys are and how a passphrase is
// asked for. Any other one could change what is made: its cipher, its hash, its armor, who
// signs it, who can open it, and the file into which it goes. Some of them, such as
// local-user and recipient, add to the command line, and no flag takes them back.
var keptOptions = []string{
	"keyring", "primary-keyring", "secret-keyring", "no-default-keyring", "use-keyboxd", "keyboxd-program",
	"agent-program", "pinentry-mode", "no-autostart", "no-use-agent", "use-agent",
	"lock-once", "lock-multiple", "lock-never", "no-permission-warning",
	"allow-non-selfsigned-uid", "allow-weak-key-signatures", "charset", "display-charset", "utf8-strings",
}

// gpgOptions returns the options with which gpg is called in place of those of gpg.conf.
func gpgOptions(ctx context.Context) []string {
	options := []string{"--no-options"}
	where, err := exec.CommandContext(ctx, "gpgconf", "--list-dirs", "homedir").Output()
	if err != nil {
		return options
	}
	home, err := url.PathUnescape(strings.TrimSpace(string(where))) // gpgconf escapes as in a URL
	if err != nil {
		return options
	}
	conf, err := host.ReadFile(host.Path(filepath.Join(home, "gpg.conf")), false)
	if err != nil {
		return options // most people have none
	}
	for line := range strings.Lines(paste.Decode(conf)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "--"), " ")
		if !slices.Contains(keptOptions, name) {
			continue
		}
		options = append(options, "--"+name)
		if value = strings.Trim(strings.TrimSpace(value), `"`); value != "" {
			options = append(options, value)
		}
	}
	return options
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
// of trust. The cipher and the hash are those that Conclave takes, whatever the keys prefer.
func (g gpg) seal(
	ctx context.Context, content []byte, signer ceremony.Fingerprint, subkey, notation string,
) ([]byte, error) {
	armor, err := g.pipe(ctx, content, host.MaxFile,
		"--quiet", "--armor", "--output", "-", "--cipher-algo", "AES256", "--digest-algo", digest,
		"--trust-model", "always", "--no-encrypt-to", "--compress-algo", "none", "--sig-notation", notation,
		"--local-user", signer.String(), "--recipient", strings.ToUpper(subkey)+"!",
		"--sign", "--encrypt")
	if err != nil {
		return nil, fmt.Errorf("sign and encrypt with gpg: %w", err)
	}
	return armor, nil
}

// digest is the hash of signatures. Every smartcard has it.
const digest = "SHA256"

// sign signs a line, inline and armored. gpg compresses it by default.
func (g gpg) sign(ctx context.Context, line string, signer ceremony.Fingerprint) ([]byte, error) {
	armor, err := g.pipe(ctx, []byte(line), host.MaxFile,
		"--quiet", "--armor", "--output", "-", "--digest-algo", digest, "--local-user", signer.String(), "--sign")
	if err != nil {
		return nil, fmt.Errorf("sign with gpg: %w", err)
	}
	return armor, nil
}

// pipe runs gpg with input on its standard input, and returns its standard output, of at
// most limit bytes. Both may be secret: they are in no argument and no file, and in no
// buffer but input and the result.
func (g gpg) pipe(ctx context.Context, input []byte, limit int, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, g.program, slices.Concat(g.options, args)...)
	cmd.Stdin, cmd.Env = bytes.NewReader(input), g.env
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
