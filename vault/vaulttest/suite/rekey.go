package suite

import (
	"slices"
	"strings"

	"conclave/vault/vaulttest"
	"conclave/vault/vaulttest/operator"
)

// rekeyWords are the endpoints of one kind of rekey and what it says where the kinds differ.
type rekeyWords struct {
	attempt, update, verify, backup string

	none  string            // to a share, when nothing is in progress
	given string            // to a share that it has
	split string            // to shares that don't fit together, before the reason
	wrong vaulttest.Refusal // of shares that give another key than the one in force
	long  vaulttest.Refusal // of a share that is too long for a key, when one is enough
}

var (
	barrierWords = rekeyWords{
		attempt: "sys/rekey/init", update: "sys/rekey/update", verify: "sys/rekey/verify", backup: "sys/rekey/backup",
		none:  "no barrier rekey in progress",
		given: "given key has already been provided during this generation operation",
		split: "failed to compute root key: ",
		wrong: vaulttest.Refusal{Status: 500, Text: "message authentication failed"},
		long:  vaulttest.Refusal{Status: 500, Text: "invalid key size 33"},
	}
	recoveryWords = rekeyWords{
		attempt: "sys/rekey-recovery-key/init", update: "sys/rekey-recovery-key/update",
		verify: "sys/rekey-recovery-key/verify",
		backup: "sys/rekey/recovery-key-backup",
		none:   "no recovery rekey in progress",
		given:  "given key has already been provided during this rekey operation",
		split:  "failed to compute recovery key: ",
		wrong: vaulttest.Refusal{Status: 400,
			Text: "recovery key verification failed: recovery key does not match submitted values"},
		long: vaulttest.Refusal{Status: 400,
			Text: "recovery key verification failed: recovery key does not match submitted values"},
	}
)

// rekeyFields are the fields of every answer about a rekey. The verification's nonce joins them when there is one.
var rekeyFields = []string{"nonce", "started", "t", "n", "progress", "required", "pgp_fingerprints", "backup",
	"verification_required"}

// rekeyDoneFields are the fields of the answer to the last share.
var rekeyDoneFields = []string{"nonce", "complete", "keys", "keys_base64", "pgp_fingerprints", "backup",
	"verification_required"}

// rekeyCases hold for both kinds of rekey, as verifyCases do.
var rekeyCases = []suiteCase{
	{claim: "an idle rekey says so", run: func(s *suite) {
		s.ready(3, 2)
		status := s.ok("GET", s.rekey.attempt, nil)
		s.hasFields(status, rekeyFields...)
		s.says(status, body{"nonce": "", "started": false, "t": 0, "n": 0, "progress": 0, "required": 2,
			"pgp_fingerprints": nil})
		s.refused(400, s.rekey.none, "PUT", s.rekey.update, body{"key": junk(), "nonce": "n"})
		s.done("DELETE", s.rekey.attempt, body{})
		s.refused(400, "EOF", "DELETE", s.rekey.attempt, nil)
		s.refused(405, "", "LIST", s.rekey.attempt, nil)
	}},
	{claim: "a rekey without verification replaces the shares with its last share", storage: raftToo, run: func(s *suite) {
		shares := s.ready(5, 3)
		start := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 4, "secret_threshold": 2})
		s.hasFields(start, rekeyFields...)
		s.says(start, body{"started": true, "t": 2, "n": 4, "progress": 0, "required": 3, "backup": false,
			"verification_required": false})
		nonce := start.String("nonce")
		second := s.submit(s.rekey.update, nonce, shares[0], shares[1])
		s.hasFields(second, rekeyFields...)
		s.says(second, body{"nonce": nonce, "started": true, "progress": 2})
		last := s.submit(s.rekey.update, nonce, shares[2])
		s.hasFields(last, rekeyDoneFields...)
		s.says(last, body{"nonce": nonce, "complete": true, "pgp_fingerprints": nil, "backup": false})
		fresh := last.Strings("keys")
		if len(fresh) != 4 || inBase64(fresh[3]) != last.Strings("keys_base64")[3] {
			s.Errorf("%d new shares", len(fresh))
		}
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"started": false, "required": 2})
		s.says(s.ok("GET", "sys/seal-status", nil), body{"t": 2, "n": 4})
		if s.opens(shares[:3]) {
			s.Error("the old shares still open")
		}
		s.unseal(fresh[2:])
	}},
	{claim: "a rekey leaves the encryption key's term and a rotation the shares", run: func(s *suite) {
		shares := s.ready(1, 1)
		s.says(s.ok("GET", "sys/key-status", nil), body{"term": 1})
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 1, "secret_threshold": 1}).String("nonce")
		fresh := s.submit(s.rekey.update, nonce, shares[0]).Strings("keys")
		s.says(s.ok("GET", "sys/key-status", nil), body{"term": 1})
		s.done("PUT", "sys/rotate", nil)
		s.says(s.ok("GET", "sys/key-status", nil), body{"term": 2})
		if !s.opens(fresh) {
			s.Error("the share doesn't open after a rotation")
		}
	}},
	{claim: "a rekey that cannot work is refused", run: func(s *suite) {
		s.ready(1, 1)
		key := vaulttest.NewPerson(s, "ann").Key
		for _, c := range []struct {
			status  int
			words   string
			request any
		}{
			{400, "provided threshold greater than the total shares", body{"secret_shares": 2, "secret_threshold": 3}},
			{400, "cannot request a backup of the new keys without providing PGP keys", body{"secret_shares": 2, "secret_threshold": 2, "backup": true}},
			{400, "incorrect number of PGP keys for rekey", body{"secret_shares": 2, "secret_threshold": 2, "pgp_keys": []string{key}}},
			{400, "EOF", nil},
			{500, "threshold must be greater than one for multiple shares", body{"secret_shares": 3, "secret_threshold": 1}},
			{500, "shares must be at least one", body{}},
			{500, "shares must be less than 256", body{"secret_shares": 300, "secret_threshold": 299}},
			{500, "error decoding given PGP key", body{"secret_shares": 1, "secret_threshold": 1, "pgp_keys": []string{"x"}}},
			{500, "error parsing given PGP key", body{"secret_shares": 1, "secret_threshold": 1, "pgp_keys": []string{"AAAA"}}},
			{500, "error decoding given PGP key", body{"secret_shares": 1, "secret_threshold": 1,
				"pgp_keys": []string{"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + key + "\n-----END PGP PUBLIC KEY BLOCK-----"}}},
			{500, "error decoding given PGP key", body{"secret_shares": 1, "secret_threshold": 1, "pgp_keys": []string{"keybase:ann"}}},
		} {
			s.refused(c.status, c.words, "PUT", s.rekey.attempt, c.request)
		}
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"started": false})
	}},
	{claim: "one rekey is made at a time, beside a generate-root", run: func(s *suite) {
		s.ready(1, 1)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 1, "secret_threshold": 1}).String("nonce")
		s.refused(400, "rekey already in progress", "PUT", s.rekey.attempt, body{"secret_shares": 1, "secret_threshold": 1})
		s.ok("PUT", rootAttemptPath, nil)
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"nonce": nonce})
	}},
	{claim: "a young rekey is cancelled by its nonce alone", run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.submit(s.rekey.update, nonce, shares[0])
		s.refused(400, "EOF", "DELETE", s.rekey.attempt, nil)
		s.refused(400, "invalid request", "DELETE", s.rekey.attempt, body{})
		s.refused(400, "invalid request", "DELETE", s.rekey.attempt, body{"nonce": "n"})
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"nonce": nonce, "progress": 1})
		s.done("DELETE", s.rekey.attempt, body{"nonce": nonce})
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"nonce": "", "started": false, "progress": 0})
		s.refused(400, s.rekey.none, "PUT", s.rekey.update, body{"key": shares[1], "nonce": nonce})
		next := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2})
		s.says(next, body{"progress": 0})
		if next.String("nonce") == nonce {
			s.Error("two rekeys have one nonce")
		}
	}},
	{claim: "a rekey that is complete is confirmed to be cancelled, and stays in force", run: func(s *suite) {
		shares := s.ready(3, 2)
		start := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 5, "secret_threshold": 2, "backup": true,
			"pgp_keys": slices.Repeat([]string{vaulttest.NewPerson(s, "ann").Key}, 5)})
		s.says(s.submit(s.rekey.update, start.String("nonce"), shares[:2]...), body{"complete": true})
		s.done("DELETE", s.rekey.attempt, body{"nonce": start.String("nonce")})
		s.says(s.ok("GET", s.rekey.backup, nil), body{"nonce": start.String("nonce")})
		s.says(s.ok("GET", "sys/seal-status", nil), body{"n": 5, "t": 2})
	}},
	{claim: "a rekey tells the right nonce to whoever has a wrong one", run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		want := "incorrect nonce supplied; nonce for this rekey operation is \"" + nonce + "\""
		s.refused(400, want, "PUT", s.rekey.update, body{"key": shares[0], "nonce": "n"})
		s.refused(400, want, "PUT", s.rekey.update, body{"key": shares[0]})
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"progress": 0})
	}},
	{claim: "a rekey refuses a share that it has", run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.submit(s.rekey.update, nonce, shares[0])
		for _, same := range []string{shares[0], strings.ToUpper(shares[0]), inBase64(shares[0])} {
			s.refused(400, s.rekey.given,
				"PUT", s.rekey.update, body{"key": same, "nonce": nonce})
		}
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"progress": 1})
	}},
	{claim: "a rekey refuses a wrong quorum, forgets it and keeps its nonce", run: func(s *suite) {
		shares := s.ready(5, 3)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		for _, c := range []struct {
			refusal vaulttest.Refusal
			wrong   string
		}{
			{s.rekey.wrong, junk(shares...)},
			{vaulttest.Refusal{Status: 500, Text: s.rekey.split + "duplicate part detected"}, sameX(shares[0])},
			{vaulttest.Refusal{Status: 500, Text: s.rekey.split + "all parts must be the same length"}, shares[2][:64]},
		} {
			s.submit(s.rekey.update, nonce, shares[0], shares[1])
			s.refused(c.refusal.Status, c.refusal.Text, "PUT", s.rekey.update, body{"key": c.wrong, "nonce": nonce})
			s.says(s.ok("GET", s.rekey.attempt, nil), body{"started": true, "progress": 0, "nonce": nonce})
		}
		s.says(s.submit(s.rekey.update, nonce, shares[2:]...), body{"complete": true})
	}},
	{claim: "junk of sixteen bytes counts as progress", run: func(s *suite) {
		s.ready(3, 2)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.says(s.submit(s.rekey.update, nonce, strings.Repeat("ab", 16)), body{"progress": 1})
	}},
	{claim: "a rekey reads hex and base64 and nothing around them", run: func(s *suite) {
		shares := s.ready(9, 9)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.readsEncodings(s.rekey.update, nonce, shares, "")
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"progress": 4})
	}},
	{claim: "rekey/update ignores the method", run: func(s *suite) {
		s.ready(1, 1)
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			s.refused(400, "EOF", method, s.rekey.update, nil)
		}
	}},
	{claim: "with a threshold of one a rekey needs the key itself", run: func(s *suite) {
		shares := s.ready(1, 1)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 1, "secret_threshold": 1}).String("nonce")
		s.refused(s.rekey.long.Status, s.rekey.long.Text, "PUT", s.rekey.update, body{"key": junk(), "nonce": nonce})
		s.refused(s.rekey.wrong.Status, s.rekey.wrong.Text, "PUT", s.rekey.update, body{"key": junk()[:64], "nonce": nonce})
		fresh := s.submit(s.rekey.update, nonce, shares[0]).Strings("keys")
		if len(fresh) != 1 || len(fresh[0]) != 64 {
			s.Errorf("%d new shares, the first not of 64 hex digits", len(fresh))
		}
	}},
	{claim: "a rekey encrypts each share to the key of its place", run: func(s *suite) {
		shares := s.ready(1, 1)
		ann, bob := vaulttest.NewPerson(s, "ann"), vaulttest.NewPerson(s, "bob")
		people := []*vaulttest.Person{bob, ann, bob}
		start := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2, "backup": true,
			"pgp_keys": []string{bob.Key, ann.Key, bob.Key}})
		prints := []string{bob.Fingerprint, ann.Fingerprint, bob.Fingerprint}
		if got := start.Strings("pgp_fingerprints"); !slices.Equal(got, prints) {
			s.Errorf("fingerprints %q, want %q", got, prints)
		}
		s.says(start, body{"backup": true})
		last := s.submit(s.rekey.update, start.String("nonce"), shares[0])
		s.hasFields(last, rekeyDoneFields...)
		s.says(last, body{"complete": true, "backup": true})
		if got := last.Strings("pgp_fingerprints"); !slices.Equal(got, prints) {
			s.Errorf("fingerprints %q, want %q", got, prints)
		}
		var fresh []string
		for i, message := range last.Strings("keys") {
			share := people[i].Read(s, message)
			if len(share) != 66 || share != people[i].Read(s, last.Strings("keys_base64")[i]) {
				s.Errorf("share %d: %d characters, or not the same in base64", i, len(share))
			}
			fresh = append(fresh, share)
		}
		if len(fresh) != 3 || fresh[0] == fresh[2] {
			s.Errorf("%d shares, or the same twice", len(fresh))
		}
		if !s.opens(fresh[1:]) {
			s.Error("the new shares don't open")
		}
	}},
	{claim: "a backup keeps the encrypted shares by fingerprint until it is deleted", storage: raftToo,
		run: func(s *suite) {
			shares := s.ready(1, 1)
			ann, bob := vaulttest.NewPerson(s, "ann"), vaulttest.NewPerson(s, "bob")
			s.refused(400, "no backed-up keys found", "GET", s.rekey.backup, nil)
			start := s.ok("PUT", s.rekey.attempt,
				body{"secret_shares": 3, "secret_threshold": 2, "backup": true, "require_verification": true,
					"pgp_keys": []string{bob.Key, ann.Key, bob.Key}})
			s.refused(400, "no backed-up keys found", "GET", s.rekey.backup, nil)
			last := s.submit(s.rekey.update, start.String("nonce"), shares[0])
			backup := s.ok("GET", s.rekey.backup, nil)
			s.says(backup, body{"nonce": start.String("nonce")})
			data, _ := backup.Body["data"].(map[string]any)
			for name, want := range map[string][]string{"keys": last.Strings("keys"),
				"keys_base64": last.Strings("keys_base64")} {
				for place, holder := range map[string]map[string]any{"top level": backup.Body, "data": data} {
					kept, _ := holder[name].(map[string]any)
					lists := operator.Answer{Body: kept}
					if got := lists.Strings(bob.Fingerprint); !slices.Equal(got, []string{want[0], want[2]}) {
						s.Errorf("%s of the second key in %s: %d messages, or others", name, place, len(got))
					}
					if got := lists.Strings(ann.Fingerprint); !slices.Equal(got, []string{want[1]}) || len(kept) != 2 {
						s.Errorf("%s of the first key in %s: %d messages, or others", name, place, len(got))
					}
				}
			}
			token := s.op.Token
			s.op.Token = ""
			s.refused(403, "permission denied", "GET", s.rekey.backup, nil)
			s.refused(403, "permission denied", "DELETE", s.rekey.backup, nil)
			s.op.Token = token
			s.done("DELETE", s.rekey.attempt, body{"nonce": start.String("nonce")})
			s.says(s.ok("GET", s.rekey.backup, nil), body{"nonce": start.String("nonce")})
			s.done("DELETE", s.rekey.backup, nil)
			s.done("DELETE", s.rekey.backup, nil)
			s.refused(400, "no backed-up keys found", "GET", s.rekey.backup, nil)
		}},
	{claim: "a rekey to a key that cannot encrypt fails at the last share", run: func(s *suite) {
		shares := s.ready(3, 2)
		for _, person := range []*vaulttest.Person{vaulttest.NewPersonWhoCannotRead(s, "ann"),
			vaulttest.NewPersonOfThePast(s, "bob")} {
			start := s.ok("PUT", s.rekey.attempt,
				body{"secret_shares": 1, "secret_threshold": 1, "pgp_keys": []string{person.Key}})
			nonce := start.String("nonce")
			s.submit(s.rekey.update, nonce, shares[0])
			s.refused(500, "failed to encrypt shares: error setting up encryption for PGP message",
				"PUT", s.rekey.update, body{"key": shares[1], "nonce": nonce})
			s.says(s.ok("GET", s.rekey.attempt, nil), body{"started": true, "nonce": nonce, "progress": 0, "n": 1})
			s.done("DELETE", s.rekey.attempt, body{"nonce": nonce})
		}
		if !s.opens(shares[:2]) {
			s.Error("the old shares don't open any more")
		}
	}},
	{claim: "sealing loses a rekey", storage: raftToo, run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", s.rekey.attempt, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.submit(s.rekey.update, nonce, shares[0])
		s.seal()
		s.unseal(shares[:2])
		s.says(s.ok("GET", s.rekey.attempt, nil), body{"started": false, "nonce": ""})
	}},
}
