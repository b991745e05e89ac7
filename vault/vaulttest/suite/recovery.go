package suite

import "conclave/vault/vaulttest"

// noRecoveryCases are about recovery keys where there are none.
var noRecoveryCases = []suiteCase{
	{claim: "a server without recovery keys says so", run: func(s *suite) {
		s.ready(1, 1)
		s.refused(400, "recovery rekeying not supported", "GET", recoveryWords.attempt, nil)
		s.refused(400, "recovery rekeying not supported", "PUT", recoveryWords.attempt,
			body{"secret_shares": 1, "secret_threshold": 1})
		s.refused(400, "recovery rekeying not supported", "GET", recoveryWords.verify, nil)
		s.refused(500, "recovery not supported", "PUT", recoveryWords.update, body{"key": junk(), "nonce": "n"})
	}},
}

// recoveryCases are about a server that unseals itself.
var recoveryCases = []suiteCase{
	{claim: "init makes recovery shares and opens the server", storage: raftToo, run: func(s *suite) {
		s.says(s.ok("GET", "sys/seal-status", nil), body{
			"initialized": false, "sealed": true, "type": "transit", "recovery_seal": true, "recovery_seal_type": nil, "t": 0,
			"n": 0})
		s.refused(400, "Vault is not initialized", "PUT", "sys/unseal", body{"key": junk()})
		answer := s.ok("PUT", "sys/init", body{"recovery_shares": 5, "recovery_threshold": 3})
		s.hasFields(answer, "keys", "keys_base64", "recovery_keys", "recovery_keys_base64", "root_token")
		shares := answer.Strings("recovery_keys")
		if len(shares) != 5 || len(shares[0]) != 66 || inBase64(shares[4]) != answer.Strings("recovery_keys_base64")[4] {
			s.Errorf("%d shares, the first of %d hex digits, or not the same in base64", len(shares), len(shares[0]))
		}
		if keys := answer.Strings("keys"); len(keys) != 0 {
			s.Errorf("%d unseal shares", len(keys))
		}
		s.unseal(nil)
		s.says(s.ok("GET", "sys/seal-status", nil), body{
			"initialized": true, "sealed": false, "recovery_seal": true, "recovery_seal_type": "shamir", "t": 3, "n": 5,
			"progress": 0})
		if s.op.Token = answer.String("root_token"); !s.isRoot(s.op.Token) {
			s.Error("the root token isn't one")
		}
		s.refused(400, "Vault is already initialized", "PUT", "sys/init", body{"recovery_shares": 1, "recovery_threshold": 1})
	}},
	{claim: "init of a server that unseals itself refuses what cannot work", run: func(s *suite) {
		for _, c := range []struct {
			words   string
			request any
		}{
			{"parameters secret_shares,secret_threshold not applicable to seal type transit", body{"secret_shares": 1, "secret_threshold": 1}},
			{"parameters pgp_keys not applicable", body{"recovery_shares": 1, "recovery_threshold": 1, "pgp_keys": []string{"AAAA"}}},
			{"recovery configuration must specify a positive number of shares", body{}},
			{"recovery configuration must specify a positive number of shares", body{"recovery_threshold": 1}},
			{"invalid recovery configuration: threshold cannot be larger than shares", body{"recovery_shares": 3, "recovery_threshold": 4}},
			{"invalid recovery configuration: threshold must be greater than one", body{"recovery_shares": 3, "recovery_threshold": 1}},
			{"incorrect number of PGP keys for recovery", body{"recovery_shares": 3, "recovery_threshold": 2, "recovery_pgp_keys": []string{"AAAA"}}},
			{"error parsing given PGP key", body{"recovery_shares": 1, "recovery_threshold": 1, "recovery_pgp_keys": []string{"AAAA"}}},
		} {
			s.refused(400, c.words, "PUT", "sys/init", c.request)
		}
		s.says(s.ok("GET", "sys/init", nil), body{"initialized": false})
	}},
	{claim: "init encrypts recovery shares", run: func(s *suite) {
		ann, bob := vaulttest.NewPerson(s, "ann"), vaulttest.NewPerson(s, "bob")
		answer := s.ok("PUT", "sys/init",
			body{"recovery_shares": 2, "recovery_threshold": 2, "recovery_pgp_keys": []string{ann.Key, bob.Key}})
		messages := answer.Strings("recovery_keys")
		s.op.Token = answer.String("root_token")
		s.unseal(nil)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 1, "secret_threshold": 1}).String("nonce")
		s.says(s.submit(s.rekey.update, nonce, bob.Read(s, messages[1]), ann.Read(s, messages[0])), body{"complete": true})
	}},
	{claim: "a server that was sealed by hand opens with recovery shares", storage: raftToo, run: func(s *suite) {
		shares := s.ready(3, 2)
		s.seal()
		s.says(s.ok("GET", "sys/seal-status", nil), body{"sealed": true, "t": 2, "n": 3, "recovery_seal_type": "shamir"})
		s.says(s.ok("PUT", "sys/unseal", body{"key": shares[0]}), body{"progress": 1, "sealed": true})
		s.refused(400, "invalid key: failed to verify recovery key: recovery key does not match", "PUT", "sys/unseal",
			body{"key": junk(shares...)})
		s.ok("PUT", "sys/unseal", body{"key": shares[0]})
		s.refused(400, "duplicate part detected", "PUT", "sys/unseal", body{"key": sameX(shares[0])})
		s.unseal(shares[1:])
	}},
	{claim: "a restart opens a server that unseals itself and loses its rekey", storage: raftOnly, run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.submit(s.rekey.update, nonce, shares[0])
		s.server.Restart(s)
		s.unseal(nil)
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"started": false, "nonce": "", "required": 2})
		s.says(s.ok("GET", "sys/seal-status", nil), body{"sealed": false, "t": 2, "n": 3})
	}},
	{claim: "recovery shares make a root token", run: func(s *suite) {
		shares := s.ready(3, 2)
		start := s.ok("PUT", rootAttemptPath, nil)
		s.says(start, body{"required": 2})
		nonce := start.String("nonce")
		s.submit(rootUpdatePath, nonce, shares[0])
		s.refused(400, "root generation aborted: unable to authenticate: recovery key verification failed: recovery key does not match",
			"PUT", rootUpdatePath, body{"key": junk(shares...), "nonce": nonce})
		s.submit(rootUpdatePath, nonce, shares[0])
		s.refused(400, "failed to compute root key: duplicate part detected", "PUT", rootUpdatePath,
			body{"key": sameX(shares[0]), "nonce": nonce})
		token, err := vaulttest.DecodeToken(s.submit(rootUpdatePath, nonce, shares[1:]...).String("encoded_token"),
			start.String("otp"))
		if err != nil || !s.isRoot(token) {
			s.Errorf("the root token isn't one: %v", err)
		}
	}},
	{claim: "a single recovery share that is wrong makes no root token", run: func(s *suite) {
		s.ready(1, 1)
		nonce := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		for _, wrong := range []string{junk(), junk()[:64]} {
			s.refused(400, "recovery key does not match submitted values", "PUT", rootUpdatePath,
				body{"key": wrong, "nonce": nonce})
		}
		s.says(s.ok("GET", rootAttemptPath, nil), body{"started": true, "nonce": nonce, "progress": 0})
	}},
	{claim: "a barrier rekey takes recovery shares and makes none", run: func(s *suite) {
		shares := s.ready(3, 2)
		start := s.ok("PUT", barrierWords.attempt, body{"secret_shares": 5, "secret_threshold": 3})
		s.says(start, body{"started": true, "t": 1, "n": 1, "required": 2})
		nonce := start.String("nonce")
		s.submit(barrierWords.update, nonce, shares[0])
		s.refused(400, recoveryWords.wrong.Text, "PUT", barrierWords.update, body{"key": junk(shares...), "nonce": nonce})
		s.says(s.ok("GET", barrierWords.attempt, nil), body{"started": true, "nonce": nonce, "progress": 0})
		s.submit(barrierWords.update, nonce, shares[2])
		s.refused(400, barrierWords.given, "PUT", barrierWords.update, body{"key": shares[2], "nonce": nonce})
		last := s.submit(barrierWords.update, nonce, shares[1])
		s.hasFields(last, rekeyDoneFields...)
		s.says(last, body{"complete": true, "keys": "[]", "keys_base64": "[]", "pgp_fingerprints": nil})
		s.says(s.ok("GET", "sys/seal-status", nil), body{"t": 2, "n": 3})
		if !s.opens(shares[:2]) {
			s.Error("the recovery shares changed")
		}
	}},
	{claim: "a barrier rekey of a server that unseals itself refuses what is about shares", run: func(s *suite) {
		s.ready(1, 1)
		key := vaulttest.NewPerson(s, "ann").Key
		for words, request := range map[string]any{
			"PGP key encryption not supported when using stored keys": body{"secret_shares": 1,
				"secret_threshold": 1, "pgp_keys": []string{key}},
			"requiring verification not supported when rekeying the barrier key with recovery keys": body{"secret_shares": 1,
				"secret_threshold": 1, "require_verification": true},
			"cannot request a backup of the new keys without providing PGP keys": body{"secret_shares": 1, "secret_threshold": 1,
				"backup": true},
			"provided threshold greater than the total shares": body{"secret_shares": 1, "secret_threshold": 2},
		} {
			s.refused(400, words, "PUT", barrierWords.attempt, request)
		}
		s.says(s.ok("PUT", barrierWords.attempt, body{}), body{"started": true, "t": 1, "n": 1})
	}},
	{claim: "the two rekeys go on beside each other, with a backup each", run: func(s *suite) {
		shares := s.ready(1, 1)
		ann := vaulttest.NewPerson(s, "ann")
		barrier := s.ok("PUT", barrierWords.attempt, body{}).String("nonce")
		nonce := s.ok("PUT", s.rekey.attempt,
			body{"secret_shares": 1, "secret_threshold": 1, "pgp_keys": []string{ann.Key}, "backup": true}).String("nonce")
		s.refused(400, "incorrect nonce supplied; nonce for this rekey operation is \""+nonce+"\"", "PUT", s.rekey.update,
			body{"key": shares[0], "nonce": barrier})
		fresh := ann.Read(s, s.submit(s.rekey.update, nonce, shares[0]).Strings("keys")[0])
		s.ok("GET", recoveryWords.backup, nil)
		s.refused(400, "no backed-up keys found", "GET", barrierWords.backup, nil)
		s.done("DELETE", barrierWords.backup, nil)
		s.ok("GET", recoveryWords.backup, nil)
		// The key that authorises the barrier's rekey is the new one by now.
		s.refused(400, recoveryWords.wrong.Text, "PUT", barrierWords.update, body{"key": shares[0], "nonce": barrier})
		s.says(s.submit(barrierWords.update, barrier, fresh), body{"complete": true})
	}},
	{claim: "a sealed server refuses a recovery rekey", storage: raftToo, run: func(s *suite) {
		shares := s.ready(3, 2)
		s.seal()
		words := "Vault is sealed"
		if !s.raft {
			words = "node is not active"
		}
		s.refused(503, words, "GET", s.rekey.attempt, nil)
		s.refused(503, words, "PUT", s.rekey.attempt, body{"secret_shares": 1, "secret_threshold": 1})
		s.refused(503, words, "PUT", s.rekey.update, body{"key": shares[0], "nonce": "n"})
		s.refused(503, words, "GET", s.rekey.verify, nil)
		s.refused(503, "Vault is sealed", "GET", s.rekey.backup, nil)
	}},
	{claim: "recovery shares make a recovery token", storage: raftOnly, run: func(s *suite) {
		shares := s.recover(3, 2)
		start := s.ok("PUT", recoveryAttemptPath, nil)
		s.says(start, body{"required": 2})
		s.submit(recoveryUpdatePath, start.String("nonce"), shares[0])
		s.refused(400, "root generation aborted: unable to authenticate", "PUT", recoveryUpdatePath,
			body{"key": junk(shares...), "nonce": start.String("nonce")})
		last := s.submit(recoveryUpdatePath, start.String("nonce"), shares[1:]...)
		token, err := vaulttest.DecodeToken(last.String("encoded_token"), start.String("otp"))
		if err != nil || !s.isRecoveryToken(token) {
			s.Errorf("the token isn't a recovery token: %v", err)
		}
	}},
}
