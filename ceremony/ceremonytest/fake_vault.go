package ceremonytest

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"

	"conclave/ceremony"
)

// FakeVault keeps the rules of Vault's ceremony endpoints that the engine relies on. Shares
// are words, and no points of a polynomial: package vaulttest has these.
type FakeVault struct {
	mu sync.Mutex

	Shares    []string // of the key in force
	Threshold int
	ClusterID string
	SealType  string
	Sealed    bool
	serial    int

	Attempt *FakeAttempt
	Saved   *ceremony.Backup

	Encrypts func(to ceremony.Fingerprint) string // returns what is handed out; nil means plain words

	// Fault returns the errors of call number n of a method, counted from 0: before it is
	// applied, which it is not then, and after.
	Fault func(method string, n int) (before, after error)
	Calls map[string]int
	Log   []string // of writes, with their share
	Roots int      // root tokens that were made

	fakeRest
}

// FakeAttempt is an attempt in progress.
type FakeAttempt struct {
	Order    ceremony.Order
	Op       ceremony.Operation
	Nonce    string
	Progress []string // shares that it has counted
	Verify   string   // nonce of its verification
	Stray    string   // what is shown as that nonce before there is one
	fresh    []string // new shares
	Proven   []string // new shares that its verification has counted
	Keys     []ceremony.Fingerprint
	otp      string
	Asks     int // how many shares it asks for; 0 means the key's threshold
	Proof    int // the same of its verification; 0 means the new threshold
}

// NewFakeVault returns an unsealed cluster whose key has five shares, "old-1" to "old-5", of
// which it asks for three.
func NewFakeVault() *FakeVault {
	return &FakeVault{
		Shares: []string{"old-1", "old-2", "old-3", "old-4", "old-5"}, Threshold: 3,
		ClusterID: "cluster-1", SealType: Shamir, Calls: map[string]int{}, fakeRest: newFakeRest(),
	}
}

// call applies a call, or not, as Fault says.
func (v *FakeVault) call(method string, apply func() error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.Calls[method]
	v.Calls[method]++
	var before, after error
	if v.Fault != nil {
		before, after = v.Fault(method, n)
	}
	if before != nil {
		return before
	}
	if v.Sealed && method != "seal" {
		return ceremony.ErrSealed
	}
	if err := apply(); err != nil {
		return err
	}
	return after
}

// Count returns how often a method was called.
func (v *FakeVault) Count(method string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.Calls[method]
}

// Nonce returns a new nonce.
func (v *FakeVault) Nonce() string { v.serial++; return fmt.Sprintf("nonce-%d", v.serial) }

func (v *FakeVault) Seal(context.Context) (s ceremony.Seal, err error) {
	err = v.call("seal", func() error {
		s = ceremony.Seal{
			Initialized: true, Sealed: v.Sealed, Type: v.SealType,
			Shares: len(v.Shares), Threshold: v.Threshold, ClusterID: v.ClusterID,
		}
		return nil
	})
	return s, err
}

func (v *FakeVault) Progress(
	_ context.Context, op ceremony.Operation, step ceremony.Step,
) (p ceremony.Progress, err error) {
	err = v.call("progress", func() error { p = v.progress(op, step); return nil })
	return p, err
}

func (v *FakeVault) progress(op ceremony.Operation, step ceremony.Step) ceremony.Progress {
	a := v.Attempt
	if a == nil || a.Op != op {
		return ceremony.Progress{Required: v.Threshold, OTPLength: cmp.Or(v.OtpLength, 28)}
	}
	if step == ceremony.StepVerify {
		if a.Verify == "" {
			return ceremony.Progress{}
		}
		return ceremony.Progress{
			Started: true, Nonce: a.Verify, Progress: len(a.Proven), Required: cmp.Or(a.Proof, a.Order.Threshold),
		}
	}
	return ceremony.Progress{
		Started: true, Nonce: a.Nonce, Progress: len(a.Progress), Required: cmp.Or(a.Asks, v.Threshold),
		Shares: a.Order.Shares, Threshold: a.Order.Threshold, Fingerprints: slices.Clone(a.Keys),
		Backup: a.Order.Backup, VerificationRequired: a.Order.Verification,
		VerificationNonce: cmp.Or(a.Verify, a.Stray),
	}
}

func (v *FakeVault) Start(_ context.Context, o ceremony.Order) (p ceremony.Progress, err error) {
	err = v.call("start", func() error {
		if v.Attempt != nil {
			return ceremony.ErrRefused
		}
		a := &FakeAttempt{Order: o, Op: o.Operation, Nonce: v.Nonce()}
		for _, k := range o.Keys {
			a.Keys = append(a.Keys, ceremony.Fingerprint(k))
		}
		if o.OTP != nil {
			_ = o.OTP.Use(func(b []byte) error { a.otp = string(b); return nil })
		}
		if v.Begins != nil {
			v.Begins(a)
		}
		v.Attempt = a
		v.Log = append(v.Log, "start "+a.Nonce)
		p = v.progress(o.Operation, ceremony.StepUpdate)
		return nil
	})
	return p, err
}

func (v *FakeVault) Submit(_ context.Context, s ceremony.Submission) (a ceremony.Answer, err error) {
	var share string
	if err := s.Share.Use(func(b []byte) error { share = string(b); return nil }); err != nil {
		return a, err
	}
	err = v.call("submit", func() error {
		if v.Attempt == nil {
			return ceremony.ErrRefused
		}
		v.Log = append(v.Log, fmt.Sprintf("submit %s %s %s", s.Step, s.Nonce, share))
		if s.Step == ceremony.StepVerify {
			a, err = v.Verify(s.Nonce, share)
		} else {
			a, err = v.Update(s.Nonce, share)
		}
		return err
	})
	return a, err
}

// Update counts a share of the key in force. It must be called under [FakeVault.Do].
func (v *FakeVault) Update(nonce, share string) (ceremony.Answer, error) {
	at := v.Attempt
	if nonce != at.Nonce || at.Verify != "" || slices.Contains(at.Progress, share) {
		return ceremony.Answer{}, ceremony.ErrRefused
	}
	at.Progress = append(at.Progress, share)
	if len(at.Progress) < v.Threshold {
		return ceremony.Answer{}, nil
	}
	given := at.Progress
	at.Progress = nil
	for _, s := range given {
		if !slices.Contains(v.Shares, s) {
			return ceremony.Answer{}, ceremony.ErrUncertain // a 500, as Vault does
		}
	}
	if at.Op.IssuesToken() {
		v.Roots++
		v.Attempt = nil
		if at.otp != "" {
			return ceremony.Answer{Complete: true, Encoded: "token with " + at.otp}, nil
		}
		keys := at.Keys
		if v.Diverts != "" {
			keys = []ceremony.Fingerprint{v.Diverts}
		}
		token := v.encrypted("token", keys[0])
		return ceremony.Answer{Complete: true, Ciphertexts: []string{token}, Fingerprints: keys}, nil
	}
	a := ceremony.Answer{Complete: true, Fingerprints: slices.Clone(at.Keys)}
	b := ceremony.Backup{Nonce: at.Nonce, Ciphertexts: map[ceremony.Fingerprint][]string{}}
	for i, k := range at.Keys {
		fresh := fmt.Sprintf("new-%d", i+1)
		at.fresh = append(at.fresh, fresh)
		ciphertext := v.encrypted(fresh, k)
		a.Ciphertexts = append(a.Ciphertexts, ciphertext)
		b.Ciphertexts[k] = append(b.Ciphertexts[k], ciphertext)
	}
	if at.Order.Backup {
		v.Saved = &b
	}
	if !at.Order.Verification {
		v.Commit()
		return a, nil
	}
	at.Verify = v.Nonce()
	a.VerificationNonce = at.Verify
	return a, nil
}

// Verify counts a new share. It must be called under [FakeVault.Do].
func (v *FakeVault) Verify(nonce, share string) (ceremony.Answer, error) {
	at := v.Attempt
	if nonce != at.Verify || slices.Contains(at.Proven, share) {
		return ceremony.Answer{}, ceremony.ErrRefused
	}
	at.Proven = append(at.Proven, share)
	if len(at.Proven) < at.Order.Threshold {
		return ceremony.Answer{}, nil
	}
	given := at.Proven
	at.Proven = nil
	for _, s := range given {
		if !slices.Contains(at.fresh, s) {
			at.Verify = v.Nonce()
			return ceremony.Answer{}, ceremony.ErrRefused
		}
	}
	v.Commit()
	return ceremony.Answer{Complete: true}, nil
}

// Commit brings the attempt's new key into force. It must be called under [FakeVault.Do].
func (v *FakeVault) Commit() {
	v.Shares, v.Threshold = v.Attempt.fresh, v.Attempt.Order.Threshold
	v.Attempt = nil
}

func (v *FakeVault) Cancel(_ context.Context, op ceremony.Operation, nonce string) error {
	return v.call("cancel", func() error {
		if v.Attempt == nil {
			return nil // Vault confirms that it has dropped what it does not have
		}
		if v.Attempt.Op != op || v.Attempt.Nonce != nonce {
			return ceremony.ErrRefused
		}
		v.Log = append(v.Log, "cancel "+nonce)
		v.Attempt = nil
		return nil
	})
}

func (v *FakeVault) CancelVerification(
	_ context.Context, op ceremony.Operation, nonce string,
) (p ceremony.Progress, err error) {
	err = v.call("cancel-verification", func() error {
		if v.Attempt == nil || v.Attempt.Verify != nonce {
			return ceremony.ErrRefused
		}
		v.Log = append(v.Log, "cancel verification "+nonce)
		v.Attempt.Proven, v.Attempt.Verify = nil, v.Nonce()
		p = v.progress(op, ceremony.StepVerify)
		return nil
	})
	return p, err
}

func (v *FakeVault) Backup(context.Context, ceremony.Operation) (b ceremony.Backup, err error) {
	err = v.call("backup", func() error {
		if v.Saved == nil {
			return ceremony.ErrNoBackup
		}
		b = *v.Saved
		return nil
	})
	return b, err
}

// Do runs f under the lock, as another client of Vault would act.
func (v *FakeVault) Do(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

// encrypted returns what the fake Vault hands out for a key: by Encrypts, or plain words.
func (v *FakeVault) encrypted(what string, to ceremony.Fingerprint) string {
	if v.Encrypts != nil {
		return v.Encrypts(to)
	}
	return Enc(what + " for " + string(to))
}

// Enc returns s in standard base64.
func Enc(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// Kinds of seals.
const (
	Shamir  = "shamir"
	Transit = "transit" // the cluster unseals itself
)

// Submitted returns "STEP NONCE SHARE" of each share that reached Vault, in order.
func (v *FakeVault) Submitted() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var list []string
	for _, l := range v.Log {
		if rest, ok := strings.CutPrefix(l, "submit "); ok {
			list = append(list, rest)
		}
	}
	return list
}
