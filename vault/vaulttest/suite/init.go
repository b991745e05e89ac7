package suite

import (
	"net/http"

	"conclave/vault/vaulttest"
)

var initCases = []suiteCase{
	{claim: "init makes shares and a root token", storage: raftToo, run: func(s *suite) {
		s.says(s.ok("GET", "sys/init", nil), body{"initialized": false})
		status := s.ok("GET", "sys/seal-status", nil)
		s.says(status, body{"initialized": false, "sealed": true, "t": 0, "n": 0, "type": "shamir", "nonce": ""})
		answer := s.ok("PUT", "sys/init", body{"secret_shares": 5, "secret_threshold": 3})
		s.hasFields(answer, "keys", "keys_base64", "root_token")
		shares := answer.Strings("keys")
		if len(shares) != 5 {
			s.Fatalf("%d shares, want 5", len(shares))
		}
		for i, share := range shares {
			if len(share) != 66 || inBase64(share) != answer.Strings("keys_base64")[i] {
				s.Errorf("share %d: %d hex digits, or not the same in base64", i, len(share))
			}
		}
		if token := answer.String("root_token"); len(token) != 28 || token[:4] != "hvs." {
			s.Errorf("root token of %d characters", len(token))
		}
		s.says(s.ok("GET", "sys/init", nil), body{"initialized": true})
		s.says(s.ok("GET", "sys/seal-status", nil), body{"initialized": true, "sealed": true, "t": 3, "n": 5, "progress": 0})
	}},
	{claim: "any threshold of shares opens", storage: raftToo, run: func(s *suite) {
		shares := s.ready(5, 3)
		if !s.isRoot(s.keys.RootToken) {
			s.Error("the root token isn't one")
		}
		if !s.opens([]string{shares[4], shares[0], shares[2]}) {
			s.Error("three other shares don't open")
		}
	}},
	{claim: "init happens once", run: func(s *suite) {
		s.ok("PUT", "sys/init", body{"secret_shares": 1, "secret_threshold": 1})
		s.refused(400, "Vault is already initialized", "PUT", "sys/init", body{"secret_shares": 1, "secret_threshold": 1})
	}},
	{claim: "init that cannot work is refused", run: func(s *suite) {
		for words, request := range map[string]any{
			"threshold cannot be larger than shares":                 body{"secret_shares": 2, "secret_threshold": 3},
			"threshold must be greater than one for multiple shares": body{"secret_shares": 3, "secret_threshold": 1},
			"shares must be at least one":                            body{},
			"threshold must be at least one":                         body{"secret_shares": 1},
			"shares must be less than 256":                           body{"secret_shares": 256, "secret_threshold": 2},
			"incorrect number of PGP keys": body{"secret_shares": 3, "secret_threshold": 2,
				"pgp_keys": []string{"AAAA"}},
			"error decoding given PGP key": body{"secret_shares": 1, "secret_threshold": 1,
				"pgp_keys": []string{"x"}},
			"error parsing given PGP key": body{"secret_shares": 1, "secret_threshold": 1,
				"pgp_keys": []string{"AAAA"}},
			"recovery_shares,recovery_threshold not applicable to seal type": body{"recovery_shares": 1,
				"recovery_threshold": 1},
			"EOF":                        nil,
			"failed to parse JSON input": body{"secret_shares": "five"},
		} {
			s.refused(400, words, "PUT", "sys/init", request)
		}
		s.refused(http.StatusMethodNotAllowed, "", "DELETE", "sys/init", nil)
		s.says(s.ok("GET", "sys/init", nil), body{"initialized": false})
	}},
	{claim: "broken JSON is a 500 when it begins like an object", run: func(s *suite) {
		s.refused(500, "malformed JSON", "PUT", "sys/init", "{")
		s.refused(400, "failed to parse JSON input", "PUT", "sys/init", "x")
	}},
	{claim: "init encrypts shares and root token", run: func(s *suite) {
		people := []*vaulttest.Person{vaulttest.NewPerson(s, "ann"), vaulttest.NewPerson(s, "bob"),
			vaulttest.NewPerson(s, "eve")}
		answer := s.ok("PUT", "sys/init", body{
			"secret_shares": 3, "secret_threshold": 2,
			"pgp_keys":           []string{people[0].Key, people[1].Key, people[2].Key},
			"root_token_pgp_key": people[1].Key,
		})
		var shares []string
		for i, message := range answer.Strings("keys") {
			share := people[i].Read(s, message)
			if len(share) != 66 || share != people[i].Read(s, answer.Strings("keys_base64")[i]) {
				s.Errorf("share %d: %d characters, or not the same in base64", i, len(share))
			}
			shares = append(shares, share)
		}
		s.unseal(shares[1:])
		if !s.isRoot(people[1].Read(s, answer.String("root_token"))) {
			s.Error("the root token isn't one")
		}
	}},
	{claim: "init with a bad key for the root token loses the shares", run: func(s *suite) {
		s.refused(400, "error decoding given PGP key", "PUT", "sys/init",
			body{"secret_shares": 1, "secret_threshold": 1, "root_token_pgp_key": "x"})
		s.says(s.ok("GET", "sys/init", nil), body{"initialized": true})
	}},
	{claim: "a single share is the key itself", run: func(s *suite) {
		shares := s.ready(1, 1)
		if len(shares) != 1 || len(shares[0]) != 64 {
			s.Errorf("%d shares, the first of %d hex digits", len(shares), len(shares[0]))
		}
	}},
	{claim: "init to a key that cannot encrypt fails before it is too late, unless it is the root token's",
		run: func(s *suite) {
			ann := vaulttest.NewPersonWhoCannotRead(s, "ann")
			s.refused(400, "error setting up encryption for PGP message", "PUT", "sys/init",
				body{"secret_shares": 1, "secret_threshold": 1, "pgp_keys": []string{ann.Key}})
			s.says(s.ok("GET", "sys/init", nil), body{"initialized": false})
			s.refused(400, "error setting up encryption for PGP message", "PUT", "sys/init",
				body{"secret_shares": 1, "secret_threshold": 1, "root_token_pgp_key": ann.Key})
			s.says(s.ok("GET", "sys/init", nil), body{"initialized": true})
		}},
}
