package ceremony_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"conclave/ceremony"
)

// fakeVault keeps the rules of Vault's ceremony endpoints that the engine relies
// on. Shares are words, not polynomials: the package vaulttest has the real ones.
type fakeVault struct {
	mu sync.Mutex

	shares    []string // of the key in force
	threshold int
	clusterID string
	sealType  string
	sealed    bool
	serial    int

	attempt *fakeAttempt
	backup  *ceremony.Backup

	encrypts func(to ceremony.Fingerprint) string // what is handed out, in the place of plain words

	// fault decides about call number n of a method: an error before it is
	// applied, an error after, or none.
	fault func(method string, n int) (before, after error)
	calls map[string]int
	log   []string // of writes, with the share
	roots int      // root tokens that were made

	fakeRest
}

type fakeAttempt struct {
	order    ceremony.Order
	op       ceremony.Operation
	nonce    string
	progress []string
	verify   string // nonce
	stray    string // what is shown as one before there is one
	fresh    []string
	proven   []string
	keys     []ceremony.Fingerprint
	otp      string
	asks     int // shares that it says it needs, when they are others than the key's
	proof    int // the same of its verification
}

func newFakeVault() *fakeVault {
	return &fakeVault{
		shares: []string{"old-1", "old-2", "old-3", "old-4", "old-5"}, threshold: 3,
		clusterID: "cluster-1", sealType: shamir, calls: map[string]int{}, fakeRest: newFakeRest(),
	}
}

func (v *fakeVault) call(method string, apply func() error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.calls[method]
	v.calls[method]++
	var before, after error
	if v.fault != nil {
		before, after = v.fault(method, n)
	}
	if before != nil {
		return before
	}
	if v.sealed && method != "seal" {
		return ceremony.ErrSealed
	}
	if err := apply(); err != nil {
		return err
	}
	return after
}

// count is how often a method was called.
func (v *fakeVault) count(method string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls[method]
}

func (v *fakeVault) nonce() string { v.serial++; return fmt.Sprintf("nonce-%d", v.serial) }

func (v *fakeVault) Seal(context.Context) (s ceremony.Seal, err error) {
	err = v.call("seal", func() error {
		s = ceremony.Seal{
			Initialized: true, Sealed: v.sealed, Type: v.sealType,
			Shares: len(v.shares), Threshold: v.threshold, ClusterID: v.clusterID,
		}
		return nil
	})
	return s, err
}

func (v *fakeVault) Progress(_ context.Context, op ceremony.Operation, step ceremony.Step) (p ceremony.Progress, err error) {
	err = v.call("progress", func() error { p = v.progress(op, step); return nil })
	return p, err
}

func (v *fakeVault) progress(op ceremony.Operation, step ceremony.Step) ceremony.Progress {
	a := v.attempt
	if a == nil || a.op != op {
		return ceremony.Progress{Required: v.threshold, OTPLength: cmp.Or(v.otpLength, 28)}
	}
	if step == ceremony.Verify {
		if a.verify == "" {
			return ceremony.Progress{}
		}
		return ceremony.Progress{Started: true, Nonce: a.verify, Progress: len(a.proven), Required: cmp.Or(a.proof, a.order.Threshold)}
	}
	return ceremony.Progress{
		Started: true, Nonce: a.nonce, Progress: len(a.progress), Required: cmp.Or(a.asks, v.threshold),
		Shares: a.order.Shares, Threshold: a.order.Threshold, Fingerprints: a.keys,
		Backup: a.order.Backup, VerificationRequired: a.order.Verification, VerificationNonce: cmp.Or(a.verify, a.stray),
	}
}

func (v *fakeVault) Start(_ context.Context, o ceremony.Order) (p ceremony.Progress, err error) {
	err = v.call("start", func() error {
		if v.attempt != nil {
			return ceremony.ErrRefused
		}
		a := &fakeAttempt{order: o, op: o.Operation, nonce: v.nonce()}
		for _, k := range o.Keys {
			a.keys = append(a.keys, ceremony.Fingerprint(k))
		}
		if o.OTP != nil {
			_ = o.OTP.Use(func(b []byte) error { a.otp = string(b); return nil })
		}
		if v.begins != nil {
			v.begins(a)
		}
		v.attempt = a
		v.log = append(v.log, "start "+a.nonce)
		p = v.progress(o.Operation, ceremony.Update)
		return nil
	})
	return p, err
}

func (v *fakeVault) Submit(_ context.Context, s ceremony.Submission) (a ceremony.Answer, err error) {
	var share string
	if err := s.Share.Use(func(b []byte) error { share = string(b); return nil }); err != nil {
		return a, err
	}
	err = v.call("submit", func() error {
		if v.attempt == nil {
			return ceremony.ErrRefused
		}
		v.log = append(v.log, fmt.Sprintf("submit %s %s %s", s.Step, s.Nonce, share))
		if s.Step == ceremony.Verify {
			a, err = v.verify(s.Nonce, share)
		} else {
			a, err = v.update(s.Nonce, share)
		}
		return err
	})
	return a, err
}

func (v *fakeVault) update(nonce, share string) (ceremony.Answer, error) {
	at := v.attempt
	if nonce != at.nonce || at.verify != "" || slices.Contains(at.progress, share) {
		return ceremony.Answer{}, ceremony.ErrRefused
	}
	at.progress = append(at.progress, share)
	if len(at.progress) < v.threshold {
		return ceremony.Answer{}, nil
	}
	given := at.progress
	at.progress = nil
	for _, s := range given {
		if !slices.Contains(v.shares, s) {
			return ceremony.Answer{}, ceremony.ErrUncertain // a 500, as Vault does
		}
	}
	if at.op.IssuesToken() {
		v.roots++
		v.attempt = nil
		if at.otp != "" {
			return ceremony.Answer{Complete: true, Encoded: "token with " + at.otp}, nil
		}
		keys := at.keys
		if v.diverts != "" {
			keys = []ceremony.Fingerprint{v.diverts}
		}
		return ceremony.Answer{Complete: true, Ciphertexts: []string{v.encrypted("token", keys[0])}, Fingerprints: keys}, nil
	}
	a := ceremony.Answer{Complete: true, Fingerprints: at.keys}
	b := ceremony.Backup{Nonce: at.nonce, Ciphertexts: map[ceremony.Fingerprint][]string{}}
	for i, k := range at.keys {
		fresh := fmt.Sprintf("new-%d", i+1)
		at.fresh = append(at.fresh, fresh)
		ciphertext := v.encrypted(fresh, k)
		a.Ciphertexts = append(a.Ciphertexts, ciphertext)
		b.Ciphertexts[k] = append(b.Ciphertexts[k], ciphertext)
	}
	if at.order.Backup {
		v.backup = &b
	}
	if !at.order.Verification {
		v.commit()
		return a, nil
	}
	at.verify = v.nonce()
	a.VerificationNonce = at.verify
	return a, nil
}

func (v *fakeVault) verify(nonce, share string) (ceremony.Answer, error) {
	at := v.attempt
	if nonce != at.verify || slices.Contains(at.proven, share) {
		return ceremony.Answer{}, ceremony.ErrRefused
	}
	at.proven = append(at.proven, share)
	if len(at.proven) < at.order.Threshold {
		return ceremony.Answer{}, nil
	}
	given := at.proven
	at.proven = nil
	for _, s := range given {
		if !slices.Contains(at.fresh, s) {
			at.verify = v.nonce()
			return ceremony.Answer{}, ceremony.ErrRefused
		}
	}
	v.commit()
	return ceremony.Answer{Complete: true}, nil
}

func (v *fakeVault) commit() {
	v.shares, v.threshold = v.attempt.fresh, v.attempt.order.Threshold
	v.attempt = nil
}

func (v *fakeVault) Cancel(_ context.Context, op ceremony.Operation, nonce string) error {
	return v.call("cancel", func() error {
		if v.attempt == nil || v.attempt.op != op || v.attempt.nonce != nonce {
			return ceremony.ErrRefused
		}
		v.log = append(v.log, "cancel "+nonce)
		v.attempt = nil
		return nil
	})
}

func (v *fakeVault) CancelVerification(_ context.Context, op ceremony.Operation, nonce string) (p ceremony.Progress, err error) {
	err = v.call("cancel-verification", func() error {
		if v.attempt == nil || v.attempt.verify != nonce {
			return ceremony.ErrRefused
		}
		v.log = append(v.log, "cancel verification "+nonce)
		v.attempt.proven, v.attempt.verify = nil, v.nonce()
		p = v.progress(op, ceremony.Verify)
		return nil
	})
	return p, err
}

func (v *fakeVault) Backup(context.Context, ceremony.Operation) (b ceremony.Backup, err error) {
	err = v.call("backup", func() error {
		if v.backup == nil {
			return ceremony.ErrNoBackup
		}
		b = *v.backup
		return nil
	})
	return b, err
}

// do is somebody else who acts on Vault.
func (v *fakeVault) do(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

// encrypted is what the fake Vault hands out: plain words, unless a test has it encrypt.
func (v *fakeVault) encrypted(what string, to ceremony.Fingerprint) string {
	if v.encrypts != nil {
		return v.encrypts(to)
	}
	return enc(what + " for " + string(to))
}

func enc(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// fakeOpener has envelopes of plain words:
// "KEY|SIGNER|UNIX|CEREMONY|STEP|NONCE|SHARE". Package openpgp has the real ones.
type fakeOpener struct {
	name   string // of the identity, when it is another one
	mu     sync.Mutex
	serial int
	bad    map[ceremony.Fingerprint]bool
	open   int // keys that were made and not destroyed
}

func (o *fakeOpener) Identity() ceremony.Fingerprint { return fpr(cmp.Or(o.name, "identity")) }

func (*fakeOpener) Certificate(f ceremony.Fingerprint) ([]byte, error) { return []byte(f), nil }

func (o *fakeOpener) CheckKey(f ceremony.Fingerprint, _, _ time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bad[f] {
		return fmt.Errorf("it has expired: %w", ceremony.HolderKeyInvalid)
	}
	return nil
}

func (o *fakeOpener) NewKey(n ceremony.Notice) (ceremony.Key, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.serial++
	o.open++
	return &fakeKey{opener: o, a: ceremony.Announced{
		Identity: o.Identity(), Subkey: fmt.Sprintf("%040x", o.serial),
		Announcement: "announcement", Certificate: "certificate",
		Step: n.Step, Nonce: n.Nonce, At: n.At.UTC().Round(0), Expires: n.Expires,
	}}, nil
}

func (o *fakeOpener) SignDelivery(ceremony.Parcel) (ceremony.SignedParcel, error) {
	return ceremony.SignedParcel{}, nil
}

type fakeKey struct {
	opener *fakeOpener
	a      ceremony.Announced
	gone   bool
}

func (k *fakeKey) Announced() ceremony.Announced { return k.a }
func (k *fakeKey) Fits(e []byte) bool            { return strings.HasPrefix(string(e), k.a.Subkey+"|") }
func (k *fakeKey) Destroy() {
	if !k.gone {
		k.gone = true
		k.opener.mu.Lock()
		k.opener.open--
		k.opener.mu.Unlock()
	}
}

func (k *fakeKey) Open(e []byte, want ceremony.Expected) (*ceremony.Secret, ceremony.Evidence, error) {
	f := strings.Split(string(e), "|")
	switch {
	case want.Commitment != "" && strings.HasPrefix(string(e), "plain "):
		return nil, ceremony.Evidence{}, ceremony.PlainPassword
	case k.gone, len(f) != 7, f[0] != k.a.Subkey:
		return nil, ceremony.Evidence{}, ceremony.OtherKey
	case f[1] != string(want.Signer):
		return nil, ceremony.Evidence{}, ceremony.WrongSigner
	}
	at, _ := strconv.ParseInt(f[2], 10, 64)
	evidence := ceremony.Evidence{Signer: want.Signer, SignedAt: time.Unix(at, 0).UTC()}
	switch {
	case f[3] != string(want.Ceremony):
		return nil, evidence, ceremony.OtherCeremony
	case f[4] != string(want.Step):
		return nil, evidence, ceremony.OtherStep
	case f[5] != want.Nonce:
		return nil, evidence, ceremony.OtherNonce
	}
	share := strings.TrimSpace(f[6])
	if sum := sha256.Sum256([]byte(share)); want.Commitment != "" && hex.EncodeToString(sum[:]) != want.Commitment {
		return nil, evidence, ceremony.OtherPassword
	}
	return ceremony.NewSecret([]byte(share)), evidence, nil
}

// fakeCourier keeps what was posted.
type fakeCourier struct {
	mu     sync.Mutex
	posted map[string]int // ceremony/key → times
	order  []string
	drawn  []ceremony.Ceremony
	fault  func(m ceremony.Message, n int) error // after the message was posted, but for ErrNotPosted
	tries  map[string]int
	// replace says whether a redrawing has to take another post.
	replace func() bool
}

func newFakeCourier() *fakeCourier {
	return &fakeCourier{posted: map[string]int{}, tries: map[string]int{}}
}

func (f *fakeCourier) Deliver(_ context.Context, c ceremony.Ceremony, m ceremony.Message, maybe bool) (ceremony.Ref, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := string(c.ID()) + " " + m.Key
	ref := ceremony.Ref{Channel: "C", TS: key}
	n := f.tries[key]
	f.tries[key]++
	if maybe && f.posted[key] > 0 {
		return ref, nil
	}
	var err error
	if f.fault != nil {
		f.mu.Unlock() // it may take its time
		err = f.fault(m, n)
		f.mu.Lock()
	}
	if err != nil && (errors.Is(err, ceremony.ErrNotPosted) || errors.Is(err, ceremony.ErrUndeliverable)) {
		return ceremony.Ref{}, err
	}
	f.posted[key]++
	f.order = append(f.order, m.Key)
	return ref, err
}

func (f *fakeCourier) Redraw(_ context.Context, c ceremony.Ceremony, _ ceremony.Live, at ceremony.Ref) (ceremony.Ref, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drawn = append(f.drawn, c)
	if f.replace != nil && !strings.HasSuffix(at.TS, "+") && f.replace() {
		at.TS += "+"
	}
	return at, nil
}

// twice names the messages that were posted more than once.
func (f *fakeCourier) twice() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(f.posted)) {
		if f.posted[k] > 1 {
			keys = append(keys, k)
		}
	}
	return keys
}

func fpr(name string) ceremony.Fingerprint {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range 40 {
		b.WriteByte(digits[(int(name[i%len(name)])+i)%16])
	}
	return ceremony.Fingerprint(b.String())
}

func person(name string) ceremony.Person {
	return ceremony.Person{Name: name, Account: ceremony.Account{Team: "T1", User: "U" + strings.ToUpper(name)}, Key: fpr(name)}
}

func people(names ...string) []ceremony.Person {
	list := make([]ceremony.Person, len(names))
	for i, n := range names {
		list[i] = person(n)
	}
	return list
}

var holders = []string{"alice", "bob", "carol", "dave", "erin"}

// stage is an engine with everything around it, in a bubble of its own time.
type stage struct {
	t       *testing.T
	dir     string
	vault   *fakeVault
	opener  *fakeOpener
	courier *fakeCourier
	journal func(ceremony.Journal) ceremony.Journal // wraps the journal of the next start
	keys    func(ceremony.Opener) ceremony.Opener   // wraps the opener of the next start
	forget  func()                                  // what the next start is given to collect garbage with
	verify  bool
	watch   bool // sealed nodes are looked for
	obliges bool // people do what a policy asks of them, as soon as it does

	archives []ceremony.Archive // that keep transcripts

	configure func(*ceremony.Cluster) // changes what the engine is made of
	rekey     ceremony.Operation      // the one that suits the cluster's seal

	engine *ceremony.Engine
	file   *ceremony.FileJournal
	cancel context.CancelFunc
	done   chan error
	serial int
}

// Kinds of seals.
const (
	shamir  = "shamir"
	transit = "transit" // the cluster unseals itself
)

// play plays a test on each kind of cluster.
func play(t *testing.T, f func(t *testing.T, s *stage)) {
	t.Helper()
	for _, op := range []ceremony.Operation{ceremony.Rekey, ceremony.RekeyRecovery} {
		t.Run("where it is "+string(op), func(t *testing.T) { playFor(t, op, f) })
	}
}

// playFor plays a test on a cluster that the operation suits: in a bubble, with
// an engine that is started and stopped, and with the checks that hold for every
// ceremony.
func playFor(t *testing.T, op ceremony.Operation, f func(t *testing.T, s *stage)) {
	t.Helper()
	rekey, seal := ceremony.Rekey, shamir
	if op == ceremony.RekeyRecovery {
		rekey, seal = op, transit
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, dir: dir, vault: newFakeVault(), opener: &fakeOpener{}, courier: newFakeCourier(), verify: true, rekey: rekey}
		s.vault.sealType = seal
		s.prepare(op)
		s.start()
		defer s.check()
		f(t, s)
	})
}

// check stops the engine and looks at what it leaves behind.
func (s *stage) check() {
	s.stop()
	if twice := s.courier.twice(); len(twice) > 0 {
		s.t.Errorf("posted more than once: %q", twice)
	}
	if _, err := ceremony.VerifyDir(s.dir); err != nil {
		s.t.Errorf("the journal does not verify: %v", err)
	}
	if s.opener.open != 0 {
		s.t.Errorf("%d ceremony keys were left undestroyed", s.opener.open)
	}
}

func (s *stage) start() {
	s.t.Helper()
	file, err := ceremony.OpenJournal(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	s.file = file
	var journal ceremony.Journal = file
	if s.journal != nil {
		journal = s.journal(file)
	}
	var opener ceremony.Opener = s.opener
	if s.keys != nil {
		opener = s.keys(opener)
	}
	cluster := ceremony.Cluster{
		Name: "prod", Vault: s.vault, Operations: ceremony.Operations(),
		Initiators: people("olga", "alice"), Approvers: people("paul", "olga", "quin"), Approvals: 1,
		Holders: people(holders...), Receivers: people(holders...), NewThreshold: 3,
		Verification: s.verify, Backup: true,
		Window: 4 * time.Hour, Poll: 15 * time.Second, Watch: s.watch,
	}
	if s.configure != nil {
		s.configure(&cluster)
	}
	s.engine = ceremony.NewEngine(ceremony.Config{
		Clusters: []ceremony.Cluster{cluster},
		Opener:   opener, Signatures: spokenSignatures{}, Courier: s.courier, Journal: journal, Forget: s.forget,
		Log:      slog.New(slog.NewTextHandler(io.Discard, nil)),
		Archives: s.archives, Files: transcriptFile,
	})
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.done = make(chan error, 1)
	engine := s.engine
	go func() { s.done <- engine.Run(ctx) }()
	synctest.Wait()
}

func (s *stage) stop() {
	s.t.Helper()
	s.cancel()
	if err := <-s.done; err != nil {
		s.t.Errorf("the engine ended with %v", err)
	}
	if err := s.file.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *stage) restart() { s.stop(); s.start() }

// settle lets everything happen that needs no time but the given.
func (s *stage) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *stage) propose(op ceremony.Operation) ceremony.ID {
	s.t.Helper()
	c, err := s.engine.Propose(context.Background(), ceremony.Proposal{
		Operation: op, Cluster: "prod", Reason: "a test", By: person("olga").Account, Options: options(op),
	})
	if err != nil {
		s.t.Fatalf("propose: %v", err)
	}
	return c.ID()
}

func (s *stage) begin(op ceremony.Operation) ceremony.ID {
	s.t.Helper()
	id := s.propose(op)
	if op.NeedsApproval() {
		if _, err := s.engine.Approve(context.Background(), id, person("paul").Account, ""); err != nil {
			s.t.Fatalf("approve: %v", err)
		}
	}
	s.settle(time.Second)
	return id
}

// prepare makes the cluster one that needs the operation.
func (s *stage) prepare(op ceremony.Operation) {
	switch op {
	case ceremony.Unseal:
		for _, n := range s.vault.nodes {
			n.sealed = true
		}
	case ceremony.Init:
		for _, n := range s.vault.nodes {
			n.fresh = true
		}
	case ceremony.ReadBackup:
		s.vault.backup = &ceremony.Backup{Nonce: "of-long-ago", Ciphertexts: map[ceremony.Fingerprint][]string{
			fpr("alice"): {enc("new-1")}, fpr("bob"): {enc("new-2")}, fpr("mallory"): {enc("new-3")},
		}}
	}
}

// options are what a proposal of the operation needs.
func options(op ceremony.Operation) map[string]string {
	if op == ceremony.RotateConfig {
		return map[string]string{"interval": "720h"}
	}
	return nil
}

func (s *stage) now(id ceremony.ID) ceremony.Ceremony {
	s.t.Helper()
	c, _, err := s.engine.Ceremony(id)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// envelope is what somebody who follows the instructions sends.
func (s *stage) envelope(id ceremony.ID, name, share string) []byte {
	s.t.Helper()
	return s.signedBy(id, string(fpr(name)), share)
}

// signedBy is an envelope with somebody's signature, or without one.
func (s *stage) signedBy(id ceremony.ID, signer, share string) []byte {
	s.t.Helper()
	c := s.now(id)
	if c.Key == nil {
		s.t.Fatalf("no key is announced: the ceremony is %s", c.State)
	}
	time.Sleep(time.Second) // no two signatures in one second
	return fmt.Appendf(nil, "%s|%s|%d|%s|%s|%s|%s", c.Key.Subkey, signer, time.Now().Unix(), id, c.Key.Step, c.Key.Nonce, share)
}

func (s *stage) send(name string, envelope []byte) error {
	s.serial++
	_, err := s.engine.Offer(context.Background(), ceremony.Offer{
		By: person(name).Account, Message: ceremony.Ref{Channel: "D" + name, TS: strconv.Itoa(s.serial)}, Way: ceremony.ByText, Envelope: envelope,
	})
	s.settle(0)
	return err
}

// share sends somebody's share as they should, and fails the test when it is
// not taken.
func (s *stage) share(id ceremony.ID, name, share string) {
	s.t.Helper()
	if err := s.send(name, s.envelope(id, name, share)); err != nil {
		s.t.Fatalf("%s's share: %v", name, err)
	}
}

// contribute has the next n holders who are missing bring their shares.
func (s *stage) contribute(id ceremony.ID, step ceremony.Step, n int) {
	s.t.Helper()
	for range n {
		name := s.now(id).Missing()[0].Name
		s.share(id, name, own(step, name))
	}
}

// thaw is the word of the two people whom it takes.
func (s *stage) thaw(id ceremony.ID) {
	s.t.Helper()
	for _, name := range []string{"olga", "paul"} {
		if _, err := s.engine.Resume(context.Background(), id, person(name).Account); err != nil {
			s.t.Fatal(err)
		}
	}
}

// own is the share that a holder has in a step.
func own(step ceremony.Step, name string) string {
	n := slices.Index(holders, name) + 1
	if step == ceremony.Verify {
		return fmt.Sprintf("new-%d", n)
	}
	return fmt.Sprintf("old-%d", n)
}

// finish brings whatever is missing until the ceremony has ended or stands
// still; every holder answers every ask once a round.
func (s *stage) finish(id ceremony.ID) ceremony.Ceremony {
	s.t.Helper()
	for range 40 {
		s.settle(10 * time.Second)
		c := s.now(id)
		if c.Ended() || c.State == ceremony.StateFrozen {
			return c
		}
		s.oblige(id)
		c = s.now(id)
		if c.Plan.Operation == ceremony.ReadBackup && c.Backup != nil && c.Deletion == nil {
			_, _ = s.engine.Delete(context.Background(), id, person("paul").Account) // not before everybody has theirs
		}
		if !c.Wants() || c.Pending != nil {
			continue
		}
		name := c.Missing()[0].Name
		_ = s.send(name, s.envelope(id, name, own(c.Round.Step, name)))
	}
	c := s.now(id)
	s.t.Fatalf("the ceremony does not come to an end: %s, pending %+v", c.State, c.Pending)
	return c
}

// submitted are the shares that reached Vault, in order.
func (v *fakeVault) submitted() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var list []string
	for _, l := range v.log {
		if rest, ok := strings.CutPrefix(l, "submit "); ok {
			list = append(list, rest)
		}
	}
	return list
}
