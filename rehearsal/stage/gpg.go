package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"conclave/ceremony"
)

// gnupg is a keyring of the real gpg, with a home of its own. It runs the commands that gpg prints of the messages,
// exactly as they are printed.
type gnupg struct {
	drawer
	home        string // GNUPGHOME; short, since gpg's agent listens on a socket in there
	certificate string
	pinned      ceremony.Fingerprint
}

// GPGPrograms returns the programs that a keyring of [GPG] runs.
func GPGPrograms() []string { return []string{"gpg", "bash"} }

// GPG makes a keyring that pastes the bot's messages into gpg, and runs in a shell what gpg prints of them.
func GPG(ctx context.Context, dir, name string) (Keyring, error) {
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		return nil, err
	}
	k := &gnupg{drawer: drawer{dir: dir}, home: home}
	// ed25519 with cv25519, in gpg 2.2 and in 2.4.
	make := "gpg --batch --passphrase '' --quick-generate-key '" + name + " <" + name + "@conclave.example>' future-default default never"
	if _, _, err = k.run(ctx, make, ""); err == nil {
		k.certificate, _, err = k.run(ctx, "gpg --armor --export", "")
	}
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *gnupg) Certificate() string { return k.certificate }

// Pin does a holder's one-time setup: import, compare the fingerprint, sign.
func (k *gnupg) Pin(ctx context.Context, printed string, identity ceremony.Fingerprint) error {
	if _, _, err := k.run(ctx, "gpg --import", printed); err != nil {
		return err
	}
	k.pinned = identity
	_, _, err := k.run(ctx, "gpg --batch --yes --quick-lsign-key "+identity.String(), "")
	return err
}

func (k *gnupg) Answer(ctx context.Context, ask Note) (string, error) {
	if err := k.waitToSign(ctx); err != nil {
		return "", err
	}
	return k.follow(ctx, ask)
}

func (k *gnupg) Present(ctx context.Context, call Note) (string, error) {
	if err := k.waitToSign(ctx); err != nil {
		return "", err
	}
	return k.follow(ctx, call)
}

func (k *gnupg) Sign(ctx context.Context, ask Note) (string, error) {
	if err := k.waitToSign(ctx); err != nil {
		return "", err
	}
	return k.follow(ctx, ask)
}

func (k *gnupg) Receive(ctx context.Context, delivery Note) error {
	_, err := k.follow(ctx, delivery)
	return err
}

func (k *gnupg) Token(ctx context.Context, n Note) (string, error) {
	token, err := k.follow(ctx, n)
	return strings.TrimSpace(token), err
}

// follow does what a message says with gpg alone, with the comparisons that it asks for, and returns what the last
// command printed. Nothing of the message gets into a shell but what gpg has printed.
func (k *gnupg) follow(ctx context.Context, n Note) (last string, err error) {
	commands, err := k.Commands(ctx, n)
	if err != nil {
		return "", err
	}
	for _, command := range commands {
		if last, _, err = k.run(ctx, command, ""); err != nil {
			return "", err
		}
	}
	return last, nil
}

// Commands does what a message says up to the commands that are to be run, and returns them.
func (k *gnupg) Commands(ctx context.Context, n Note) ([]string, error) {
	for _, listing := range n.Listings() {
		if is, mine := k.isPrint(listing); is && !mine {
			return nil, fmt.Errorf("fingerprint %s: %w", listing, errUntrusted)
		}
	}
	var commands []string
	for _, p := range n.pastes() {
		out, said, err := k.run(ctx, p.into, p.text)
		if err != nil {
			return nil, err
		}
		if p.into != "gpg -d" {
			continue
		}
		if !strings.Contains(said, "Good signature") || !strings.Contains(said, k.pinned.String()) {
			return nil, fmt.Errorf("gpg says no good signature: %w\n%s", errUntrusted, said)
		}
		commands = commandsIn(out)
	}
	if len(commands) == 0 {
		return nil, errors.New("the message has nothing to run")
	}
	return commands, nil
}

// isPrint reports whether a listing is a fingerprint, and whether the person knows it: the pinned identity's, or their
// own.
func (k *gnupg) isPrint(listing string) (is, known bool) {
	is, pinned := samePrint(listing, k.pinned)
	if !is || pinned {
		return is, pinned
	}
	own, _, err := k.run(context.Background(), "gpg --with-colons --list-secret-keys", "")
	return true, err == nil && strings.Contains(own, ":"+strings.Join(strings.Fields(listing), "")+":")
}

// Shell is a keyring in which a person can type commands of their own, as
// [GPG] makes it.
type Shell interface {
	Keyring
	// Run runs a command in a shell in the person's folder, and returns its output.
	Run(ctx context.Context, command, input string) (string, error)
	// Commands returns what a message says to run, once its signature has turned out to be good.
	Commands(ctx context.Context, ask Note) ([]string, error)
}

func (k *gnupg) Run(ctx context.Context, command, input string) (string, error) {
	out, _, err := k.run(ctx, command, input)
	return out, err
}

func (k *gnupg) Open(ctx context.Context, file string) (string, error) {
	content, _, err := k.run(ctx, "gpg -qd "+file, "")
	return strings.TrimSpace(content), err
}

// run runs a command in a shell in the person's folder.
func (k *gnupg) run(ctx context.Context, command, input string) (out, said string, err error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", command)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = k.dir, strings.NewReader(input), &stdout, &stderr
	cmd.Env = []string{
		"GNUPGHOME=" + k.home, "HOME=" + k.home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C", DetectorSettings(),
	}
	if err := cmd.Run(); err != nil {
		first, _, _ := strings.Cut(command, "\n")
		return "", "", fmt.Errorf("%s: %w\n%s", first, err, &stderr)
	}
	return stdout.String(), stderr.String(), nil
}

// Close ends gpg's agent and removes the secret key.
func (k *gnupg) Close() error {
	_, _, err := k.run(context.Background(), "gpgconf --kill all", "")
	return errors.Join(err, os.RemoveAll(k.home))
}
