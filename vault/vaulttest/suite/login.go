package suite

import "conclave/vault/vaulttest"

// appRole makes a role whose tokens have a policy, and returns its id and a secret.
func (s *suite) appRole(fields body) (roleID, secretID string) {
	s.Helper()
	s.asRoot()
	s.done("POST", "auth/approle/role/bot", fields)
	roleID = s.ok("GET", "auth/approle/role/bot/role-id", nil).Data().String("role_id")
	secret := s.ok("POST", "auth/approle/role/bot/secret-id", nil).Data()
	s.hasFields(secret, "secret_id", "secret_id_accessor", "secret_id_num_uses", "secret_id_ttl")
	s.op.Token = ""
	return roleID, secret.String("secret_id")
}

var appRoleCases = []suiteCase{
	{claim: "an AppRole logs in and gets a token of its role", run: func(s *suite) {
		s.ready(1, 1)
		s.done("POST", "sys/auth/approle", body{"type": "approle"})
		s.refused(400, "path is already in use at approle/", "POST", "sys/auth/approle", body{"type": "approle"})
		roleID, secretID := s.appRole(body{"token_policies": "bot,ceremony", "token_ttl": "30m", "token_max_ttl": "1h"})
		login := s.ok("POST", "auth/approle/login", body{"role_id": roleID, "secret_id": secretID})
		s.says(login.Auth(), body{"policies": "[bot ceremony default]", "lease_duration": 1800, "renewable": true,
			"orphan":   true,
			"metadata": "map[role_name:bot]", "token_type": "service"})
		s.op.Token = login.Auth().String("client_token")
		self := s.ok("GET", "auth/token/lookup-self", nil).Data()
		s.lasts(self, 1800)
		s.says(self, body{"path": "auth/approle/login", "display_name": "approle",
			"policies": "[bot ceremony default]", "meta": "map[role_name:bot]", "explicit_max_ttl": 0, "orphan": true})
		s.says(s.ok("PUT", "auth/token/renew-self", nil).Auth(), body{"lease_duration": 1800})
		s.says(s.ok("PUT", "auth/token/renew-self", body{"increment": "2h"}).Auth(), body{"lease_duration": 3600})
	}},
	{claim: "a wrong role and a wrong secret are told alike", run: func(s *suite) {
		s.ready(1, 1)
		s.done("POST", "sys/auth/approle", body{"type": "approle"})
		roleID, secretID := s.appRole(body{"token_policies": []string{"bot"}})
		s.refused(400, "invalid role or secret ID", "POST", "auth/approle/login", body{"role_id": roleID, "secret_id": "x"})
		s.refused(400, "invalid role or secret ID", "POST", "auth/approle/login", body{"role_id": "x", "secret_id": secretID})
		s.refused(400, "missing secret_id", "POST", "auth/approle/login", body{"role_id": roleID})
		s.refused(500, "failed to determine alias name from login request", "POST", "auth/approle/login", nil)
		s.refused(500, "failed to determine alias name from login request", "POST", "auth/approle/login",
			body{"secret_id": secretID})
		s.refused(403, "permission denied", "POST", "auth/nowhere/login", body{"role_id": roleID, "secret_id": secretID})
		s.asRoot()
		s.refused(404, `no handler for route "auth/nowhere/login"`, "POST", "auth/nowhere/login", body{"role_id": roleID})
		s.refused(404, "", "GET", "auth/approle/role/nobody/role-id", nil)
		s.refused(404, `role "nobody" does not exist`, "POST", "auth/approle/role/nobody/secret-id", nil)
		s.refused(400, "'token_ttl' cannot be greater than 'token_max_ttl'", "POST", "auth/approle/role/bot",
			body{"token_ttl": "2h", "token_max_ttl": "1h"})
		s.refused(400, "backend type must be specified", "POST", "sys/auth/other", body{})
		s.seal()
		s.refused(503, "Vault is sealed", "POST", "auth/approle/login", body{"role_id": roleID, "secret_id": secretID})
	}},
	{claim: "a secret for one use is used up, and a period renews for ever", run: func(s *suite) {
		s.ready(1, 1)
		s.done("POST", "sys/auth/approle", body{"type": "approle"})
		roleID, secretID := s.appRole(body{"token_policies": "bot", "token_period": "30m", "secret_id_num_uses": 1})
		login := s.ok("POST", "auth/approle/login", body{"role_id": roleID, "secret_id": secretID})
		s.refused(400, "invalid role or secret ID", "POST", "auth/approle/login",
			body{"role_id": roleID, "secret_id": secretID})
		s.op.Token = login.Auth().String("client_token")
		self := s.ok("GET", "auth/token/lookup-self", nil).Data()
		s.says(self, body{"period": 1800})
		s.lasts(self, 1800)
		s.says(s.ok("PUT", "auth/token/renew-self", body{"increment": "900h"}).Auth(), body{"lease_duration": 1800})
	}},
}

// kubernetesCases are for the emulator: the real server that the tests build has no such method of logging in, and
// there is no Kubernetes to ask.
var kubernetesCases = []suiteCase{
	{claim: "a service account logs in and gets a token of its role", run: func(s *suite) {
		s.ready(1, 1)
		s.server.(*vaulttest.Cluster).AdmitKubernetes("bot", "a.service.account", "ceremony")
		s.op.Token = ""
		login := s.ok("POST", "auth/kubernetes/login", body{"role": "bot", "jwt": "a.service.account"})
		s.says(login.Auth(), body{"policies": "[ceremony default]", "lease_duration": 3600, "renewable": true,
			"orphan": true})
		s.refused(403, "permission denied", "POST", "auth/kubernetes/login", body{"role": "bot", "jwt": "somebody.else"})
		s.refused(400, `invalid role name "x"`, "POST", "auth/kubernetes/login",
			body{"role": "x", "jwt": "a.service.account"})
		s.refused(400, "missing role", "POST", "auth/kubernetes/login", nil)
		s.refused(400, "missing jwt", "POST", "auth/kubernetes/login", body{"role": "bot"})
	}},
}
