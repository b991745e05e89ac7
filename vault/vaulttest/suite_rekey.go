package vaulttest

import (
	"slices"
	"strings"
)

const (
	rekeyPath       = "sys/rekey/init"
	rekeyUpdatePath = "sys/rekey/update"
	backupPath      = "sys/rekey/backup"
)

// rekeyFields are the fields of every answer about a rekey. The verification's nonce joins them when there is one.
var rekeyFields = []string{"nonce", "started", "t", "n", "progress", "required", "pgp_fingerprints", "backup", "verification_required"}

// rekeyDoneFields are the fields of the answer to the last share.
var rekeyDoneFields = []string{"nonce", "complete", "keys", "keys_base64", "pgp_fingerprints", "backup", "verification_required"}

var rekeyCases = []suiteCase{
	{claim: "an idle rekey says so", run: func(s *suite) {
		s.ready(3, 2)
		status := s.ok("GET", rekeyPath, nil)
		s.hasFields(status, rekeyFields...)
		s.says(status, body{"nonce": "", "started": false, "t": 0, "n": 0, "progress": 0, "required": 2, "pgp_fingerprints": nil})
		s.refused(400, "no barrier rekey in progress", "PUT", rekeyUpdatePath, body{"key": junk(), "nonce": "n"})
		s.done("DELETE", rekeyPath, body{})
		s.refused(400, "EOF", "DELETE", rekeyPath, nil)
		s.refused(405, "", "LIST", rekeyPath, nil)
	}},
	{claim: "a rekey without verification replaces the shares with its last share", storage: raftToo, run: func(s *suite) {
		shares := s.ready(5, 3)
		start := s.ok("PUT", rekeyPath, body{"secret_shares": 4, "secret_threshold": 2})
		s.hasFields(start, rekeyFields...)
		s.says(start, body{"started": true, "t": 2, "n": 4, "progress": 0, "required": 3, "backup": false, "verification_required": false})
		nonce := start.String("nonce")
		second := s.submit(rekeyUpdatePath, nonce, shares[0], shares[1])
		s.hasFields(second, rekeyFields...)
		s.says(second, body{"nonce": nonce, "started": true, "progress": 2})
		last := s.submit(rekeyUpdatePath, nonce, shares[2])
		s.hasFields(last, rekeyDoneFields...)
		s.says(last, body{"nonce": nonce, "complete": true, "pgp_fingerprints": nil, "backup": false})
		fresh := last.Strings("keys")
		if len(fresh) != 4 || inBase64(fresh[3]) != last.Strings("keys_base64")[3] {
			s.Errorf("%d new shares", len(fresh))
		}
		s.says(s.ok("GET", rekeyPath, nil), body{"started": false, "required": 2})
		s.says(s.ok("GET", "sys/seal-status", nil), body{"t": 2, "n": 4})
		if s.opens(shares[:3]) {
			s.Error("the old shares still open")
		}
		s.unseal(fresh[2:])
	}},
	{claim: "a rekey leaves the encryption key's term and a rotation the shares", run: func(s *suite) {
		shares := s.ready(1, 1)
		s.says(s.ok("GET", "sys/key-status", nil), body{"term": 1})
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 1, "secret_threshold": 1}).String("nonce")
		fresh := s.submit(rekeyUpdatePath, nonce, shares[0]).Strings("keys")
		s.says(s.ok("GET", "sys/key-status", nil), body{"term": 1})
		s.done("PUT", "sys/rotate", nil)
		s.says(s.ok("GET", "sys/key-status", nil), body{"term": 2})
		if !s.opens(fresh) {
			s.Error("the share doesn't open after a rotation")
		}
	}},
	{claim: "a rekey that cannot work is refused", run: func(s *suite) {
		s.ready(1, 1)
		key := NewPerson(s, "ann").Key
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
			s.refused(c.status, c.words, "PUT", rekeyPath, c.request)
		}
		s.says(s.ok("GET", rekeyPath, nil), body{"started": false})
	}},
	{claim: "one rekey is made at a time, beside a generate-root", run: func(s *suite) {
		s.ready(1, 1)
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 1, "secret_threshold": 1}).String("nonce")
		s.refused(400, "rekey already in progress", "PUT", rekeyPath, body{"secret_shares": 1, "secret_threshold": 1})
		s.ok("PUT", rootAttemptPath, nil)
		s.says(s.ok("GET", rekeyPath, nil), body{"nonce": nonce})
	}},
	{claim: "a young rekey is cancelled by its nonce alone", run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.submit(rekeyUpdatePath, nonce, shares[0])
		s.refused(400, "EOF", "DELETE", rekeyPath, nil)
		s.refused(400, "invalid request", "DELETE", rekeyPath, body{})
		s.refused(400, "invalid request", "DELETE", rekeyPath, body{"nonce": "n"})
		s.says(s.ok("GET", rekeyPath, nil), body{"nonce": nonce, "progress": 1})
		s.done("DELETE", rekeyPath, body{"nonce": nonce})
		s.says(s.ok("GET", rekeyPath, nil), body{"nonce": "", "started": false, "progress": 0})
		s.refused(400, "no barrier rekey in progress", "PUT", rekeyUpdatePath, body{"key": shares[1], "nonce": nonce})
		next := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2})
		s.says(next, body{"progress": 0})
		if next.String("nonce") == nonce {
			s.Error("two rekeys have one nonce")
		}
	}},
	{claim: "a rekey tells the right nonce to whoever has a wrong one", run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		want := "incorrect nonce supplied; nonce for this rekey operation is \"" + nonce + "\""
		s.refused(400, want, "PUT", rekeyUpdatePath, body{"key": shares[0], "nonce": "n"})
		s.refused(400, want, "PUT", rekeyUpdatePath, body{"key": shares[0]})
		s.says(s.ok("GET", rekeyPath, nil), body{"progress": 0})
	}},
	{claim: "a rekey refuses a share that it has", run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.submit(rekeyUpdatePath, nonce, shares[0])
		for _, same := range []string{shares[0], strings.ToUpper(shares[0]), inBase64(shares[0])} {
			s.refused(400, "given key has already been provided during this generation operation",
				"PUT", rekeyUpdatePath, body{"key": same, "nonce": nonce})
		}
		s.says(s.ok("GET", rekeyPath, nil), body{"progress": 1})
	}},
	{claim: "a rekey answers a wrong quorum with 500, forgets it and keeps its nonce", run: func(s *suite) {
		shares := s.ready(5, 3)
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		for words, wrong := range map[string]string{
			"message authentication failed":                                 junk(shares...),
			"failed to compute root key: duplicate part detected":           sameX(shares[0]),
			"failed to compute root key: all parts must be the same length": shares[2][:64],
		} {
			s.submit(rekeyUpdatePath, nonce, shares[0], shares[1])
			s.refused(500, words, "PUT", rekeyUpdatePath, body{"key": wrong, "nonce": nonce})
			s.says(s.ok("GET", rekeyPath, nil), body{"started": true, "progress": 0, "nonce": nonce})
		}
		s.says(s.submit(rekeyUpdatePath, nonce, shares[2:]...), body{"complete": true})
	}},
	{claim: "junk of sixteen bytes counts as progress", run: func(s *suite) {
		s.ready(3, 2)
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.says(s.submit(rekeyUpdatePath, nonce, strings.Repeat("ab", 16)), body{"progress": 1})
	}},
	{claim: "a rekey reads hex and base64 and nothing around them", run: func(s *suite) {
		shares := s.ready(9, 9)
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.readsEncodings(rekeyUpdatePath, nonce, shares, "")
		s.says(s.ok("GET", rekeyPath, nil), body{"progress": 4})
	}},
	{claim: "rekey/update ignores the method", run: func(s *suite) {
		s.ready(1, 1)
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			s.refused(400, "EOF", method, rekeyUpdatePath, nil)
		}
	}},
	{claim: "with a threshold of one a rekey needs the key itself", run: func(s *suite) {
		shares := s.ready(1, 1)
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 1, "secret_threshold": 1}).String("nonce")
		s.refused(500, "invalid key size 33", "PUT", rekeyUpdatePath, body{"key": junk(), "nonce": nonce})
		s.refused(500, "message authentication failed", "PUT", rekeyUpdatePath, body{"key": junk()[:64], "nonce": nonce})
		fresh := s.submit(rekeyUpdatePath, nonce, shares[0]).Strings("keys")
		if len(fresh) != 1 || len(fresh[0]) != 64 {
			s.Errorf("%d new shares, the first not of 64 hex digits", len(fresh))
		}
	}},
	{claim: "a rekey encrypts each share to the key of its place", run: func(s *suite) {
		shares := s.ready(1, 1)
		ann, bob := NewPerson(s, "ann"), NewPerson(s, "bob")
		people := []*Person{bob, ann, bob}
		start := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2, "backup": true,
			"pgp_keys": []string{bob.Key, ann.Key, bob.Key}})
		prints := []string{bob.Fingerprint, ann.Fingerprint, bob.Fingerprint}
		if got := start.Strings("pgp_fingerprints"); !slices.Equal(got, prints) {
			s.Errorf("fingerprints %q, want %q", got, prints)
		}
		s.says(start, body{"backup": true})
		last := s.submit(rekeyUpdatePath, start.String("nonce"), shares[0])
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
	{claim: "a backup keeps the encrypted shares by fingerprint until it is deleted", storage: raftToo, run: func(s *suite) {
		shares := s.ready(1, 1)
		ann, bob := NewPerson(s, "ann"), NewPerson(s, "bob")
		s.refused(400, "no backed-up keys found", "GET", backupPath, nil)
		start := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2, "backup": true, "require_verification": true,
			"pgp_keys": []string{bob.Key, ann.Key, bob.Key}})
		s.refused(400, "no backed-up keys found", "GET", backupPath, nil)
		last := s.submit(rekeyUpdatePath, start.String("nonce"), shares[0])
		backup := s.ok("GET", backupPath, nil)
		s.says(backup, body{"nonce": start.String("nonce")})
		data, _ := backup.Body["data"].(map[string]any)
		for name, want := range map[string][]string{"keys": last.Strings("keys"), "keys_base64": last.Strings("keys_base64")} {
			for place, holder := range map[string]map[string]any{"top level": backup.Body, "data": data} {
				kept, _ := holder[name].(map[string]any)
				lists := Answer{Body: kept}
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
		s.refused(403, "permission denied", "GET", backupPath, nil)
		s.refused(403, "permission denied", "DELETE", backupPath, nil)
		s.op.Token = token
		s.done("DELETE", rekeyPath, body{"nonce": start.String("nonce")})
		s.says(s.ok("GET", backupPath, nil), body{"nonce": start.String("nonce")})
		s.done("DELETE", backupPath, nil)
		s.done("DELETE", backupPath, nil)
		s.refused(400, "no backed-up keys found", "GET", backupPath, nil)
	}},
	{claim: "a rekey to a key that cannot encrypt fails at the last share", run: func(s *suite) {
		shares := s.ready(3, 2)
		for _, person := range []*Person{NewPersonWhoCannotRead(s, "ann"), NewPersonOfThePast(s, "bob")} {
			start := s.ok("PUT", rekeyPath, body{"secret_shares": 1, "secret_threshold": 1, "pgp_keys": []string{person.Key}})
			nonce := start.String("nonce")
			s.submit(rekeyUpdatePath, nonce, shares[0])
			s.refused(500, "failed to encrypt shares: error setting up encryption for PGP message",
				"PUT", rekeyUpdatePath, body{"key": shares[1], "nonce": nonce})
			s.says(s.ok("GET", rekeyPath, nil), body{"started": true, "nonce": nonce, "progress": 0, "n": 1})
			s.done("DELETE", rekeyPath, body{"nonce": nonce})
		}
		if !s.opens(shares[:2]) {
			s.Error("the old shares don't open any more")
		}
	}},
	{claim: "sealing loses a rekey", storage: raftToo, run: func(s *suite) {
		shares := s.ready(3, 2)
		nonce := s.ok("PUT", rekeyPath, body{"secret_shares": 3, "secret_threshold": 2}).String("nonce")
		s.submit(rekeyUpdatePath, nonce, shares[0])
		s.seal()
		s.unseal(shares[:2])
		s.says(s.ok("GET", rekeyPath, nil), body{"started": false, "nonce": ""})
	}},
	{claim: "a server without recovery keys says so", run: func(s *suite) {
		s.ready(1, 1)
		s.refused(400, "recovery rekeying not supported", "GET", "sys/rekey-recovery-key/init", nil)
		s.refused(400, "recovery rekeying not supported", "PUT", "sys/rekey-recovery-key/init", body{"secret_shares": 1, "secret_threshold": 1})
		s.refused(400, "recovery rekeying not supported", "GET", "sys/rekey-recovery-key/verify", nil)
		s.refused(500, "recovery not supported", "PUT", "sys/rekey-recovery-key/update", body{"key": junk(), "nonce": "n"})
	}},
}
