package suite

import "fmt"

// grant returns a policy of one rule.
func grant(path, capabilities string) string {
	return fmt.Sprintf("path %q { capabilities = [%s] }", path, capabilities)
}

// as lets a token with a policy of its own make the next requests, and returns the token's accessor.
func (s *suite) as(policy string) (accessor string) {
	s.Helper()
	return s.asOf(policy, body{"ttl": "1h"})
}

// asOf does as as does, for a token with certain fields.
func (s *suite) asOf(policy string, fields body) (accessor string) {
	s.Helper()
	token, accessor, err := s.op.As(s.keys.RootToken).NewToken(s.Context(), policy, fields)
	if err != nil {
		s.Fatal(err)
	}
	s.op.Token = token
	return accessor
}

func (s *suite) asRoot() { s.op.Token = s.keys.RootToken }

var policyCases = []suiteCase{
	{claim: "a policy is kept as it was written until it is deleted", run: func(s *suite) {
		s.ready(1, 1)
		text := "# why\n" + grant("sys/rotate", `"update", "sudo"`) + "\n"
		s.refused(404, "", "GET", "sys/policies/acl/bot", nil)
		s.done("PUT", "sys/policies/acl/bot", body{"policy": text})
		s.says(s.ok("GET", "sys/policies/acl/bot", nil).Data(), body{"name": "bot", "policy": text})
		s.says(s.ok("LIST", "sys/policies/acl", nil).Data(), body{"keys": "[bot default root]"})
		s.done("DELETE", "sys/policies/acl/bot", nil)
		s.done("DELETE", "sys/policies/acl/bot", nil)
		s.refused(404, "", "GET", "sys/policies/acl/bot", nil)
	}},
	{claim: "a policy that says nothing sensible is refused", run: func(s *suite) {
		s.ready(1, 1)
		for text, words := range map[string]string{
			"":                                     "'policy' parameter not supplied or empty",
			`path "x" {`:                           "failed to parse policy",
			grant("x", `"fly"`):                    `failed to parse policy: path "x": invalid capability "fly"`,
			`nope "x" { capabilities = ["read"] }`: `invalid key "nope"`,
			`path "x" { capability = ["read"] }`:   `invalid key "capability"`,
			`path "x" { capabilities = "read" }`:   "failed to parse policy",
			grant("+*", `"read"`):                  "invalid use of wildcards ('+*' is forbidden)",
		} {
			s.refused(400, words, "PUT", "sys/policies/acl/bot", body{"policy": text})
		}
		s.refused(400, `cannot update "root" policy`, "PUT", "sys/policies/acl/root", body{"policy": grant("x", `"read"`)})
		s.refused(400, `cannot delete "root" policy`, "DELETE", "sys/policies/acl/root", nil)
		s.refused(400, "cannot delete default policy", "DELETE", "sys/policies/acl/default", nil)
	}},
	{claim: "the rule that matches best decides alone", run: func(s *suite) {
		s.ready(1, 1)
		for _, c := range []struct {
			policy string
			want   map[string]string // path → capabilities
		}{
			{grant("sys/*", `"read"`) + grant("sys/rot*", `"update"`) + grant("sys/rotate/config", `"deny"`), map[string]string{
				"sys/key-status": "[read]", "sys/rotate": "[update]", "sys/rotate/config": "[deny]", "sys/rotx": "[update]",
				"other": "[deny]"}},
			{grant("sys/+/config", `"read"`), map[string]string{
				"sys/rotate/config": "[read]", "sys/a/b/config": "[deny]", "sys/rotate": "[deny]"}},
			{grant("sys/+/config*", `"read"`) + grant("sys/rotate/*", `"list"`), map[string]string{
				"sys/rotate/config": "[list]", "sys/rotate/configx": "[list]", "sys/x/config": "[read]",
				"sys/x/configy/z": "[read]"}},
			{grant("+/rotate", `"read"`) + grant("sys/rot*", `"update"`), map[string]string{"sys/rotate": "[update]"}},
			{grant("+/rotate", `"read"`) + grant("sys/+", `"update"`), map[string]string{"sys/rotate": "[update]"}},
			{grant("+/+", `"read"`) + grant("+/*", `"update"`), map[string]string{"sys/rotate": "[read]"}},
			{grant("+", `"read"`), map[string]string{"sys": "[read]", "sys/rotate": "[deny]"}},
			{grant("*", `"read"`), map[string]string{"sys": "[read]", "sys/rotate": "[read]"}},
			{grant("/sys/a", `"update", "sudo", "read"`) + grant("sys/a", `"list", "delete", "create", "patch"`),
				map[string]string{
					"sys/a": "[create delete list patch read sudo update]"}},
			{grant("sys/a", `"update"`) + grant("sys/a", `"deny"`), map[string]string{"sys/a": "[deny]"}},
			{grant("sys/a", ""), map[string]string{"sys/a": "[deny]"}},
			{"path \"sys/a\" {\n  # why\n  capabilities = [\"read\",]\n}\n// more\n", map[string]string{"sys/a": "[read]"}},
		} {
			s.as(c.policy)
			paths, want := []string{}, body{}
			for path, names := range c.want {
				paths, want[path] = append(paths, path), names
			}
			answer := s.ok("PUT", "sys/capabilities-self", body{"paths": paths})
			s.says(answer, want)
			s.says(answer.Data(), want)
		}
	}},
	{claim: "a token asks what it may do", run: func(s *suite) {
		s.ready(1, 1)
		s.says(s.ok("PUT", "sys/capabilities-self", body{"paths": []string{"sys/rotate", "sys/a"}}),
			body{"sys/rotate": "[root]", "sys/a": "[root]"})
		s.says(s.ok("PUT", "sys/capabilities-self", body{"path": "sys/rotate"}),
			body{"sys/rotate": "[root]", "capabilities": "[root]"})
		s.refused(400, "paths must be supplied", "PUT", "sys/capabilities-self", body{})
		s.refused(405, "unsupported operation", "GET", "sys/capabilities-self", nil)
		s.asOf(grant("sys/rotate", `"update"`), body{"no_default_policy": true})
		s.refused(403, "permission denied", "PUT", "sys/capabilities-self", body{"paths": []string{"sys/rotate"}})
		s.op.Token = ""
		s.refused(403, "permission denied", "PUT", "sys/capabilities-self", body{"paths": []string{"sys/rotate"}})
	}},
	{claim: "each endpoint asks for the capability of its method, and some for sudo", run: func(s *suite) {
		s.ready(1, 1)
		for _, c := range []struct {
			method, path string
			body         any
			enough       string
			tooLittle    []string
			status       int // when it is enough
		}{
			{"PUT", "sys/rotate", nil, `"update", "sudo"`, []string{`"update"`, `"sudo"`, `"create", "sudo"`, `"read", "sudo"`}, 204},
			{"GET", "sys/rotate/config", nil, `"read"`, []string{`"update"`}, 200},
			{"PUT", "sys/rotate/config", body{"interval": "72h"}, `"update"`, []string{`"read"`, `"create"`}, 204},
			{"GET", "sys/key-status", nil, `"read"`, []string{`"update"`, `"list"`}, 200},
			{"GET", "sys/rekey/backup", nil, `"read"`, []string{`"delete"`}, 400},
			{"DELETE", "sys/rekey/backup", nil, `"delete"`, []string{`"read"`, `"update"`}, 204},
			{"GET", "sys/rekey/recovery-key-backup", nil, `"read"`, []string{`"delete"`}, 400},
			{"DELETE", "sys/rekey/recovery-key-backup", nil, `"delete"`, []string{`"read"`}, 204},
			{"LIST", "auth/token/accessors", nil, `"list", "sudo"`, []string{`"list"`, `"read", "sudo"`}, 200},
			{"PUT", "auth/token/lookup-accessor", body{"accessor": "nobody"}, `"update"`, []string{`"read"`}, 400},
			{"PUT", "auth/token/revoke-accessor", body{"accessor": "nobody"}, `"update"`, []string{`"delete"`}, 200},
			{"GET", "sys/nowhere", nil, `"read"`, []string{`"update"`}, 404},
			{"GET", "sys/rotate", nil, `"read", "sudo"`, []string{`"read"`, `"update", "sudo"`}, 405},
		} {
			for _, capabilities := range c.tooLittle {
				s.as(grant(c.path, capabilities))
				s.refused(403, "1 error occurred:\n\t* permission denied", c.method, c.path, c.body)
			}
			s.as(grant(c.path, c.enough))
			if answer := s.send(c.method, c.path, c.body); answer.Status != c.status {
				s.Errorf("%s %s with %s: status %d %q, want %d", c.method, c.path, c.enough, answer.Status, answer.Errors, c.status)
			}
		}
	}},
	{claim: "sealing asks for sudo", run: func(s *suite) {
		s.ready(1, 1)
		for _, capabilities := range []string{`"update"`, `"sudo"`} {
			s.as(grant("sys/seal", capabilities))
			s.refused(403, "permission denied", "PUT", "sys/seal", nil)
		}
		s.as(grant("sys/seal", `"update", "sudo"`))
		s.done("PUT", "sys/seal", nil)
	}},
}
