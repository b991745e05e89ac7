package suite

import (
	"slices"
	"strings"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

const (
	rotationPath       = "sys/rotate/root/init"
	rotationUpdatePath = "sys/rotate/root/update"
	rotationVerifyPath = "sys/rotate/root/verify"
	baoAttemptPath     = "sys/generate-root-token/attempt"
	baoUpdatePath      = "sys/generate-root-token/update"
)

// rotation starts a rotation and returns its nonce.
func (s *suite) rotation(path string, request body) (nonce string) {
	s.Helper()
	started := s.ok("PUT", path, request).Data()
	s.says(started, body{"started": true, "progress": 0})
	return started.String("nonce")
}

// openBaoCases hold for OpenBao 2.6. The tests have no server of it, so that the cases stand on its source and on what
// the reference measured.
var openBaoCases = []suiteCase{
	{claim: "the old endpoints are closed, token or not", run: func(s *suite) {
		s.ready(1, 1)
		for _, look := range []func(){s.asRoot, func() { s.op.Token = "" }} {
			look()
			for _, path := range []string{"sys/rekey/init", "sys/rekey/verify", "sys/rekey-recovery-key/init",
				"sys/generate-root/attempt"} {
				s.refused(405, "unsupported operation", "GET", path, nil)
				s.refused(405, "unsupported operation", "DELETE", path, body{})
			}
			for _, path := range []string{"sys/rekey/init", "sys/rekey/update", "sys/generate-root/attempt",
				"sys/generate-root/update"} {
				s.refused(405, "unsupported operation", "PUT", path, body{"secret_shares": 1, "secret_threshold": 1})
			}
		}
	}},
	{claim: "OpenBao doesn't say what it is, but not what Vault says", run: func(s *suite) {
		s.says(s.ok("GET", "sys/seal-status", nil), body{"version": "2.6.2", "removed_from_cluster": nil})
		s.says(s.send("GET", "sys/health", nil), body{"version": "2.6.2", "enterprise": nil, "echo_duration_ms": nil})
	}},
	{claim: "a rotation needs a token with the right to it", run: func(s *suite) {
		shares := s.ready(1, 1)
		for _, c := range []struct {
			method, path string
			body         any
			enough       string
			status       int
		}{
			{"GET", rotationPath, nil, `"read"`, 200},
			{"PUT", rotationPath, body{"secret_shares": 1, "secret_threshold": 1}, `"update"`, 200},
			{"PUT", rotationUpdatePath, body{"key": shares[0], "nonce": "n"}, `"update"`, 400},
			{"GET", rotationVerifyPath, nil, `"read"`, 200},
			{"PUT", rotationVerifyPath, body{"key": shares[0], "nonce": "n"}, `"update"`, 400},
			{"DELETE", rotationVerifyPath, nil, `"delete"`, 200},
			{"DELETE", rotationPath, nil, `"delete"`, 204},
			{"GET", "sys/rotate/root/backup", nil, `"read"`, 400},
			{"DELETE", "sys/rotate/root/backup", nil, `"delete"`, 204},
			{"PUT", baoAttemptPath, nil, `"update"`, 200},
			{"GET", baoAttemptPath, nil, `"read"`, 200},
			{"PUT", baoUpdatePath, body{"key": shares[0], "nonce": "n"}, `"update"`, 500},
			{"DELETE", baoAttemptPath, nil, `"delete"`, 204},
			{"PUT", "sys/rotate/keyring", nil, `"update", "sudo"`, 204},
			{"GET", "sys/rotate/keyring/config", nil, `"read"`, 200},
		} {
			s.op.Token = ""
			s.refused(403, "permission denied", c.method, c.path, c.body)
			s.as(grant(c.path, `"list"`))
			s.refused(403, "permission denied", c.method, c.path, c.body)
			s.as(grant(c.path, c.enough))
			if answer := s.send(c.method, c.path, c.body); answer.Status != c.status {
				s.Errorf("%s %s with %s: status %d %q, want %d", c.method, c.path, c.enough, answer.Status, answer.Errors, c.status)
			}
		}
	}},
	{claim: "a rotation replaces the shares with its last share", run: func(s *suite) {
		shares := s.ready(5, 3)
		idle := s.ok("GET", rotationPath, nil).Data()
		s.hasFields(idle, "namespace", "started", "t", "n", "seal_threshold")
		s.says(idle, body{"started": false, "t": 0, "n": 0, "seal_threshold": 3})
		s.refused(400, "no rotation in progress", "PUT", rotationUpdatePath, body{"key": shares[0], "nonce": "n"})
		nonce := s.rotation(rotationPath, body{"secret_shares": 4, "secret_threshold": 2})
		s.refused(400, "rotation already in progress", "PUT", rotationPath, body{"secret_shares": 4, "secret_threshold": 2})
		second := s.submit(rotationUpdatePath, nonce, shares[0], shares[1]).Data()
		s.hasFields(second, "namespace", "started", "t", "n", "seal_threshold", "nonce", "progress", "verification_required",
			"verification_nonce")
		s.says(second, body{"nonce": nonce, "progress": 2, "seal_threshold": 3, "t": 2, "n": 4})
		last := s.submit(rotationUpdatePath, nonce, shares[2]).Data()
		s.hasFields(last, "namespace", "complete", "nonce", "backup", "pgp_fingerprints", "verification_required",
			"verification_nonce",
			"keys", "keys_base64")
		fresh := last.Strings("keys")
		if len(fresh) != 4 || inBase64(fresh[3]) != last.Strings("keys_base64")[3] {
			s.Errorf("%d new shares", len(fresh))
		}
		s.says(s.ok("GET", rotationPath, nil).Data(), body{"started": false, "seal_threshold": 2})
		if s.opens(shares[:3]) {
			s.Error("the old shares still open")
		}
		s.unseal(fresh[2:])
	}},
	{claim: "a rotation is cancelled without its nonce", run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.rotation(rotationPath, body{"secret_shares": 3, "secret_threshold": 2})
		s.submit(rotationUpdatePath, nonce, shares[0])
		s.done("DELETE", rotationPath, nil)
		s.done("DELETE", rotationPath, nil)
		s.refused(400, "no rotation in progress", "PUT", rotationUpdatePath, body{"key": shares[1], "nonce": nonce})
	}},
	{claim: "a rotation refuses with a 400 and ugly words", run: func(s *suite) {
		shares := s.ready(5, 3)
		for words, request := range map[string]body{
			"invalid rotate seal configuration: %!w(*errors.errorString=&{threshold cannot be larger than shares})":                 {"secret_shares": 2, "secret_threshold": 3},
			"invalid rotate seal configuration: %!w(*errors.errorString=&{threshold must be greater than one for multiple shares})": {"secret_shares": 3, "secret_threshold": 1},
			"invalid rotate seal configuration: %!w(*errors.errorString=&{shares must be at least one})":                            {},
			"count mismatch between number of provided PGP keys and number of shares":                                               {"secret_shares": 2, "secret_threshold": 2, "pgp_keys": []string{"AAAA"}},
		} {
			s.refused(400, words, "PUT", rotationPath, request)
		}
		s.refused(400, "recovery keys not supported", "PUT", "sys/rotate/recovery/init",
			body{"secret_shares": 1, "secret_threshold": 1})
		nonce := s.rotation(rotationPath, body{"secret_shares": 3, "secret_threshold": 2})
		s.refused(400, "missing required field 'key'", "PUT", rotationUpdatePath, nil)
		s.refused(400, "missing required field 'nonce'", "PUT", rotationUpdatePath, body{"key": shares[0]})
		s.refused(400, "'key' must be a valid hex or base64 string", "PUT", rotationUpdatePath,
			body{"key": shares[0] + " ", "nonce": nonce})
		s.refused(400, "incorrect nonce supplied; nonce for rotation is \""+nonce+"\"", "PUT", rotationUpdatePath,
			body{"key": shares[0], "nonce": "n"})
		s.submit(rotationUpdatePath, nonce, shares[0])
		s.refused(400, "given key has already been provided during this rotation", "PUT", rotationUpdatePath,
			body{"key": inBase64(shares[0]), "nonce": nonce})
		for words, wrong := range map[string]string{
			"failed to read root key: %!w": junk(shares...),
			"failed to compute key: %!w(*errors.errorString=&{duplicate part detected})":           sameX(shares[0]),
			"failed to compute key: %!w(*errors.errorString=&{all parts must be the same length})": shares[2][:64],
		} {
			s.done("DELETE", rotationPath, nil)
			nonce = s.rotation(rotationPath, body{"secret_shares": 3, "secret_threshold": 2})
			s.submit(rotationUpdatePath, nonce, shares[0], shares[1])
			s.refused(400, words, "PUT", rotationUpdatePath, body{"key": wrong, "nonce": nonce})
			s.says(s.ok("GET", rotationPath, nil).Data(), body{"started": true, "progress": 0, "nonce": nonce})
		}
		s.says(s.submit(rotationUpdatePath, nonce, shares[2:]...).Data(), body{"complete": true})
	}},
	{claim: "three bytes count as a share of a rotation", run: func(s *suite) {
		s.ready(3, 2)
		nonce := s.rotation(rotationPath, body{"secret_shares": 3, "secret_threshold": 2})
		s.says(s.submit(rotationUpdatePath, nonce, "AAAA").Data(), body{"progress": 1})
	}},
	{claim: "a verification of a rotation counts a second click", run: func(s *suite) {
		shares := s.ready(3, 2)
		s.refused(400, "no rotation configuration found", "GET", rotationVerifyPath, nil)
		s.refused(400, "no rotation in progress", "PUT", rotationVerifyPath, body{"key": shares[0], "nonce": "n"})
		nonce := s.rotation(rotationPath, body{"secret_shares": 3, "secret_threshold": 2, "require_verification": true})
		s.refused(400, "no rotation verification in progress", "PUT", rotationVerifyPath,
			body{"key": shares[0], "nonce": "n"})
		last := s.submit(rotationUpdatePath, nonce, shares[:2]...).Data()
		s.says(last, body{"complete": true, "verification_required": true})
		fresh, verify := last.Strings("keys"), last.String("verification_nonce")
		s.refused(400, "rotation already finished; verification must be performed; nonce for the verification operation is \""+verify+"\"",
			"PUT", rotationUpdatePath, body{"key": shares[2], "nonce": nonce})
		status := s.ok("GET", rotationVerifyPath, nil).Data()
		s.hasFields(status, "namespace", "nonce", "started", "t", "n", "progress")
		s.says(status, body{"nonce": verify, "started": true, "progress": 0, "t": 2, "n": 3})
		s.submit(rotationVerifyPath, verify, fresh[0])
		s.refused(400, "failed to compute key for verification: %!w(*errors.errorString=&{duplicate part detected})",
			"PUT", rotationVerifyPath, body{"key": fresh[0], "nonce": verify})
		next := s.ok("GET", rotationVerifyPath, nil).Data()
		s.says(next, body{"started": true, "progress": 0})
		if next.String("nonce") == verify {
			s.Error("the nonce is the same after a wrong quorum")
		}
		verify = next.String("nonce")
		s.submit(rotationVerifyPath, verify, fresh[1])
		s.refused(400, "rotation verification failed; incorrect key shares supplied", "PUT", rotationVerifyPath,
			body{"key": junk(fresh...), "nonce": verify})
		again := s.ok("DELETE", rotationVerifyPath, nil).Data()
		s.refused(400, "incorrect nonce supplied; nonce for this verify operation is", "PUT", rotationVerifyPath,
			body{"key": fresh[1], "nonce": verify})
		if s.ok("GET", "sys/seal-status", nil).Int("n") != 3 {
			s.Error("the new shares are in force")
		}
		done := s.submit(rotationVerifyPath, again.String("nonce"), fresh[1:]...).Data()
		s.hasFields(done, "namespace", "complete", "nonce")
		if !s.opens(fresh[:2]) {
			s.Error("the verified shares don't open")
		}
	}},
	{claim: "a rotation encrypts its shares and keeps a backup", run: func(s *suite) {
		shares := s.ready(1, 1)
		ann, bob := vaulttest.NewPerson(s, "ann"), vaulttest.NewPerson(s, "bob")
		s.refused(400, "no backed-up keys found", "GET", "sys/rotate/root/backup", nil)
		started := s.ok("PUT", rotationPath,
			body{"secret_shares": 2, "secret_threshold": 2, "backup": true, "pgp_keys": []string{bob.Key, ann.Key}}).Data()
		s.says(started, body{"backup": true})
		if got := started.Strings("pgp_fingerprints"); !slices.Equal(got, []string{bob.Fingerprint, ann.Fingerprint}) {
			s.Errorf("fingerprints %q", got)
		}
		last := s.submit(rotationUpdatePath, started.String("nonce"), shares[0]).Data()
		s.says(last, body{"backup": true})
		backup := s.ok("GET", "sys/rotate/root/backup", nil)
		s.says(backup.Data(), body{"nonce": started.String("nonce")})
		s.says(backup, body{"nonce": started.String("nonce")})
		kept, _ := backup.Data().Body["keys"].(map[string]any)
		if got := (operator.Answer{Body: kept}).Strings(ann.Fingerprint); !slices.Equal(got, last.Strings("keys")[1:]) {
			s.Error("the backup holds other messages than were handed out")
		}
		s.refused(400, "no backed-up keys found", "GET", "sys/rotate/recovery/backup", nil)
		s.done("DELETE", "sys/rotate/root/backup", nil)
		s.refused(400, "no backed-up keys found", "GET", "sys/rotate/root/backup", nil)
		if !s.opens([]string{ann.Read(s, last.Strings("keys")[1]), bob.Read(s, last.Strings("keys")[0])}) {
			s.Error("the new shares don't open")
		}
	}},
	{claim: "a quorum makes a root token of the other length", run: func(s *suite) {
		shares := s.ready(3, 2)
		idle := s.ok("GET", baoAttemptPath, nil).Data()
		s.hasFields(idle, "started", "complete", "progress", "required", "otp", "otp_length")
		s.says(idle, body{"started": false, "required": 2, "otp_length": 26})
		s.refused(400, "OTP string is wrong length", "PUT", baoAttemptPath, body{"otp": strings.Repeat("o", 28)})
		start := s.ok("PUT", baoAttemptPath, nil).Data()
		s.refused(400, "root generation already in progress", "PUT", baoAttemptPath, nil)
		nonce := start.String("nonce")
		first := s.submit(baoUpdatePath, nonce, shares[0]).Data()
		s.hasFields(first, "started", "complete", "progress", "required", "nonce", "encoded_token", "pgp_fingerprint")
		s.says(first, body{"progress": 1, "complete": false})
		last := s.submit(baoUpdatePath, nonce, " "+shares[1]+"\n").Data()
		s.says(last, body{"progress": 2, "complete": true})
		token, err := vaulttest.DecodeToken(last.String("encoded_token"), start.String("otp"))
		if err != nil || len(token) != 26 || !strings.HasPrefix(token, "s.") || !s.isRoot(token) {
			s.Errorf("a token of %d characters, %v", len(token), err)
		}
		s.says(s.ok("GET", baoAttemptPath, nil).Data(), body{"started": false})
	}},
	{claim: "a root token's share is refused with a 500", run: func(s *suite) {
		shares := s.ready(3, 2)
		s.refused(500, "no root generation in progress", "PUT", baoUpdatePath, body{"key": shares[0], "nonce": "n"})
		nonce := s.ok("PUT", baoAttemptPath, body{"pgp_key": vaulttest.NewPerson(s, "ann").Key}).Data().String("nonce")
		s.refused(400, "nonce is required", "PUT", baoUpdatePath, body{"key": shares[0]})
		s.refused(400, "key is required", "PUT", baoUpdatePath, body{"nonce": nonce})
		s.submit(baoUpdatePath, nonce, shares[0])
		s.refused(500, "incorrect nonce supplied; nonce for this root generation operation is \""+nonce+"\"", "PUT",
			baoUpdatePath, body{"key": shares[1], "nonce": "n"})
		s.refused(500, "given key has already been provided", "PUT", baoUpdatePath, body{"key": shares[0], "nonce": nonce})
		s.refused(500, "'key' must be a valid hex or base64 string", "PUT", baoUpdatePath, body{"key": "§", "nonce": nonce})
		s.refused(500, "key is shorter than minimum 16 bytes", "PUT", baoUpdatePath, body{"key": "AAAA", "nonce": nonce})
		s.says(s.ok("GET", baoAttemptPath, nil).Data(), body{"started": true, "progress": 1, "nonce": nonce})
		s.refused(500, "root generation aborted", "PUT", baoUpdatePath, body{"key": junk(shares...), "nonce": nonce})
		s.says(s.ok("GET", baoAttemptPath, nil).Data(), body{"started": true, "progress": 0, "nonce": nonce})
		s.done("DELETE", baoAttemptPath, nil)
	}},
	{claim: "both ways to the encryption key are one", run: func(s *suite) {
		s.ready(1, 1)
		s.done("PUT", "sys/rotate/keyring", nil)
		s.done("PUT", "sys/rotate", nil)
		s.says(s.ok("GET", "sys/key-status", nil), body{"term": 3})
		s.done("PUT", "sys/rotate/keyring/config", body{"interval": "72h"})
		s.says(s.ok("GET", "sys/rotate/config", nil).Data(), body{"interval": "72h0m0s"})
	}},
	{claim: "the bare rotation of the root key needs sudo and no share", run: func(s *suite) {
		shares := s.ready(1, 1)
		s.as(grant("sys/rotate/root", `"update"`))
		s.refused(403, "permission denied", "PUT", "sys/rotate/root", nil)
		s.asRoot()
		s.done("PUT", "sys/rotate/root", nil)
		if !s.opens(shares) {
			s.Error("the share doesn't open any more")
		}
	}},
	{claim: "a sealed OpenBao refuses ceremonies", run: func(s *suite) {
		shares := s.ready(1, 1)
		s.seal()
		s.refused(503, "Vault is sealed", "GET", rotationPath, nil)
		s.refused(503, "Vault is sealed", "PUT", rotationUpdatePath, body{"key": shares[0], "nonce": "n"})
		s.refused(503, "Vault is sealed", "GET", baoAttemptPath, nil)
		s.refused(503, "Vault is sealed", "GET", "sys/rekey/init", nil)
	}},
	{claim: "key operations are the root namespace's", run: func(s *suite) {
		s.ready(1, 1)
		s.refused(400, "operation unavailable in namespaces", "GET", "team/"+rotationPath, nil)
		s.refused(400, "operation unavailable in namespaces", "GET", "team/sys/key-status", nil)
		s.refused(400, "namespace is not sealable", "GET", "team/"+baoAttemptPath, nil)
		s.ok("GET", "team/auth/token/lookup-self", nil)
		s.refused(404, "unsupported path", "GET", "nowhere/auth/token/lookup-self", nil)
		s.op.Namespace = "team"
		s.refused(400, "operation unavailable in namespaces", "GET", "sys/health", nil)
		s.refused(400, "operation unavailable in namespaces", "PUT", rotationPath,
			body{"secret_shares": 1, "secret_threshold": 1})
		s.ok("GET", "sys/seal-status", nil)
		s.ok("GET", "auth/token/lookup-self", nil)
		s.op.Namespace = "nowhere"
		s.refused(400, "operation unavailable in namespaces", "GET", "sys/health", nil)
		s.refused(404, "namespace not found", "GET", "auth/token/lookup-self", nil)
	}},
}

// openBaoAutoCases hold for an OpenBao that unseals itself.
var openBaoAutoCases = []suiteCase{
	{claim: "a rotation of the recovery key makes new recovery shares", run: func(s *suite) {
		shares := s.ready(3, 2)
		s.says(s.ok("GET", "sys/rotate/recovery/init", nil).Data(), body{"started": false, "seal_threshold": 2})
		nonce := s.rotation("sys/rotate/recovery/init",
			body{"secret_shares": 3, "secret_threshold": 2, "require_verification": true})
		s.submit("sys/rotate/recovery/update", nonce, shares[0])
		s.refused(400, "recovery key verification failed: %!w", "PUT", "sys/rotate/recovery/update",
			body{"key": junk(shares...), "nonce": nonce})
		last := s.submit("sys/rotate/recovery/update", nonce, shares[0], shares[2]).Data()
		fresh := last.Strings("keys")
		s.says(s.submit("sys/rotate/recovery/verify", last.String("verification_nonce"), fresh[1:]...).Data(),
			body{"complete": true})
		if !s.opens(fresh[:2]) {
			s.Error("the new recovery shares don't open")
		}
	}},
	{claim: "a rotation of the root key takes recovery shares and makes nobody's", run: func(s *suite) {
		shares := s.ready(3, 2)
		for words, request := range map[string]body{
			"PGP key encryption not supported when using stored keys": {"pgp_keys": []string{"AAAA"}},
			"key backup not supported when using stored keys":         {"backup": true},
			"requiring verification not supported":                    {"require_verification": true},
		} {
			s.refused(400, words, "PUT", rotationPath, request)
		}
		nonce := s.rotation(rotationPath, body{"secret_shares": 5, "secret_threshold": 3})
		s.says(s.submit(rotationUpdatePath, nonce, shares[1:]...).Data(), body{"complete": true})
		if !s.opens(shares[:2]) {
			s.Error("the recovery shares changed")
		}
	}},
	{claim: "who has no recovery shares yet is handed them at once", run: func(s *suite) {
		answer := s.ok("PUT", "sys/init", body{})
		if shares := answer.Strings("recovery_keys"); len(shares) != 0 {
			s.Errorf("%d recovery shares", len(shares))
		}
		s.op.Token = answer.String("root_token")
		s.unseal(nil)
		done := s.ok("PUT", "sys/rotate/recovery/init", body{"secret_shares": 3, "secret_threshold": 2}).Data()
		s.says(done, body{"complete": true})
		if shares := done.Strings("keys"); !s.opens(shares[1:]) {
			s.Error("the recovery shares don't open")
		}
	}},
}

// openBaoOpenCases hold for an OpenBao that was told to open its old endpoints again.
var openBaoOpenCases = []suiteCase{
	{claim: "opened, the old endpoints are there for everybody", run: func(s *suite) {
		shares := s.ready(3, 2)
		s.op.Token = ""
		nonce := s.ok("PUT", "sys/rekey/init", body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.submit("sys/rekey/update", nonce, shares[0])
		s.done("DELETE", "sys/rekey/init", nil) // it asks for no nonce
		s.says(s.ok("GET", "sys/rekey/init", nil), body{"started": false, "required": 2})
		start := s.ok("PUT", rootAttemptPath, nil)
		s.says(start, body{"started": true, "otp_length": 26})
		last := s.submit(rootUpdatePath, start.String("nonce"), shares[1:]...)
		token, err := vaulttest.DecodeToken(last.String("encoded_token"), start.String("otp"))
		if err != nil || !s.isRoot(token) {
			s.Errorf("the root token isn't one: %v", err)
		}
	}},
}
