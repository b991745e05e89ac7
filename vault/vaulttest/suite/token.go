package suite

import "conclave/vault/vaulttest"

var tokenCases = []suiteCase{
	{claim: "a root token tells about itself", run: func(s *suite) {
		s.ready(1, 1)
		answer := s.ok("GET", "auth/token/lookup-self", nil)
		self := answer.Data()
		s.says(self, body{"id": s.keys.RootToken, "policies": "[root]", "ttl": 0, "path": "auth/token/root",
			"type": "service", "orphan": true})
		s.hasFields(self, "accessor", "creation_time", "creation_ttl", "display_name", "entity_id", "expire_time",
			"explicit_max_ttl", "id",
			"meta", "num_uses", "orphan", "path", "policies", "ttl", "type")
	}},
	{claim: "endpoints behind a token refuse none and a wrong one", open: true, run: func(s *suite) {
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
	{claim: "a token that nobody holds is found and revoked by its accessor", open: true, run: func(s *suite) {
		shares := s.ready(1, 1)
		own := s.accessors()
		start := s.ok("PUT", rootAttemptPath, nil)
		encoded := s.submit(rootUpdatePath, start.String("nonce"), shares[0]).String("encoded_token")
		token, err := vaulttest.DecodeToken(encoded, start.String("otp"))
		if err != nil {
			s.Fatal(err)
		}
		for _, accessor := range s.accessors() {
			if accessor == own[0] {
				continue
			}
			s.says(s.ok("PUT", "auth/token/lookup-accessor", body{"accessor": accessor}).Data(),
				body{"policies": "[root]", "id": "", "accessor": accessor})
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
		s.ok("PUT", "auth/token/lookup", nil)
		s.refused(403, "bad token", "PUT", "auth/token/lookup", body{"token": "hvs.nobody"})
		s.done("PUT", "auth/token/revoke-self", nil)
		if s.isRoot(s.keys.RootToken) {
			s.Error("the token still works")
		}
	}},
	{claim: "a token is made with a policy and a time", run: func(s *suite) {
		s.ready(1, 1)
		made := s.ok("POST", "auth/token/create", body{"policies": []string{"bot"}, "ttl": "1h", "display_name": "bot"})
		s.hasFields(made.Auth(), "accessor", "client_token", "entity_id", "lease_duration", "metadata", "mfa_requirement",
			"num_uses", "orphan",
			"policies", "renewable", "token_policies", "token_type")
		s.says(made.Auth(), body{"lease_duration": 3600, "renewable": true, "policies": "[bot default]", "orphan": false,
			"token_type": "service"})
		s.says(made, body{"warnings": `[Policy "bot" does not exist]`, "data": nil})
		s.op.Token = made.Auth().String("client_token")
		self := s.ok("GET", "auth/token/lookup-self", nil).Data()
		s.hasFields(self, "accessor", "creation_time", "creation_ttl", "display_name", "entity_id", "expire_time",
			"explicit_max_ttl", "id",
			"issue_time", "meta", "num_uses", "orphan", "path", "policies", "renewable", "ttl", "type")
		s.lasts(self, 3600)
		s.says(self, body{"creation_ttl": 3600, "renewable": true, "policies": "[bot default]", "display_name": "token-bot",
			"path": "auth/token/create", "explicit_max_ttl": 0, "id": s.op.Token})
		if made.Auth().String("accessor") != self.String("accessor") || self.String("expire_time") == "" {
			s.Errorf("the token says of itself: accessor %q, expires %q", self.String("accessor"), self.String("expire_time"))
		}
	}},
	{claim: "a token's time has limits, which it is told", run: func(s *suite) {
		s.ready(1, 1)
		for _, c := range []struct {
			request  body
			seconds  int
			warnings any
			self     body
		}{
			{body{"ttl": 60}, 60, nil, body{"renewable": true}},
			{body{"ttl": "1h", "renewable": false}, 3600, nil, body{"renewable": false}},
			{body{}, 2764800, nil, body{"explicit_max_ttl": 0}},
			{body{"ttl": "900h"}, 2764800, `[TTL of "900h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly]`, body{}},
			{body{"ttl": "2h", "explicit_max_ttl": "1h"}, 3600,
				`[TTL of "2h" exceeded the effective max_ttl of "1h"; TTL value is capped accordingly]`,
				body{"explicit_max_ttl": 3600}},
			{body{"period": "30m"}, 1800, nil, body{"period": 1800}},
			{body{"period": "30m", "explicit_max_ttl": "40m"}, 1800, nil, body{"period": 1800, "explicit_max_ttl": 2400}},
		} {
			s.asRoot()
			c.request["policies"] = []string{"default"}
			made := s.ok("POST", "auth/token/create", c.request)
			s.says(made.Auth(), body{"lease_duration": c.seconds})
			s.says(made, body{"warnings": c.warnings})
			s.op.Token = made.Auth().String("client_token")
			self := s.ok("GET", "auth/token/lookup-self", nil).Data()
			s.says(self, c.self)
			s.lasts(self, c.seconds)
		}
		s.asRoot()
		s.refused(400, "invalid duration", "POST", "auth/token/create", body{"ttl": "soon"})
		s.refused(400, "invalid duration", "POST", "auth/token/create", body{"period": "soon"})
		s.refused(400, "explicit_max_ttl must be positive", "POST", "auth/token/create", body{"explicit_max_ttl": "-1h"})
	}},
	{claim: "a token renews itself within its limit", run: func(s *suite) {
		s.ready(1, 1)
		s.asOf(grant("x", ""), body{"ttl": "30m", "explicit_max_ttl": "40m"})
		for _, c := range []struct {
			request  any
			seconds  int
			warnings any
		}{
			{nil, 1800, nil},
			{body{}, 1800, nil},
			{body{"increment": "35m"}, 2100, nil},
			{body{"increment": 600}, 600, nil},
			{body{"increment": "1h"}, 2400, `[TTL of "1h" exceeded the effective max_ttl of "40m"; TTL value is capped accordingly]`},
		} {
			renewed := s.ok("PUT", "auth/token/renew-self", c.request)
			s.says(renewed.Auth(), body{"renewable": true, "client_token": s.op.Token})
			s.says(renewed, body{"warnings": c.warnings})
			if got := renewed.Auth().Int("lease_duration"); got > c.seconds || got < c.seconds-10 {
				s.Errorf("renewed for %d seconds, want %d", got, c.seconds)
			}
		}
		self := s.ok("GET", "auth/token/lookup-self", nil).Data()
		s.says(self, body{"creation_ttl": 1800})
		s.lasts(self, 2400)
		if self.String("last_renewal") == "" || self.Int("last_renewal_time") <= 0 {
			s.Error("the token doesn't say when it was renewed")
		}
	}},
	{claim: "a token that cannot be renewed says why", run: func(s *suite) {
		s.ready(1, 1)
		s.refused(400, "invalid lease ID", "PUT", "auth/token/renew-self", nil)
		s.asOf(grant("x", ""), body{"renewable": false, "ttl": "1h"})
		s.refused(400, "lease is not renewable", "PUT", "auth/token/renew-self", nil)
		s.asOf(grant("x", ""), body{"no_default_policy": true})
		s.refused(403, "permission denied", "PUT", "auth/token/renew-self", nil)
		s.asRoot()
		s.op.Token = s.ok("POST", "auth/token/create", nil).Auth().String("client_token")
		s.says(s.ok("GET", "auth/token/lookup-self", nil).Data(),
			body{"policies": "[root]", "ttl": 0, "expire_time": nil, "renewable": false})
		s.refused(400, "lease is not renewable", "PUT", "auth/token/renew-self", nil)
	}},
	{claim: "an accessor whose token is gone is a 400, and a missing right a 403", run: func(s *suite) {
		s.ready(1, 1)
		gone := s.as(grant("x", ""))
		s.asRoot()
		s.says(s.ok("PUT", "auth/token/lookup-accessor", body{"accessor": gone}).Data(), body{"id": "", "accessor": gone})
		s.done("PUT", "auth/token/revoke-accessor", body{"accessor": gone})
		for _, look := range []func(){s.asRoot, func() { s.as(grant("auth/token/lookup-accessor", `"update"`)) }} {
			look()
			s.refused(400, "1 error occurred:\n\t* invalid accessor", "PUT", "auth/token/lookup-accessor",
				body{"accessor": gone})
			s.refused(400, "1 error occurred:\n\t* missing accessor", "PUT", "auth/token/lookup-accessor", nil)
		}
		s.as(grant("x", ""))
		s.refused(403, "1 error occurred:\n\t* permission denied", "PUT", "auth/token/lookup-accessor",
			body{"accessor": gone})
	}},
	{claim: "a token gives no more than it has, and ends what it made", run: func(s *suite) {
		s.ready(1, 1)
		s.asOf(grant("auth/token/create", `"update"`), body{"no_default_policy": true})
		own := s.ok("POST", "auth/token/create", body{"ttl": "1h"})
		s.refused(400, "child policies must be subset of parent", "POST", "auth/token/create",
			body{"policies": []string{"other"}})
		s.refused(400, "child policies must be subset of parent", "POST", "auth/token/create",
			body{"policies": []string{"root"}})
		parent := s.op.Token
		s.as(grant("auth/token/create", `"update", "sudo"`))
		s.says(s.ok("POST", "auth/token/create", body{"policies": []string{"other"}}).Auth(),
			body{"policies": "[default other]"})
		s.asRoot()
		s.ok("PUT", "auth/token/lookup", body{"token": own.Auth().String("client_token")})
		s.done("PUT", "auth/token/revoke", body{"token": parent})
		s.done("PUT", "auth/token/revoke", body{"token": "hvs.nobody"})
		s.eventually("the token that it made is still there", func() bool {
			return s.send("PUT", "auth/token/lookup", body{"token": own.Auth().String("client_token")}).Status == 403
		})
	}},
	{claim: "a token ends when its time is over", run: func(s *suite) {
		s.ready(1, 1)
		accessor := s.asOf(grant("x", ""), body{"ttl": "1s"})
		s.eventually("the token is still there",
			func() bool { return s.send("GET", "auth/token/lookup-self", nil).Status == 403 })
		s.refused(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token", "GET", "auth/token/lookup-self", nil)
		s.asRoot()
		s.eventually("its accessor is still there", func() bool {
			return s.send("PUT", "auth/token/lookup-accessor", body{"accessor": accessor}).Status == 400
		})
	}},
}
