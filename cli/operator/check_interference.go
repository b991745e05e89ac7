package operator

import (
	"context"
	"errors"

	"conclave/ceremony"
	"conclave/config"
	"conclave/vault"
)

// checkInterference adds what the interference watch can't see because Vault denies the
// bot's token the answer.
func checkInterference(
	ctx context.Context, c *config.Cluster, f *findings, about string, client *vault.Client, seal ceremony.Seal,
) {
	if !c.Interference {
		f.add(note, about, "interference: it is not watched; nobody hears of what happens in Vault past Conclave")
		return
	}
	rekey := ceremony.Rekey
	if seal.UnsealsItself() {
		rekey = ceremony.RekeyRecovery
	}
	blind := false
	for _, question := range []struct {
		what string
		put  func() error
	}{
		{"a " + string(rekey), func() error {
			_, err := client.Progress(ctx, rekey, ceremony.StepUpdate)
			return err
		}},
		{"a generate-root", func() error {
			_, err := client.Progress(ctx, ceremony.GenerateRoot, ceremony.StepUpdate)
			return err
		}},
		{"another encryption key", func() error { _, err := client.KeyStatus(ctx); return err }},
		{"whether Vault has rotated by itself", func() error { _, err := client.RotationPolicy(ctx); return err }},
	} {
		err := question.put()
		if !errors.Is(err, ceremony.ErrForbidden) {
			continue // other errors are found with the nodes and the operations
		}
		blind = true
		if missing, ok := errors.AsType[*vault.MissingRight](err); ok {
			f.add(note, about, "interference: %s is not noticed: %v:\n%s", question.what, missing, missing.Policy())
			continue
		}
		f.add(note, about, "interference: %s is not noticed: %v", question.what, err)
	}
	if !blind {
		f.add(ok, about, "interference is watched")
	}
}
