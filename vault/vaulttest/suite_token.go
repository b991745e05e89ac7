package vaulttest

var tokenCases = []suiteCase{
	{claim: "a root token tells about itself", run: func(s *suite) {
		s.ready(1, 1)
		answer := s.ok("GET", "auth/token/lookup-self", nil)
		data, _ := answer.Body["data"].(map[string]any)
		self := Answer{Body: data}
		s.says(self, body{"id": s.keys.RootToken, "policies": "[root]", "ttl": 0, "path": "auth/token/root", "type": "service", "orphan": true})
		s.hasFields(self, "accessor", "creation_time", "creation_ttl", "display_name", "entity_id", "expire_time", "explicit_max_ttl", "id",
			"meta", "num_uses", "orphan", "path", "policies", "ttl", "type")
	}},
	{claim: "endpoints behind a token refuse none and a wrong one", run: func(s *suite) {
		s.ready(1, 1)
		for token, words := range map[string]string{"": "permission denied", "hvs.nobody": "permission denied"} {
			s.op.Token = token
			for _, path := range []string{"sys/key-status", s.rekey.backup, "auth/token/lookup-self", "sys/nowhere"} {
				s.refused(403, words, "GET", path, nil)
			}
			s.refused(403, words, "PUT", "sys/rotate", nil)
		}
		s.ok("GET", s.rekey.attempt, nil)
		s.ok("GET", rootAttemptPath, nil)
	}},
	{claim: "a path that does not exist is a 404 and a wrong method a 405", run: func(s *suite) {
		s.ready(1, 1)
		s.refused(404, "unsupported path", "GET", "sys/nowhere", nil)
		s.refused(405, "unsupported operation", "GET", "sys/rotate", nil)
	}},
	{claim: "a token that nobody holds is found and revoked by its accessor", run: func(s *suite) {
		shares := s.ready(1, 1)
		own := s.accessors()
		start := s.ok("PUT", rootAttemptPath, nil)
		encoded := s.submit(rootUpdatePath, start.String("nonce"), shares[0]).String("encoded_token")
		token, err := decodeToken(encoded, start.String("otp"))
		if err != nil {
			s.Fatal(err)
		}
		for _, accessor := range s.accessors() {
			if accessor == own[0] {
				continue
			}
			data, _ := s.ok("PUT", "auth/token/lookup-accessor", body{"accessor": accessor}).Body["data"].(map[string]any)
			s.says(Answer{Body: data}, body{"policies": "[root]", "id": "", "accessor": accessor})
			s.done("PUT", "auth/token/revoke-accessor", body{"accessor": accessor})
		}
		if s.isRoot(token) || !s.isRoot(s.keys.RootToken) {
			s.Error("the wrong token was revoked")
		}
		s.refused(400, "invalid accessor", "PUT", "auth/token/lookup-accessor", body{"accessor": "nobody"})
		s.ok("PUT", "auth/token/revoke-accessor", body{"accessor": "nobody"})
	}},
	{claim: "a token is looked up and revokes itself", run: func(s *suite) {
		s.ready(1, 1)
		s.ok("PUT", "auth/token/lookup", body{"token": s.keys.RootToken})
		s.refused(403, "bad token", "PUT", "auth/token/lookup", body{"token": "hvs.nobody"})
		s.done("PUT", "auth/token/revoke-self", nil)
		if s.isRoot(s.keys.RootToken) {
			s.Error("the token still works")
		}
	}},
}
