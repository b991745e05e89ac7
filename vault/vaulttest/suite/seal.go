package suite

import "strings"

var sealCases = []suiteCase{
	{claim: "unsealing counts different shares", run: func(s *suite) {
		keys, err := s.op.Init(s.Context(), 5, 3)
		if err != nil {
			s.Fatal(err)
		}
		first := s.ok("PUT", "sys/unseal", body{"key": keys.Shares[0]})
		s.says(first, body{"progress": 1, "sealed": true, "t": 3, "n": 5})
		again := s.ok("PUT", "sys/unseal", body{"key": inBase64(keys.Shares[0])})
		s.says(again, body{"progress": 1, "nonce": first.String("nonce")})
		s.says(s.ok("PUT", "sys/unseal", body{"key": keys.Shares[1]}), body{"progress": 2, "nonce": first.String("nonce")})
		last := s.ok("PUT", "sys/unseal", body{"key": keys.Shares[2]})
		s.says(last, body{"progress": 0, "sealed": false, "nonce": ""})
		if last.String("cluster_id") == "" {
			s.Error("no cluster id")
		}
		s.says(s.ok("PUT", "sys/unseal", body{"key": keys.Shares[3]}), body{"sealed": false, "progress": 0})
		s.refused(400, "vault is unsealed", "PUT", "sys/unseal", body{"reset": true})
	}},
	{claim: "a wrong quorum does not unseal and is forgotten", run: func(s *suite) {
		keys, err := s.op.Init(s.Context(), 3, 2)
		if err != nil {
			s.Fatal(err)
		}
		for words, wrong := range map[string]string{
			"message authentication failed":        junk(keys.Shares...),
			"duplicate part detected":              sameX(keys.Shares[0]),
			"all parts must be the same length":    strings.Repeat("ab", 16),
			"'key' must be a valid hex or base64":  "§",
			"key is shorter than minimum 16 bytes": "AAAA",
		} {
			s.ok("PUT", "sys/unseal", body{"reset": true})
			s.says(s.ok("PUT", "sys/unseal", body{"key": keys.Shares[0]}), body{"progress": 1})
			s.refused(400, words, "PUT", "sys/unseal", body{"key": wrong})
		}
		s.ok("PUT", "sys/unseal", body{"reset": true})
		s.ok("PUT", "sys/unseal", body{"key": keys.Shares[0]})
		s.refused(400, "message authentication failed", "PUT", "sys/unseal", body{"key": junk(keys.Shares...)})
		s.says(s.ok("GET", "sys/seal-status", nil), body{"sealed": true, "progress": 0, "nonce": ""})
		s.unseal(keys.Shares[1:])
	}},
	{claim: "an unseal reset forgets progress and nonce", run: func(s *suite) {
		keys, err := s.op.Init(s.Context(), 3, 2)
		if err != nil {
			s.Fatal(err)
		}
		s.ok("PUT", "sys/unseal", body{"key": keys.Shares[0]})
		s.says(s.ok("PUT", "sys/unseal", body{"reset": true}), body{"progress": 0, "nonce": "", "sealed": true})
		s.refused(400, "'key' must be specified", "PUT", "sys/unseal", body{})
		s.refused(400, "EOF", "PUT", "sys/unseal", nil)
		s.refused(405, "", "GET", "sys/unseal", nil)
	}},
	{claim: "with a threshold of one a wrong key is refused by its length or by its value", run: func(s *suite) {
		if _, err := s.op.Init(s.Context(), 1, 1); err != nil {
			s.Fatal(err)
		}
		s.refused(400, "invalid key size 33", "PUT", "sys/unseal", body{"key": junk()})
		s.refused(400, "message authentication failed", "PUT", "sys/unseal", body{"key": junk()[:64]})
	}},
	{claim: "nothing can be unsealed before init", run: func(s *suite) {
		s.refused(400, "Vault is not initialized", "PUT", "sys/unseal", body{"key": junk()})
		s.says(s.ok("PUT", "sys/unseal", body{"reset": true}), body{"initialized": false, "sealed": true})
	}},
	{claim: "a sealed server refuses ceremonies", storage: raftToo, run: func(s *suite) {
		shares := s.ready(3, 2)
		s.seal()
		rekey := "Vault is sealed"
		if !s.raft {
			rekey = "node is not active"
		}
		s.refused(503, rekey, "GET", "sys/rekey/init", nil)
		s.refused(503, rekey, "PUT", "sys/rekey/init", body{"secret_shares": 1, "secret_threshold": 1})
		s.refused(503, rekey, "DELETE", "sys/rekey/init", body{})
		s.refused(503, rekey, "PUT", "sys/rekey/update", body{"key": shares[0], "nonce": "n"})
		s.refused(503, rekey, "GET", "sys/rekey/verify", nil)
		s.refused(503, rekey, "PUT", "sys/rekey/verify", body{"key": shares[0], "nonce": "n"})
		s.refused(503, "Vault is sealed", "GET", "sys/generate-root/attempt", nil)
		s.refused(503, "Vault is sealed", "PUT", "sys/generate-root/attempt", nil)
		s.refused(503, "Vault is sealed", "DELETE", "sys/generate-root/attempt", nil)
		s.refused(503, "Vault is sealed", "PUT", "sys/generate-root/update", body{"key": shares[0], "nonce": "n"})
		s.refused(503, "Vault is sealed", "GET", "sys/rekey/backup", nil)
		s.refused(503, "Vault is sealed", "GET", "sys/key-status", nil)
		s.refused(503, "Vault is sealed", "GET", "auth/token/lookup-self", nil)
		s.done("PUT", "sys/seal", nil)
	}},
	{claim: "a server that is not initialised refuses ceremonies", storage: raftToo, run: func(s *suite) {
		rekey := "Vault is sealed"
		if !s.raft {
			rekey = "node is not active"
		}
		s.refused(503, rekey, "GET", "sys/rekey/init", nil)
		s.refused(503, "Vault is sealed", "GET", "sys/generate-root/attempt", nil)
	}},
	{claim: "health tells the state by its status", storage: raftToo, run: func(s *suite) {
		for _, step := range []struct {
			status int
			then   func()
		}{
			{501, func() { s.ready(1, 1) }},
			{200, func() { s.seal() }},
			{503, func() {}},
		} {
			if answer := s.send("GET", "sys/health", nil); answer.Status != step.status {
				s.Errorf("health is %d, want %d", answer.Status, step.status)
			}
			step.then()
		}
		if answer := s.send("GET", "sys/health?sealedcode=299", nil); answer.Status != 299 {
			s.Errorf("health is %d, want the status asked for", answer.Status)
		}
	}},
	{claim: "sealing and stepping down need a token", storage: raftOnly, run: func(s *suite) {
		s.ready(1, 1)
		s.op.Token = ""
		s.refused(403, "permission denied", "PUT", "sys/seal", nil)
		s.refused(403, "permission denied", "PUT", "sys/step-down", nil)
		s.op.Token = "hvs.nobody"
		s.refused(403, "invalid token", "PUT", "sys/seal", nil)
		s.says(s.ok("GET", "sys/seal-status", nil), body{"sealed": false})
	}},
	{claim: "a restart keeps the key and forgets progress", storage: raftOnly, run: func(s *suite) {
		shares := s.ready(3, 2)
		s.server.Restart(s)
		s.ok("PUT", "sys/unseal", body{"key": shares[0]})
		s.server.Restart(s)
		s.says(s.ok("GET", "sys/seal-status", nil), body{"sealed": true, "progress": 0, "t": 2, "n": 3})
		s.unseal(shares[1:])
	}},
}
