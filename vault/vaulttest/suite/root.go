package suite

import (
	"strings"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
	"conclave/vault/vaulttest/shamir"
)

const (
	rootAttemptPath = "sys/generate-root/attempt"
	rootUpdatePath  = "sys/generate-root/update"
)

// rootFields are the fields of every answer about an attempt.
var rootFields = []string{"nonce", "started", "progress", "required", "complete", "encoded_token", "encoded_root_token",
	"pgp_fingerprint", "otp", "otp_length"}

var rootCases = []suiteCase{
	{claim: "an idle generate-root says so", run: func(s *suite) {
		s.ready(3, 2)
		status := s.ok("GET", rootAttemptPath, nil)
		s.hasFields(status, rootFields...)
		s.says(status, body{"nonce": "", "started": false, "progress": 0, "required": 2, "otp": "", "otp_length": 28,
			"complete": false})
		s.refused(400, "no root generation in progress", "PUT", rootUpdatePath, body{"key": junk(), "nonce": "n"})
		s.done("DELETE", rootAttemptPath, nil)
	}},
	{claim: "generate-root makes a pad, shows it once, and a root token comes of it", run: func(s *suite) {
		shares := s.ready(5, 3)
		start := s.ok("PUT", rootAttemptPath, nil)
		s.hasFields(start, rootFields...)
		otp := start.String("otp")
		if len(otp) != 28 {
			s.Errorf("pad of %d characters", len(otp))
		}
		status := s.ok("GET", rootAttemptPath, nil)
		s.says(status, body{"nonce": start.String("nonce"), "started": true, "otp": "", "progress": 0, "required": 3})
		nonce := start.String("nonce")
		first := s.submit(rootUpdatePath, nonce, shares[0])
		s.hasFields(first, rootFields...)
		s.says(first, body{"nonce": nonce, "started": true, "progress": 1, "required": 3, "complete": false,
			"encoded_token": "", "otp_length": 0})
		last := s.submit(rootUpdatePath, nonce, shares[2], shares[4])
		s.says(last, body{"nonce": nonce, "started": true, "progress": 3, "complete": true,
			"encoded_root_token": last.String("encoded_token")})
		if len(last.String("encoded_token")) != 38 {
			s.Errorf("encoded token of %d characters", len(last.String("encoded_token")))
		}
		decoded := s.ok("PUT", "sys/decode-token", body{"encoded_token": last.String("encoded_token"), "otp": otp})
		data, _ := decoded.Body["data"].(map[string]any)
		token, _ := data["token"].(string)
		if !s.isRoot(token) || token == s.keys.RootToken {
			s.Error("the decoded token isn't a new root token")
		}
		s.says(s.ok("GET", rootAttemptPath, nil), body{"started": false, "nonce": "", "progress": 0})
		s.done("DELETE", rootAttemptPath, nil) // confirmed, though the token is made
	}},
	{claim: "generate-root encrypts the token to the requester's key", run: func(s *suite) {
		shares := s.ready(3, 2)
		ann := vaulttest.NewPerson(s, "ann")
		start := s.ok("PUT", rootAttemptPath, body{"pgp_key": ann.Key})
		s.says(start, body{"started": true, "pgp_fingerprint": ann.Fingerprint, "otp": ""})
		s.says(s.ok("GET", rootAttemptPath, nil), body{"pgp_fingerprint": ann.Fingerprint})
		last := s.submit(rootUpdatePath, start.String("nonce"), shares[0], shares[1])
		s.says(last, body{"complete": true, "pgp_fingerprint": ann.Fingerprint})
		if token := ann.Read(s, last.String("encoded_token")); !s.isRoot(token) || len(token) != 28 {
			s.Error("the decrypted token isn't a root token")
		}
	}},
	{claim: "a given pad wins over a given key", run: func(s *suite) {
		s.ready(1, 1)
		start := s.ok("PUT", rootAttemptPath,
			body{"pgp_key": vaulttest.NewPerson(s, "ann").Key, "otp": strings.Repeat("o", 28)})
		s.says(start, body{"pgp_fingerprint": "", "otp": "", "started": true})
	}},
	{claim: "generate-root that cannot work is refused", run: func(s *suite) {
		s.ready(1, 1)
		s.refused(400, "OTP string is wrong length", "PUT", rootAttemptPath, body{"otp": "short"})
		s.refused(400, "error decoding given PGP key", "PUT", rootAttemptPath, body{"pgp_key": "x"})
		s.refused(400, "error parsing given PGP key", "PUT", rootAttemptPath, body{"pgp_key": "AAAA"})
		s.refused(405, "", "LIST", rootAttemptPath, nil)
		s.says(s.ok("GET", rootAttemptPath, nil), body{"started": false})
	}},
	{claim: "one root token is generated at a time", run: func(s *suite) {
		s.ready(1, 1)
		start := s.ok("PUT", rootAttemptPath, nil)
		s.refused(400, "root generation already in progress", "PUT", rootAttemptPath, nil)
		s.says(s.ok("GET", rootAttemptPath, nil), body{"nonce": start.String("nonce")})
	}},
	{claim: "anybody cancels a generate-root", open: true, run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		s.submit(rootUpdatePath, nonce, shares[0])
		s.op.Token = ""
		s.done("DELETE", rootAttemptPath, nil)
		s.refused(400, "no root generation in progress", "PUT", rootUpdatePath, body{"key": shares[1], "nonce": nonce})
		next := s.ok("PUT", rootAttemptPath, nil)
		s.says(next, body{"progress": 0})
		if next.String("nonce") == nonce {
			s.Error("two attempts have one nonce")
		}
	}},
	{claim: "generate-root tells the right nonce to whoever has a wrong one", run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		want := "incorrect nonce supplied; nonce for this root generation operation is \"" + nonce + "\""
		s.refused(400, want, "PUT", rootUpdatePath, body{"key": shares[0], "nonce": "n"})
		s.refused(400, want, "PUT", rootUpdatePath, body{"key": shares[0]})
		s.says(s.ok("GET", rootAttemptPath, nil), body{"progress": 0})
	}},
	{claim: "generate-root refuses a share that it has", run: func(s *suite) {
		shares := s.ready(5, 3)
		nonce := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		s.submit(rootUpdatePath, nonce, shares[0])
		for _, same := range []string{shares[0], strings.ToUpper(shares[0]), inBase64(shares[0])} {
			s.refused(400, "given key has already been provided during this generation operation",
				"PUT", rootUpdatePath, body{"key": same, "nonce": nonce})
		}
		s.says(s.ok("GET", rootAttemptPath, nil), body{"progress": 1})
	}},
	{claim: "generate-root forgets a wrong quorum and keeps its nonce", run: func(s *suite) {
		shares := s.ready(5, 3)
		nonce := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		for words, wrong := range map[string]string{
			"message authentication failed":                                 junk(shares...),
			"failed to compute root key: duplicate part detected":           sameX(shares[0]),
			"failed to compute root key: all parts must be the same length": shares[2][:64],
		} {
			s.submit(rootUpdatePath, nonce, shares[0], shares[1])
			s.refused(400, words, "PUT", rootUpdatePath, body{"key": wrong, "nonce": nonce})
			s.says(s.ok("GET", rootAttemptPath, nil), body{"started": true, "progress": 0, "nonce": nonce})
		}
		s.says(s.submit(rootUpdatePath, nonce, shares[2:]...), body{"complete": true})
	}},
	{claim: "generate-root reads hex and base64 and nothing around them", run: func(s *suite) {
		shares := s.ready(9, 9)
		nonce := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		s.readsEncodings(rootUpdatePath, nonce, shares, "invalid key: ")
		s.says(s.ok("GET", rootAttemptPath, nil), body{"progress": 4})
	}},
	{claim: "generate-root/update ignores the method", run: func(s *suite) {
		s.ready(1, 1)
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			s.refused(400, "EOF", method, rootUpdatePath, nil)
		}
		s.refused(400, "'key' must be specified in request body as JSON", "PUT", rootUpdatePath, body{"nonce": "n"})
	}},
	{claim: "generate-root to a key that cannot encrypt hangs up and leaves a token that nobody holds",
		run: func(s *suite) {
			shares := s.ready(3, 2)
			for _, person := range []*vaulttest.Person{vaulttest.NewPersonWhoCannotRead(s, "ann"),
				vaulttest.NewPersonOfThePast(s, "bob")} {
				before := s.accessors()
				nonce := s.ok("PUT", rootAttemptPath, body{"pgp_key": person.Key}).String("nonce")
				s.submit(rootUpdatePath, nonce, shares[0])
				answer, err := s.op.Do(s.Context(), "PUT", rootUpdatePath, body{"key": shares[1], "nonce": nonce})
				if err == nil {
					s.Fatalf("answered %d %q", answer.Status, answer.Errors)
				}
				s.says(s.ok("GET", rootAttemptPath, nil), body{"started": true, "progress": 0, "nonce": nonce})
				after := s.accessors()
				if len(after) != len(before)+1 {
					s.Errorf("%d tokens, before %d", len(after), len(before))
				}
				s.done("DELETE", rootAttemptPath, nil)
			}
		}},
	{claim: "with a threshold of one generate-root needs the key itself", run: func(s *suite) {
		shares := s.ready(1, 1)
		nonce := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		s.refused(400, "invalid key size 33", "PUT", rootUpdatePath, body{"key": junk(), "nonce": nonce})
		s.refused(400, "message authentication failed", "PUT", rootUpdatePath, body{"key": junk()[:64], "nonce": nonce})
		s.says(s.submit(rootUpdatePath, nonce, shares[0]), body{"complete": true, "progress": 1, "required": 1})
	}},
	{claim: "an attempt at a root token survives sealing", storage: raftToo, run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		s.submit(rootUpdatePath, nonce, shares[0])
		s.seal()
		s.unseal(shares[:2])
		s.says(s.ok("GET", rootAttemptPath, nil), body{"started": true, "nonce": nonce, "progress": 1})
		s.says(s.submit(rootUpdatePath, nonce, shares[1]), body{"complete": true})
	}},
	{claim: "an attempt at a root token does not survive a restart", storage: raftOnly, run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		s.submit(rootUpdatePath, nonce, shares[0])
		s.server.Restart(s)
		s.unseal(shares[:2])
		s.says(s.ok("GET", rootAttemptPath, nil), body{"started": false, "nonce": "", "progress": 0})
	}},
	{claim: "a rekey meanwhile makes old shares fail a generate-root", run: func(s *suite) {
		shares := s.ready(2, 2)
		root := s.ok("PUT", rootAttemptPath, nil).String("nonce")
		s.submit(rootUpdatePath, root, shares[0])
		rekey := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 2, "secret_threshold": 2}).String("nonce")
		fresh := s.submit(s.rekey.update, rekey, shares...).Strings("keys")
		s.refused(400, "message authentication failed", "PUT", rootUpdatePath, body{"key": shares[1], "nonce": root})
		s.says(s.submit(rootUpdatePath, root, fresh...), body{"complete": true})
	}},
	{claim: "a wrong pad does not decode a token", run: func(s *suite) {
		s.ready(1, 1)
		s.refused(500, "length of byte slices is not equivalent", "PUT", "sys/decode-token",
			body{"encoded_token": "AAAA", "otp": "abcd"})
		s.refused(500, "error xoring token", "PUT", "sys/decode-token", body{"otp": "abcd"})
	}},
}

// readsEncodings submits five shares in every spelling, of which four count, and much that doesn't count.
func (s *suite) readsEncodings(path, nonce string, shares []string, lengthPrefix string) {
	s.Helper()
	s64 := inBase64(shares[3])
	for _, good := range []string{shares[0], strings.ToUpper(shares[1]), inBase64(shares[2]), s64[:20] + "\n" + s64[20:]} {
		s.submit(path, nonce, good)
	}
	base64url := strings.NewReplacer("+", "-", "/", "_").Replace(inBase64(strings.Repeat("fb", shamir.MaxShare)))
	for _, bad := range []string{shares[4] + "\n", shares[4] + " ", " " + shares[4], "'" + shares[4] + "'", base64url,
		inBase64(shares[4]) + " "} {
		s.refused(400, "'key' must be a valid hex or base64 string", "PUT", path, body{"key": bad, "nonce": nonce})
	}
	s.refused(400, "'key' must be specified in request body as JSON", "PUT", path, body{"key": "", "nonce": nonce})
	s.refused(400, "EOF", "PUT", path, nil)
	s.refused(400, lengthPrefix+"key is shorter than minimum 16 bytes", "PUT", path,
		body{"key": inBase64(shares[4][:30]), "nonce": nonce})
	s.refused(400, lengthPrefix+"key is longer than maximum 33 bytes", "PUT", path,
		body{"key": inBase64(shares[4] + "00"), "nonce": nonce})
}

// accessors returns the accessors of all tokens that exist.
func (s *suite) accessors() []string {
	s.Helper()
	data, _ := s.ok("LIST", "auth/token/accessors", nil).Body["data"].(map[string]any)
	return operator.Answer{Body: data}.Strings("keys")
}
