package suite

import (
	"strings"

	"conclave/vault/vaulttest"
)

const (
	drAttemptPath = "sys/replication/dr/secondary/generate-operation-token/attempt"
	drUpdatePath  = "sys/replication/dr/secondary/generate-operation-token/update"
)

// noDRCases are about a server that isn't a secondary of disaster recovery, which the open one never is.
var noDRCases = []suiteCase{
	{claim: "a server that is no secondary makes no operation token", run: func(s *suite) {
		shares := s.ready(1, 1)
		s.refused(404, "unsupported path", "GET", drAttemptPath, nil)
		s.refused(404, "unsupported path", "PUT", drUpdatePath, body{"key": shares[0], "nonce": "n"})
		s.op.Token = ""
		s.refused(403, "permission denied", "GET", drAttemptPath, nil)
	}},
}

// drCases are for the emulator: replication needs Vault Enterprise.
var drCases = []suiteCase{
	{claim: "a quorum makes an operation token for a secondary", run: func(s *suite) {
		shares := s.ready(3, 2)
		if answer := s.send("GET", "sys/health", nil); answer.Status != 472 ||
			answer.String("replication_dr_mode") != "secondary" {
			s.Errorf("a secondary's health is %d %v", answer.Status, answer.Body)
		}
		s.op.Token = ""
		s.says(s.ok("GET", drAttemptPath, nil), body{"started": false, "required": 2})
		start := s.ok("PUT", drAttemptPath, body{"otp": strings.Repeat("o", 28)})
		s.hasFields(start, rootFields...)
		nonce := start.String("nonce")
		s.submit(drUpdatePath, nonce, shares[0])
		s.refused(400, "incorrect strategy supplied; a generate root operation of another type is already in progress",
			"PUT", rootUpdatePath, body{"key": shares[1], "nonce": nonce})
		s.refused(400, "root generation already in progress", "PUT", rootAttemptPath, nil)
		last := s.submit(drUpdatePath, nonce, shares[1])
		s.says(last, body{"complete": true, "encoded_root_token": ""})
		token, err := vaulttest.DecodeToken(last.String("encoded_token"), strings.Repeat("o", 28))
		if err != nil || len(token) != 28 || s.isRoot(token) {
			s.Errorf("a token of %d characters, which may be a root token: %v", len(token), err)
		}
		s.ok("PUT", drAttemptPath, body{"pgp_key": vaulttest.NewPerson(s, "ann").Key})
		s.done("DELETE", drAttemptPath, nil)
		s.says(s.ok("GET", drAttemptPath, nil), body{"started": false, "nonce": ""})
	}},
}
