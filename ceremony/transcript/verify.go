package transcript

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/event"
	"conclave/ceremony/journal"
	"conclave/ceremony/rules"
	"conclave/ceremony/story"
)

// clockSkew is how far apart the clocks of compared times may be.
const clockSkew = 5 * time.Minute

// VerifyTranscript checks the file of a ceremony's transcript offline. It needs the
// fingerprint of the bot's identity, which must not come from the file or from the file's
// source (P8).
//
// The identity's signature shows that nobody has changed the file since it was signed. It
// shows nothing against a bot that has been taken over. Against that there are the
// signatures of people, each of which names the ceremony, the plan and its purpose.
func VerifyTranscript(file []byte, identity ceremony.Fingerprint, s ceremony.Signatures) Audit {
	v := verifier{
		identity: identity, signatures: s, checks: map[string]*Check{}, audit: Audit{
			Identity: identity, SHA256: journal.HashLine(file),
		},
	}
	form := v.check(checkForm)
	form.Count = 1
	t, err := ReadTranscript(file)
	if err != nil {
		form.fault("%v", err)
	}
	if err != nil && len(t.Journal) == 0 {
		return v.audit.with(v.checks)
	}
	v.t = t
	v.signature()
	v.chain()
	v.story()
	v.judge(checkRules, story.Untold)
	v.judge(checkDemands, story.Unmet)
	v.outline()
	return v.audit.with(v.checks)
}

// The names of the checks, in the order in which they are reported.
const (
	checkForm          = "form"
	checkSignature     = "signature"
	checkIdentity      = "identity"
	checkChain         = "chain"
	checkStory         = "story"
	checkRules         = "rules"
	checkDemands       = "demands"
	checkTimes         = "times"
	checkCertificates  = "certificates"
	checkAnnouncements = "announcements"
	checkApprovals     = "approvals"
	checkRollCall      = "roll call"
	checkWords         = "words"
	checkWitness       = "witness"
	checkEnvelopes     = "envelopes"
	checkDeliveries    = "deliveries"
	checkTranscripts   = "transcripts"
)

// checkList has the checks in order, each with what holds when it has passed.
var checkList = [...]Check{
	{Name: checkForm, Words: "the file has the very bytes that Conclave writes"},
	{Name: checkSignature, Words: "the pinned identity has signed all of it"},
	{Name: checkIdentity, Words: "the plan, the certificate and you name the same identity"},
	{Name: checkChain, Words: "every line continues the one before it, up to the head"},
	{Name: checkStory, Words: "the events are a story that the rules allow, from the proposal to the end"},
	{Name: checkRules, Words: "the rules lead from what people and Vault said to each event"},
	{Name: checkDemands, Words: "what the plan demands is shown: approvals, roll call, witnesses, time, people, numbers"},
	{Name: checkTimes, Words: "time does not run backwards"},
	{Name: checkCertificates, Words: "everybody's certificate is the one that the plan pins"},
	{Name: checkAnnouncements, Words: "the identity has announced this plan, with this nonce and this key"},
	{Name: checkApprovals,
		Words: "approvers have signed this plan's hash, or pressed a button where the plan allows it"},
	{Name: checkRollCall, Words: "who was called has decrypted their challenge, and signed it with the plan's hash"},
	{Name: checkWords, Words: "what people have signed is what the journal says"},
	{Name: checkWitness, Words: "what a witness has signed is what the journal says"},
	{Name: checkEnvelopes, Words: "each share came in an envelope that its holder has signed, in this ceremony"},
	{Name: checkDeliveries, Words: "what Vault made is for those whom the plan names, in its order"},
	{Name: checkTranscripts, Words: "earlier transcripts are those that were signed"},
}

// verifier checks one transcript, from the first line to the last.
type verifier struct {
	t          Transcript
	identity   ceremony.Fingerprint
	signatures ceremony.Signatures
	checks     map[string]*Check
	audit      Audit

	entries []event.Entry
	c       rules.State         // the ceremony before the entry that is looked at
	lawful  rules.State         // the ceremony as far as the rules allow the entries
	key     *ceremony.Announced // the newest that was announced
	seen    map[string]int      // signature on an envelope → line
	loose   tally               // what is true and proves less than it could
}

func (v *verifier) check(name string) *Check {
	c, ok := v.checks[name]
	if !ok {
		c = &Check{Name: name}
		v.checks[name] = c
	}
	return c
}

func (c *Check) fault(format string, args ...any) {
	c.Faults = append(c.Faults, fmt.Sprintf(format, args...))
}

// with returns the audit with the checks that were made, in order.
func (a Audit) with(found map[string]*Check) Audit {
	for _, c := range checkList {
		if got, ok := found[c.Name]; ok {
			c.Count, c.Faults = got.Count, got.Faults
			a.Checks = append(a.Checks, c)
		}
	}
	return a
}

// signature checks the identity's signature over the file.
func (v *verifier) signature() {
	check := v.check(checkSignature)
	check.Count = 1
	certificate, ok := v.t.Certificates[v.identity]
	if !ok {
		check.fault("the file has no certificate of the identity that you name, %s", v.identity)
		return
	}
	text, err := v.t.Signed()
	if err != nil {
		check.fault("%v", err)
		return
	}
	if err := v.signatures.VerifyDetached(certificate, v.identity, text, v.t.Signature); err != nil {
		check.fault("what %s has signed is not this file: it was changed afterwards, or somebody else has signed it (%s)",
			v.identity, reasonOf(err))
	}
}

// chain reads the lines and checks that each continues the one before.
func (v *verifier) chain() {
	check := v.check(checkChain)
	check.Count = len(v.t.Journal)
	prev, coded := "", false
	for i, raw := range v.t.Journal {
		l, ev, err := journal.DecodeLine([]byte(raw))
		if err != nil {
			check.fault("line %d can't be read: %v", i+1, err)
			return
		}
		if l.Seq != i+1 {
			check.fault("line %d says that it is line %d", i+1, l.Seq)
		}
		if l.Prev != prev {
			check.fault("line %d does not follow %s", i+1, before(i))
		}
		if l.Ceremony != v.t.Ceremony {
			check.fault("line %d belongs to %s, and the file is of %s", i+1, l.Ceremony, v.t.Ceremony)
		}
		if coded && l.MAC == "" {
			check.fault("line %d has no authentication code, and line %d has one", i+1, i)
		}
		prev, coded = journal.HashLine([]byte(raw)), l.MAC != ""
		v.entries = append(v.entries, event.Entry{
			Seq: l.Seq, Prev: l.Prev, At: l.At, Hash: prev, Event: ev, MACKey: l.MACKey, MAC: l.MAC,
		})
	}
	if v.t.Head != prev {
		check.fault("the head is not the hash of the last line: lines are missing at the end, or were changed")
	}
}

func before(i int) string {
	if i == 0 {
		return "nothing: lines before it are missing"
	}
	return fmt.Sprintf("line %d, which was changed, moved or taken away", i)
}

// story has the rules judge the events, and checks each with the ceremony as it was before
// it. After an event that the rules don't allow the rest is checked all the same, so that
// every fault is reported.
func (v *verifier) story() {
	check := v.check(checkStory)
	check.Count = len(v.entries)
	if len(v.entries) == 0 {
		check.fault("there is no line that could be read: no plan, and nothing that followed from one")
		return
	}
	proposed, ok := v.entries[0].Event.(event.Proposed)
	if !ok {
		check.fault("line 1 is %q: the beginning is missing, and with it the plan", event.TypeOf(v.entries[0].Event))
		return
	}
	v.plan(proposed)
	v.c = rules.State{Plan: proposed.Plan, PlanHash: proposed.PlanHash}
	// When the rules don't allow the first line, they can't judge the others.
	lawful, judged := true, true
	for i, e := range v.entries {
		if i > 0 {
			v.time(v.entries[i-1], e)
			v.look(e)
		}
		var next rules.State
		var err error
		if judged {
			next, err = rules.Apply(orNothing(v.c, i), e)
		}
		if err != nil && lawful {
			check.fault("%v", err)
			lawful, judged = false, i > 0
		}
		if err != nil || !judged {
			next = v.c
			next.History = append(slices.Clip(v.c.History), e)
		} else if lawful {
			v.lawful = next
		}
		v.c = next
	}
	if len(v.entries) == len(v.t.Journal) && !v.c.Ended() {
		check.fault("it stops at line %d (%s), before the ceremony has ended: lines are missing", len(v.entries),
			event.TypeOf(v.entries[len(v.entries)-1].Event))
	}
}

// judge has one of the judges of package story look at the events.
func (v *verifier) judge(name string, faults func([]event.Entry) []story.Fault) {
	check := v.check(name)
	check.Count = len(v.entries)
	for _, f := range faults(v.entries) {
		check.fault("line %d (%s): %s", f.Entry.Seq, event.TypeOf(f.Entry.Event), f.Why)
	}
}

// orNothing returns the ceremony, or the zero value before its first line.
func orNothing(c rules.State, i int) rules.State {
	if i == 0 {
		return rules.State{}
	}
	return c
}

// plan checks the identity and the certificates that the plan pins.
func (v *verifier) plan(proposed event.Proposed) {
	p := proposed.Plan
	identity := v.check(checkIdentity)
	identity.Count = 1
	if p.Identity != v.identity {
		identity.fault("the plan pins %s, and you name %s", p.Identity, v.identity)
	}
	if p.Ceremony != v.t.Ceremony {
		v.check(checkStory).fault("the plan is of %s, and the file of %s", p.Ceremony, v.t.Ceremony)
	}
	certificates := v.check(checkCertificates)
	wanted := p.Keys()
	for _, f := range wanted {
		certificates.Count++
		armored, ok := v.t.Certificates[f]
		if !ok && f != p.Identity {
			// People who left before the end are not in the configuration any more. That is no
			// fault. A signature of theirs that can't be checked is one, where it stands.
			v.loose.uncertified = append(v.loose.uncertified, p.Having(f)...)
			continue
		}
		if !ok {
			certificates.fault("%s: there is none, so that nobody can check what it signed", p.Owner(f))
			continue
		}
		if err := v.signatures.VerifyCertificate(armored, f); err != nil {
			certificates.fault("%s: it is not the key %s that the plan pins (%s)", p.Owner(f), f, reasonOf(err))
		}
	}
	for _, f := range slices.Sorted(maps.Keys(v.t.Certificates)) {
		if !slices.Contains(wanted, f) {
			certificates.fault("there is one of %s, whom the plan does not know", f)
		}
	}
}

// time checks that an entry was not written before the entry that it follows.
func (v *verifier) time(before, e event.Entry) {
	check := v.check(checkTimes)
	check.Count++
	if e.At.Before(before.At.Add(-clockSkew)) {
		check.fault("line %d was written at %s, and line %d before it at %s", e.Seq, stamp(e.At), before.Seq,
			stamp(before.At))
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// look checks one entry with the ceremony as it was before it.
func (v *verifier) look(e event.Entry) {
	switch ev := e.Event.(type) {
	case event.KeyAnnounced:
		v.announced(e, ev.Key)
		v.key = &ev.Key
	case event.Submitting:
		v.envelope(e, ev.By, ev.Step, ev.Evidence)
	case event.Proven:
		v.envelope(e, ev.By, ceremony.StepDrill, ev.Evidence)
	case event.Rekeyed:
		v.handedOut(e, ev.Shares, ev.Keys)
	case event.Initialized:
		v.handedOut(e, ev.Shares, v.c.Plan.Recipients())
		v.cipher(e, ev.Token, requesterKey(v.c.Plan))
	case event.TokenIssued:
		v.tokenIssued(e, ev)
	case event.BackupRead:
		for _, s := range ev.Shares {
			v.cipher(e, s.Ciphertext, s.For.Key)
		}
	case event.TranscriptSigned:
		v.earlier(e, ev)
	case event.RollCalled:
		v.called(e, ev)
	default:
		v.statement(e)
	}
}

// announced checks that the identity has signed the announcement that the journal has.
func (v *verifier) announced(e event.Entry, a ceremony.Announced) {
	check := v.check(checkAnnouncements)
	check.Count++
	says, err := v.signatures.VerifyAnnouncement(a, v.identity, e.At)
	if err != nil {
		check.fault("line %d: the announcement is not signed by %s, or can't be read (%s)", e.Seq, v.identity,
			reasonOf(err))
		return
	}
	p := v.c.Plan
	for _, field := range [...]struct{ what, journal, announced string }{
		{"ceremony", string(p.Ceremony), string(says.Ceremony)},
		{"operation", string(p.Operation), string(says.Operation)},
		{"cluster", p.Cluster, says.Cluster},
		{"plan hash", v.c.PlanHash, says.PlanHash},
		{"step", string(a.Step), string(says.Step)},
		{"nonce", a.Nonce, says.Nonce},
		{"ceremony key", a.Subkey, says.Subkey},
		{"expiry", stamp(a.Expires), stamp(says.Expires)},
	} {
		if field.journal != field.announced {
			check.fault("line %d: the announcement says %s %q, and the journal %q", e.Seq, field.what, field.announced,
				field.journal)
		}
	}
	if says.Plan != "" && says.Plan != p.Text() {
		check.fault("line %d: the plan in the announcement is not the plan of the journal", e.Seq)
	}
	if a.Identity != v.identity {
		check.fault("line %d: it is of the identity %s", e.Seq, a.Identity)
	}
	if d := e.At.Sub(a.At); d < -clockSkew || d > clockSkew {
		check.fault("line %d: announced at %s, and written down at %s", e.Seq, stamp(a.At), stamp(e.At))
	}
}

// envelope checks a holder's signature on an envelope.
func (v *verifier) envelope(e event.Entry, by ceremony.Person, step ceremony.Step, evidence ceremony.Evidence) {
	check := v.check(checkEnvelopes)
	check.Count++
	if by.Key == "" {
		check.fault("line %d: the plan pins no key for %s, so that no envelope of theirs counts", e.Seq, by.Name)
		return
	}
	if evidence.Signer != by.Key {
		check.fault("line %d: %s's envelope is signed by %s, and the plan pins %s", e.Seq, by.Name, evidence.Signer,
			by.Key)
	}
	if v.key == nil {
		check.fault("line %d: %s's envelope came before any key was announced", e.Seq, by.Name)
		return
	}
	v.madeWithin(check, e, by, evidence.SignedAt)
	if evidence.Signature == "" || evidence.Digest == "" {
		v.loose.unkept = append(v.loose.unkept, by)
		return
	}
	if first, again := v.seen[evidence.Signature]; again {
		check.fault("line %d: %s's signature stands at line %d already", e.Seq, by.Name, first)
	}
	if v.seen == nil {
		v.seen = map[string]int{}
	}
	v.seen[evidence.Signature] = e.Seq
	binding, made, err := v.signatures.VerifyEvidence(v.t.Certificates[by.Key], v.identity, evidence, ceremony.Expected{
		Ceremony: v.c.ID(), Step: step, Nonce: v.key.Nonce, Signer: by.Key, PlanHash: v.c.PlanHash, NotBefore: v.key.At,
		Now: e.At,
	})
	switch {
	case errors.Is(err, ceremony.ErrNoProof):
		v.loose.unkept = append(v.loose.unkept, by)
		return
	case err != nil:
		check.fault("line %d: the signature on the envelope is not what %s signed here (%s)", e.Seq, by.Name,
			reasonOf(err))
		return
	}
	if !made.Equal(evidence.SignedAt) {
		check.fault("line %d: %s signed at %s, and the journal says %s", e.Seq, by.Name, stamp(made),
			stamp(evidence.SignedAt))
	}
	switch want := ceremony.Binding(v.c.ID(), step, v.key.Nonce, v.c.PlanHash); binding {
	case "":
		v.loose.unbound = append(v.loose.unbound, by)
	case want:
	default:
		check.fault("line %d: %s has signed for %q, and this is %q", e.Seq, by.Name, binding, want)
	}
}

// madeWithin checks that a signature was made while shares were asked for under the key.
func (v *verifier) madeWithin(check *Check, e event.Entry, by ceremony.Person, made time.Time) {
	if made.Before(v.key.At.Add(-clockSkew)) || made.After(e.At.Add(clockSkew)) {
		check.fault("line %d: %s signed at %s, outside of %s to %s, when this key was asked for", e.Seq, by.Name,
			stamp(made), stamp(v.key.At), stamp(e.At))
	}
}

// handedOut checks that new shares are for the plan's receivers, in its order. Where the
// keys differ from the plan's, each share has to be for the receiver who has its key.
func (v *verifier) handedOut(e event.Entry, shares []event.NewShare, keys []ceremony.Fingerprint) {
	check := v.check(checkDeliveries)
	p := v.c.Plan
	for i, s := range shares {
		byKey := i < len(keys) && s.For.Key == keys[i] && slices.Contains(p.Receivers, s.For)
		if !byKey && (i >= len(p.Receivers) || s.For != p.Receivers[i]) {
			check.fault("line %d: share %d is for %s, and by the plan it is not", e.Seq, i+1, s.For.Name)
		}
		v.cipher(e, s.Ciphertext, s.For.Key)
	}
	if want := p.Recipients(); !slices.Equal(keys, want) {
		check.fault("line %d: Vault has encrypted to %s, and the plan wants %s", e.Seq, rules.List(keys),
			rules.List(want))
	}
}

// tokenIssued checks that a token is for the plan's requester, or under its one-time
// password.
func (v *verifier) tokenIssued(e event.Entry, ev event.TokenIssued) {
	check := v.check(checkDeliveries)
	if v.c.Plan.OTP != "" {
		check.Count++
		if _, err := base64.RawStdEncoding.Strict().DecodeString(ev.Encoded); err != nil || ev.Encoded == "" ||
			ev.Ciphertext != "" {
			check.fault("line %d: the token is not combined with the one-time password of the plan", e.Seq)
		}
		return
	}
	if want := v.c.Plan.Recipients(); !slices.Equal(ev.Keys, want) {
		check.fault("line %d: Vault has encrypted the token to %s, and the plan wants %s", e.Seq, rules.List(ev.Keys),
			rules.List(want))
	}
	if ev.Encoded != "" {
		check.fault("line %d: the token is combined with a one-time password, and the plan has none", e.Seq)
	}
	v.cipher(e, ev.Ciphertext, requesterKey(v.c.Plan))
}

// requesterKey returns the key to which a token is encrypted, or "".
func requesterKey(p ceremony.Plan) ceremony.Fingerprint {
	if p.Requester == nil {
		return ""
	}
	return p.Requester.Key
}

// cipher checks that a share or token that was handed out is encrypted to a key.
func (v *verifier) cipher(e event.Entry, ciphertext string, to ceremony.Fingerprint) {
	check := v.check(checkDeliveries)
	check.Count++
	if err := v.signatures.VerifyCiphertext(ciphertext, v.t.Certificates[to], to); err != nil {
		check.fault("line %d: what is handed out is not encrypted to %s (%s)", e.Seq, v.c.Plan.Owner(to), reasonOf(err))
	}
}

// earlier checks a transcript of this ceremony that was signed before.
func (v *verifier) earlier(e event.Entry, ev event.TranscriptSigned) {
	check := v.check(checkTranscripts)
	check.Count++
	t, err := rebuild(v.c, ev)
	if err != nil {
		check.fault("line %d: transcript %d can't be made again: %v", e.Seq, ev.Number, err)
		return
	}
	file, err := t.Encode()
	if err != nil || journal.HashLine(file) != ev.SHA256 {
		check.fault("line %d: transcript %d was of other lines or certificates", e.Seq, ev.Number)
		return
	}
	text, err := t.Signed()
	if err == nil {
		err = v.signatures.VerifyDetached(v.t.Certificates[v.identity], v.identity, text, ev.Signature)
	}
	if err != nil {
		check.fault("line %d: transcript %d is not signed by %s (%s)", e.Seq, ev.Number, v.identity, reasonOf(err))
	}
}

// outline fills in what the transcript is about, and the gaps.
func (v *verifier) outline() {
	a := &v.audit
	a.Ceremony, a.Events, a.Head = v.t.Ceremony, len(v.t.Journal), v.t.Head
	a.Conditions = event.ConditionsOf(slices.DeleteFunc(slices.Clone(v.entries), func(e event.Entry) bool {
		c, ok := e.Event.(event.Conditions)
		return ok && c.Plain() != nil // the story is refused, and what it says is printed
	}))
	a.Operation, a.Cluster, a.PlanHash, a.Outcome = v.c.Plan.Operation, v.c.Plan.Cluster, v.c.PlanHash, v.c.Outcome
	if n := len(v.entries); n > 0 {
		a.From, a.To = v.entries[0].At, v.entries[n-1].At
	}
	a.People = v.c.Plan.Everybody()
	a.NotProven = gaps(v.lawful, v.loose)
}

// reasonOf returns in words why a signature was not taken.
func reasonOf(err error) string {
	if refusal, ok := ceremony.RefusalOf(err); ok {
		if words, ok := signatureFaults[refusal]; ok {
			return words
		}
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner // the reader already knows what was being done
	}
	return err.Error()
}

var signatureFaults = map[ceremony.Refusal]string{
	ceremony.Unsigned:         "it has no signature",
	ceremony.ManySignatures:   "it has more than one signature",
	ceremony.WrongSigner:      "another key has signed it",
	ceremony.BadSignature:     "the signature does not fit what it is said to sign",
	ceremony.SignerInvalid:    "the key was expired or revoked",
	ceremony.Stale:            "it was signed before this ceremony",
	ceremony.FromTheFuture:    "it was signed after it was written down",
	ceremony.OtherIdentity:    "it was signed for somebody else",
	ceremony.BadMessage:       "it is damaged",
	ceremony.BadArmor:         "its armor is damaged",
	ceremony.Altered:          "its armor is damaged",
	ceremony.Truncated:        "its end is missing",
	ceremony.NoArmor:          "there is no PGP message",
	ceremony.HolderKeyInvalid: "the certificate can't be used",
}
