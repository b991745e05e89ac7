// Package realvault starts real Vault servers as processes on loopback: a single one, one that unseals itself, or a
// cluster. Tests hold the emulator to them, and play whole ceremonies on them.
package realvault

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"conclave/needs"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

// RealOptions describe the real server to start. The zero value is one node with Raft storage, over plain HTTP.
type RealOptions struct {
	// Storage is "raft", also if empty, or "inmem", which forgets everything at a restart and has no high availability.
	Storage string
	// UnsealsItself makes the server unseal itself, with the help of a second server's transit engine. Its shares are
	// those of a recovery key.
	UnsealsItself bool
	// TLS, if set, signs the server's certificate. Nil means plain HTTP.
	TLS *vaulttest.Authority

	// patience multiplies the second that a node of Raft waits for its leader. 0 means 1.
	patience int
}

// Real is a real Vault server, run as a process on loopback.
type Real struct {
	addr    string
	ca      []byte
	folder  string
	binary  string
	process *exec.Cmd
	exited  chan struct{}
}

// StartReal starts a real server, not initialised, and kills it at the test's end. The binary is the one named by
// CONCLAVE_VAULT_BINARY, or .build/vault at the module's root. Without one the test ends as package needs says.
func StartReal(t testing.TB, o RealOptions) *Real {
	t.Helper()
	binary := requireBinary(t)
	folder := t.TempDir()
	var seal map[string]any
	if o.UnsealsItself {
		seal = startTransit(t)
	}
	var err error
	// The ports are free when they are chosen. Another process might take one before the server does.
	for range 3 {
		var r *Real
		r, err = newReal(binary, folder, o, seal)
		if err == nil {
			err = r.start()
		}
		if err == nil {
			t.Cleanup(r.kill)
			return r
		}
	}
	t.Fatal(err)
	return nil
}

func requireBinary(t testing.TB) string {
	t.Helper()
	binary, err := findBinary()
	if err != nil {
		t.Fatal(err)
	}
	needs.Server(t, binary, "make vault")
	return binary
}

func findBinary() (string, error) {
	binary := os.Getenv("CONCLAVE_VAULT_BINARY")
	if binary == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		binary = filepath.Join(root, ".build", "vault")
	}
	return filepath.Abs(binary)
}

// moduleRoot walks up from the working folder, which in a test is the package's, to this project's go.mod.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		gomod, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		switch {
		case err == nil && bytes.HasPrefix(gomod, []byte("module conclave\n")):
			return folder, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("the working folder is outside this project")
		}
		folder = parent
	}
}

// newReal writes the server's configuration.
func newReal(binary, folder string, o RealOptions, seal map[string]any) (*Real, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	listener := map[string]any{"address": ports[0], "cluster_address": ports[1], "tls_disable": true}
	r := &Real{addr: "http://" + ports[0], folder: folder, binary: binary}
	if o.TLS != nil {
		certificate, key, err := o.TLS.IssuePEM()
		if err != nil {
			return nil, err
		}
		listener["tls_disable"] = false
		listener["tls_cert_file"] = filepath.Join(folder, "certificate.pem")
		listener["tls_key_file"] = filepath.Join(folder, "key.pem")
		if err := errors.Join(
			os.WriteFile(filepath.Join(folder, "certificate.pem"), certificate, 0o600),
			os.WriteFile(filepath.Join(folder, "key.pem"), key, 0o600),
		); err != nil {
			return nil, fmt.Errorf("write certificate: %w", err)
		}
		r.addr, r.ca = "https://"+ports[0], o.TLS.PEM
	}
	storage := map[string]any{"inmem": map[string]any{}}
	if cmp.Or(o.Storage, "raft") == "raft" {
		data := filepath.Join(folder, "data")
		if err := os.MkdirAll(data, 0o700); err != nil {
			return nil, fmt.Errorf("make data folder: %w", err)
		}
		// A node that joined need not wait long to become a voter.
		storage = map[string]any{"raft": map[string]any{
			"path": data, "node_id": ports[0], "performance_multiplier": max(o.patience, 1),
			"autopilot_reconcile_interval": "500ms", "autopilot_update_interval": "500ms",
		}}
	}
	settings := map[string]any{
		"storage":       storage,
		"listener":      map[string]any{"tcp": listener},
		"api_addr":      r.addr,
		"cluster_addr":  "https://" + ports[1],
		"disable_mlock": true,
		"log_level":     "error",
	}
	if seal != nil {
		settings["seal"] = seal
	}
	config, err := json.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "vault.json"), config, 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return r, nil
}

// freePorts returns different addresses on loopback on which no process listens.
func freePorts(n int) ([]string, error) {
	var addrs []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close()
		addrs = append(addrs, listener.Addr().String())
	}
	return addrs, nil
}

// start runs the process and waits until it answers.
func (r *Real) start(arguments ...string) error {
	output, err := os.OpenFile(filepath.Join(r.folder, "output"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("start vault: %w", err)
	}
	defer output.Close()
	r.process = exec.Command(r.binary,
		append([]string{"server", "-config=" + filepath.Join(r.folder, "vault.json")}, arguments...)...)
	r.process.Stdout, r.process.Stderr = output, output
	r.process.Env = []string{"HOME=" + r.folder}
	if err := r.process.Start(); err != nil {
		return fmt.Errorf("start vault: %w", err)
	}
	process, exited := r.process, make(chan struct{})
	r.exited = exited
	go func() {
		defer close(exited)
		process.Wait() // its status says nothing that its output doesn't
	}()
	if err := r.waitUp(); err != nil {
		r.kill()
		return fmt.Errorf("start vault: %w: %s", err, r.lastOutput())
	}
	return nil
}

func (r *Real) waitUp() error {
	person := operator.NewOperator(r.addr, r.ca)
	return operator.Poll(context.Background(), func() (bool, error) {
		select {
		case <-r.exited:
			return false, errors.New("it exited")
		default:
		}
		// Any answer is enough: in recovery mode there is no seal status.
		_, err := person.Do(context.Background(), "GET", "sys/seal-status", nil)
		return err == nil, nil
	})
}

func (r *Real) lastOutput() string {
	output, err := os.ReadFile(filepath.Join(r.folder, "output"))
	if err != nil {
		return err.Error()
	}
	return string(output[max(0, len(output)-2000):])
}

func (r *Real) kill() {
	r.process.Process.Kill() // it may have exited by itself
	<-r.exited
}

// Addr returns the server's base URL, without a final slash.
func (r *Real) Addr() string { return r.addr }

// CA returns the certificate authority in PEM, or nil over plain HTTP.
func (r *Real) CA() []byte { return r.ca }

// Restart kills the process and starts it again on the same address and storage.
func (r *Real) Restart(t testing.TB) {
	t.Helper()
	r.kill()
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
}

// RestartInRecoveryMode kills the process and starts it again in recovery mode on the same address and storage.
func (r *Real) RestartInRecoveryMode(t testing.TB) {
	t.Helper()
	r.kill()
	if err := r.start("-recovery"); err != nil {
		t.Fatal(err)
	}
}
