package suite

var verifyFields = []string{"nonce", "started", "t", "n", "progress"}

// awaitVerification plays a rekey until the new shares are handed out and not yet in force.
func (s *suite) awaitVerification(old []string, n, threshold int) (rekeyNonce, nonce string, fresh []string) {
	s.Helper()
	start := s.ok("PUT", s.rekey.attempt,
		body{"secret_shares": n, "secret_threshold": threshold, "require_verification": true})
	s.says(start, body{"verification_required": true})
	s.hasFields(start, rekeyFields...)
	last := s.submit(s.rekey.update, start.String("nonce"), old...)
	s.hasFields(last, append([]string{"verification_nonce"}, rekeyDoneFields...)...)
	s.says(last, body{"complete": true, "verification_required": true, "nonce": start.String("nonce")})
	return start.String("nonce"), last.String("verification_nonce"), last.Strings("keys")
}

var verifyCases = []suiteCase{
	{claim: "verification waits for the old quorum", run: func(s *suite) {
		shares := s.ready(3, 2)
		s.refused(400, "no rekey configuration found", "GET", s.rekey.verify, nil)
		s.refused(400, "no rekey configuration found", "DELETE", s.rekey.verify, nil)
		s.refused(400, "no rekey in progress", "PUT", s.rekey.verify, body{"key": shares[0], "nonce": "n"})
		s.ok("PUT", s.rekey.attempt, body{"secret_shares": 5, "secret_threshold": 3, "require_verification": true})
		status := s.ok("GET", s.rekey.verify, nil)
		s.hasFields(status, verifyFields...)
		s.says(status, body{"nonce": "", "started": false, "t": 3, "n": 5, "progress": 0})
		s.refused(400, "no rekey verification in progress", "PUT", s.rekey.verify, body{"key": shares[0], "nonce": "n"})
		s.refused(405, "", "LIST", s.rekey.verify, nil)
	}},
	{claim: "verified shares come into force and the old ones go", storage: raftToo, run: func(s *suite) {
		shares := s.ready(3, 2)
		rekeyNonce, nonce, fresh := s.awaitVerification(shares[:2], 5, 3)
		s.says(s.ok("GET", s.rekey.attempt, nil),
			body{"started": true, "nonce": rekeyNonce, "progress": 0, "verification_nonce": nonce, "required": 2})
		s.says(s.ok("GET", "sys/seal-status", nil), body{"t": 2, "n": 3})
		s.says(s.ok("GET", s.rekey.verify, nil), body{"nonce": nonce, "started": true, "t": 3, "n": 5, "progress": 0})
		second := s.submit(s.rekey.verify, nonce, fresh[0], fresh[4])
		s.hasFields(second, verifyFields...)
		s.says(second, body{"nonce": nonce, "progress": 2, "started": true})
		last := s.submit(s.rekey.verify, nonce, fresh[2])
		s.hasFields(last, "nonce", "complete")
		s.says(last, body{"nonce": nonce, "complete": true})
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"started": false, "required": 3})
		s.says(s.ok("GET", "sys/seal-status", nil), body{"t": 3, "n": 5})
		s.refused(400, "no rekey configuration found", "GET", s.rekey.verify, nil)
		if s.opens(shares) {
			s.Error("the old shares still open")
		}
		s.unseal(fresh[1:4])
	}},
	{claim: "until verification the old shares stay in force", storage: raftToo, run: func(s *suite) {
		shares := s.ready(3, 2)
		_, nonce, fresh := s.awaitVerification(shares[:2], 3, 2)
		s.submit(s.rekey.verify, nonce, fresh[0])
		if s.opens(fresh[:2]) {
			s.Error("shares that were never verified open the server")
		}
		s.unseal(shares[1:])
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"started": false})
	}},
	{claim: "old shares are told that verification is due", run: func(s *suite) {
		shares := s.ready(3, 2)
		rekeyNonce, nonce, _ := s.awaitVerification(shares[:2], 3, 2)
		s.refused(400, "rekey operation already finished; verification must be performed; nonce for the verification operation is \""+nonce+"\"",
			"PUT", s.rekey.update, body{"key": shares[2], "nonce": rekeyNonce})
	}},
	{claim: "a wrong quorum of new shares changes the verification's nonce", run: func(s *suite) {
		shares := s.ready(3, 2)
		_, nonce, fresh := s.awaitVerification(shares[:2], 3, 2)
		for _, c := range []struct {
			status       int
			words, wrong string
		}{
			{400, "rekey verification failed; incorrect key shares supplied", junk(fresh...)},
			{400, "rekey verification failed; incorrect key shares supplied", shares[0]},
			{500, "failed to compute key for verification: duplicate part detected", sameX(fresh[0])},
			{500, "failed to compute key for verification: all parts must be the same length", fresh[1][:64]},
		} {
			if c.wrong == shares[0] && sameX(c.wrong)[64:] == fresh[0][64:] {
				continue // an old share whose x coordinate happens to be taken is a wrong share of another kind
			}
			s.submit(s.rekey.verify, nonce, fresh[0])
			s.refused(c.status, c.words, "PUT", s.rekey.verify, body{"key": c.wrong, "nonce": nonce})
			status := s.ok("GET", s.rekey.verify, nil)
			s.says(status, body{"started": true, "progress": 0})
			s.refused(400, "incorrect nonce supplied; nonce for this verify operation is \""+status.String("nonce")+"\"",
				"PUT", s.rekey.verify, body{"key": fresh[1], "nonce": nonce})
			nonce = status.String("nonce")
		}
		s.says(s.submit(s.rekey.verify, nonce, fresh[1], fresh[2]), body{"complete": true})
	}},
	{claim: "verification refuses a share that it has", run: func(s *suite) {
		shares := s.ready(1, 1)
		_, nonce, fresh := s.awaitVerification(shares, 3, 2)
		s.submit(s.rekey.verify, nonce, fresh[0])
		s.refused(400, "given key has already been provided during this verify operation",
			"PUT", s.rekey.verify, body{"key": inBase64(fresh[0]), "nonce": nonce})
		s.says(s.ok("GET", s.rekey.verify, nil), body{"progress": 1, "nonce": nonce})
	}},
	{claim: "verification reads hex and base64 and nothing around them", run: func(s *suite) {
		shares := s.ready(1, 1)
		_, nonce, fresh := s.awaitVerification(shares, 9, 9)
		s.readsEncodings(s.rekey.verify, nonce, fresh, "")
		s.says(s.ok("GET", s.rekey.verify, nil), body{"progress": 4})
	}},
	{claim: "cancelling a verification starts it again under another nonce", run: func(s *suite) {
		shares := s.ready(1, 1)
		rekeyNonce, nonce, fresh := s.awaitVerification(shares, 3, 2)
		s.submit(s.rekey.verify, nonce, fresh[0])
		again := s.ok("DELETE", s.rekey.verify, nil)
		s.hasFields(again, verifyFields...)
		s.says(again, body{"started": true, "progress": 0, "t": 2, "n": 3})
		if again.String("nonce") == nonce {
			s.Error("the nonce is the same")
		}
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"nonce": rekeyNonce, "verification_nonce": again.String("nonce")})
		s.says(s.submit(s.rekey.verify, again.String("nonce"), fresh[0], fresh[1]), body{"complete": true})
	}},
	{claim: "cancelling a verification that has not begun gives it a nonce and nothing else", run: func(s *suite) {
		shares := s.ready(1, 1)
		start := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2, "require_verification": true})
		early := s.ok("DELETE", s.rekey.verify, nil)
		s.says(early, body{"started": false, "progress": 0})
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"started": true, "verification_nonce": early.String("nonce")})
		last := s.submit(s.rekey.update, start.String("nonce"), shares[0])
		if nonce := last.String("verification_nonce"); nonce == early.String("nonce") || nonce == "" {
			s.Error("the verification didn't get a nonce of its own")
		}
	}},
	{claim: "cancelling a rekey drops its verification and the new shares", run: func(s *suite) {
		shares := s.ready(3, 2)
		rekeyNonce, nonce, fresh := s.awaitVerification(shares[:2], 3, 2)
		s.refused(400, "invalid request", "DELETE", s.rekey.attempt, body{"nonce": nonce})
		s.done("DELETE", s.rekey.attempt, body{"nonce": rekeyNonce})
		s.refused(400, "no rekey in progress", "PUT", s.rekey.verify, body{"key": fresh[0], "nonce": nonce})
		if !s.opens(shares[1:]) {
			s.Error("the old shares don't open any more")
		}
	}},
	{claim: "a single new share is verified by itself", run: func(s *suite) {
		shares := s.ready(1, 1)
		_, nonce, fresh := s.awaitVerification(shares, 1, 1)
		s.refused(400, "rekey verification failed", "PUT", s.rekey.verify, body{"key": junk()[:64], "nonce": nonce})
		nonce = s.ok("GET", s.rekey.verify, nil).String("nonce")
		s.says(s.submit(s.rekey.verify, nonce, fresh[0]), body{"complete": true})
	}},
}
