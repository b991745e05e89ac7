package suite

// closedCases are about key operations that need a token.
var closedCases = []suiteCase{
	{claim: "a key operation refuses whoever has no right to it", run: func(s *suite) {
		shares := s.ready(1, 1)
		for _, c := range []struct {
			method, path string
			body         any
			enough       string
			tooLittle    string
			status       int // when it is enough
		}{
			{"GET", "sys/rekey/init", nil, `"read"`, `"update"`, 200},
			{"PUT", "sys/rekey/init", body{"secret_shares": 1, "secret_threshold": 1}, `"update"`, `"read"`, 200},
			{"PUT", "sys/rekey/update", body{"key": shares[0], "nonce": "n"}, `"update"`, `"create"`, 400},
			{"GET", "sys/rekey/verify", nil, `"read"`, `"update"`, 200},
			{"PUT", "sys/rekey/verify", body{"key": shares[0], "nonce": "n"}, `"update"`, `"read"`, 400},
			{"DELETE", "sys/rekey/verify", nil, `"delete"`, `"update"`, 200},
			{"DELETE", "sys/rekey/init", body{}, `"delete"`, `"update"`, 400},
			{"GET", "sys/generate-root/attempt", nil, `"read"`, `"update"`, 200},
			{"PUT", "sys/generate-root/attempt", nil, `"update"`, `"read"`, 200},
			{"PUT", "sys/generate-root/update", body{"key": shares[0], "nonce": "n"}, `"update"`, `"read"`, 400},
			{"DELETE", "sys/generate-root/attempt", nil, `"delete"`, `"update"`, 204},
		} {
			s.op.Token = ""
			s.refused(403, "permission denied", c.method, c.path, c.body)
			s.op.Token = "hvs.nobody"
			s.refused(403, "invalid token", c.method, c.path, c.body)
			s.as(grant(c.path, c.tooLittle))
			s.refused(403, "permission denied", c.method, c.path, c.body)
			s.as(grant(c.path, c.enough))
			if answer := s.send(c.method, c.path, c.body); answer.Status != c.status {
				s.Errorf("%s %s with %s: status %d %q, want %d", c.method, c.path, c.enough, answer.Status, answer.Errors, c.status)
			}
		}
	}},
	{claim: "a server of the second generation says so", run: func(s *suite) {
		s.says(s.ok("GET", "sys/seal-status", nil), body{"version": "2.0.0"})
	}},
}
