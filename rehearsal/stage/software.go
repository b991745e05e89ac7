package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
)

// software is a keyring inside this process. Its secret key is in no file.
type software struct {
	drawer
	certificate string

	mu     sync.Mutex // a HolderKey is for one goroutine at a time
	key    *openpgp.HolderKey
	pinned ceremony.Fingerprint
}

// Software makes a keyring that needs no program: it does the work of "conclave seal" with Conclave's own packages.
func Software(_ context.Context, dir, name string) (Keyring, error) {
	key, err := openpgp.GenerateHolder(name, time.Now())
	if err != nil {
		return nil, err
	}
	certificate, err := key.PublicArmor()
	if err != nil {
		return nil, err
	}
	return &software{drawer: drawer{dir: dir}, certificate: certificate, key: key}, nil
}

func (k *software) Certificate() string { return k.certificate }

func (k *software) Pin(_ context.Context, _ string, identity ceremony.Fingerprint) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pinned = identity
	return nil
}

func (k *software) Answer(ctx context.Context, ask Note) (string, error) {
	if err := k.waitToSign(ctx); err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	invitation, err := openpgp.CheckAnnouncement([]byte(ask.Text), k.pinned, time.Now())
	if err != nil {
		return "", err
	}
	file := ShareFile
	switch invitation.Step() {
	case ceremony.StepVerify:
		file = NewShareFile(invitation.Ceremony())
	case ceremony.StepOTP:
		password, err := os.ReadFile(filepath.Join(k.dir, PasswordFile))
		if err != nil {
			return "", err
		}
		defer clear(password)
		return invitation.SealPassword(bytes.TrimSpace(password), time.Now())
	}
	share, err := k.openLocked(file)
	if err != nil {
		return "", err
	}
	defer clear(share)
	return invitation.Seal(share, k.key, time.Now())
}

func (k *software) Present(ctx context.Context, ask Note) (string, error) {
	if err := k.waitToSign(ctx); err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	call, err := openpgp.CheckRollCall([]byte(ask.Text), k.pinned, time.Now())
	if err != nil {
		return "", err
	}
	for _, challenge := range call.Challenges() {
		var decrypted []byte
		if decrypted, err = k.key.Decrypt([]byte(challenge)); err != nil {
			continue
		}
		word, unfit := call.Word(decrypted)
		if unfit != nil {
			return "", unfit
		}
		return k.key.SignWord(word, time.Now())
	}
	return "", errors.Join(errors.New("none of the challenges can be decrypted"), err)
}

func (k *software) Sign(ctx context.Context, ask Note) (string, error) {
	if err := k.waitToSign(ctx); err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	word, err := openpgp.CheckWordRequest([]byte(ask.Text), k.pinned, time.Now())
	if err != nil {
		return "", err
	}
	if own := k.key.Fingerprint(); word.For() != own {
		return "", fmt.Errorf("the message wants a signature by %s, and the key is %s", word.For(), own)
	}
	return k.key.SignWord(word.Word(), time.Now())
}

func (k *software) Receive(_ context.Context, delivery Note) error {
	message, err := k.takes(delivery)
	if err != nil {
		return err
	}
	return writeFile(k.dir, NewShareFile(delivery.Ceremony), message+"\n")
}

func (k *software) Token(_ context.Context, n Note) (string, error) {
	message, err := k.takes(n)
	if err != nil {
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	token, err := k.key.Decrypt([]byte(message))
	return strings.TrimSpace(string(token)), err
}

// takes returns what a message hands over, if the pinned identity has signed it.
func (k *software) takes(n Note) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	deliveries, err := openpgp.CheckDeliveries([]byte(n.Text), k.pinned)
	if err != nil {
		return "", err
	}
	if to := deliveries[0].Recipient; to != k.key.Fingerprint() {
		return "", fmt.Errorf("meant for %s: %w", to, errUntrusted)
	}
	return deliveries[0].Armor, nil
}

func (k *software) Open(_ context.Context, file string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	content, err := k.openLocked(file)
	return strings.TrimSpace(string(content)), err
}

func (k *software) openLocked(file string) ([]byte, error) {
	message, err := os.ReadFile(filepath.Join(k.dir, file))
	if err != nil {
		return nil, err
	}
	return k.key.Decrypt(message)
}

func (k *software) Close() error { return nil }
