package suite

var rotateCases = []suiteCase{
	{claim: "a rotation makes the next term", run: func(s *suite) {
		s.ready(1, 1)
		before := s.ok("GET", "sys/key-status", nil)
		s.says(before, body{"term": 1})
		s.says(before.Data(), body{"term": 1, "install_time": before.String("install_time")})
		s.done("PUT", "sys/rotate", nil)
		s.done("POST", "sys/rotate", body{})
		after := s.ok("GET", "sys/key-status", nil)
		s.says(after, body{"term": 3})
		s.hasFields(after.Data(), "term", "install_time", "encryptions")
		if after.String("install_time") <= before.String("install_time") || after.Int("encryptions") < 0 {
			s.Errorf("after two rotations: %v", after.Body)
		}
		s.refused(405, "unsupported operation", "PUT", "sys/key-status", nil)
	}},
	{claim: "a rotation policy is changed in part", run: func(s *suite) {
		s.ready(1, 1)
		policy := s.ok("GET", "sys/rotate/config", nil)
		s.says(policy.Data(), body{"enabled": true, "interval": 0, "max_operations": 3865470566})
		if policy.Body["interval"] != nil {
			s.Error("the policy stands outside the envelope too")
		}
		for _, c := range []struct {
			change body
			want   body
		}{
			{body{"interval": "72h"}, body{"interval": "72h0m0s", "max_operations": 3865470566}},
			{body{"max_operations": 1000000}, body{"interval": "72h0m0s", "max_operations": 1000000}},
			{body{"max_operations": "2000000"}, body{"interval": "72h0m0s", "max_operations": 2000000}},
			{body{"interval": 86400}, body{"interval": "24h0m0s"}},
			{body{"interval": 0}, body{"interval": 0}},
			{body{"interval": "100h", "max_operations": 3865470566}, body{"interval": "100h0m0s", "max_operations": 3865470566}},
			{body{}, body{"interval": "100h0m0s", "max_operations": 3865470566, "enabled": true}},
			{nil, body{"interval": "100h0m0s", "max_operations": 3865470566, "enabled": true}},
		} {
			s.done("POST", "sys/rotate/config", c.change)
			s.says(s.ok("GET", "sys/rotate/config", nil).Data(), c.want)
		}
	}},
	{claim: "a rotation policy outside its limits is refused whole", run: func(s *suite) {
		s.ready(1, 1)
		for _, c := range []struct {
			words  string
			change body
		}{
			{"max_operations must be in the range [1000000,3865470566]", body{"max_operations": 999999}},
			{"max_operations must be in the range", body{"max_operations": 3865470567}},
			{"max_operations must be in the range", body{"max_operations": 0}},
			{"max_operations must be in the range", body{"max_operations": -1, "interval": "72h"}},
			{"interval must be greater or equal to 24h0m0s", body{"interval": "23h59m"}},
			{"interval must be greater or equal to 24h0m0s", body{"interval": 1, "max_operations": 1500000}},
			{`error converting input for field "interval": cannot provide negative value`, body{"interval": "-24h"}},
			{`error converting input for field "interval"`, body{"interval": "soon"}},
			{`error converting input for field "max_operations"`, body{"max_operations": "many"}},
			{`error converting input for field "enabled"`, body{"enabled": "perhaps", "interval": "72h"}},
		} {
			s.refused(400, c.words, "POST", "sys/rotate/config", c.change)
		}
		s.says(s.ok("GET", "sys/rotate/config", nil).Data(),
			body{"enabled": true, "interval": 0, "max_operations": 3865470566})
		s.refused(405, "unsupported operation", "DELETE", "sys/rotate/config", nil)
	}},
	{claim: "switching rotation off is forgotten unless a limit changes with it", run: func(s *suite) {
		s.ready(1, 1)
		enabled := func(want bool, change body) {
			s.Helper()
			s.done("POST", "sys/rotate/config", change)
			s.says(s.ok("GET", "sys/rotate/config", nil).Data(), body{"enabled": want})
		}
		enabled(true, body{"enabled": false})
		enabled(false, body{"enabled": false, "interval": "72h"})
		enabled(false, body{"enabled": true, "interval": "72h"})
		enabled(true, body{"enabled": "true", "interval": "73h"})
	}},
}
