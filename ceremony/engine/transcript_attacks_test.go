package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/openpgp"
	"conclave/ceremony/transcript"
	"conclave/needs"
)

func TestP8RealTranscriptHoldsAndSaysWhatItLeavesOpen(t *testing.T) {
	e := perform(t)
	for _, file := range [][]byte{e.first, e.second, e.rejected} {
		a := transcript.VerifyTranscript(file, e.cast.identity.Fingerprint(), openpgp.Signatures{})
		for _, f := range a.Faults() {
			t.Error(f)
		}
		for _, name := range []string{"form", "signature", "identity", "chain", "story", "certificates", "words"} {
			if !slices.ContainsFunc(a.Checks, func(c transcript.Check) bool { return c.Name == name && c.Count > 0 }) {
				t.Errorf("of %q nothing was looked at", name)
			}
		}
	}
	a := transcript.VerifyTranscript(e.first, e.cast.identity.Fingerprint(), openpgp.Signatures{})
	var open []string
	for _, g := range a.NotProven {
		open = append(open, g.Code)
	}
	if want := []string{"keys-by-plan", "token-by-word", "not-anchored"}; !slices.Equal(open, want) {
		t.Errorf("not proven: %q, want %q", open, want)
	}
	for name, want := range map[string]int{
		"approvals": 2, "roll call": 2, "witness": 3, "envelopes": 3, "words": 2, "transcripts": 1,
	} {
		for _, c := range a.Checks {
			if c.Name == name && c.Count != want {
				t.Errorf("%s: %d looked at, want %d", name, c.Count, want)
			}
		}
	}
}

// Each manipulation is made twice: by a forger who has only the file, and by one who has taken
// over the bot and signs with its identity. The identity's signature shows the first,
// whatever was changed. People's signatures and the rules show the second.
func TestTenManipulationsAreFound(t *testing.T) {
	e := perform(t)
	pinned := e.cast.identity.Fingerprint()
	double, err := openpgp.Generate("conclave", time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	stranger := newCast(t, "paul")
	other := forge(t, e.first)

	for _, m := range []struct {
		what   string
		change func(f *forger)
		want   []string // the faults that are found although the identity has signed it
		file   []byte   // that is changed; the first when it is nil
	}{
		{"1: a line is changed, and the chain made to fit", func(f *forger) {
			f.edit(f.find("exception-noted", 0), "the phone rang in the middle", "nothing was out of order")
		}, []string{
			`words: line`, `erin has signed "the phone rang in the middle", and the journal has them say "nothing was out of order"`,
		}, nil},

		{"2: an approval is taken away", func(f *forger) {
			i := f.find("approved", 1)
			f.Journal = slices.Delete(f.Journal, i, i+1)
		}, []string{"story: event", `"roll-called": no such roll call is due`}, nil},

		{"3: an approver is replaced by another", func(f *forger) {
			i := f.find("approved", 0)
			f.edit(i, f.person("paul"), f.person("quin"))
			f.edit(f.find("approved", 1), f.person("quin"), f.person("paul"))
		}, []string{"approvals: line", "quin's signature (approve) does not hold: the signature is not good"}, nil},

		{"4: a holder's signature stands at another's envelope", func(f *forger) {
			alice, bob := f.find("submitting", 0), f.find("submitting", 1)
			f.edit(bob, f.field(bob, "signature"), f.field(alice, "signature"))
			f.edit(bob, f.field(bob, "digest"), f.field(alice, "digest"))
		}, []string{"envelopes: line", "the signature on the envelope is not what bob signed here"}, nil},

		{"5: the plan has another threshold, and a new hash", func(f *forger) {
			old := strings.Trim(f.field(0, "plan_hash"), `"`)
			f.edit(0, `"threshold":3`, `"threshold":2`)
			p := pinnedPlan(t, f.Journal[0])
			for i := range f.Journal {
				f.Journal[i] = strings.ReplaceAll(f.Journal[i], `"plan_hash":"`+old+`"`, `"plan_hash":"`+p.Hash()+`"`)
			}
		}, []string{
			"announcements: line", "the announcement says plan hash",
			"approvals: line", "paul has signed for the plan",
			"envelopes: line", "the signature on the envelope is not what alice signed here",
		}, nil},

		{"6: the last lines are cut off", func(f *forger) {
			f.Journal = f.Journal[:f.find("ended", 0)]
		}, []string{"story: it stops at line", "before the ceremony has ended: lines are missing"}, nil},

		{"7: two lines are swapped", func(f *forger) {
			i, j := f.find("offered", 0), f.find("submitting", 0)
			f.Journal[i], f.Journal[j] = f.Journal[j], f.Journal[i]
		}, []string{`story: event`, `"submitting": no share of this kind was offered`}, nil},

		{"8: a witness's statement is that of another ceremony", func(f *forger) {
			i := f.find("witness-stated", 0)
			f.edit(i, f.field(i, "signed"), other.field(other.find("witness-stated", 0), "signed"))
		}, []string{
			"witness: line", "wendy has signed for the ceremony " + string(other.Ceremony) + ", and this is",
		}, e.second},

		{"8 too: the answer to the roll call is that of another ceremony", func(f *forger) {
			i := f.find("present", 0)
			f.edit(i, f.field(i, "signed"), other.field(other.find("present", 0), "signed"))
		}, []string{
			"roll call: line", "olga's signature (present) does not hold: it is signed before it could be asked for",
		}, e.second},

		{"9: the whole is signed by an identity that looks alike", func(f *forger) {
			own, err := double.PublicArmor()
			if err != nil {
				t.Fatal(err)
			}
			delete(f.Certificates, pinned)
			f.Certificates[double.Fingerprint()] = own
			old := pinnedPlan(t, f.Journal[0]).Hash()
			f.edit(0, `"identity":"`+string(pinned)+`"`, `"identity":"`+string(double.Fingerprint())+`"`)
			for i := range f.Journal {
				f.Journal[i] = strings.ReplaceAll(f.Journal[i], old, pinnedPlan(t, f.Journal[0]).Hash())
			}
		}, []string{
			"signature: the file has no certificate of the identity that you name, " + pinned.String(),
			"identity: the plan pins " + double.Fingerprint().String() + ", and you name " + pinned.String(),
		}, nil},

		{"10: somebody's certificate is another one", func(f *forger) {
			f.Certificates[e.cast.keys["paul"].Fingerprint()] = stranger.certificate(t, "paul")
		}, []string{"certificates: paul: it is not the key", "approvals: line"}, nil},

		{"11: a time is changed", func(f *forger) {
			i := f.find("approved", 0)
			at := strings.Trim(f.field(i, "at"), `"`)
			f.edit(i, at, later(t, at, 48*time.Hour))
		}, []string{"times: line", "was written at"}, nil},

		{"11 too: all times are changed alike", func(f *forger) {
			old := pinnedPlan(t, f.Journal[0]).Hash()
			for i := range f.Journal {
				at := strings.Trim(f.field(i, "at"), `"`)
				f.Journal[i] = strings.Replace(f.Journal[i], at, later(t, at, -48*time.Hour), 1)
			}
			for _, name := range []string{"proposed", "closes"} {
				at := strings.Trim(f.field(0, name), `"`)
				f.edit(0, `"`+name+`":"`+at, `"`+name+`":"`+later(t, at, -48*time.Hour))
			}
			for i := range f.Journal {
				f.Journal[i] = strings.ReplaceAll(f.Journal[i], old, pinnedPlan(t, f.Journal[0]).Hash())
			}
		}, []string{"approvals: line", "it is signed later than it came", "envelopes: line"}, nil},

		{"12: what a holder has signed about lunch stands as their envelope", func(f *forger) {
			i := f.find("submitting", 1)
			made, err := time.Parse(time.RFC3339Nano, strings.Trim(f.field(i, "signed_at"), `"`))
			if err != nil {
				t.Fatal(err)
			}
			note, err := e.cast.keys["bob"].SignWord("I am at lunch and have nothing to do with any ceremony", made)
			if err != nil {
				t.Fatal(err)
			}
			signature, digest := evidenceOf(t, note)
			f.edit(i, f.field(i, "signature"), `"`+signature+`"`)
			f.edit(i, f.field(i, "digest"), `"`+digest+`"`)
		}, []string{"envelopes: line", "the signature on the envelope is not what bob signed here"}, nil},

		{"13: the token went to somebody else", func(f *forger) {
			i := f.find("token-issued", 0)
			f.edit(i, f.field(i, "ciphertext"), `"`+e.cast.encrypts(t, e.cast.keys["bob"].Fingerprint())+`"`)
		}, []string{"deliveries: line", "not encrypted to olga"}, nil},

		{"13 too: the token stands there in plain English", func(f *forger) {
			i := f.find("token-issued", 0)
			f.edit(i, f.field(i, "ciphertext"), `"dGhlIHJvb3QgdG9rZW4gd2VudCB0byBtYWxsb3J5"`)
		}, []string{"deliveries: line", "not encrypted to olga (it is no PGP message"}, nil},

		{"13 three: the token is said to be combined with a password", func(f *forger) {
			i := f.find("token-issued", 0)
			f.edit(i, `"ciphertext":`+f.field(i, "ciphertext"), `"encoded":"dGhlIHJvb3QgdG9rZW4gd2VudCB0byBtYWxsb3J5"`)
		}, []string{"deliveries: line", "combined with a one-time password, and the plan has none"}, nil},
	} {
		t.Run(m.what, func(t *testing.T) {
			file := e.first
			if m.file != nil {
				file = m.file
			}
			f := forge(t, file)
			m.change(f)
			f.rechain()

			thief := transcript.VerifyTranscript(f.file(), pinned, openpgp.Signatures{})
			reveal(t, "without the identity's key", thief, []string{"signature: "})

			with := e.cast.identity
			if strings.HasPrefix(m.what, "9:") {
				with = double
			}
			f.sign(with)
			traitor := transcript.VerifyTranscript(f.file(), pinned, openpgp.Signatures{})
			reveal(t, "signed with the key that the forger has", traitor, m.want)
		})
	}
}

// An envelope has no words behind the share, and its hash came to a border by chance.
func TestP8EnvelopeOfWhichTooLittleWasKeptIsAGap(t *testing.T) {
	e := perform(t)
	f := forge(t, e.first)
	i := f.find("submitting", 1)
	digest := f.field(i, "digest")
	f.edit(i, digest, digest[:strings.LastIndexByte(digest, ':')+1]+`"`)
	a := transcript.VerifyTranscript(f.file(), e.cast.identity.Fingerprint(), openpgp.Signatures{})
	if faults := faultsOf(a, "envelopes"); len(faults) > 0 {
		t.Errorf("faults: %q", faults)
	}
	if !slices.ContainsFunc(a.NotProven, func(g transcript.Gap) bool {
		return g.Code == "envelope-unproven" &&
			strings.Contains(g.Words, "bob")
	}) {
		t.Errorf("nobody is told: %+v", a.NotProven)
	}
}

// reveal makes sure that the faults were found, and logs them.
func reveal(t *testing.T, who string, a transcript.Audit, want []string) {
	t.Helper()
	t.Logf("%s:", who)
	for _, fault := range a.Faults() {
		t.Logf("    %s", fault)
	}
	if a.Passed() {
		t.Error("nothing was found")
	}
	said := strings.Join(a.Faults(), "\n")
	for _, words := range want {
		if !strings.Contains(said, words) {
			t.Errorf("nothing says %q", words)
		}
	}
}

func pinnedPlan(t *testing.T, line string) ceremony.Plan {
	t.Helper()
	var l struct {
		Event struct {
			Plan ceremony.Plan `json:"plan"`
		} `json:"event"`
	}
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		t.Fatal(err)
	}
	return l.Event.Plan
}

func later(t *testing.T, at string, by time.Duration) string {
	t.Helper()
	was, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		t.Fatal(err)
	}
	return was.Add(by).Format(time.RFC3339Nano)
}

// onlyTheIdentity checks the identity's signatures and believes people's. It is for tests in
// which the form or the signature over the whole file must show each of many thousand
// changes.
type onlyTheIdentity struct{ openpgp.Signatures }

func (onlyTheIdentity) VerifyCertificate(string, ceremony.Fingerprint) error { return nil }

func (onlyTheIdentity) VerifySignedWord(string, ceremony.Fingerprint, string, time.Time,
	time.Time) (string, time.Time, error) {
	return "", time.Time{}, nil
}

func TestP8EveryChangedByteOfATranscriptIsFound(t *testing.T) {
	e := perform(t)
	pinned := e.cast.identity.Fingerprint()
	fast := onlyTheIdentity{}
	caught := func(a transcript.Audit) bool {
		return slices.ContainsFunc(a.Checks, func(c transcript.Check) bool {
			return (c.Name == "form" || c.Name == "signature") && !c.Passed()
		})
	}
	if caught(transcript.VerifyTranscript(e.rejected, pinned, fast)) {
		t.Fatal("the transcript itself does not hold")
	}
	try := func(what string, at int, changed []byte) {
		t.Helper()
		if bytes.Equal(changed, e.rejected) {
			t.Fatalf("%s at %d changes nothing", what, at)
		}
		if !caught(transcript.VerifyTranscript(changed, pinned, fast)) {
			t.Errorf("%s at byte %d was not found: …%s…", what, at, changed[max(0, at-20):min(len(changed), at+20)])
		}
	}
	step := needs.Step(31)
	for at := rand.IntN(step); at < len(e.rejected); at += step {
		for _, flip := range []byte{0x01, 0x20} {
			changed := bytes.Clone(e.rejected)
			changed[at] ^= flip
			try(fmt.Sprintf("a byte changed by %#x", flip), at, changed)
		}
		if at%7 == 0 {
			try("a byte taken away", at, slices.Delete(bytes.Clone(e.rejected), at, at+1))
			try("a byte put in", at, slices.Insert(bytes.Clone(e.rejected), at, e.rejected[at]^0x03))
		}
	}
}

// The same holds for a long transcript, at random places.
func TestP8ChangedBytesOfALongTranscriptAreFound(t *testing.T) {
	e := perform(t)
	for range 300 / needs.Step(10) {
		at, flip := rand.IntN(len(e.first)), byte(1+rand.IntN(255))
		changed := bytes.Clone(e.first)
		changed[at] ^= flip
		if transcript.VerifyTranscript(changed, e.cast.identity.Fingerprint(), openpgp.Signatures{}).Passed() {
			t.Errorf("byte %d changed by %#x was not found", at, flip)
		}
	}
}
