// Package suite states what Vault's key operations do, case by case. It runs the same cases against the emulator and
// the real server, so that the two are known to behave alike.
package suite

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/shamir"
)

// RunSuite runs every case that suits the target, each on a server of its own. A case asserts statuses, fields, and the
// words of an answer that distinguish one refusal from another. It doesn't assert the wording of a library below Vault.
func RunSuite(t *testing.T, target Target) {
	cases := slices.DeleteFunc(target.cases(), func(c suiteCase) bool { return !c.suits(target) })
	t.Logf("%d cases against the %s", len(cases), target.Name)
	for _, c := range cases {
		t.Run(c.claim, func(t *testing.T) {
			t.Parallel()
			server := target.Start(t)
			c.run(&suite{T: t, raft: target.Raft, enveloped: target.Dialect == vaulttest.Vault2 && !target.Open,
				rekey: target.rekey(), server: server,
				op: operator.NewOperator(server.Addr(), server.CA())})
			t.Logf("ran against the %s", target.Name)
		})
	}
}

// suiteCase is one claim about Vault.
type suiteCase struct {
	claim   string
	storage storageNeed
	open    bool // holds only where key operations need no token
	run     func(*suite)
}

// storageNeed is how a case depends on the server's storage.
type storageNeed int

const (
	anyStorage storageNeed = iota // it doesn't show
	raftToo                       // it may show, so that the case runs on each
	raftOnly                      // the case needs a restart or an election
)

func (c suiteCase) suits(target Target) bool {
	if c.open && target.Dialect != vaulttest.Vault1 && !target.Open {
		return false
	}
	switch c.storage {
	case raftOnly:
		return target.Raft
	case raftToo:
		return true
	default:
		return !target.Brief
	}
}

// suite is one case's server and the person who works on it.
type suite struct {
	*testing.T
	raft bool
	// enveloped is set if the answers of key operations are in an envelope, which send removes.
	enveloped bool
	rekey     rekeyWords // of the kind that makes new shares of the key in force
	server    vaulttest.Instance
	op        *operator.Operator
	keys      operator.Keys // after ready
}

// ready initialises and unseals the server, and returns its shares in hex.
func (s *suite) ready(n, threshold int) []string {
	s.Helper()
	s.op, s.keys = vaulttest.Open(s, s.server, n, threshold)
	return s.keys.Shares
}

func (s *suite) unseal(shares []string) {
	s.Helper()
	if err := s.op.Unseal(s.Context(), shares...); err != nil {
		s.Fatal(err)
	}
}

func (s *suite) seal() {
	s.Helper()
	if err := s.op.Seal(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// opens reports whether shares open the server. It is sealed afterwards if they don't.
func (s *suite) opens(shares []string) bool {
	s.Helper()
	works, err := s.op.UnsealWorks(s.Context(), shares...)
	if err != nil {
		s.Fatal(err)
	}
	return works
}

func (s *suite) isRoot(token string) bool {
	s.Helper()
	root, err := s.op.IsRootToken(s.Context(), token)
	if err != nil {
		s.Fatal(err)
	}
	return root
}

// eventually waits until a real server has done something.
func (s *suite) eventually(otherwise string, happened func() bool) {
	s.Helper()
	if err := operator.Poll(s.Context(), func() (bool, error) { return happened(), nil }); err != nil {
		s.Errorf("%s: %v", otherwise, err)
	}
}

type body map[string]any

// send sends a request that gets an answer of any status.
func (s *suite) send(method, path string, body any) operator.Answer {
	s.Helper()
	answer, err := s.op.Do(s.Context(), method, path, body)
	if err != nil {
		s.Fatal(err)
	}
	if s.enveloped && answer.Status == 200 && isKeyOperation(path) {
		s.hasFields(answer, "request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth",
			"mount_type")
		return answer.Data()
	}
	return answer
}

// isKeyOperation reports whether a path is one of those that Vault 2 closed.
func isKeyOperation(path string) bool {
	return path != barrierWords.backup && path != recoveryWords.backup &&
		(strings.HasPrefix(path, "sys/rekey") || strings.HasPrefix(path, "sys/generate-root/") ||
			strings.HasPrefix(path, "sys/replication/dr/"))
}

// ok sends a request that is answered 200.
func (s *suite) ok(method, path string, body any) operator.Answer {
	s.Helper()
	answer := s.send(method, path, body)
	if answer.Status != 200 {
		s.Fatalf("%s %s: status %d %q, want 200", method, path, answer.Status, answer.Errors)
	}
	return answer
}

// done sends a request that is answered 204.
func (s *suite) done(method, path string, body any) {
	s.Helper()
	if answer := s.send(method, path, body); answer.Status != 204 || answer.Body != nil {
		s.Fatalf("%s %s: status %d %q, want 204 without a body", method, path, answer.Status, answer.Errors)
	}
}

// refused sends a request that is refused with a status and one error that contains the words.
func (s *suite) refused(status int, words, method, path string, body any) {
	s.Helper()
	answer := s.send(method, path, body)
	if answer.Status != status {
		s.Errorf("%s %s: status %d %q, want %d %q", method, path, answer.Status, answer.Errors, status, words)
		return
	}
	if words == "" && len(answer.Errors) == 0 && answer.Body["errors"] != nil {
		return
	}
	if words == "" || len(answer.Errors) != 1 || !strings.Contains(answer.Errors[0], words) {
		s.Errorf("%s %s: errors %q, want one with %q", method, path, answer.Errors, words)
	}
	s.hasFields(answer, "errors")
}

// hasFields checks that an answer has exactly these fields.
func (s *suite) hasFields(answer operator.Answer, names ...string) {
	s.Helper()
	got := slices.Sorted(maps.Keys(answer.Body))
	slices.Sort(names)
	if !slices.Equal(got, names) {
		s.Errorf("fields %q, want %q", got, names)
	}
}

// says checks some fields of an answer.
func (s *suite) says(answer operator.Answer, want body) {
	s.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got := answer.Body[name]; fmt.Sprint(got) != fmt.Sprint(want[name]) {
			s.Errorf("%s is %v, want %v", name, got, want[name])
		}
	}
}

// lasts checks how many seconds a token has left. Some may have passed since it was made.
func (s *suite) lasts(token operator.Answer, seconds int) {
	s.Helper()
	if got := token.Int("ttl"); got > seconds || got < seconds-10 {
		s.Errorf("ttl is %d, want %d", got, seconds)
	}
}

// submit sends shares that are all accepted and returns the last answer.
func (s *suite) submit(path, nonce string, shares ...string) operator.Answer {
	s.Helper()
	var answer operator.Answer
	for _, share := range shares {
		answer = s.ok("PUT", path, body{"key": share, "nonce": nonce})
	}
	return answer
}

// Shares that are none, in hex.

// junk returns random bytes of a share's length. Its x coordinate is none of the given shares', which would make it a
// wrong share of another kind.
func junk(beside ...string) string {
	b := make([]byte, shamir.MaxShare)
	for {
		rand.Read(b)
		share := hex.EncodeToString(b)
		if !slices.ContainsFunc(beside, func(other string) bool { return strings.HasSuffix(other, share[len(share)-2:]) }) {
			return share
		}
	}
}

// sameX returns another share with the x coordinate of a given one.
func sameX(share string) string {
	b, _ := hex.DecodeString(share) // it came from Vault
	b[0] ^= 1
	return hex.EncodeToString(b)
}

func inBase64(share string) string {
	b, _ := hex.DecodeString(share) // it came from Vault
	return base64.StdEncoding.EncodeToString(b)
}
