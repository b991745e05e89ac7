package suite

import (
	"strings"

	"conclave/vault/vaulttest"
)

const (
	recoveryAttemptPath = "sys/generate-recovery-token/attempt"
	recoveryUpdatePath  = "sys/generate-recovery-token/update"
)

// recover initialises the server and restarts it in recovery mode. It returns the shares in hex.
func (s *suite) recover(n, threshold int) []string {
	s.Helper()
	s.op, s.keys = vaulttest.OpenInRecoveryMode(s, s.server, n, threshold)
	s.op.Token = ""
	return s.keys.Shares
}

// isRecoveryToken reports whether a token reads the storage of a server in recovery mode.
func (s *suite) isRecoveryToken(token string) bool {
	s.Helper()
	s.op.Token = token
	defer func() { s.op.Token = "" }()
	switch answer := s.send("LIST", "sys/raw/core", nil); answer.Status {
	case 200:
		return true
	case 403:
		return false
	default:
		s.Fatalf("reading the storage is answered %d", answer.Status)
		return false
	}
}

// recoveryModeCases restart their server in recovery mode.
var recoveryModeCases = []suiteCase{
	{claim: "in recovery mode nothing is served but the making of a recovery token", storage: raftOnly,
		run: func(s *suite) {
			s.recover(3, 2)
			for _, path := range []string{"sys/seal-status", "sys/leader", "sys/health", "sys/init", "sys/generate-root/attempt",
				"sys/rekey/init",
				"sys/key-status", "auth/token/lookup-self", "sys/decode-token"} {
				if answer := s.send("GET", path, nil); answer.Status != 404 || answer.Body != nil || answer.Errors != nil {
					s.Errorf("GET %s: status %d %v, want 404 in plain text", path, answer.Status, answer.Body)
				}
			}
			status := s.ok("GET", recoveryAttemptPath, nil)
			s.hasFields(status, rootFields...)
			s.says(status, body{"started": false, "nonce": "", "progress": 0, "required": 2, "otp_length": 28})
			s.refused(405, "", "LIST", recoveryAttemptPath, nil)
			s.refused(400, "no root generation in progress", "PUT", recoveryUpdatePath, body{"key": junk(), "nonce": "n"})
			s.done("DELETE", recoveryAttemptPath, nil)
		}},
	{claim: "a quorum makes one recovery token", storage: raftOnly, run: func(s *suite) {
		shares := s.recover(3, 2)
		start := s.ok("PUT", recoveryAttemptPath, nil)
		nonce := start.String("nonce")
		s.refused(400, "root generation already in progress", "PUT", recoveryAttemptPath, nil)
		s.refused(400, "incorrect nonce supplied; nonce for this root generation operation is \""+nonce+"\"",
			"PUT", recoveryUpdatePath, body{"key": shares[0], "nonce": "n"})
		first := s.submit(recoveryUpdatePath, nonce, shares[0])
		s.says(first, body{"progress": 1, "required": 2, "complete": false, "otp_length": 0})
		s.refused(400, "given key has already been provided during this generation operation",
			"PUT", recoveryUpdatePath, body{"key": shares[0], "nonce": nonce})
		s.refused(400, "root generation aborted: unable to authenticate", "PUT", recoveryUpdatePath,
			body{"key": junk(shares...), "nonce": nonce})
		s.says(s.ok("GET", recoveryAttemptPath, nil), body{"started": true, "progress": 0, "nonce": nonce})
		last := s.submit(recoveryUpdatePath, nonce, shares[0], shares[2])
		s.hasFields(last, rootFields...)
		s.says(last, body{"complete": true, "progress": 2, "encoded_root_token": ""})
		token, err := vaulttest.DecodeToken(last.String("encoded_token"), start.String("otp"))
		if err != nil || !strings.HasPrefix(token, "hvr.") || !s.isRecoveryToken(token) || s.isRecoveryToken("hvr.nobody") ||
			s.isRecoveryToken("") {
			s.Errorf("a token of %d characters, %v", len(token), err)
		}
		s.says(s.ok("GET", recoveryAttemptPath, nil), body{"started": false, "nonce": ""})
		s.refused(400, "attempt to generate recovery token when already unsealed", "PUT", recoveryAttemptPath, nil)
		s.refused(400, "attempt to generate recovery token when already unsealed", "PUT", recoveryUpdatePath,
			body{"key": shares[1], "nonce": nonce})
	}},
	{claim: "a recovery token goes to the requester's key or pad", storage: raftOnly, run: func(s *suite) {
		shares := s.recover(3, 2)
		s.refused(400, "OTP string is wrong length", "PUT", recoveryAttemptPath, body{"otp": "short"})
		s.refused(400, "error parsing given PGP key", "PUT", recoveryAttemptPath, body{"pgp_key": "AAAA"})
		ann := vaulttest.NewPerson(s, "ann")
		both := s.ok("PUT", recoveryAttemptPath, body{"pgp_key": ann.Key, "otp": strings.Repeat("o", 28)})
		s.says(both, body{"pgp_fingerprint": "", "otp": "", "started": true})
		s.done("DELETE", recoveryAttemptPath, nil)
		start := s.ok("PUT", recoveryAttemptPath, body{"pgp_key": ann.Key})
		s.says(start, body{"pgp_fingerprint": ann.Fingerprint, "otp": ""})
		last := s.submit(recoveryUpdatePath, start.String("nonce"), shares[1], shares[2])
		s.says(last, body{"complete": true, "pgp_fingerprint": ann.Fingerprint})
		if !s.isRecoveryToken(ann.Read(s, last.String("encoded_token"))) {
			s.Error("the decrypted token isn't a recovery token")
		}
	}},
	{claim: "a restart forgets the attempt and the token, and ends recovery mode", storage: raftOnly, run: func(s *suite) {
		shares := s.recover(3, 2)
		s.ok("PUT", recoveryAttemptPath, nil)
		s.server.RestartInRecoveryMode(s)
		s.says(s.ok("GET", recoveryAttemptPath, nil), body{"started": false, "nonce": ""})
		s.server.Restart(s)
		s.says(s.ok("GET", "sys/seal-status", nil), body{"sealed": true, "t": 2, "n": 3})
		s.refused(503, "Vault is sealed", "GET", recoveryAttemptPath, nil)
		s.unseal(shares[:2])
		s.refused(403, "permission denied", "GET", recoveryAttemptPath, nil)
		s.asRoot()
		s.refused(404, "unsupported path", "GET", recoveryAttemptPath, nil)
	}},
	{claim: "a server that was never initialised recovers nothing", storage: raftOnly, run: func(s *suite) {
		s.server.RestartInRecoveryMode(s)
		s.refused(400, "server is not yet initialized", "GET", recoveryAttemptPath, nil)
		s.refused(400, "server is not yet initialized", "PUT", recoveryAttemptPath, nil)
	}},
}
