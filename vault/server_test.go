package vault_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/secret"
	"conclave/vault"
	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/realvault"
)

const (
	shares    = 5
	threshold = 3
)

// server is an unsealed Vault with its first shares.
type server struct {
	addrs    []string
	ca       []byte
	operator *operator.Operator
	keys     operator.Keys
	emulator *vaulttest.Cluster // nil for a real server
	real     *realvault.Real    // nil for an emulated one, and for several
	rekey    ceremony.Operation // the one that makes new shares of its key

	receivers []*vaulttest.Person // of the shares that a play makes
}

// onEachServer runs a test against the emulator and against a real server.
func onEachServer(t *testing.T, test func(*testing.T, *server)) {
	t.Parallel()
	t.Run("emulator", func(t *testing.T) { test(t, startEmulator(t, vaulttest.Options{})) })
	t.Run("real", func(t *testing.T) { test(t, startReal(t)) })
}

// onEachKind runs a test on each server and with each kind of seal.
func onEachKind(t *testing.T, test func(*testing.T, *server)) {
	onEachServer(t, test)
	t.Run(
		"emulator that unseals itself", func(t *testing.T) { test(t, startEmulator(t, vaulttest.Options{Seal: "transit"})) },
	)
	t.Run("real that unseals itself", func(t *testing.T) { test(t, startRealAuto(t)) })
}

func startEmulator(t testing.TB, o vaulttest.Options) *server {
	t.Helper()
	s := newEmulator(t, o)
	s.open(t)
	return s
}

func startReal(t testing.TB) *server {
	t.Helper()
	return startRealWith(t, realvault.RealOptions{}, ceremony.Rekey)
}

func startRealAuto(t testing.TB) *server {
	t.Helper()
	return startRealWith(t, realvault.RealOptions{UnsealsItself: true}, ceremony.RekeyRecovery)
}

func startRealWith(t testing.TB, o realvault.RealOptions, rekey ceremony.Operation) *server {
	t.Helper()
	s := newReal(t, o, rekey)
	s.open(t)
	return s
}

// newReal is a real server without a key.
func newReal(t testing.TB, o realvault.RealOptions, rekey ceremony.Operation) *server {
	t.Helper()
	authority, err := vaulttest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	o.TLS = authority
	real := realvault.StartReal(t, o)
	return &server{addrs: []string{real.Addr()}, ca: real.CA(), real: real, rekey: rekey}
}

// newEmulator is an emulated server without a key.
func newEmulator(t testing.TB, o vaulttest.Options) *server {
	t.Helper()
	cluster := vaulttest.Start(t, o)
	s := &server{addrs: cluster.Addrs(), ca: cluster.CA(), emulator: cluster, rekey: ceremony.Rekey}
	if o.Seal != "" {
		s.rekey = ceremony.RekeyRecovery
	}
	return s
}

// onEachNewKind runs a test on each server and with each kind of seal, before
// there is a key.
func onEachNewKind(t *testing.T, test func(*testing.T, *server)) {
	t.Parallel()
	t.Run("emulator", func(t *testing.T) { test(t, newEmulator(t, vaulttest.Options{})) })
	t.Run(
		"emulator that unseals itself", func(t *testing.T) { test(t, newEmulator(t, vaulttest.Options{Seal: "transit"})) },
	)
	t.Run("real", func(t *testing.T) { test(t, newReal(t, realvault.RealOptions{}, ceremony.Rekey)) })
	t.Run("real that unseals itself", func(t *testing.T) {
		test(t, newReal(t, realvault.RealOptions{UnsealsItself: true}, ceremony.RekeyRecovery))
	})
}

// open initialises the server and unseals every node, the first of them first.
func (s *server) open(t testing.TB) {
	t.Helper()
	s.operator = operator.NewOperator(s.addrs[0], s.ca)
	var err error
	if s.keys, err = s.operator.Init(t.Context(), shares, threshold); err != nil {
		t.Fatal(err)
	}
	for _, addr := range s.addrs {
		if err := operator.NewOperator(addr, s.ca).Unseal(t.Context(), s.keys.Shares[:threshold]...); err != nil {
			t.Fatal(err)
		}
	}
}

// config reaches the server with its root token.
func (s *server) config(t testing.TB) vault.Config {
	t.Helper()
	c := vault.Config{Addresses: s.addrs, TokenFile: writeFile(t, "token", s.keys.RootToken+"\n")}
	if s.ca != nil {
		c.CAFile = writeFile(t, "ca.pem", string(s.ca))
	}
	return c
}

// client reaches the server, with a configuration that the test may alter.
func (s *server) client(t testing.TB, alter ...func(*vault.Config)) *vault.Client {
	t.Helper()
	config := s.config(t)
	for _, a := range alter {
		a(&config)
	}
	return newClient(t, config)
}

func newClient(t testing.TB, c vault.Config) *vault.Client {
	t.Helper()
	client, err := vault.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func within(d time.Duration) func(*vault.Config) {
	return func(c *vault.Config) { c.Timeout = d }
}

func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// people makes as many people with PGP keys.
func people(t testing.TB, n int) []*vaulttest.Person {
	t.Helper()
	all := make([]*vaulttest.Person, n)
	for i := range all {
		all[i] = vaulttest.NewPerson(t, "holder")
	}
	return all
}

func fingerprintsOf(people []*vaulttest.Person) []ceremony.Fingerprint {
	var prints []ceremony.Fingerprint
	for _, p := range people {
		prints = append(prints, ceremony.Fingerprint(p.Fingerprint))
	}
	return prints
}

func keysOf(t testing.TB, people []*vaulttest.Person) [][]byte {
	t.Helper()
	var keys [][]byte
	for _, p := range people {
		key, err := base64.StdEncoding.DecodeString(p.Key)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// rekeyFor is an order for one new share each, with everything on.
func rekeyFor(t testing.TB, people []*vaulttest.Person, threshold int) ceremony.Order {
	t.Helper()
	return ceremony.Order{
		Operation:    ceremony.Rekey,
		Shares:       len(people),
		Threshold:    threshold,
		Keys:         keysOf(t, people),
		Verification: true,
		Backup:       true,
	}
}

// rekeyFor is an order of the kind of rekey that suits the server.
func (s *server) rekeyFor(t testing.TB, people []*vaulttest.Person, threshold int) ceremony.Order {
	t.Helper()
	order := rekeyFor(t, people, threshold)
	order.Operation = s.rekey
	return order
}

func rootFor(t testing.TB, person *vaulttest.Person) ceremony.Order {
	t.Helper()
	return ceremony.Order{Operation: ceremony.GenerateRoot, Keys: keysOf(t, []*vaulttest.Person{person})}
}

func start(t testing.TB, c *vault.Client, order ceremony.Order) ceremony.Progress {
	t.Helper()
	progress, err := c.Start(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	return progress
}

func submission(op ceremony.Operation, step ceremony.Step, nonce, share string) ceremony.Submission {
	return ceremony.Submission{Operation: op, Step: step, Nonce: nonce, Share: secret.NewSecret([]byte(share))}
}

// submit sends shares, each of which has to be accepted, and returns Vault's
// answer to the last.
func submit(
	t testing.TB, c *vault.Client, op ceremony.Operation, step ceremony.Step, nonce string, shares ...string,
) ceremony.Answer {
	t.Helper()
	var answer ceremony.Answer
	for _, share := range shares {
		var err error
		if answer, err = c.Submit(t.Context(), submission(op, step, nonce, share)); err != nil {
			t.Fatal(err)
		}
	}
	return answer
}

func progressOf(t testing.TB, c *vault.Client, op ceremony.Operation, step ceremony.Step) ceremony.Progress {
	t.Helper()
	progress, err := c.Progress(t.Context(), op, step)
	if err != nil {
		t.Fatal(err)
	}
	return progress
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
