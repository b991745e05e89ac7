package interference

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"conclave/ceremony"
	"conclave/ceremony/command"
	"conclave/ceremony/rules"
)

// observation is what Vault shows at one moment. Answers that could not be had are nil or
// missing.
type observation struct {
	seal     *ceremony.Seal // of the active node
	attempts map[ceremony.Operation]command.View
	key      *ceremony.KeyStatus
	policy   *ceremony.RotationPolicy
	nodes    []ceremony.Node
}

// ask asks Vault everything that is compared and that the bot's token may ask. It changes
// nothing.
func (w *Watcher) ask(ctx context.Context) observation {
	v, seen := w.cluster.Vault, observation{attempts: map[ceremony.Operation]command.View{}}
	seen.nodes, _ = v.Nodes(ctx) // fails with ctx only
	// The seal comes first: in another cluster the rest means nothing.
	seen.seal = put(w, "its seal", func() (ceremony.Seal, error) { return v.Seal(ctx) })
	if seen.seal != nil && (seen.seal.Sealed || !seen.seal.Initialized) {
		seen.seal = nil
	}
	for _, op := range w.watched(seen.seal) {
		attempt := put(w, "the progress of "+string(op), func() (command.View, error) { return w.progress(ctx, op) })
		if attempt != nil {
			seen.attempts[op] = *attempt
		}
	}
	if seen.seal == nil {
		return seen
	}
	seen.key = put(w, "its encryption key", func() (ceremony.KeyStatus, error) { return v.KeyStatus(ctx) })
	if seen.key != nil && seen.key.Term != w.baseline.term.number {
		seen.policy = put(w, "its rotation policy", func() (ceremony.RotationPolicy, error) {
			return v.RotationPolicy(ctx)
		})
	}
	return seen
}

// deniedPause is how long a question that Vault forbids is not put again.
const deniedPause = 10 * time.Minute

// put asks Vault one question. It returns nil without an answer. A question that Vault
// forbids is logged once, since its answer is not watched then.
func put[T any](w *Watcher, what string, question func() (T, error)) *T {
	last, denied := w.denied[what]
	if denied && time.Since(last) < deniedPause {
		return nil
	}
	answer, err := question()
	switch {
	case err == nil:
		delete(w.denied, what)
		return &answer
	case errors.Is(err, ceremony.ErrForbidden):
		if !denied {
			w.log.Warn("the interference watch can't see everything: Vault denies an answer", "question", what,
				"error", err)
		}
		w.denied[what] = time.Now()
	}
	return nil
}

// watched returns the operations whose attempts are looked for, whether ceremonies may do
// them or not. A token for a secondary of disaster recovery, or for a server in recovery
// mode, is looked for only where ceremonies may make one: other servers answer as if the
// bot's token lacked a right.
func (w *Watcher) watched(seal *ceremony.Seal) []ceremony.Operation {
	var ops []ceremony.Operation
	if seal != nil {
		ops = append(ops, seal.Rekey(), ceremony.GenerateRoot)
	}
	for _, op := range w.cluster.Operations {
		special := op == ceremony.DRToken && seal != nil || op == ceremony.RecoveryToken && seal == nil
		if special && !slices.Contains(ops, op) {
			ops = append(ops, op)
		}
	}
	return ops
}

func (w *Watcher) progress(ctx context.Context, op ceremony.Operation) (v command.View, err error) {
	v.Update, err = w.cluster.Vault.Progress(ctx, op, ceremony.StepUpdate)
	if err == nil && v.Update.VerificationNonce != "" {
		v.Verify, err = w.cluster.Vault.Progress(ctx, op, ceremony.StepVerify)
	}
	return v, err
}

// shownKeys is how many PGP keys of a foreign attempt an alarm names.
const shownKeys = 5

// attemptWords returns an attempt as an alarm shows it. The words change only when the
// attempt does.
func attemptWords(op ceremony.Operation, v command.View) string {
	p := v.Update
	words := fmt.Sprintf("%d of %d shares", p.Progress, p.Required)
	switch {
	case !p.Started:
		return "no attempt in progress"
	case v.Made():
		words = fmt.Sprintf("new shares made, %d of %d of them proven", v.Verify.Progress, v.Verify.Required)
	}
	if op.Rekeys() {
		words += fmt.Sprintf("; makes %d shares, threshold %d, verification %s", p.Shares, p.Threshold,
			ceremony.YesNo(p.VerificationRequired))
	}
	switch keys := p.Fingerprints; {
	case len(keys) == 0:
		return words + "; for no PGP key"
	case len(keys) > shownKeys:
		return words + fmt.Sprintf("; for PGP keys %s and %d more", rules.List(keys[:shownKeys]), len(keys)-shownKeys)
	}
	return words + "; for PGP keys " + rules.List(p.Fingerprints)
}

func sharesWords(shares, threshold int) string {
	return fmt.Sprintf("%d of %d shares", threshold, shares)
}

func sealedWord(sealed bool) string {
	if sealed {
		return "sealed"
	}
	return "unsealed"
}
